#include "readme.h"

#include "source_tree.h"

namespace aldis::tidy {

std::vector<FencedBlock> fenced_blocks(std::string_view markdown) {
  std::vector<FencedBlock> blocks;
  bool inside = false;
  std::string previous;
  std::size_t number = 0;
  for (const std::string& line : lines_of(markdown)) {
    ++number;
    if (line.starts_with("```")) {
      if (!inside) blocks.push_back({line.substr(3), "", number, previous == "<!-- tested -->"});
      inside = !inside;
    } else if (inside) {
      blocks.back().text += line + '\n';
    }
    previous = line;
  }
  return blocks;
}

}  // namespace aldis::tidy
