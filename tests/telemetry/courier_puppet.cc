// Stands beside the tests in a courier's place and says what it was given: a line of JSON, appended to `heard` in its
// state directory. With --print it says the same on stdout; with --hold it then waits until it is killed.

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "core/json_writer.h"

namespace {

constexpr std::string_view kState = "ALDIS_COURIER_STATE=";

void add_texts(aldis::JsonWriter& json, const char* name, char** texts) {
  json.key(name).begin_array();
  for (; *texts != nullptr; ++texts) json.text(*texts);
  json.end_array();
}

void add_descriptors(aldis::JsonWriter& json) {
  json.key("descriptors").begin_array();
  for (int number = 0; number < 1024; ++number) {
    std::error_code failure;
    const auto target = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(number), failure);
    if (!failure) json.text(std::to_string(number) + " " + target.string());
  }
  json.end_array();
}

bool has_own_signals() {
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action{};
    if (sigismember(&blocked, signal) == 1) return true;
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_DFL) return true;
  }
  return false;
}

std::string describe(char** arguments) {
  aldis::JsonWriter json;
  json.begin_object();
  add_texts(json, "arguments", arguments);
  add_texts(json, "environment", environ);
  add_descriptors(json);
  json.text("directory", std::filesystem::current_path().string());
  json.boolean("leads_its_session", getsid(0) == getpid());
  json.boolean("has_own_signals", has_own_signals());
  json.end_object();
  return json.take() + "\n";
}

bool has_word(char** arguments, std::string_view word) {
  for (; *arguments != nullptr; ++arguments) {
    if (*arguments == word) return true;
  }
  return false;
}

}  // namespace

int main(int, char** argv) {
  const std::string said = describe(argv);
  if (has_word(argv, "--print") && write(STDOUT_FILENO, said.data(), said.size()) < 0) return 1;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with(kState)) continue;
    const std::string path = std::string(text.substr(kState.size())) + "/heard";
    const int file = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0 && write(file, said.data(), said.size()) < 0) return 1;
  }
  if (has_word(argv, "--hold")) pause();
  return has_word(argv, "--print") ? 7 : 0;
}
