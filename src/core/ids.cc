#include "core/ids.h"

#include <pthread.h>
#include <sys/random.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace aldis {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kIdCharacters = 26;
constexpr std::size_t kRandomBytes = 10;
__extension__ using Wide = unsigned __int128;

// Changes in every forked child, so that no child draws from the pool that its parent filled.
std::atomic<std::uint64_t> fork_generation{1};

void count_forks() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, [] { ++fork_generation; });
  (void)registered;
}

struct RandomPool {
  std::array<std::uint8_t, 64 * kRandomBytes> bytes{};
  std::size_t used = sizeof bytes;
  std::uint64_t generation = 0;

  void take(std::uint8_t* out) {
    const std::uint64_t current = fork_generation.load(std::memory_order_relaxed);
    if (used == bytes.size() || generation != current) refill(current);
    std::memcpy(out, bytes.data() + used, kRandomBytes);
    used += kRandomBytes;
  }

  void refill(std::uint64_t current) {
    std::size_t filled = 0;
    while (filled < bytes.size()) {
      const ssize_t got = ::getrandom(bytes.data() + filled, bytes.size() - filled, 0);
      if (got > 0) filled += static_cast<std::size_t>(got);
      if (got < 0 && errno != EINTR) {
        std::fputs("aldis: the kernel gives no random bytes\n", stderr);
        std::abort();
      }
    }
    used = 0;
    generation = current;
  }
};

// The value of a Crockford base32 character, or 32.
std::uint8_t digit_of(char character) {
  if (character >= 'a' && character <= 'z') character = static_cast<char>(character - 'a' + 'A');
  if (character == 'O') character = '0';
  if (character == 'I' || character == 'L') character = '1';
  const std::size_t at = kAlphabet.find(character);
  return at == std::string_view::npos ? 32 : static_cast<std::uint8_t>(at);
}

}  // namespace

Id128 make_id(WallTime now) {
  count_forks();
  thread_local RandomPool pool;
  Id128 id;
  const auto milliseconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(milliseconds >> (8 * (5 - i)));
  pool.take(id.bytes.data() + 6);
  return id;
}

std::string format_id(std::string_view prefix, const Id128& id) {
  // 128 bits in 26 characters: the first carries three, the others five each.
  std::string text(prefix);
  text.resize(prefix.size() + kIdCharacters);
  Wide value = 0;
  for (const std::uint8_t byte : id.bytes) value = value << 8 | byte;
  for (std::size_t i = kIdCharacters; i-- > 0;) {
    text[prefix.size() + i] = kAlphabet[static_cast<std::size_t>(value & 31)];
    value >>= 5;
  }
  return text;
}

std::optional<Id128> parse_id(std::string_view prefix, std::string_view text) {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + kIdCharacters) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (digit_of(text.front()) > 7) return std::nullopt;
  Wide value = 0;
  for (const char character : text) {
    const std::uint8_t digit = digit_of(character);
    if (digit > 31) return std::nullopt;
    value = value << 5 | digit;
  }
  Id128 id;
  for (std::size_t i = id.bytes.size(); i-- > 0;) {
    id.bytes[i] = static_cast<std::uint8_t>(value & 255);
    value >>= 8;
  }
  return id;
}

}  // namespace aldis
