#pragma once
// Appending to the spool, so that nothing is lost between tools that write and a courier that claims. Used by the
// hand-over and by the courier (for what it has dropped); implemented in spool.cc; the rules are in
// docs/telemetry-format.md, "Spool".
//
// Model: each frame is one write. Nothing blocks. A frame that finds no room, or no sound spool, is dropped; what was
// dropped is counted by a frame of its own, if there is room for that. Threads: safe from any thread.

#include <cstdint>
#include <span>

#include "core/file_descriptor.h"
#include "telemetry/frame.h"

namespace aldis::telemetry {

struct Appended {
  std::uint32_t records = 0;
  std::uint32_t dropped = 0;  // records (and counts) that are not in the spool
};

Appended append_to_spool(const FileDescriptor& state_directory, const FrameOrigin& origin,
                         std::span<const EncodedFrame> frames, std::uint64_t count_nonce);

}  // namespace aldis::telemetry
