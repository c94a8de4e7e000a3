#pragma once
// The report as text. Used by the reporter; implemented in report_writer.cc.
//
// Model: a pure function of the reviews, in the order of the files' names: no times, no names of who did what. Two runs
// over the same files give the same bytes. File names and findings are shown as Markdown code, so they cannot become
// anything else. Threads: pure functions.

#include <cstddef>
#include <map>
#include <string>

#include "messages.h"

namespace code_review {

using Reviews = std::map<std::string, FileReview>;  // by path

// Listed ones and others.
std::size_t count_findings(const Reviews& reviews);

// A few lines: how many files, how many findings of which kind.
std::string render_summary(const Reviews& reviews);

// The summary, then the findings of each file, then the files that were skipped.
std::string render_report(const Reviews& reviews);

}  // namespace code_review
