#pragma once
// What the user has said with `telemetry enable`: reading and writing the consent file. Used by the client, its
// commands and the courier; implemented in consent_file.cc; the format is in docs/telemetry-format.md.
//
// Model: what is not understood (another version, a damaged line, a link, a file that is somebody else's or that
// others may write) is no consent.
// Threads: safe from any thread.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/limits.h"
#include "aldis/result.h"

namespace aldis::telemetry {

using InstallId = std::array<std::uint8_t, 16>;

enum class BodyFormat { otlp, jsonl };
std::string_view to_string(BodyFormat format);
std::optional<BodyFormat> parse_body_format(std::string_view text);

struct ConsentFile {
  bool enabled = false;
  std::string endpoint = {};  // empty: none
  BodyFormat format = BodyFormat::otlp;
  std::chrono::milliseconds lifetime = limits::kTelemetryLifetimeDefault;
  std::string update_url = {};  // empty: no update checks
  InstallId install_id = {};

  bool operator==(const ConsentFile&) const = default;
};

std::string format_consent(const ConsentFile& consent);
std::optional<ConsentFile> parse_consent(std::string_view text);

std::string to_hex(const InstallId& id);
InstallId make_install_id();  // from the kernel's random numbers

// None: there is no such file, or it is not to be trusted or not understood.
std::optional<ConsentFile> read_consent(const std::string& directory);
Result<void> write_consent(const std::string& directory, const ConsentFile& consent);
Result<void> remove_consent(const std::string& directory);

}  // namespace aldis::telemetry
