#include "report_writer.h"

#include <algorithm>
#include <cstddef>

#include "text.h"

namespace code_review {
namespace {

std::string counted(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

// The text between as many backticks as it takes.
std::string as_code(const std::string& text) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char character : text) {
    run = character == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  const std::string space = text.starts_with('`') || text.ends_with('`') ? " " : "";
  return fence + space + text + space + fence;
}

std::string render_file(const FileReview& review) {
  std::string text = "\n### " + as_code(escape(review.path)) + "\n\n";
  for (const Finding& finding : review.findings) {
    text += "- line " + std::to_string(finding.line) + ", " + finding.check + ": " + as_code(printable(finding.text)) +
            "\n";
  }
  if (review.unlisted > 0) text += "- and " + std::to_string(review.unlisted) + " more\n";
  return text;
}

struct Totals {
  std::size_t skipped = 0;
  std::size_t findings = 0;
  std::size_t files_with_findings = 0;
  std::map<std::string, std::size_t> by_check;
};

Totals add_up(const Reviews& reviews) {
  Totals totals;
  for (const auto& [path, review] : reviews) {
    const std::size_t count = review.findings.size() + review.unlisted;
    totals.skipped += review.skipped.empty() ? 0 : 1;
    totals.findings += count;
    totals.files_with_findings += count > 0 ? 1 : 0;
    for (const Finding& finding : review.findings) ++totals.by_check[finding.check];
    if (review.unlisted > 0) totals.by_check["(not listed)"] += review.unlisted;
  }
  return totals;
}

}  // namespace

std::size_t count_findings(const Reviews& reviews) { return add_up(reviews).findings; }

std::string render_summary(const Reviews& reviews) {
  const Totals totals = add_up(reviews);
  std::string text = counted(reviews.size(), "file") + ", " + std::to_string(totals.skipped) + " of them skipped; " +
                     counted(totals.findings, "finding") + " in " + counted(totals.files_with_findings, "file") + "\n";
  if (!totals.by_check.empty()) text += "\n";
  for (const auto& [check, count] : totals.by_check) text += "- " + check + ": " + std::to_string(count) + "\n";
  return text;
}

std::string render_report(const Reviews& reviews) {
  std::string found;
  std::string skipped;
  for (const auto& [path, review] : reviews) {
    if (!review.findings.empty()) found += render_file(review);
    if (!review.skipped.empty()) skipped += "- " + as_code(escape(path)) + ": " + printable(review.skipped) + "\n";
  }
  std::string text = "# Code review\n\n" + render_summary(reviews);
  if (!found.empty()) text += "\n## Findings\n" + found;
  if (!skipped.empty()) text += "\n## Skipped\n\n" + skipped;
  return text;
}

}  // namespace code_review
