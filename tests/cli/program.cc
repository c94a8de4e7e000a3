#include "program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/format.h"

namespace aldis::testing {
namespace {

constexpr int kMostTries = 2000;

std::vector<char*> pointers(const Words& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

Words entries(const Variables& environment) {
  Words list;
  for (const auto& [name, value] : environment) list.push_back(name + "=" + value);
  return list;
}

// A descriptor that reads as `input` and then ends.
int input_descriptor(std::string_view input) {
  const int descriptor = memfd_create("input", 0);
  EXPECT_EQ(write(descriptor, input.data(), input.size()), static_cast<ssize_t>(input.size()));
  lseek(descriptor, 0, SEEK_SET);
  return descriptor;
}

// Whether the thread of that file does; false, too, when it is gone.
bool blocks(const std::filesystem::path& status_file, int signal) {
  std::ifstream status(status_file);
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("SigBlk:")) continue;
    const unsigned long long mask = std::stoull(line.substr(line.find('\t') + 1), nullptr, 16);
    return (mask >> (signal - 1) & 1) != 0;
  }
  return false;
}

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

}  // namespace

boost::json::value Ended::json() const {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(out, error);
  EXPECT_FALSE(error) << "not one JSON document: " << out << "\nstderr: " << err;
  return value;
}

boost::json::value Ended::at(std::string_view pointer) const {
  boost::json::error_code error;
  const boost::json::value document = json();
  const boost::json::value* found = document.find_pointer({pointer.data(), pointer.size()}, error);
  EXPECT_NE(found, nullptr) << "no " << pointer << " in " << out;
  return found == nullptr ? boost::json::value() : *found;
}

std::string Ended::text(std::string_view pointer) const {
  const boost::json::value value = at(pointer);
  EXPECT_TRUE(value.is_string()) << pointer << " is no string in " << out;
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

boost::json::array Ended::rows(std::string_view pointer) const {
  const boost::json::value value = at(pointer);
  EXPECT_TRUE(value.is_array()) << pointer << " is no list in " << out;
  return value.is_array() ? value.get_array() : boost::json::array();
}

Words Ended::keys(std::string_view pointer) const {
  const boost::json::value value = at(pointer);
  EXPECT_TRUE(value.is_object()) << pointer << " is no object in " << out;
  Words names;
  if (value.is_object()) {
    for (const auto& member : value.get_object()) names.emplace_back(member.key());
  }
  return names;
}

std::string Ended::raw(std::string_view before, std::string_view after) const {
  const std::size_t begin = out.find(before);
  if (begin == std::string::npos) return {};
  const std::size_t content = begin + before.size();
  return out.substr(content, out.find(after, content) - content);
}

Running::Running(const Words& arguments, const Variables& environment, std::string_view input) {
  int out[2];
  int err[2];
  EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(err, O_CLOEXEC), 0);
  const int in = input_descriptor(input);
  const Words variables = entries(environment);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in, STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    execve(arguments[0].c_str(), pointers(arguments).data(), pointers(variables).data());
    _exit(99);
  }
  close(in);
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

Running::~Running() {
  if (!reaped_) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

void Running::signal(int number) const { EXPECT_EQ(::kill(pid_, number), 0); }

bool Running::read_some() {
  std::array<pollfd, 2> watched = {pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
  if (out_ < 0 && err_ < 0) return false;
  if (poll(watched.data(), watched.size(), static_cast<int>(std::chrono::milliseconds(kPatience).count())) <= 0) {
    ADD_FAILURE() << "no output for too long; so far: " << ended_.out << ended_.err;
    return false;
  }
  const auto take = [](pollfd& from, int& descriptor, std::string& into) {
    if (from.revents == 0) return;
    std::array<char, 65536> buffer;
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(count));
    } else {
      close(descriptor);
      descriptor = -1;
    }
  };
  take(watched[0], out_, ended_.out);
  take(watched[1], err_, ended_.err);
  return true;
}

bool Running::wait_for_output(std::string_view text) {
  while (ended_.out.find(text) == std::string::npos) {
    if (out_ < 0 || !read_some()) return false;
  }
  return true;
}

bool Running::wait_for_error(std::string_view text) {
  while (ended_.err.find(text) == std::string::npos) {
    if (err_ < 0 || !read_some()) return false;
  }
  return true;
}

void Running::close_output() {
  close(out_);
  out_ = -1;
}

int Running::wait_for_end() {
  int status = 0;
  if (!reaped_) {
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    ended_.exit_code = exit_code_of(status);
    reaped_ = true;
  }
  return ended_.exit_code;
}

Ended Running::wait() {
  while (read_some()) {
  }
  wait_for_end();
  return ended_;
}

Sandbox::Sandbox() { std::filesystem::create_directory(home()); }

std::string Sandbox::home() const { return directory_.path() + "/home"; }

Variables Sandbox::environment(const Variables& more) const {
  Variables variables = {
      {"PATH", "/usr/bin:/bin"}, {"HOME", home()}, {"ALDIS_RUNTIME_DIR", directory_.path() + "/run"}};
  for (const auto& [name, value] : more) {
    if (value.empty()) {
      variables.erase(name);
    } else {
      variables[name] = value;
    }
  }
  return variables;
}

std::string Sandbox::write_file(const std::string& name, std::string_view content) const {
  const std::filesystem::path path = std::filesystem::path(directory_.path()) / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path.string();
}

Words Sandbox::command(const Words& arguments) const {
  Words words = {ALDIS_EXECUTABLE};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

Ended Sandbox::aldis(const Words& arguments, const Variables& more, std::string_view input) const {
  return Running(command(arguments), environment(more), input).wait();
}

Ended Sandbox::aldis_until(int exit_code, const Words& arguments, const Variables& more) const {
  for (int i = 0; i < kMostTries; ++i) {
    Ended ended = aldis(arguments, more);
    if (ended.exit_code == exit_code) return ended;
  }
  ADD_FAILURE() << arguments.front() << " never ended with " << exit_code;
  return {};
}

void wait_until_blocked(pid_t pid, int signal) {
  for (int i = 0; i < kMostTries * 100; ++i) {
    if (blocks(fmt::format("/proc/{}/status", pid), signal)) return;
  }
  ADD_FAILURE() << "process " << pid << " never blocked signal " << signal;
}

void wait_until_open(pid_t pid, int signal) {
  for (int i = 0; i < kMostTries * 100; ++i) {
    for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
      if (!blocks(thread.path() / "status", signal)) return;
    }
  }
  ADD_FAILURE() << "process " << pid << " never opened itself to signal " << signal;
}

std::string probe() { return ALDIS_PROBE; }

}  // namespace aldis::testing
