#include "courier/courier_program.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/clock.h"
#include "core/ids.h"
#include "core/private_files.h"
#include "telemetry/places.h"
#include "telemetry/spool.h"

namespace aldis::testing {
namespace {

constexpr std::int64_t kFirstSecond = 1'790'000'000;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t fresh_nonce() {
  static std::uint64_t last = 0;
  return ++last;
}

}  // namespace

telemetry::EventRecord numbered(std::int64_t number) {
  return {.time = std::chrono::sys_seconds{std::chrono::seconds{kFirstSecond + number}},
          .name = "counted",
          .attributes = {{"number", number}, {"odd", number % 2 == 1}, {"kind", std::string("test")}}};
}

telemetry::FrameOrigin tool_origin() { return {.tool = "tool", .version = "1.2.3", .install_id = {1, 2, 3}}; }

CourierPlace::CourierPlace(const std::string& endpoint)
    : consent{.enabled = true, .endpoint = endpoint, .lifetime = limits::kTelemetryLifetimeMax} {
  for (const char* name : {"state", "config"}) EXPECT_EQ(mkdir(directory_.file(name).c_str(), 0700), 0);
  auto opened = open_own_directory(state(), Others::nothing);
  EXPECT_TRUE(opened.has_value());
  state_directory_ = *std::move(opened);
  write_consent();
}

void CourierPlace::write_consent() const { EXPECT_TRUE(telemetry::write_consent(config(), consent).has_value()); }

void CourierPlace::record(std::int64_t first, std::int64_t last) const {
  std::vector<telemetry::EventRecord> records;
  for (std::int64_t number = first; number <= last; ++number) records.push_back(numbered(number));
  const auto frames = telemetry::encode(tool_origin(), records, 0, fresh_nonce());
  const auto appended = telemetry::append_to_spool(state_directory_, tool_origin(), frames, fresh_nonce());
  EXPECT_EQ(appended.records, records.size());
}

std::string CourierPlace::write_batch(const std::string& name, const std::string& bytes) const {
  const std::string directory = state() + "/" + std::string(telemetry::kBatchDirectory);
  mkdir(directory.c_str(), 0700);
  const std::string path = directory + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(chmod(path.c_str(), 0600), 0);
  return path;
}

std::vector<std::string> CourierPlace::batches() const {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(state() + "/batch", none)) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

std::string CourierPlace::spool() const { return read("spool"); }

std::string CourierPlace::read(const std::string& name) const { return bytes_of(state() + "/" + name); }

telemetry::GateRecord CourierPlace::gate() const {
  const auto gate = telemetry::Gate::open_existing(state_directory_);
  return gate ? gate->read() : telemetry::GateRecord{};
}

void CourierPlace::write_gate(const telemetry::GateRecord& record) const {
  auto gate = telemetry::Gate::open(state_directory_);
  EXPECT_TRUE(gate && gate->take_pen(true) && gate->write(record));
}

Variables CourierPlace::environment(const Variables& more) const {
  Variables variables = more;
  variables["ALDIS_COURIER"] = "1";
  variables["ALDIS_COURIER_STATE"] = state();
  variables["ALDIS_COURIER_CONSENT"] = config() + "/telemetry";
  return variables;
}

Ended CourierPlace::run(const Words& arguments, const Variables& more) const {
  Words command = {courier()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return Running(command, environment(more)).wait();
}

std::string courier() { return ALDIS_COURIER; }

std::int64_t seconds_now() {
  return std::chrono::floor<std::chrono::seconds>(SystemClock{}.wall_now()).time_since_epoch().count();
}

std::string frame_of(std::int64_t first, std::int64_t last, std::uint64_t nonce) {
  std::vector<telemetry::EventRecord> records;
  for (std::int64_t number = first; number <= last; ++number) records.push_back(numbered(number));
  std::string bytes;
  for (const auto& frame : telemetry::encode(tool_origin(), records, 0, nonce)) bytes += frame.bytes;
  return bytes;
}

BodyContent content_of(const std::string& otlp_body) {
  BodyContent content;
  const Ended parsed{0, otlp_body, {}};
  for (const auto& resource : parsed.rows("/resourceLogs")) {
    for (const auto& record : resource.at("scopeLogs").at(0).at("logRecords").as_array()) {
      const auto& attribute = record.at("attributes").at(0);
      const std::int64_t value = std::stoll(std::string(attribute.at("value").at("intValue").as_string()));
      if (attribute.at("key") == "number") {
        content.numbers.push_back(value);
      } else {
        content.dropped += value;
      }
    }
  }
  return content;
}

}  // namespace aldis::testing
