#pragma once
// What a board says about itself: its format, and the one boot, PID namespace and time namespace that it belongs to.
// Kept in its lock page (judged before LMDB is opened) and in its format record (compared in every write transaction).
// Used by board_files.cc and board_environment.cc; implemented in board_format.cc; the bytes are in docs/formats.md.
//
// Threads: safe from any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/result.h"

namespace aldis {

inline constexpr std::uint32_t kBoardFormatVersion = 1;  // also in the names of the files

struct BoardHome {
  std::string boot_id;
  std::uint64_t pid_namespace = 0;
  std::uint64_t time_namespace = 0;  // 0: a kernel without them

  static Result<BoardHome> of_this_process();
};

struct BoardFormat {
  std::uint32_t version = kBoardFormatVersion;
  BoardHome home;
  std::uint64_t first_id = 0;  // added to LMDB's transaction ids, so that no two boards at one path share an id
};

std::string encode(const BoardFormat& format);
// A newer format decodes to its version alone. Nothing: these bytes are not about a board.
std::optional<BoardFormat> decode_board_format(std::string_view bytes);

enum class BoardVerdict { ours, of_an_earlier_boot };

// Pure. failed_precondition: a newer format, or another PID or time namespace. data_loss: unreadable.
Result<BoardVerdict> judge_board(std::string_view format, const BoardHome& home, const std::string& path);

}  // namespace aldis
