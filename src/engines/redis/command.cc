#include "engines/redis/command.h"

#include <hiredis/hiredis.h>

#include <cstdlib>
#include <vector>

namespace aldis {

std::string format_command(std::span<const std::string_view> words) {
  std::vector<const char*> starts;
  std::vector<std::size_t> lengths;
  starts.reserve(words.size());
  lengths.reserve(words.size());
  for (const std::string_view word : words) {
    starts.push_back(word.data());
    lengths.push_back(word.size());
  }
  char* written = nullptr;
  const int length = redisFormatCommandArgv(&written, static_cast<int>(words.size()), starts.data(), lengths.data());
  if (length < 0) std::abort();  // out of memory
  std::string command(written, static_cast<std::size_t>(length));
  redisFreeCommand(written);
  return command;
}

}  // namespace aldis
