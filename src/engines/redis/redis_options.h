#pragma once
// What a store URL says about a Redis: where it is, as whom to log in, how to protect the connection. Header only; a
// value, made by parse_store_url (store_url.h) and completed by load_password_files (password_file.h).

#include <optional>
#include <string>
#include <vector>

#include "engines/redis/endpoint.h"

namespace aldis {

// Both empty: no AUTH. A password alone is that of the user "default".
struct Credentials {
  std::string user = {};
  std::string password = {};

  bool operator==(const Credentials&) const = default;
};

// Paths of PEM files. No ca_file: the system's authorities. The certificate and its key come together or not at all.
struct TlsOptions {
  std::string ca_file = {};
  std::string certificate_file = {};
  std::string key_file = {};

  bool operator==(const TlsOptions&) const = default;
};

struct RedisOptions {
  enum class Kind { single, sentinel, cluster };

  Kind kind = Kind::single;
  std::vector<Endpoint> endpoints = {};  // the server; the Sentinels; the nodes to ask for the cluster's others
  std::string master_name = {};          // Sentinel only
  Credentials credentials = {};
  std::string password_file = {};  // empty, or where credentials.password comes from
  Credentials sentinel_credentials = {};
  std::string sentinel_password_file = {};
  unsigned database = 0;
  std::optional<TlsOptions> tls = {};
  unsigned replicas = 0;  // how many must have a write before it counts as done

  bool operator==(const RedisOptions&) const = default;
};

}  // namespace aldis
