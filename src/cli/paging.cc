#include "cli/paging.h"

#include <charconv>

#include "core/format.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

constexpr std::int64_t kLimitDefault = 20;
constexpr std::int64_t kLimitMax = 100'000;

}  // namespace

std::string encode_cursor(std::string_view key) {
  std::string cursor;
  for (const char c : key) cursor += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return cursor;
}

std::optional<std::string> decode_cursor(std::string_view cursor) {
  if (cursor.empty() || cursor.size() % 2 != 0) return std::nullopt;
  std::string key;
  for (std::size_t i = 0; i < cursor.size(); i += 2) {
    unsigned value = 0;
    const char* const end = cursor.data() + i + 2;
    const auto parsed = std::from_chars(cursor.data() + i, end, value, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    key += static_cast<char>(value);
  }
  return key;
}

PageRequest read_page_request(const Invocation& invocation) {
  PageRequest request;
  request.limit =
      static_cast<std::size_t>(invocation.arguments.integer("--limit", 1, kLimitMax).value_or(kLimitDefault));
  if (const auto cursor = invocation.arguments.text("--cursor")) {
    request.after = decode_cursor(*cursor);
    if (!request.after) invocation.arguments.add_problem("--cursor must be the meta.cursor of an earlier page");
  }
  return request;
}

void set_rows(Reply& reply, std::vector<std::string> rows) {
  JsonWriter json;
  json.begin_array();
  for (const std::string& row : rows) json.raw(row);
  reply.data = json.end_array().take();
  reply.rows = std::move(rows);
}

}  // namespace aldis::cli
