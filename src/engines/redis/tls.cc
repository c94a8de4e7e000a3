#include "engines/redis/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

#include "core/failure.h"
#include "core/fork_hold.h"
#include "core/try.h"

namespace aldis {
namespace {

template <auto Free>
struct Freeing {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

// OpenSSL lets go of what it keeps for a thread when the thread ends, under locks: here, before it does so itself.
struct ThreadEnd {
  ~ThreadEnd() {
    const ForkHold hold;
    OPENSSL_thread_stop();
  }
};

// Lives as long as a function is in OpenSSL.
class OpensslCall {
 public:
  OpensslCall() { [[maybe_unused]] static thread_local const ThreadEnd kEnd; }

 private:
  const ForkHold hold_;
};

constexpr std::size_t kChunkBytes = 16 * 1024;  // a TLS record

std::string oldest_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  return reason == nullptr ? "no reason given" : reason;
}

Result<void> check_readable(std::string_view what, const std::string& path) {
  if (access(path.c_str(), R_OK) == 0) return {};
  const ErrorCode code = errno == EACCES ? ErrorCode::permission_denied : ErrorCode::failed_precondition;
  return std::unexpected(system_error(code, fmt::format("cannot read the {} {}", what, path), errno));
}

Result<void> check_loaded(std::string_view what, const std::string& path, bool loaded) {
  if (loaded) return {};
  return fail(ErrorCode::invalid_argument, "{} is no {} in PEM format that can be used: {}", path, what,
              oldest_reason());
}

// In place of a question at the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writes*/, void* /*data*/) { return -1; }

Result<void> load_authorities(SSL_CTX* context, const std::string& path) {
  if (path.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return fail(ErrorCode::failed_precondition, "the system's certificate authorities cannot be read ({}): name a file",
                oldest_reason());
  }
  ALDIS_TRY(check_readable("certificate authorities", path));
  return check_loaded("certificate authority", path, SSL_CTX_load_verify_file(context, path.c_str()) == 1);
}

Result<void> load_certificate(SSL_CTX* context, const TlsOptions& options) {
  const std::string& certificate = options.certificate_file;
  const std::string& key = options.key_file;
  if (certificate.empty()) return {};
  ALDIS_TRY(check_readable("client certificate", certificate));
  ALDIS_TRY(check_readable("client key", key));
  const bool has_certificate = SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) == 1;
  ALDIS_TRY(check_loaded("certificate", certificate, has_certificate));
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  const bool has_key = SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
  return check_loaded(fmt::format("private key (without passphrase) of {}", certificate), key, has_key);
}

std::string advice_about(long flaw, const std::string& host) {
  switch (flaw) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return ": renew it, or look at the clock of this machine";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format(
          ": {} must be in it, or the store's URL (or what Sentinels or the cluster announce) must name "
          "the server as its certificate does",
          host);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return ": name the authority that signed it with ca=";
    default:
      return "";
  }
}

bool is_about_our_certificate(const SSL* ssl, int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
      return true;
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:  // TLS 1.2: also when we have none; not before the server's hello
      return SSL_get_pending_cipher(ssl) != nullptr;
    default:
      return false;
  }
}

}  // namespace

struct TlsContext::Handle {
  std::unique_ptr<SSL_CTX, Freeing<SSL_CTX_free>> context;
};

struct TlsSession::Handle {
  std::unique_ptr<SSL, Freeing<SSL_free>> ssl;
  BIO* from_network = nullptr;  // these belong to ssl
  BIO* to_network = nullptr;
  std::optional<Error> failure = std::nullopt;  // of a decrypt that had to hand out what came before
};

TlsContext::TlsContext(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
TlsContext::~TlsContext() {
  const OpensslCall call;
  handle_.reset();
}

Result<std::shared_ptr<TlsContext>> TlsContext::make(const TlsOptions& options) {
  const OpensslCall call;
  // Without its clean-up at exit: connections may live longer, and the host program may be a user too.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr);
  ERR_clear_error();
  auto handle = std::make_unique<Handle>();
  handle->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = handle->context.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
    return fail(ErrorCode::failed_precondition, "OpenSSL cannot be used: {}", oldest_reason());
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  ALDIS_TRY(load_authorities(context, options.ca_file));
  ALDIS_TRY(load_certificate(context, options));
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(handle)));
}

