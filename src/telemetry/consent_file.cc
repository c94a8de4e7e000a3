#include "telemetry/consent_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "core/failure.h"
#include "core/private_files.h"
#include "core/try.h"
#include "telemetry/endpoint.h"
#include "telemetry/places.h"

namespace aldis::telemetry {
namespace {

constexpr std::size_t kConsentBytesMax = 2 * limits::kTelemetryEndpointBytesMax + 1024;

// Made anew: the last hand-over may run at exit, when constants with a destructor are gone.
std::string file_name() { return std::string(kConsentName); }

// The value of the line "name value" that `text` begins with; takes the line away.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view name) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') return std::nullopt;
  return line.substr(name.size() + 1);
}

// What `enable` would take today, with every permission. "-": none.
bool parse_url(std::optional<std::string_view> text, std::string& url) {
  if (!text) return false;
  if (*text == "-") return true;
  url = *text;
  return check_endpoint(url, true).has_value();
}

bool parse_lifetime(std::optional<std::string_view> text, std::chrono::milliseconds& lifetime) {
  if (!text) return false;
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
  lifetime = std::chrono::milliseconds(count);
  return error == std::errc() && end == text->data() + text->size() && lifetime >= limits::kTelemetryLifetimeMin &&
         lifetime <= limits::kTelemetryLifetimeMax;
}

bool parse_install_id(std::optional<std::string_view> text, InstallId& id) {
  if (!text || text->size() != 2 * id.size()) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const char* digits = text->data() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, id[i], 16);
    if (error != std::errc() || end != digits + 2) return false;
  }
  return true;
}

// Then what it says may not be what the user said.
bool others_may_write(const FileDescriptor& directory, const std::string& name) {
  struct stat status{};
  return fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || (status.st_mode & 022) != 0;
}

}  // namespace

std::string_view to_string(BodyFormat format) { return format == BodyFormat::otlp ? "otlp" : "jsonl"; }

std::optional<BodyFormat> parse_body_format(std::string_view text) {
  if (text == "otlp") return BodyFormat::otlp;
  if (text == "jsonl") return BodyFormat::jsonl;
  return std::nullopt;
}

std::string format_consent(const ConsentFile& consent) {
  const auto or_none = [](const std::string& url) { return url.empty() ? std::string_view("-") : url; };
  return fmt::format(
      "aldis-telemetry 1\nenabled {}\nendpoint {}\nformat {}\nlifetime-ms {}\nupdate-url {}\ninstall-id {}\n",
      consent.enabled ? "yes" : "no", or_none(consent.endpoint), to_string(consent.format), consent.lifetime.count(),
      or_none(consent.update_url), to_hex(consent.install_id));
}

std::optional<ConsentFile> parse_consent(std::string_view text) {
  std::string_view rest = text;
  ConsentFile consent;
  if (take_line(rest, "aldis-telemetry") != "1") return std::nullopt;
  consent.enabled = take_line(rest, "enabled") == "yes";
  if (!parse_url(take_line(rest, "endpoint"), consent.endpoint)) return std::nullopt;
  consent.format = parse_body_format(take_line(rest, "format").value_or("")).value_or(BodyFormat::otlp);
  if (!parse_lifetime(take_line(rest, "lifetime-ms"), consent.lifetime)) return std::nullopt;
  if (!parse_url(take_line(rest, "update-url"), consent.update_url)) return std::nullopt;
  if (!parse_install_id(take_line(rest, "install-id"), consent.install_id)) return std::nullopt;
  // Understood is only what we would have written: this refuses further lines, other spellings and unknown words.
  if (format_consent(consent) != text) return std::nullopt;
  return consent;
}

std::string to_hex(const InstallId& id) {
  std::string text;
  for (const std::uint8_t byte : id) text += fmt::format("{:02x}", byte);
  return text;
}

InstallId make_install_id() {
  InstallId id{};
  ssize_t got = 0;
  do {
    got = ::getrandom(id.data(), id.size(), 0);
  } while (got < 0 && errno == EINTR);
  return id;  // so few bytes come whole; a kernel that refuses them leaves zeros, which name nobody
}

std::optional<ConsentFile> read_consent(const std::string& directory) {
  const auto opened = open_own_directory(directory, Others::may_list);
  if (!opened) return std::nullopt;
  const auto text = read_own_file(*opened, file_name(), kConsentBytesMax);
  if (!text || others_may_write(*opened, file_name())) return std::nullopt;
  return parse_consent(*text);
}

Result<void> write_consent(const std::string& directory, const ConsentFile& consent) {
  ALDIS_TRY_ASSIGN(const auto made, make_own_directory(directory, Others::may_list));
  return replace_own_file(made, file_name(), format_consent(consent));
}

Result<void> remove_consent(const std::string& directory) {
  const auto opened = open_own_directory(directory, Others::may_list);
  if (!opened && opened.error().code == ErrorCode::not_found) return {};
  if (!opened) return std::unexpected(opened.error());
  // Left by a write that was killed half-way; it says nothing.
  ::unlinkat(opened->get(), (file_name() + ".new").c_str(), 0);
  if (::unlinkat(opened->get(), file_name().c_str(), 0) == 0 || errno == ENOENT) return {};
  return std::unexpected(
      system_error(ErrorCode::permission_denied, "cannot remove " + directory + "/" + file_name(), errno));
}

}  // namespace aldis::telemetry
