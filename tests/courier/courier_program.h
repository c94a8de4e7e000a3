#pragma once
// The real courier in a place of its own: a consent, a state directory, and what a tool would have written there. Used
// by the process tests of the courier; implemented in courier_program.cc. Threads: one thread.

#include <cstdint>
#include <string>
#include <vector>

#include "cli/program.h"
#include "core/file_descriptor.h"
#include "fakes/scratch_directory.h"
#include "telemetry/consent_file.h"
#include "telemetry/frame.h"
#include "telemetry/gate.h"

namespace aldis::testing {

// A record that carries a number.
telemetry::EventRecord numbered(std::int64_t number);
telemetry::FrameOrigin tool_origin();

class CourierPlace {
 public:
  // Sends to `endpoint`, with a lifetime that no test needs.
  explicit CourierPlace(const std::string& endpoint);

  telemetry::ConsentFile consent;
  void write_consent() const;

  std::string config() const { return directory_.file("config"); }
  std::string state() const { return directory_.file("state"); }
  const FileDescriptor& state_directory() const { return state_directory_; }
  void record(std::int64_t first, std::int64_t last) const;                          // a frame of numbered records
  std::string write_batch(const std::string& name, const std::string& bytes) const;  // its path
  std::vector<std::string> batches() const;                                          // names, sorted
  std::string spool() const;                                                         // its bytes
  std::string read(const std::string& name) const;

  telemetry::GateRecord gate() const;
  void write_gate(const telemetry::GateRecord& record) const;

  Variables environment(const Variables& more = {}) const;
  Ended run(const Words& arguments = {}, const Variables& more = {}) const;

 private:
  ScratchDirectory directory_;
  FileDescriptor state_directory_;
};

std::string courier();  // the path of the executable

// Seconds since 1970, now.
std::int64_t seconds_now();

// A frame of numbered records, as bytes.
std::string frame_of(std::int64_t first, std::int64_t last, std::uint64_t nonce);

// The numbers in the body of a request, in their order; and what it says was dropped.
struct BodyContent {
  std::vector<std::int64_t> numbers;
  std::int64_t dropped = 0;
};
BodyContent content_of(const std::string& otlp_body);

}  // namespace aldis::testing
