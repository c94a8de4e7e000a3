// Includes point downward only, and each third-party library stays behind one or two files.

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include "source_tree.h"

namespace aldis::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Layer {
  std::string directory;
  std::set<std::string, std::less<>> may_include;  // directories of src besides its own; the public headers always
};

// From the bottom up. Engines do not know each other, domain and engines meet only in the ports.
const std::vector<Layer> kLayers = {
    {"src/core", {}},
    {"src/ports", {"core"}},
    {"src/domain", {"core", "ports"}},
    {"src/engines/host", {"core", "ports"}},
    {"src/engines/local", {"core", "ports"}},
    {"src/engines/redis", {"core", "ports"}},
    {"src/telemetry", {"core"}},
    {"src/courier", {"core", "telemetry"}},
    {"src/cli", {"core", "ports", "domain", "engines/host", "engines/local", "engines/redis"}},
    {"src",  // workspace.cc, which wires a store
     {"core", "ports", "domain", "engines/host", "engines/local", "engines/redis"}},
};

struct Library {
  std::string name;
  std::regex header;
  std::set<std::string, std::less<>> files;  // the only ones in src and include that may include it
};

const std::vector<Library>& libraries() {
  static const std::vector<Library> all = {
      {"LMDB",
       std::regex("lmdb\\.h"),
       {"src/engines/local/board_environment.cc", "src/engines/local/lmdb_transaction.cc"}},
      {"hiredis", std::regex("hiredis/.*"), {"src/engines/redis/command.cc", "src/engines/redis/reply_reader.cc"}},
      {"OpenSSL", std::regex("openssl/.*"), {"src/engines/redis/tls.cc"}},
      {"fmt", std::regex("fmt/.*"), {"src/core/format.h"}},
      {"Boost", std::regex("boost/.*"), {"src/core/json.cc", "src/courier/verdict.cc"}},
      {"CLI11", std::regex("CLI/.*"), {"src/cli/parser.cc"}},
      {"libcurl", std::regex("curl/.*"), {"src/courier/http.cc"}},
      {"libsodium",
       std::regex("sodium.*"),
       {"src/core/sha256.cc", "src/domain/approver_keys.cc", "src/domain/approval_signature.cc"}},
      {"toml++",
       std::regex("toml\\+\\+/.*"),
       {"src/cli/config_file.cc", "src/domain/approval_policy.cc", "src/domain/approver_file.cc"}},
      {"SQLite",
       std::regex("sqlite3\\.h"),
       {"src/engines/local/ledger_connection.cc", "src/engines/local/ledger_query.cc"}},
  };
  return all;
}

struct Include {
  std::string path;
  bool quoted = false;
};

std::optional<Include> include_of(const std::string& line) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*(["<])([^">]+)[">])");
  std::smatch match;
  if (!std::regex_search(line, match, kInclude)) return std::nullopt;
  return Include{match[2], match[1] == "\""};
}

// `look(path, line index, include)` for each include of each C++ file.
template <class Look>
void for_each_include(const SourceTree& tree, Look look) {
  for (const auto& [path, text] : tree) {
    if (!is_cpp(path)) continue;
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (const auto include = include_of(lines[i])) look(path, i, *include);
    }
  }
}

const Layer* layer_of(const std::string& path) {
  for (const Layer& layer : kLayers) {
    if (layer.directory == "src" ? directory_of(path) == "src" : is_under(path, layer.directory)) return &layer;
  }
  return nullptr;
}

Violations arrows_up(const SourceTree& tree) {
  Violations found;
  for_each_include(tree, [&](const std::string& path, std::size_t line, const Include& include) {
    if (!include.quoted || !is_under(path, "src")) return;
    const Layer* layer = layer_of(path);
    if (layer == nullptr) {
      found.push_back(at(path, line, "its directory has no place in the layers of tests/tidy/layering_test.cc"));
      return;
    }
    const std::string directory = directory_of(include.path);
    const bool own = is_under("src/" + include.path, layer->directory) && layer->directory != "src";
    if (own || directory == "aldis" || layer->may_include.contains(directory)) return;
    found.push_back(at(path, line, layer->directory + " may not include " + include.path));
  });
  return found;
}

