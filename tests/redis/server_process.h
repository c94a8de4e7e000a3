#pragma once
// A server program that a test starts, kills and starts again. Implemented in server_process.cc.
//
// Model: the program runs at most once at a time, writes what it says into a log file, and dies with the thread that
// started it (so start it from a thread that lives as long as the test). Threads: one thread, but `signal` from any.

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace aldis::testing {

using Words = std::vector<std::string>;

struct ServerCommand {
  Words words;  // the first is looked up in PATH
  std::map<std::string, std::string, std::less<>> environment;
  std::string log_file;
  std::string package;  // of Debian; named when the program is missing
};

class ServerProcess {
 public:
  explicit ServerProcess(ServerCommand command) : command_(std::move(command)) {}
  ~ServerProcess() { kill(); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  void start();  // fails the test when the program is missing
  void kill();   // SIGKILL, and waits for the end; nothing when it does not run
  void signal(int number) const;
  bool is_running();
  pid_t pid() const { return pid_; }
  std::string log() const;

 private:
  ServerCommand command_;
  pid_t pid_ = -1;
};

}  // namespace aldis::testing
