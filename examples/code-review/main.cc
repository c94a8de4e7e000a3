// One program, four roles; run.sh makes a fleet of it.

#include <iostream>
#include <string>
#include <vector>

#include "roles.h"
#include "text.h"

namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;

int exit_code(const aldis::Result<void>& result) {
  if (result) return 0;
  std::cerr << "code_review: " << code_review::printable(result.error().message) << "\n";
  return kFailure;
}

int usage() {
  std::cerr << "usage: aldis run --agent NAME -- code_review scout REPOSITORY [--hold-half-way]\n"
               "                                             review REPOSITORY\n"
               "                                             report FILE\n"
               "       code_review table AGENT…\n";
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) return usage();
  const std::string role = words.front();
  words.erase(words.begin());
  if (role == "table") return exit_code(code_review::run_table(words));
  const bool hold_half_way = role == "scout" && words.size() == 2 && words.back() == "--hold-half-way";
  if (hold_half_way) words.pop_back();
  if (words.size() != 1) return usage();
  if (role == "scout") return exit_code(code_review::run_scout(words.front(), hold_half_way));
  if (role == "review") return exit_code(code_review::run_reviewer(words.front()));
  if (role == "report") return exit_code(code_review::run_reporter(words.front()));
  return usage();
}
