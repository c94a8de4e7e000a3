#include "contract/redis_engines.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "aldis/limits.h"
#include "core/clock.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_approvals.h"
#include "engines/redis/redis_audit.h"
#include "engines/redis/redis_event_groups.h"
#include "engines/redis/redis_events.h"
#include "engines/redis/redis_heartbeats.h"
#include "engines/redis/redis_signals.h"
#include "engines/redis/redis_waker.h"
#include "engines/redis/store_url.h"
#include "fakes/fake_clock.h"
#include "redis/certificates.h"
#include "redis/clock_file.h"
#include "redis/cluster.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using Listen = RedisServerOptions::Listen;

// Where stores of one kind are, and the clock of the servers there.
struct Place {
  Place() = default;
  virtual ~Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  virtual std::string url() const = 0;

  ClockFile clock;
};

struct PortPlace final : Place {
  std::string url() const override { return server.url(); }

  RedisServer server{{.clock = &clock}};
};

struct SocketPlace final : Place {
  std::string url() const override { return server.url(); }

  RedisServer server{{.listen = Listen::on_socket, .clock = &clock}};
};

// The user that docs/redis.md tells people to make.
std::string documented_user(const std::string& password) {
  std::ostringstream guide;
  guide << std::ifstream(ALDIS_REDIS_GUIDE).rdbuf();
  const std::string text = guide.str();
  const std::size_t marker = text.find("<!-- acl -->");
  const std::size_t begin = text.find("user aldis", marker);
  std::string line = text.substr(begin, text.find('\n', begin) - begin);
  return line.replace(line.find("PASSWORD"), std::string_view("PASSWORD").size(), password);
}

// Without a certificate of the client: the server would judge its dates by the clock that the tests move.
struct TlsPlace final : Place {
  std::string url() const override {
    return "rediss://aldis:a-secret@" + server.address() + "?ca=" + certificates.authority();
  }

  Certificates certificates;
  RedisServer server{
      {.listen = Listen::on_tls, .tls = certificates.tls(), .acl = documented_user("a-secret"), .clock = &clock}};
};

struct ClusterPlace final : Place {
  std::string url() const override { return cluster.url(); }

  RedisCluster cluster{{.masters = 3, .replicas_per_master = 1, .clock = &clock}};
};

// No server knows it by its name: its text is sent.
const ScriptText kSkipText{R"(
local meta, by = KEYS[1] .. ':m', ARGV[2]
local function part(number) return KEYS[1] .. ':l:' .. math.floor((number - 1) / 1000) end
local newest = redis.call('HGET', meta, 'n')
local entry = redis.call('HGET', part(newest), newest)
redis.call('HDEL', part(newest), newest)
newest = string.format('%d', newest + by)
redis.call('HSET', part(newest), newest, entry)
redis.call('HSET', meta, 'n', newest)
return 1)",
                           "0000000000000000000000000000000000000000"};
const Script kSkipAuditNumbers{"skip_audit_numbers", kSkipText, kSkipText};

const ScriptText kPlantText{R"(
local function part(number) return KEYS[1] .. ':l:' .. math.floor((number - 1) / 1000) end
local newest = redis.call('HGET', KEYS[1] .. ':m', 'n')
return redis.call('HSET', part(ARGV[2]), ARGV[2], redis.call('HGET', part(newest), newest)))",
                            "0000000000000000000000000000000000000000"};
const Script kPlantAuditEntry{"plant_audit_entry", kPlantText, kPlantText};

class RedisEngine final : public EngineUnderTest {
 public:
  explicit RedisEngine(Place& place) : place_(place) {
    const auto system_clock = std::make_shared<SystemClock>();
    place_.clock.set(clock_->wall_now());
    client_ =
        RedisClient::open(parse_store_url(place.url()).value(), limits::kCallTimeoutDefault, system_clock).value();
    heartbeats_ = make_redis_heartbeats(client_, groups_);
    signals_ = make_redis_signals(client_, groups_, clock_);
    approvals_ = make_redis_approvals(client_, groups_);
    audit_ = make_redis_audit(client_, groups_);
    events_ = make_redis_events(client_, groups_, clock_);
    event_groups_ = make_redis_event_groups(client_, groups_, clock_);
    waker_ = make_redis_waker(client_, namespace_, system_clock);
  }
  HeartbeatStore& heartbeats() override { return *heartbeats_; }
  SignalStore& signals() override { return *signals_; }
  ApprovalStore& approvals() override { return *approvals_; }
  AuditStore& audit() override { return *audit_; }
  EventStore& events() override { return *events_; }
  EventGroupStore& event_groups() override { return *event_groups_; }
  Waker& waker() override { return *waker_; }
  void advance(std::chrono::nanoseconds by) override {
    clock_->advance(by);
    place_.clock.set(clock_->wall_now());
  }
  void skip_audit_numbers(std::uint64_t by) override { change_log(kSkipAuditNumbers, by); }
  void plant_audit_entry(std::uint64_t number) override { change_log(kPlantAuditEntry, number); }

 private:
  void change_log(const Script& script, std::uint64_t number) {
    const std::string text = std::to_string(number);
    const std::array<std::string_view, 1> arguments{text};
    client_->run(script, groups_.approvals(), arguments).value();
  }
  static std::string new_namespace() {
    static int engines = 0;
    return "contract-" + std::to_string(++engines);
  }

  Place& place_;
  const std::string namespace_ = new_namespace();
  const Groups groups_{namespace_};
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();  // goes as the servers' does
  std::shared_ptr<RedisClient> client_;
  std::shared_ptr<HeartbeatStore> heartbeats_;
  std::shared_ptr<SignalStore> signals_;
  std::shared_ptr<ApprovalStore> approvals_;
  std::shared_ptr<AuditStore> audit_;
  std::shared_ptr<EventStore> events_;
  std::shared_ptr<EventGroupStore> event_groups_;
  std::shared_ptr<Waker> waker_;
};

template <class OnePlace>
std::unique_ptr<EngineUnderTest> make_in() {
  static OnePlace place;
  return std::make_unique<RedisEngine>(place);
}

}  // namespace

std::vector<EngineKind> redis_engines() {
  const auto kind = [](std::string name, std::function<std::unique_ptr<EngineUnderTest>()> make) {
    return EngineKind{.name = std::move(name),
                      .make = std::move(make),
                      .examines_processes = false,
                      .rings_at_once = false,
                      .has_wall_clock = false};
  };
  return {kind("redis_tcp", make_in<PortPlace>), kind("redis_unix", make_in<SocketPlace>),
          kind("redis_tls", make_in<TlsPlace>), kind("redis_cluster", make_in<ClusterPlace>)};
}

}  // namespace aldis::testing
