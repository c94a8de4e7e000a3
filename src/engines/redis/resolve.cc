#include "engines/redis/resolve.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

#include "core/failure.h"
#include "core/mutex.h"
#include "core/private_files.h"
#include "core/try.h"
#include "core/worker_thread.h"
#include "engines/redis/wait_for_socket.h"

namespace aldis {
namespace {

struct Answer {
  int failure = 0;  // of getaddrinfo
  std::vector<SocketAddress> addresses = {};
};

Answer ask_resolver(const char* host, const std::string& port, int flags) {
  addrinfo hints{};
  hints.ai_flags = flags | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  Answer answer;
  answer.failure = getaddrinfo(host, port.c_str(), &hints, &found);
  if (answer.failure != 0) return answer;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress& address = answer.addresses.emplace_back();
    address.length = each->ai_addrlen;
    std::memcpy(&address.bytes, each->ai_addr, each->ai_addrlen);
  }
  freeaddrinfo(found);
  return answer;
}

// Shared with a thread that may outlive the call. The thread writes to the pipe when the answer is here.
class Question {
 public:
  static Result<std::shared_ptr<Question>> make() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      return std::unexpected(system_error(ErrorCode::resource_exhausted, "cannot make a pipe", errno));
    }
    auto question = std::make_shared<Question>();
    question->done_ = own_descriptor(ends[0]);
    question->asking_ = own_descriptor(ends[1]);
    return question;
  }

  int done() const { return done_.get(); }

  void settle(Answer answer) {
    {
      const MutexLock lock(mutex_);
      answer_ = std::move(answer);
    }
    write_once(asking_, "!");
  }

  Answer take() {
    const MutexLock lock(mutex_);
    return std::move(answer_);
  }

 private:
  FileDescriptor done_;
  FileDescriptor asking_;
  Mutex mutex_;
  Answer answer_ ALDIS_GUARDED_BY(mutex_);
};

Result<Answer> ask_on_a_thread(const std::string& host, const std::string& port, const Clock& clock,
                               SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(const std::shared_ptr<Question> question, Question::make());
  ALDIS_TRY_ASSIGN(std::thread thread, start_worker_thread([question, host, port] {
                     question->settle(ask_resolver(host.c_str(), port, AI_ADDRCONFIG));
                   }));
  thread.detach();
  if (!wait_for_socket(question->done(), POLLIN, clock, deadline)) {
    return fail(ErrorCode::unavailable, "the address of {} was not found in time: check the name servers", host);
  }
  return question->take();
}

}  // namespace

Result<std::vector<SocketAddress>> resolve(const std::string& host, std::uint16_t port, const Clock& clock,
                                           SteadyTime deadline) {
  const std::string service = std::to_string(port);
  Answer answer;
  if (host == "localhost") {
    // The loopback addresses (RFC 6761), whatever a resolver says. One by one: to put several in order getaddrinfo
    // takes a lock that a fork on another thread copies, and the child could never ask again.
    for (const char* address : {"::1", "127.0.0.1"}) {
      std::ranges::move(ask_resolver(address, service, AI_NUMERICHOST).addresses, std::back_inserter(answer.addresses));
    }
  } else {
    answer = ask_resolver(host.c_str(), service, AI_NUMERICHOST);
  }
  if (answer.failure == EAI_NONAME) {
    ALDIS_TRY_ASSIGN(answer, ask_on_a_thread(host, service, clock, deadline));
  }
  if (answer.failure != 0 || answer.addresses.empty()) {
    return fail(ErrorCode::unavailable, "the address of {} is not known ({}): check its spelling", host,
                gai_strerror(answer.failure));
  }
  return std::move(answer.addresses);
}

}  // namespace aldis
