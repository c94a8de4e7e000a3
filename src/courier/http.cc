#include "courier/http.h"

// What older versions of libcurl need instead of newer options is used on purpose.
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#include <dlfcn.h>

#include <optional>

#include "core/failure.h"
#include "telemetry/endpoint.h"

namespace aldis::courier {
namespace {

struct Certificates {
  std::optional<std::string> file;
  std::optional<std::string> directory;
};

// As the command `curl` takes them; the library by itself reads none of these variables.
Certificates certificates_of(const Environment& environment) {
  if (auto bundle = environment.get("CURL_CA_BUNDLE")) return {std::move(bundle), std::nullopt};
  return {environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")};
}

struct Answer {
  std::string body;
  std::size_t bytes_max = 0;
};

// Anything but the size that it got ends the transfer.
std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* where) {
  Answer& answer = *static_cast<Answer*>(where);
  if (count > answer.bytes_max - answer.body.size()) return 0;
  answer.body.append(bytes, count);
  return count;
}

}  // namespace

struct Http::Curl {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_reset) easy_reset = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_perform) easy_perform = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
  CURL* handle = nullptr;
  Certificates certificates;

  Curl() = default;
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;
  // The library stays: its threads may still be resolving a name.
  ~Curl() {
    if (handle != nullptr) easy_cleanup(handle);
  }

  bool find_all(void* library);
  template <class Function>
  static bool find(void* library, const char* name, Function& function);
  void restrict_to_what_is_promised() const;
  void use_certificates() const;
  curl_slist* headers_of(const HttpRequest& request) const;
  void describe(const HttpRequest& request) const;
  HttpAnswer read_answer(CURLcode result, std::string body) const;
};

template <class Function>
bool Http::Curl::find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

bool Http::Curl::find_all(void* library) {
  return find(library, "curl_global_init", global_init) && find(library, "curl_easy_init", easy_init) &&
         find(library, "curl_easy_reset", easy_reset) && find(library, "curl_easy_setopt", easy_setopt) &&
         find(library, "curl_easy_perform", easy_perform) && find(library, "curl_easy_getinfo", easy_getinfo) &&
         find(library, "curl_easy_cleanup", easy_cleanup) && find(library, "curl_slist_append", slist_append) &&
         find(library, "curl_slist_free_all", slist_free_all);
}

void Http::Curl::restrict_to_what_is_promised() const {
  if (easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK) {  // before 7.85
    easy_setopt(handle, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  }
  easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  easy_setopt(handle, CURLOPT_HTTP09_ALLOWED, 0L);
  easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
}

void Http::Curl::use_certificates() const {
  if (certificates.file) {
    easy_setopt(handle, CURLOPT_CAINFO, certificates.file->c_str());
    easy_setopt(handle, CURLOPT_PROXY_CAINFO, certificates.file->c_str());
  }
  if (certificates.directory) {
    easy_setopt(handle, CURLOPT_CAPATH, certificates.directory->c_str());
    easy_setopt(handle, CURLOPT_PROXY_CAPATH, certificates.directory->c_str());
  }
}

curl_slist* Http::Curl::headers_of(const HttpRequest& request) const {
  // Waiting for "100 Continue" would cost a second when a receiver does not know it.
  curl_slist* list = slist_append(nullptr, "Expect:");
  for (const auto& [name, value] : request.headers) list = slist_append(list, (name + ": " + value).c_str());
  return list;
}

void Http::Curl::describe(const HttpRequest& request) const {
  easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  // Else http_proxy would carry off, readable, what was to stay on this host.
  if (telemetry::is_loopback(request.url)) easy_setopt(handle, CURLOPT_PROXY, "");
  if (!request.post) return;
  easy_setopt(handle, CURLOPT_POST, 1L);
  easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
}

HttpAnswer Http::Curl::read_answer(CURLcode result, std::string body) const {
  HttpAnswer answer{
      .arrived = result == CURLE_OK, .too_slow = result == CURLE_OPERATION_TIMEDOUT, .body = std::move(body)};
  long status = 0;
  if (easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK) answer.status = static_cast<int>(status);
  const char* type = nullptr;
  if (easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != nullptr) answer.content_type = type;
  curl_off_t seconds = 0;
  if (easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0) {
    answer.retry_after = std::chrono::seconds{seconds};
  }
  return answer;
}

Http::Http(std::unique_ptr<Curl> curl) : curl_(std::move(curl)) {}
Http::Http(Http&&) noexcept = default;
Http& Http::operator=(Http&&) noexcept = default;
Http::~Http() = default;

Result<Http> Http::load(const Environment& environment) {
  void* const library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return fail(ErrorCode::unavailable, "libcurl.so.4 cannot be loaded: install libcurl");
  auto curl = std::make_unique<Curl>();
  if (!curl->find_all(library) || curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return fail(ErrorCode::unavailable, "libcurl.so.4 lacks what is needed: install a newer libcurl");
  }
  curl->handle = curl->easy_init();
  if (curl->handle == nullptr) return fail(ErrorCode::unavailable, "libcurl cannot be started");
  curl->certificates = certificates_of(environment);
  return Http(std::move(curl));
}

HttpAnswer Http::send(const HttpRequest& request) {
  const Curl& curl = *curl_;
  curl.easy_reset(curl.handle);  // connections stay
  curl.restrict_to_what_is_promised();
  curl.use_certificates();
  curl.describe(request);
  curl_slist* const headers = curl.headers_of(request);
  curl.easy_setopt(curl.handle, CURLOPT_HTTPHEADER, headers);
  Answer answer{.body = {}, .bytes_max = request.answer_bytes_max};
  curl.easy_setopt(curl.handle, CURLOPT_WRITEFUNCTION, &take_body);
  curl.easy_setopt(curl.handle, CURLOPT_WRITEDATA, &answer);
  const CURLcode result = curl.easy_perform(curl.handle);
  curl.slist_free_all(headers);
  return curl.read_answer(result, std::move(answer.body));
}

}  // namespace aldis::courier
