#include "engines/redis/answer_reader.h"

#include <algorithm>
#include <limits>

#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

constexpr std::int64_t kMicrosecondsMax = std::numeric_limits<std::int64_t>::max() / 1000;

std::optional<ErrorCode> code_of(std::string_view name) {
  for (const ErrorCode code : {ErrorCode::not_found, ErrorCode::conflict, ErrorCode::failed_precondition,
                               ErrorCode::resource_exhausted, ErrorCode::data_loss}) {
    if (to_string(code) == name) return code;
  }
  return std::nullopt;
}

}  // namespace

AnswerReader::AnswerReader(const Reply& answer)
    : parts_(answer.elements), failed_(!answer.is_array() || !std::ranges::all_of(answer.elements, &Reply::is_text)) {}

std::string_view AnswerReader::text() {
  if (failed_ || next_ >= parts_.size()) {
    failed_ = true;
    return {};
  }
  return parts_[next_++].text;
}

std::int64_t AnswerReader::microseconds() {
  const auto count = number<std::int64_t>();
  if (count > kMicrosecondsMax || count < -kMicrosecondsMax) failed_ = true;
  return failed_ ? 0 : count;
}

Id128 AnswerReader::id() {
  const auto id = parse_id("", text());
  if (!id) failed_ = true;
  return id.value_or(Id128{});
}

bool AnswerReader::flag() {
  const std::string_view value = text();
  if (value != "0" && value != "1") failed_ = true;
  return value == "1";
}

std::string_view kind_of(const Reply& answer) {
  if (!answer.is_array() || answer.elements.empty() || !answer.elements.front().is_text()) return {};
  return answer.elements.front().text;
}

Result<AnswerReader> read_kind(const Reply& answer, std::string_view wanted) {
  AnswerReader reader(answer);
  const std::string_view kind = reader.text();
  if (kind == wanted && !kind.empty()) return reader;
  const auto code = kind == "error" ? code_of(reader.text()) : std::nullopt;
  const std::string_view message = code ? reader.text() : std::string_view{};
  if (!code || !reader.is_whole()) return malformed_answer("text");
  return fail(*code, "{}", message);
}

std::unexpected<Error> malformed_answer(std::string_view what) {
  return fail(ErrorCode::data_loss,
              "the server answered a {} that no script of Aldis writes: is another version of it using this store?",
              what);
}

Result<std::uint64_t> read_count_answer(const Reply& answer) {
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "count"));
  const auto count = reader.number<std::uint64_t>();
  if (!reader.is_whole()) return malformed_answer("count");
  return count;
}

bool is_unfinished(const Reply& answer) { return kind_of(answer) == "again"; }

bool changed_nothing(const Reply& answer) {
  const std::string_view kind = kind_of(answer);
  return kind == "idle" || kind == "missing" || kind == "unknown";
}

}  // namespace aldis
