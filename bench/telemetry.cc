// Telemetry on, beside telemetry off: recording, finishing, and whole runs of `tool list`.

#include "aldis/telemetry.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "core/private_files.h"
#include "program.h"
#include "rows.h"
#include "scene.h"
#include "telemetry/gate.h"

namespace aldis::bench {
namespace {

enum class Command { list, slow };
consteval auto telemetry_names(Command) { return telemetry_values("list", "slow"); }

struct CommandRun {
  Command command;
  bool json = false;
  Bounded<0, 1'000'000> rows;

  static constexpr auto telemetry =
      telemetry_event("command_run", telemetry_field("command", &CommandRun::command),
                      telemetry_field("json", &CommandRun::json), telemetry_field("rows", &CommandRun::rows));
};

using Client = TelemetryClient<CommandRun>;

constexpr CommandRun kRun{.command = Command::list, .json = true, .rows = 3};
constexpr std::chrono::hours kClosed{1};

// A loopback port: answers every request with 200 and no body, or never completes a connection.
class Endpoint {
 public:
  explicit Endpoint(bool answers) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool listens = ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                         ::listen(socket_, answers ? 64 : 0) == 0 &&
                         ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (!listens) must(Result<void>(std::unexpected(Error{{}, "cannot listen on loopback"})));
    url_ = fmt::format("http://127.0.0.1:{}/", ntohs(address.sin_port));
    if (answers) {
      server_ = std::thread([this] { serve(); });
    } else {
      // A full queue of connections that nobody accepts: further SYNs are dropped.
      for (int& filler : fillers_) {
        filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        [[maybe_unused]] const int in_progress = ::connect(filler, reinterpret_cast<sockaddr*>(&address), size);
      }
    }
  }
  ~Endpoint() {
    ::shutdown(socket_, SHUT_RDWR);
    if (server_.joinable()) server_.join();
    for (const int filler : fillers_) ::close(filler);
    ::close(socket_);
  }
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const std::string& url() const { return url_; }

 private:
  void serve() const {
    constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (int client = 0; (client = ::accept(socket_, nullptr, nullptr)) >= 0; ::close(client)) {
      char buffer[65536];
      if (::read(client, buffer, sizeof buffer) > 0) {
        static_cast<void>(!::write(client, kAnswer.data(), kAnswer.size()));
        ::shutdown(client, SHUT_WR);
        while (::read(client, buffer, sizeof buffer) > 0) {
        }
      }
    }
  }

  int socket_;
  std::string url_;
  std::thread server_;
  std::array<int, 4> fillers_{-1, -1, -1, -1};
};

// A home of its own, with telemetry enabled towards `endpoint`.
class Home {
 public:
  explicit Home(const std::string& endpoint) {
    Client client(options({}));
    const std::vector<std::string> arguments = {"enable", "--endpoint", endpoint, "--lifetime-ms", "100"};
    if (client.telemetry_command(arguments).exit_code != 0) {
      fmt::print(stderr, "aldis_bench: telemetry cannot be enabled\n");
      std::exit(1);
    }
    set_gate(kClosed);
  }

  TelemetryOptions options(const EnvironmentSnapshot& more) const {
    EnvironmentSnapshot environment = {{"HOME", scene_.path("home")}};
    environment.insert(more.begin(), more.end());
    return {.tool = "tool", .version = "1.0.0", .environment = std::move(environment)};
  }
  Words variables() const { return {"HOME=" + scene_.path("home")}; }

  void set_gate(std::chrono::seconds pause) const {
    const auto directory = must(make_own_directory(state(), Others::nothing));
    auto gate = must(telemetry::Gate::open(directory));
    gate.take_pen(true);
    const auto now = std::chrono::floor<std::chrono::seconds>(SystemClock().wall_now());
    gate.write({.next_attempt_at = now + pause});
  }
  void empty_spool() const {
    std::error_code ignored;
    std::filesystem::remove(state() + "/spool", ignored);
    std::filesystem::remove_all(state() + "/batch", ignored);
  }

