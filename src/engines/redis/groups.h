#pragma once
// The groups of keys that change together, and so live on one hash slot: what stands before every key of ours on a
// Redis server. Used by the Redis engines; implemented in groups.cc; the keys behind them are in docs/formats.md.
//
// Model: a group is "aldis1:{<namespace>/<kind>}"; the part in braces is the hash tag. Format version 1 is in the name.
// Threads: a value type; const calls are safe.

#include <string>
#include <string_view>

namespace aldis {

class Groups {
 public:
  explicit Groups(std::string_view namespace_name);

  std::string mailbox(std::string_view agent) const;             // aldis1:{ns/m/<two hexadecimal digits>}, of 256
  std::string mailbox_shard(unsigned shard) const;               // the same by number
  const std::string& broadcasts() const { return broadcasts_; }  // aldis1:{ns/b}
  std::string heartbeats(std::string_view agent) const;  // aldis1:{ns/h/<two hexadecimal digits>}, of kHeartbeatShards
  std::string heartbeat_shard(unsigned shard) const;
  const std::string& approvals() const { return approvals_; }  // aldis1:{ns/a}: requests and the audit log
  std::string stream(std::string_view type) const;             // aldis1:{ns/e/<type>}
  const std::string& streams() const { return streams_; }      // aldis1:{ns/e}: which streams there are

 private:
  std::string prefix_;  // "aldis1:{ns/"
  std::string broadcasts_;
  std::string approvals_;
  std::string streams_;
};

inline constexpr unsigned kMailboxShards = 256;
inline constexpr unsigned kHeartbeatShards = 64;

}  // namespace aldis
