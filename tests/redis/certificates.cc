#include "redis/certificates.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "redis/server_process.h"

namespace aldis::testing {
namespace {

constexpr const char* kConfiguration = R"([req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
[another-name]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:another-name.example
[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
)";

void openssl(Words arguments) {
  arguments.insert(arguments.begin(), "openssl");
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  int status = -1;
  const int error = ::posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ASSERT_EQ(error, 0) << "openssl is not installed: apt-get install openssl";
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0) << "openssl " << arguments[1] << " failed";
}

}  // namespace

Certificates::Certificates() {
  std::ofstream(directory_.file("openssl.cnf")) << kConfiguration;
  make_authority("authority");
  make_authority("foreign-authority");
  make("server", "authority", "server");
  make("another-name", "authority", "another-name");
  make("expired-server", "", "server");
  let_expire("expired-server", "authority");
  make("client", "authority", "client");
  make("foreign-server", "foreign-authority", "server");
  make("foreign-client", "foreign-authority", "client");
}

void Certificates::make_authority(const std::string& name) const { make(name, "", "authority"); }

// `openssl req` makes none that is over already; `openssl x509` signs only what nobody else signed.
void Certificates::let_expire(const std::string& name, const std::string& authority) const {
  const std::string certificate = identity(name).certificate;
  const Identity issuer = identity(authority);
  openssl({"x509", "-in", certificate, "-CA", issuer.certificate, "-CAkey", issuer.key, "-set_serial", "1", "-days",
           "0", "-out", certificate});
}

void Certificates::make(const std::string& name, const std::string& authority, const std::string& extensions) const {
  const Identity made = identity(name);
  Words arguments = {
      "req",      "-x509",   "-newkey", "ec",          "-pkeyopt",      "ec_paramgen_curve:P-256",      "-nodes",
      "-days",    "2",       "-subj",   "/CN=" + name, "-config",       directory_.file("openssl.cnf"), "-extensions",
      extensions, "-keyout", made.key,  "-out",        made.certificate};
  if (!authority.empty()) {
    const Identity issuer = identity(authority);
    arguments.insert(arguments.end(), {"-CA", issuer.certificate, "-CAkey", issuer.key});
  }
  openssl(std::move(arguments));
}

}  // namespace aldis::testing
