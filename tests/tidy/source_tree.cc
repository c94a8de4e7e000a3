#include "source_tree.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace aldis::tidy {
namespace {

namespace fs = std::filesystem;

const std::set<std::string> kSkippedDirectories = {".git", "build"};

bool is_text(const std::string& content) { return content.find('\0') == std::string::npos; }

SourceTree load(const fs::path& root) {
  SourceTree tree;
  for (fs::recursive_directory_iterator entry(root), end; entry != end; ++entry) {
    if (entry->is_directory() && kSkippedDirectories.contains(entry->path().filename().string())) {
      entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file() || entry->is_symlink()) continue;
    std::ifstream file(entry->path(), std::ios::binary);
    std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (is_text(content)) tree.emplace(fs::relative(entry->path(), root).generic_string(), std::move(content));
  }
  return tree;
}

// Walks C++ text and blanks what is not code.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text), out_(text) {}

  std::string run() {
    while (position_ < text_.size()) step();
    return std::move(out_);
  }

 private:
  bool here(std::string_view what) const { return text_.substr(position_).starts_with(what); }

  void step() {
    if (here("//")) {
      blank_to(text_.find('\n', position_));
    } else if (here("/*")) {
      blank_past("*/", position_ + 2);
    } else if (here("R\"")) {
      const std::size_t open = text_.find('(', position_);
      const std::string delimiter(text_.substr(position_ + 2, open - position_ - 2));
      keep(2);
      blank_past(")" + delimiter + "\"", open);
    } else if (text_[position_] == '"') {
      literal('"');
    } else if (text_[position_] == '\'' && !is_digit_separator()) {
      literal('\'');
    } else {
      keep(1);
    }
  }

  bool is_digit_separator() const {
    return position_ > 0 && std::isxdigit(static_cast<unsigned char>(text_[position_ - 1]));
  }

  void literal(char quote) {
    keep(1);
    while (position_ < text_.size() && text_[position_] != quote && text_[position_] != '\n') {
      blank_to(position_ + (text_[position_] == '\\' ? 2 : 1));
    }
    keep(1);
  }

  void keep(std::size_t count) { position_ += count; }

  void blank_past(std::string_view what, std::size_t from) {
    const std::size_t found = text_.find(what, from);
    blank_to(found == std::string_view::npos ? found : found + what.size());
  }

  void blank_to(std::size_t end) {
    for (end = std::min(end, text_.size()); position_ < end; ++position_) {
      if (out_[position_] != '\n') out_[position_] = ' ';
    }
  }

  std::string_view text_;
  std::string out_;
  std::size_t position_ = 0;
};

}  // namespace

const SourceTree& project() {
  static const SourceTree tree = load(ALDIS_SOURCE_DIRECTORY);
  return tree;
}

bool is_under(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && path.substr(directory.size()).starts_with('/');
}

bool is_header(std::string_view path) { return path.ends_with(".h"); }

bool is_cpp(std::string_view path) { return path.ends_with(".cc") || is_header(path); }

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? "" : path.substr(0, slash));
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string at(std::string_view path, std::size_t line_index, std::string_view what) {
  return std::string(path) + ":" + std::to_string(line_index + 1) + ": " + std::string(what);
}

std::string report(const Violations& violations) {
  std::string text;
  for (const std::string& violation : violations) text += violation + '\n';
  return text;
}

std::string code_of(std::string_view cpp_text) { return Blanker(cpp_text).run(); }

void for_each_cpp(const SourceTree& tree,
                  const std::function<void(const std::string& path, const std::vector<std::string>& code)>& look) {
  for (const auto& [path, text] : tree) {
    if (is_cpp(path)) look(path, lines_of(code_of(text)));
  }
}

}  // namespace aldis::tidy
