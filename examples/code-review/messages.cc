#include "messages.h"

#include <aldis/limits.h>

#include <boost/property_tree/json_parser.hpp>
#include <boost/property_tree/ptree.hpp>
#include <sstream>

#include "text.h"

namespace code_review {
namespace {

using boost::property_tree::ptree;

// The longest a finding and a path become: a byte that is escaped and then quoted is five ("\\x0a" with two "\").
constexpr std::size_t kFindingBytesMax = 100 + 2 * kFindingTextBytesMax;
static_assert(kFindingsPerFileMax * kFindingBytesMax + 5 * kPathBytesMax + 200 < aldis::limits::kPayloadBytesMax);

// Aldis hands the payload over as text, to be parsed with the library of one's choice. This one throws; we do not.
template <class Read>
auto decode(const aldis::Json& payload, Read read) -> aldis::Result<decltype(read(ptree()))> {
  try {
    std::istringstream text(payload.text());
    ptree object;
    boost::property_tree::read_json(text, object);
    return read(object);
  } catch (const boost::property_tree::ptree_error& error) {
    return std::unexpected(aldis::Error{aldis::ErrorCode::invalid_argument,
                                        std::string("not a payload of this example: ") + error.what()});
  }
}

std::string quoted_path(const std::string& path) { return aldis::json_quote(escape(path)); }

std::string encode_findings(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += text.empty() ? "[" : ",";
    text += R"({"line":)" + std::to_string(finding.line) + R"(,"check":)" + aldis::json_quote(finding.check) +
            R"(,"text":)" + aldis::json_quote(finding.text) + "}";
  }
  return text.empty() ? "[]" : text + "]";
}

std::vector<Finding> decode_findings(const ptree& array) {
  std::vector<Finding> findings;
  for (const auto& [key, finding] : array) {
    findings.push_back(
        {finding.get<std::size_t>("line"), finding.get<std::string>("check"), finding.get<std::string>("text")});
  }
  return findings;
}

}  // namespace

aldis::Result<aldis::Json> encode_count(std::size_t count) {
  return aldis::Json::parse(R"({"count":)" + std::to_string(count) + "}");
}

aldis::Result<std::size_t> decode_count(const aldis::Json& payload) {
  return decode(payload, [](const ptree& object) { return object.get<std::size_t>("count"); });
}

aldis::Result<aldis::Json> encode_task(const FileTask& task) {
  return aldis::Json::parse(R"({"path":)" + quoted_path(task.path) + R"(,"number":)" + std::to_string(task.number) +
                            R"(,"count":)" + std::to_string(task.count) + R"(,"hold":)" +
                            (task.hold ? "true" : "false") + "}");
}

aldis::Result<FileTask> decode_task(const aldis::Json& payload) {
  return decode(payload, [](const ptree& object) {
    return FileTask{.path = unescape(object.get<std::string>("path")),
                    .number = object.get<std::size_t>("number"),
                    .count = object.get<std::size_t>("count"),
                    .hold = object.get<bool>("hold")};
  });
}

aldis::Result<aldis::Json> encode_review(const FileReview& review) {
  return aldis::Json::parse(R"({"path":)" + quoted_path(review.path) + R"(,"skipped":)" +
                            aldis::json_quote(review.skipped) + R"(,"findings":)" + encode_findings(review.findings) +
                            R"(,"unlisted":)" + std::to_string(review.unlisted) + R"(,"attempt":)" +
                            std::to_string(review.attempt) + "}");
}

aldis::Result<FileReview> decode_review(const aldis::Json& payload) {
  return decode(payload, [](const ptree& object) {
    return FileReview{.path = unescape(object.get<std::string>("path")),
                      .skipped = object.get<std::string>("skipped"),
                      .findings = decode_findings(object.get_child("findings")),
                      .unlisted = object.get<std::size_t>("unlisted"),
                      .attempt = object.get<std::uint32_t>("attempt")};
  });
}

}  // namespace code_review
