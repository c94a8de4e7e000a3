#include "event_stage.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <charconv>

namespace aldis::testing {

EventStage::EventStage(std::string_view kind) {
  if (kind == "redis") server_ = std::make_unique<RedisServer>();
  fleet_ = std::make_unique<Fleet>(server_ ? server_->url() : "local:", ALDIS_EVENT_WORKER);
}

void EventStage::publish(const std::string& type, int count) const {
  EventStreamer streamer = events();
  for (int i = 0; i < count; ++i) {
    const auto event = streamer.publish_event(type);
    ASSERT_TRUE(event) << event.error().message;
  }
}

void EventStage::keep(const std::string& type, std::uint64_t max_length) const {
  const auto configured = events().configure_stream(type, {.max_length = max_length});
  ASSERT_TRUE(configured) << configured.error().message;
}

pid_t EventStage::start(Words arguments, const Words& environment) {
  return fleet_->start(std::move(arguments), "default", environment);
}

Words EventStage::hear(std::string_view word) {
  const auto line = fleet_->hear();
  if (line && line->front() == word) return {line->begin() + 1, line->end()};
  std::string said;
  for (const std::string& part : line.value_or(Words{"nothing"})) said += part + " ";
  ADD_FAILURE() << "expected " << word << ", heard " << said;
  return {};
}

pid_t EventStage::start_ready(Words arguments) {
  const pid_t pid = start(std::move(arguments));
  EXPECT_EQ(hear("ready"), Words{std::to_string(pid)});
  return pid;
}

void EventStage::stop(pid_t pid) {
  ASSERT_GT(pid, 0);
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  wait_until_stopped(pid);
}

void EventStage::wait_until_stopped(pid_t pid) {
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WEXITED | WNOWAIT), 0);
  ASSERT_EQ(info.si_code, CLD_STOPPED);
}

void EventStage::go_on(pid_t pid) {
  ASSERT_GT(pid, 0);
  ASSERT_EQ(::kill(pid, SIGCONT), 0);
}

std::uint64_t to_ordinal(const std::string& text) {
  std::uint64_t ordinal = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ordinal);
  EXPECT_TRUE(error == std::errc{} && end == text.data() + text.size()) << text;
  return ordinal;
}

std::uint64_t ordinal_of_id(const std::string& event_id) { return to_ordinal(event_id.substr(event_id.find('-') + 1)); }

std::uint64_t ms_of_id(const std::string& event_id) { return to_ordinal(event_id.substr(0, event_id.find('-'))); }

Words ordinals_between(std::uint64_t first, std::uint64_t last) {
  Words words;
  for (std::uint64_t ordinal = first; ordinal <= last; ++ordinal) words.push_back(std::to_string(ordinal));
  return words;
}

}  // namespace aldis::testing
