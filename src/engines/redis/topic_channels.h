#pragma once
// What a waiter's topic is on a Redis server: the channels that ring for it, and where each keeps its version. Used by
// the waker; implemented in topic_channels.cc; the scripts publish, docs/formats.md has the grammar.
//
// Model: a channel belongs to a group (groups.h) and is published on the group's server. Whatever publishes on it also
// changes its version, by which a lost message is noticed. Threads: pure.

#include <string>
#include <string_view>
#include <vector>

#include "engines/redis/groups.h"
#include "ports/waker.h"

namespace aldis {

struct Channel {
  std::string group;
  std::string name;                       // the group, "!", and what in it
  std::vector<std::string> version_read;  // the command that reads its version
};

// A topic hears one channel or several.
struct Hearing {
  Channel channel;
  std::string message;  // the only one that concerns the topic; empty: all do
};

std::vector<Hearing> hearings_of(const Groups& groups, const Topic& topic);

// "aldis1:{ns/b}" of "aldis1:{ns/b}!".
std::string_view group_of_channel(std::string_view channel);

}  // namespace aldis
