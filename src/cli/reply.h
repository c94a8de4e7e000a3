#pragma once
// What a command answers, before it is printed. Made by commands/*.cc, printed by envelope.cc; implemented in reply.cc.
//
// Model: `data` is what a program reads, `view` what a person reads on a terminal. Without a failure the exit code is
// 0. A failure may come with data (an expired signal says which). A stream has printed its own lines already.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/error.h"
#include "cli/exit_codes.h"

namespace aldis::cli {

struct Failure {
  ExitCode exit = ExitCode::general_error;
  std::string code = {};
  std::string message = {};
  std::string detail = {};  // optional, as all below
  std::string suggestion = {};
  std::string fix_command = {};
  bool retryable = false;
};

// Of a list: which part of it this is.
struct Page {
  std::optional<std::uint64_t> total_count = {};  // none: counting them all would cost too much
  std::uint64_t returned_count = 0;
  std::string cursor = {};  // empty: this was the last page
};

struct Reply {
  std::string data = "null";  // JSON text
  std::string view = {};      // for a terminal; ends in a newline unless empty
  std::optional<Failure> failure = {};
  std::vector<std::string> warnings = {};
  std::optional<Page> page = {};
  std::string meta = {};                     // further members of `meta`, as JSON without the braces
  std::vector<std::string> rows = {};        // of a list: its elements, for --output jsonl
  bool streamed = false;                     // stdout is the lines of a stream: failure and warnings go to stderr
  std::optional<int> passed_exit_code = {};  // of a program that `run` ran: nothing is printed, this is the exit code

  int exit_code() const;
};

Failure make_failure(const Error& error);
Reply fail_with(const Error& error);
Reply fail_with(ExitCode exit, std::string_view code, std::string message);

// Several bad arguments in one answer, the first ten in words. REQUIRES: `problems` is not empty.
Reply bad_arguments(const std::vector<std::string>& problems);

}  // namespace aldis::cli
