#pragma once
// Agents of a test on a store, and what they say in a word. Header only. Threads: safe from any thread.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "aldis/workspace.h"
#include "core/format.h"
#include "redis/server.h"

namespace aldis::testing {

inline constexpr std::string_view kPromises = "promises";  // the namespace

inline Workspace join(const std::string& url, std::chrono::nanoseconds call_timeout = std::chrono::seconds{10}) {
  auto workspace =
      Workspace::open({.store = url, .namespace_name = std::string(kPromises), .call_timeout = call_timeout});
  if (!workspace) ADD_FAILURE() << workspace.error().message;
  return *std::move(workspace);
}

inline CoordinationSignals act_as(std::string agent, const Workspace& workspace) {
  return *CoordinationSignals::open(workspace, std::move(agent));
}

// The id of what was sent.
inline std::string send(CoordinationSignals& sender, std::string_view target, std::string_view type = "work") {
  const auto sent = sender.signal(type, target);
  EXPECT_TRUE(sent) << sent.error().message;
  return sent ? sent->signal_id : "";
}

// The id of what was delivered or expired, "nothing" or the error.
template <class Outcome>
std::string told_by(const Result<Outcome>& outcome) {
  if (!outcome) return outcome.error().message;
  if (const auto* delivered = std::get_if<Delivered>(&*outcome)) return delivered->signal.signal_id;
  if (const auto* expired = std::get_if<Expired>(&*outcome)) return "expired " + expired->signal_id;
  return "nothing";
}

inline std::string take(CoordinationSignals& reader) { return told_by(reader.check_signal({})); }

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "ok" : std::string(to_string(result.error().code));
}

// How often the server was told `command`.
inline std::uint64_t calls_of(const RedisServer& server, std::string_view command) {
  const std::string calls = server.info(fmt::format("cmdstat_{}", command));  // calls=12,usec=…
  return calls.empty() ? 0 : std::stoull(calls.substr(calls.find('=') + 1));
}

}  // namespace aldis::testing
