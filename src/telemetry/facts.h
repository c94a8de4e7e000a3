#pragma once
// What consent is decided by, gathered from this process and its disk. Used by client.cc; implemented in facts.cc.
//
// Model: the facts of the process cost nothing and touch no file; those of the place are looked for only if the former
// do not rule telemetry out. Nothing is made or changed, and nothing on a network file
// system is touched. Threads: values.

#include <optional>
#include <string>
#include <vector>

#include "telemetry/consent.h"
#include "telemetry/places.h"

namespace aldis::telemetry {

struct ToolIdentity {
  std::string tool;
  std::string version;
};

constexpr std::size_t kVersionBytesMax = 255;  // a text of a frame

// What is wrong with it; empty: nothing.
std::string identity_problem(const ToolIdentity& identity);

// Rules 1–4. `environment` must outlive the facts. None as arguments: not a command line.
ConsentFacts gather_process_facts(const std::string& tool, const Environment& environment,
                                  const std::optional<std::vector<std::string>>& arguments);

// Rules 5 and 6: fills in `place_problem` and `consent`; answers the places if there are any.
std::optional<Places> gather_disk_facts(const ToolIdentity& identity, ConsentFacts& facts);

}  // namespace aldis::telemetry
