#pragma once
// What the programs of the process tests have in common: their arguments, the store that they join, and how they say a
// line. Used by fleet_worker.cc and approval_worker.cc; who starts and hears them is fleet.h. Header only.
//
// Model: PROGRAM ROLE name=value... A line is one write, so a killed process says all of it or nothing. Threads: safe
// from any thread.

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "aldis/workspace.h"
#include "core/format.h"

namespace aldis::testing {

// A call that blocks for far longer than it may is ended by SIGALRM, which the tests count as a failure.
inline constexpr unsigned kStuckAfterSeconds = 30;

class Arguments {
 public:
  Arguments(int count, char** words) {
    for (int i = 2; i < count; ++i) {
      const std::string word = words[i];
      const std::size_t sign = word.find('=');
      values_[word.substr(0, sign)] = word.substr(sign + 1);
    }
  }
  bool has(const std::string& name) const { return values_.contains(name); }
  std::string text(const std::string& name) const { return values_.at(name); }
  std::string text_or(const std::string& name, const std::string& otherwise) const {
    return has(name) ? text(name) : otherwise;
  }
  int number(const std::string& name) const {
    const std::string& value = values_.at(name);
    int number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    return number;
  }

 private:
  std::map<std::string, std::string> values_;
};

template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  const std::string line = fmt::format(format, std::forward<Args>(args)...) + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(3);
}

inline int failed(const Error& error) {
  say("error {} {}: {}", ::getpid(), to_string(error.code), error.message);
  return 1;
}

// Everything in one directory, and nothing outside it.
inline WorkspaceOptions options_in(const std::string& directory, std::string store, std::string namespace_name) {
  WorkspaceOptions options;
  options.store = std::move(store);
  options.namespace_name = std::move(namespace_name);
  options.runtime_directory = directory;
  options.state_directory = directory + "/state";
  options.configuration_directory = directory + "/configuration";
  return options;
}

inline WorkspaceOptions options_of(const Arguments& arguments) {
  return options_in(arguments.text("directory"), arguments.text("store"), arguments.text("namespace"));
}

}  // namespace aldis::testing
