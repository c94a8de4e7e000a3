#include "cli/parser.h"

#include <CLI/CLI.hpp>
#include <utility>

namespace aldis::cli {
namespace {

// The library's rule that '[a,b]' is a list of two holds where allow_extra_args is set, so it never is.
CLI::Option* add_plain(CLI::App& app, std::string_view name, int expected) {
  CLI::Option* option = app.add_option(std::string(name));
  option->expected(expected, expected);
  option->allow_extra_args(false);
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return option;
}

}  // namespace

ParsedTokens parse_tokens(const CommandSpec& command, const std::vector<std::string>& tokens) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  // One more than there can be, so that it takes them all.
  CLI::Option* arguments = add_plain(app, "ARGUMENT", static_cast<int>(tokens.size()) + 1);
  std::vector<std::pair<std::string_view, CLI::Option*>> options;
  for_each_option(command, [&](const OptionSpec& spec) {
    const bool flag = spec.type == ValueType::flag;
    options.emplace_back(spec.name, flag ? app.add_flag(std::string(spec.name)) : add_plain(app, spec.name, 1));
  });

  ParsedTokens parsed;
  try {
    app.parse(std::vector<std::string>(tokens.rbegin(), tokens.rend()));
  } catch (const CLI::ArgumentMismatch&) {
    parsed.last_needs_value = true;
    return parsed;
  } catch (const CLI::Error& error) {
    parsed.failure = error.what();
    return parsed;
  }
  for (const auto& [name, option] : options) {
    if (option->count() > 0) parsed.options[name] = option->results();
  }
  parsed.arguments = arguments->results();
  bool skipped_separator = false;
  for (const std::string& extra : app.remaining()) {
    if (extra == "--" && !std::exchange(skipped_separator, true)) continue;
    parsed.unknown.push_back(extra);
  }
  return parsed;
}

}  // namespace aldis::cli
