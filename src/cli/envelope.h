#pragma once
// Prints a Reply: the JSON envelope for programs, a view or an error message for people. Used by dispatch.cc;
// implemented in envelope.cc.
//
// Model: the envelope is closed: ok, data, error, warnings, meta. `ok` is derived from the exit code, and exit code 2
// always says phase "validation". Streams have printed their lines: only their failure is left to tell, on stderr.

#include <string>

#include "cli/output.h"
#include "cli/reply.h"
#include "core/clock.h"

namespace aldis::cli {

struct EnvelopeFacts {
  std::string command;  // "signals send"; empty if none was recognised
  std::string request_id;
  std::string trace_id;          // empty: none
  std::string update_available;  // a newer version; empty: none is known
  WallTime timestamp;
  std::chrono::nanoseconds duration{0};
};

std::string render_envelope(const Reply& reply, const EnvelopeFacts& facts);

// For people: "error: …" and what to do about it.
std::string render_failure(const Failure& failure, const OutputStyle& style);

void print_reply(const Reply& reply, const EnvelopeFacts& facts, const OutputStyle& style);

}  // namespace aldis::cli