TlsSession::TlsSession(std::unique_ptr<Handle> handle, std::string host)
    : handle_(std::move(handle)), host_(std::move(host)) {}
TlsSession::~TlsSession() {
  const OpensslCall call;
  handle_.reset();
}

Result<std::unique_ptr<TlsSession>> TlsSession::make(const TlsContext& context, const std::string& host) {
  const OpensslCall call;
  ERR_clear_error();
  auto handle = std::make_unique<Handle>();
  handle->ssl.reset(SSL_new(context.handle_->context.get()));
  SSL* ssl = handle->ssl.get();
  handle->from_network = BIO_new(BIO_s_mem());
  handle->to_network = BIO_new(BIO_s_mem());
  if (ssl == nullptr || handle->from_network == nullptr || handle->to_network == nullptr) std::abort();  // no memory
  SSL_set_bio(ssl, handle->from_network, handle->to_network);
  SSL_set_connect_state(ssl);

  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
  const bool is_name = !is_address && !host.empty() &&
                       X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1 &&
                       SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  if (!is_address && !is_name) {
    return fail(ErrorCode::invalid_argument, "\"{}\" is no name of a host that a certificate can be for", host);
  }
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(handle), host));
}

Result<bool> TlsSession::shake_hands() {
  const OpensslCall call;
  ERR_clear_error();
  const int outcome = SSL_do_handshake(handle_->ssl.get());
  if (outcome == 1) return true;
  if (SSL_get_error(handle_->ssl.get(), outcome) == SSL_ERROR_WANT_READ) return false;
  return std::unexpected(failure_of(outcome));
}

void TlsSession::receive(std::string_view cipher) {
  const OpensslCall call;
  const int written = BIO_write(handle_->from_network, cipher.data(), static_cast<int>(cipher.size()));
  if (written != static_cast<int>(cipher.size())) std::abort();  // out of memory
}

std::string TlsSession::take_output() {
  const OpensslCall call;
  std::string output(BIO_ctrl_pending(handle_->to_network), '\0');
  if (!output.empty()) BIO_read(handle_->to_network, output.data(), static_cast<int>(output.size()));
  return output;
}

Result<void> TlsSession::encrypt(std::string_view plain) {
  const OpensslCall call;
  ERR_clear_error();
  if (plain.empty()) return {};
  std::size_t written = 0;
  const int outcome = SSL_write_ex(handle_->ssl.get(), plain.data(), plain.size(), &written);
  if (outcome == 1) return {};
  return std::unexpected(failure_of(outcome));
}

Result<void> TlsSession::decrypt(std::string& plain) {
  const OpensslCall call;
  if (handle_->failure) return std::unexpected(*handle_->failure);
  const std::size_t before = plain.size();
  char chunk[kChunkBytes];
  for (;;) {
    ERR_clear_error();
    std::size_t length = 0;
    const int outcome = SSL_read_ex(handle_->ssl.get(), chunk, sizeof chunk, &length);
    if (outcome == 1) {
      plain.append(chunk, length);
      continue;
    }
    if (SSL_get_error(handle_->ssl.get(), outcome) == SSL_ERROR_WANT_READ) return {};
    handle_->failure = failure_of(outcome);
    if (plain.size() > before) return {};
    return std::unexpected(*handle_->failure);
  }
}

Error TlsSession::failure_of(int outcome) const {
  SSL* ssl = handle_->ssl.get();
  if (SSL_get_error(ssl, outcome) == SSL_ERROR_ZERO_RETURN) {
    return make_error(ErrorCode::unavailable, "the server ended it");
  }
  const int reason = ERR_GET_REASON(ERR_peek_error());
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const long flaw = SSL_get_verify_result(ssl);
    return make_error(ErrorCode::failed_precondition, "its certificate is not accepted for {} ({}){}", host_,
                      X509_verify_cert_error_string(flaw), advice_about(flaw, host_));
  }
  if (is_about_our_certificate(ssl, reason)) {
    return make_error(
        ErrorCode::failed_precondition,
        "it does not accept our certificate ({}): name one that it does with cert= and key=", oldest_reason());
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER) {
    return make_error(ErrorCode::unavailable,
                      "it does not speak TLS at this port: use the port that does, or redis://");
  }
  return make_error(ErrorCode::unavailable, "{}", oldest_reason());
}

}  // namespace aldis