Violations foreign_includes_in_public_headers(const SourceTree& tree) {
  static const std::regex kStandard("[a-z_]+|std(def|int)\\.h");  // C++'s, and C's for telemetry_c.h
  Violations found;
  for_each_include(tree, [&](const std::string& path, std::size_t line, const Include& include) {
    if (!is_under(path, "include")) return;
    const bool fine = include.quoted ? is_under(include.path, "aldis") : std::regex_match(include.path, kStandard);
    if (!fine) found.push_back(at(path, line, "a public header includes only the standard library and aldis/"));
  });
  return found;
}

Violations libraries_let_loose(const SourceTree& tree) {
  Violations found;
  for_each_include(tree, [&](const std::string& path, std::size_t line, const Include& include) {
    if (!is_under(path, "src")) return;
    for (const Library& library : libraries()) {
      if (std::regex_match(include.path, library.header) && !library.files.contains(path)) {
        found.push_back(at(path, line, library.name + " is used only by " + *library.files.begin()));
      }
    }
  });
  return found;
}

// Any other header in angle brackets must be the standard library's or the system's.
Violations unknown_libraries(const SourceTree& tree) {
  static const std::regex kSystem(R"([a-z_]+(\.h)?|(sys|linux|sanitizer|netinet|arpa)/[a-z_]+\.h)");
  Violations found;
  for_each_include(tree, [&](const std::string& path, std::size_t line, const Include& include) {
    if (!is_under(path, "src") || include.quoted || std::regex_match(include.path, kSystem)) return;
    const bool known = std::ranges::any_of(
        libraries(), [&](const Library& library) { return std::regex_match(include.path, library.header); });
    if (!known)
      found.push_back(at(path, line, "name this library in tests/tidy/layering_test.cc and say where it may be used"));
  });
  return found;
}

TEST(Layering, no_arrow_runs_back_up) { EXPECT_EQ(report(arrows_up(project())), ""); }

TEST(Layering, an_arrow_up_is_noticed) {
  const SourceTree tree = {{"src/core/a.cc", "#include \"core/b.h\"\n#include \"ports/waker.h\"\n"},
                           {"src/domain/a.cc", "#include \"ports/waker.h\"\n#include \"engines/local/board.h\"\n"},
                           {"src/engines/local/a.cc", "#include \"engines/host/b.h\"\n#include \"aldis/time.h\"\n"},
                           {"src/workspace.cc", "#include \"engines/host/b.h\"\n#include \"cli/main.h\"\n"},
                           {"src/attic/a.cc", "#include \"core/b.h\"\n"},
                           {"src/cli/commands/a.cc", "#include \"cli/envelope.h\"\n#include \"envelope.h\"\n"}};
  EXPECT_THAT(arrows_up(tree), ElementsAre(HasSubstr("src/attic/a.cc:1"), HasSubstr("src/cli/commands/a.cc:2"),
                                           HasSubstr("src/core/a.cc:2"), HasSubstr("src/domain/a.cc:2"),
                                           HasSubstr("src/engines/local/a.cc:1"), HasSubstr("src/workspace.cc:2")));
}

TEST(Layering, public_headers_include_no_third_party) {
  EXPECT_EQ(report(foreign_includes_in_public_headers(project())), "");
}

TEST(Layering, a_third_party_include_in_a_public_header_is_noticed) {
  const SourceTree tree = {
      {"include/aldis/a.h", "#include <chrono>\n#include <fmt/core.h>\n#include \"core/ids.h\"\n"}};
  EXPECT_THAT(foreign_includes_in_public_headers(tree),
              ElementsAre(HasSubstr("include/aldis/a.h:2"), HasSubstr("include/aldis/a.h:3")));
}

TEST(Layering, each_library_stays_in_its_files) {
  EXPECT_EQ(report(libraries_let_loose(project())), "");
  EXPECT_EQ(report(unknown_libraries(project())), "");
}

TEST(Layering, a_library_let_loose_is_noticed) {
  const SourceTree tree = {{"src/domain/a.cc", "#include <lmdb.h>\n#include <jpeg8.h>\n#include <sys/mman.h>\n"}};
  EXPECT_THAT(libraries_let_loose(tree), ElementsAre(HasSubstr("src/domain/a.cc:1")));
  EXPECT_THAT(unknown_libraries(tree), ElementsAre(HasSubstr("src/domain/a.cc:2")));
}

}  // namespace
}  // namespace aldis::tidy
