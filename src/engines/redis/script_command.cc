#include "engines/redis/script_command.h"

#include <vector>

#include "engines/redis/command.h"

namespace aldis {

std::string script_command(const Script& script, bool by_text, std::string_view group,
                           std::span<const std::string_view> arguments, const Node& node) {
  const ScriptText& text = node.reads_script_flags() ? script.flagged : script.plain;
  std::vector<std::string_view> words;
  words.reserve(5 + arguments.size());
  words.insert(words.end(),
               {by_text ? "EVAL" : "EVALSHA", by_text ? text.text : text.sha1, "1", group, node.ring_command()});
  words.insert(words.end(), arguments.begin(), arguments.end());
  return format_command(words);
}

}  // namespace aldis