 private:
  std::string state() const { return scene_.path("home") + "/.local/state/tool/telemetry"; }

  Scene scene_;
};

const EnvironmentSnapshot kOff = {{"NO_TELEMETRY", "1"}};

Row event_row() {
  const Home home("https://telemetry.example/v1/logs");
  TelemetryOptions options = home.options({});
  options.spool_only = true;
  Client client(options);
  Row row{.work = "`event()`", .median_max = 200};
  for (int i = 0; i < 2'000; ++i) {
    row.ours.push_back(time_once([&] { client.event(kRun); }, limits::kTelemetryRingRecords));
    client.hand_over();
    if (i % 20 == 0) home.empty_spool();
  }
  return row;
}

double time_finish(const TelemetryOptions& options) {
  Client client(options);
  client.event(kRun);
  return time_once([&] { client.finish(0); });
}

Row finish_closed_row() {
  const Home home("https://telemetry.example/v1/logs");
  Row row{.work = "`finish()`, gate closed", .yardstick = "telemetry off", .extra_max = 50'000};
  for (int i = 0; i < 2'000; ++i) {
    row.ours.push_back(time_finish(home.options({})));
    row.raw.push_back(time_finish(home.options(kOff)));
    if (i % 100 == 0) home.empty_spool();
  }
  return row;
}

// The courier's end is awaited outside the timing: the next one could not start before.
double time_start(const Home& home) {
  home.set_gate(std::chrono::seconds{0});
  const double nanoseconds = time_finish(home.options({}));
  if (::waitpid(-1, nullptr, 0) < 0) {
    fmt::print(stderr, "aldis_bench: no courier was started\n");
    std::exit(1);
  }
  home.empty_spool();
  return nanoseconds;
}

std::vector<Row> finish_open_rows() {
  const Endpoint live(true);
  const Endpoint black_hole(false);
  const Home answering(live.url());
  const Home silent(black_hole.url());
  Row open{.work = "`finish()`, a courier is started", .yardstick = "telemetry off", .extra_max = 1'000'000};
  Row hole{.work = "`finish()`, towards a black hole", .yardstick = "towards a live endpoint", .ratio_max = 1.05};
  for (int i = 0; i < 200; ++i) {
    open.ours.push_back(time_start(answering));
    open.raw.push_back(time_finish(answering.options(kOff)));
    hole.ours.push_back(time_start(silent));
  }
  hole.raw = open.ours;
  return {open, hole};
}

std::vector<Row> tool_rows(const std::string& binaries) {
  constexpr int kCalls = 500;
  constexpr int kLoops = 5;
  const Endpoint black_hole(false);
  const Home home(black_hole.url());
  home.set_gate(std::chrono::seconds{0});
  const Words tool = {binaries + "/tool", "list"};
  const Scene never_enabled;
  const Words off = {"HOME=" + never_enabled.path("home")};
  Row eof{.work = "`$(tool list)`, time to EOF", .yardstick = "telemetry off", .extra_max = 1'000'000};
  Row loop{.work = "500 calls of `tool list`", .yardstick = "telemetry off", .extra_max = 50'000'000};
  for (int i = 0; i < kLoops; ++i) {
    double on_total = 0;
    double off_total = 0;
    for (int call = 0; call < kCalls; ++call) {
      eof.ours.push_back(time_once([&] { read_program(tool, home.variables()); }));
      eof.raw.push_back(time_once([&] { read_program(tool, off); }));
      on_total += eof.ours.back();
      off_total += eof.raw.back();
    }
    loop.ours.push_back(on_total);
    loop.raw.push_back(off_total);
    home.empty_spool();
  }
  return {eof, loop};
}

}  // namespace

std::vector<Row> telemetry_rows(const std::string& binaries) {
  std::vector<Row> rows = {event_row(), finish_closed_row()};
  for (Row& row : finish_open_rows()) rows.push_back(std::move(row));
  for (Row& row : tool_rows(binaries)) rows.push_back(std::move(row));
  return rows;
}

}  // namespace aldis::bench
