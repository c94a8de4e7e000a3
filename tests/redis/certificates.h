#pragma once
// Certificates for servers and clients of a test, made by the `openssl` command. Implemented in certificates.cc.
//
// Model: two authorities that know nothing of each other; under the first a server for 127.0.0.1 and localhost, a
// server for another name, one whose time is over, and a client; under the second a server and a client that must be
// refused. All are files, gone with the object. Threads: const calls are safe.

#include <string>

#include "fakes/scratch_directory.h"

namespace aldis::testing {

struct Identity {
  std::string certificate;
  std::string key;
};

// What a server needs to speak TLS.
struct ServerTls {
  std::string authority;  // of the clients
  Identity identity;
  bool wants_client_certificate = false;
};

class Certificates {
 public:
  Certificates();

  std::string authority() const { return directory_.file("authority.pem"); }
  std::string foreign_authority() const { return directory_.file("foreign-authority.pem"); }
  Identity server() const { return identity("server"); }
  Identity server_of_another_name() const { return identity("another-name"); }
  Identity expired_server() const { return identity("expired-server"); }
  Identity client() const { return identity("client"); }
  Identity foreign_server() const { return identity("foreign-server"); }
  Identity foreign_client() const { return identity("foreign-client"); }

  ServerTls tls(bool wants_client_certificate = false) const {
    return {authority(), server(), wants_client_certificate};
  }

 private:
  Identity identity(std::string_view name) const {
    return {directory_.file(std::string(name) + ".pem"), directory_.file(std::string(name) + ".key")};
  }
  void make_authority(const std::string& name) const;
  void make(const std::string& name, const std::string& authority, const std::string& extensions) const;
  void let_expire(const std::string& name, const std::string& authority) const;

  ScratchDirectory directory_;
};

}  // namespace aldis::testing
