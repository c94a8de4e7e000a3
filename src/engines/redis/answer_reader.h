#pragma once
// Reads the texts of a script's answer, one after the other. Used by signal_answers.cc, event_answers.cc,
// approval_codec.cc and, for what an answer begins with, client.cc; implemented in answer_reader.cc.
//
// Model: an answer is an array of bulk strings that begins with its kind; numbers are decimal texts, times microseconds
// of the server's clock. What is not as it should be leaves the reader failed, and reads as empty: ask is_whole once,
// at the end. Threads: one thread. Errors: data_loss for an answer that no script of ours writes; whatever code the
// script named.

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "aldis/result.h"
#include "aldis/time.h"
#include "core/ids.h"
#include "engines/redis/reply.h"
#include "ports/store_time.h"

namespace aldis {

class AnswerReader {
 public:
  // The answer must outlive it.
  explicit AnswerReader(const Reply& answer);

  std::string_view text();
  template <class Number>
  Number number() {
    const std::string_view digits = text();
    Number number{};
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, number);
    if (error == std::errc{} && rest == end && !digits.empty()) return number;
    failed_ = true;
    return {};
  }
  std::int64_t microseconds();  // that are few enough to be counted in nanoseconds
  WallTime wall() { return WallTime{std::chrono::microseconds{microseconds()}}; }
  StoreTime store() { return StoreTime{std::chrono::microseconds{microseconds()}}; }
  // None: an empty text.
  template <class Time>
  std::optional<Time> optional(Time (AnswerReader::*read)()) {
    if (failed_ || next_ >= parts_.size() || !parts_[next_].text.empty()) return (this->*read)();
    ++next_;
    return std::nullopt;
  }
  Id128 id();
  bool flag();

  void fail() { failed_ = true; }
  std::size_t rest() const { return failed_ ? 0 : parts_.size() - next_; }
  bool is_whole() const { return !failed_ && next_ == parts_.size(); }

 private:
  const std::vector<Reply>& parts_;
  std::size_t next_ = 0;
  bool failed_ = false;
};

// What an answer begins with; empty: it is none.
std::string_view kind_of(const Reply& answer);

// A reader behind the kind, if it is the one that was asked for; the error that the script named otherwise.
Result<AnswerReader> read_kind(const Reply& answer, std::string_view wanted);

std::unexpected<Error> malformed_answer(std::string_view what);

Result<std::uint64_t> read_count_answer(const Reply& answer);

// That a limit is reached does not pass by itself: a refusal for it is not retryable.
template <class T>
Result<T> lasting(Result<T> answer) {
  if (!answer && answer.error().code == ErrorCode::resource_exhausted) {
    Error refused = std::move(answer).error();
    refused.retryable = false;
    return std::unexpected(std::move(refused));
  }
  return answer;
}

// The script settled as much as it may in one run: it wants to be run again.
bool is_unfinished(const Reply& answer);
// The script found what it needs missing, or nothing to do: there is nothing that a failover could lose.
bool changed_nothing(const Reply& answer);

}  // namespace aldis
