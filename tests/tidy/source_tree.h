#pragma once
// The project's own files as text, for the rules of tests/tidy. Implemented in source_tree.cc.
//
// Model: a rule is a function from a SourceTree to violations ("path:line: what is wrong and what to do"). It runs once
// on the real tree, where it must find nothing, and once on a small made-up tree, where it must find what is planted.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace aldis::tidy {

using SourceTree = std::map<std::string, std::string>;  // path from the root, with slashes → content
using Violations = std::vector<std::string>;

// Every text file of the project: not build output, not version control.
const SourceTree& project();

bool is_under(std::string_view path, std::string_view directory);
bool is_cpp(std::string_view path);     // .cc and .h
bool is_header(std::string_view path);  // .h
std::string directory_of(std::string_view path);
std::vector<std::string> lines_of(std::string_view text);
// One violation a line; empty is what a rule wants to see.
std::string report(const Violations& violations);
std::string at(std::string_view path, std::size_t line_index, std::string_view what);

// The same text with the insides of comments and of string and character literals blanked; line breaks stay.
std::string code_of(std::string_view cpp_text);

// Calls `look` with the path and the lines of each C++ file, after code_of.
void for_each_cpp(const SourceTree& tree,
                  const std::function<void(const std::string& path, const std::vector<std::string>& code)>& look);

}  // namespace aldis::tidy
