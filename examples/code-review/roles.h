#pragma once
// What `code_review` can be. Used by main.cc; each role has the file of its name.
//
// Model: each role is one process and returns when its part is done. Errors end a role at once, with a message; the
// fleet notices, because Aldis does.

#include <aldis/result.h>

#include <string>
#include <vector>

namespace code_review {

// Lists the tracked files, tells the reporter how many there are, and hands them out. With `hold_half_way`, the file in
// the middle is one that whoever gets it first holds for good (see FileTask).
aldis::Result<void> run_scout(const std::string& repository, bool hold_half_way);

// Takes files, a few at a time, looks into each, sends what it found and only then acknowledges the file: what a killed
// reviewer had in hand goes to the other. Ends when the reporter says so.
aldis::Result<void> run_reviewer(const std::string& repository);

// Collects one review of every file, writes the report, tells everybody, and prints a summary.
aldis::Result<void> run_reporter(const std::string& report_path);

// Shows these agents until each of them has ended: on a terminal as a table that is redrawn in place, else one line for
// each change of state. Only looks on; any number of them may run.
aldis::Result<void> run_table(const std::vector<std::string>& agents);

}  // namespace code_review
