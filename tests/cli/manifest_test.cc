// The manifest, --schema and --help are written from the same descriptions, and the executable keeps what they say.

#include <gmock/gmock.h>

#include <set>

#include "cli/command.h"
#include "core/environment.h"
#include "core/format.h"
#include "program.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;

class Manifest : public ::testing::Test {
 protected:
  static Words words_of(std::string_view name) {
    const std::size_t space = name.find(' ');
    if (space == std::string_view::npos) return {std::string(name)};
    return {std::string(name.substr(0, space)), std::string(name.substr(space + 1))};
  }
  static std::string dotted(std::string_view name) {
    std::string path(name);
    std::replace(path.begin(), path.end(), ' ', '.');
    return path;
  }

  // Every key of `value` is a property of the schema.
  static void expect_described(const boost::json::value& value, const boost::json::value& schema,
                               const std::string& at) {
    if (value.is_array()) {
      for (const auto& item : value.as_array()) expect_described(item, schema.at("items"), at + "[]");
    }
    if (!value.is_object() || !schema.as_object().contains("properties")) return;
    const auto& properties = schema.at("properties").as_object();
    for (const auto& member : value.as_object()) {
      EXPECT_TRUE(properties.contains(member.key())) << at << " has the undescribed member " << member.key();
      if (properties.contains(member.key())) {
        expect_described(member.value(), properties.at(member.key()), at + "." + std::string(member.key()));
      }
    }
  }

  Sandbox sandbox;
};

TEST_F(Manifest, names_every_command_and_group_once) {
  const Ended ended = sandbox.aldis({"manifest"});
  const boost::json::value commands = ended.at("/data/commands");
  std::set<std::string> expected;
  for (const cli::CommandSpec* command : cli::all_commands()) expected.insert(dotted(command->name));
  for (const cli::GroupSpec& group : cli::all_groups()) expected.emplace(group.name);
  std::set<std::string> found;
  for (const auto& member : commands.as_object()) found.emplace(member.key());
  EXPECT_EQ(found, expected);
  EXPECT_EQ(ended.text("/data/schema_version"), "1.0");
  EXPECT_EQ(ended.text("/data/framework_version"), ended.text("/meta/tool_version"));
}

TEST_F(Manifest, describes_each_command_as_the_public_spec_wants_it) {
  const boost::json::value commands = sandbox.aldis({"manifest"}).at("/data/commands");
  for (const auto& member : commands.as_object()) {
    const auto& entry = member.value().as_object();
    for (const char* key : {"description", "danger_level", "flags", "exit_codes"}) {
      EXPECT_TRUE(entry.contains(key)) << member.key() << " " << key;
    }
    for (const auto& flag : entry.at("flags").as_object()) {
      for (const char* key : {"type", "required", "description"}) {
        EXPECT_TRUE(flag.value().as_object().contains(key)) << member.key() << " " << flag.key();
      }
    }
    for (const auto& code : entry.at("exit_codes").as_object()) {
      const auto& fields = code.value().as_object();
      for (const char* key : {"name", "description", "retryable", "side_effects"}) EXPECT_TRUE(fields.contains(key));
      EXPECT_TRUE(!fields.at("retryable").as_bool() || fields.at("side_effects") == "none") << member.key();
    }
  }
}

TEST_F(Manifest, and_help_name_the_same_options_and_exit_codes) {
  const boost::json::value commands = sandbox.aldis({"manifest"}).at("/data/commands");
  for (const cli::CommandSpec* command : cli::all_commands()) {
    Words words = words_of(command->name);
    words.emplace_back("--help");
    const std::string help = sandbox.aldis(words).err;
    const auto& entry = commands.at(dotted(command->name));
    std::size_t options = 0;
    for (std::size_t at = help.find("\n  --"); at != std::string::npos; at = help.find("\n  --", at + 1)) ++options;
    EXPECT_EQ(options, entry.at("flags").as_object().size()) << command->name;
    for (const auto& flag : entry.at("flags").as_object()) {
      EXPECT_THAT(help, HasSubstr("\n  --" + std::string(flag.key()) + " ")) << command->name;
    }
    for (const auto& code : entry.at("exit_codes").as_object()) {
      EXPECT_THAT(help, HasSubstr(" " + std::string(code.key()) + "  " +
                                  std::string(code.value().at("description").as_string())));
    }
  }
}

TEST_F(Manifest, and_schema_agree) {
  const boost::json::value commands = sandbox.aldis({"manifest"}).at("/data/commands");
  for (const cli::CommandSpec* command : cli::all_commands()) {
    Words words = words_of(command->name);
    words.emplace_back("--schema");
    const Ended ended = sandbox.aldis(words);
    EXPECT_EQ(ended.text("/data/command"), command->name);
    EXPECT_EQ(ended.at("/data/arguments").as_array().size(), command->arguments.size());
    for (const auto& member : commands.at(dotted(command->name)).as_object()) {
      EXPECT_EQ(ended.at("/data/" + std::string(member.key())), member.value()) << command->name << member.key();
    }
  }
  for (const cli::GroupSpec& group : cli::all_groups()) {
    EXPECT_EQ(sandbox.aldis({std::string(group.name), "--schema"}).at("/data/subcommands"),
              commands.at(group.name).at("subcommands"));
  }
  EXPECT_EQ(sandbox.aldis({"--schema"}).at("/data"), sandbox.aldis({"manifest"}).at("/data"));
}

TEST_F(Manifest, every_command_takes_the_options_that_it_names) {
  for (const cli::CommandSpec* command : cli::all_commands()) {
    cli::for_each_option(*command, [&](const cli::OptionSpec& option) {
      if (option.name == "--help" || option.name == "--schema") return;
      Words words = words_of(command->name);
      words.emplace_back(option.name);
      if (option.type != cli::ValueType::flag) words.emplace_back("");
      words.emplace_back("--nonsense");  // so that nothing is done
      const Ended ended = sandbox.aldis(words);
      EXPECT_EQ(ended.exit_code, 2);
      const std::string& refusal = command->streams ? ended.err : ended.out;
      EXPECT_EQ(refusal.find(fmt::format("unknown option {}", option.name)), std::string::npos) << refusal;
      EXPECT_NE(refusal.find("unknown option --nonsense"), std::string::npos) << refusal;
    });
  }
}

TEST_F(Manifest, every_example_is_one_that_the_parser_accepts) {
  for (const cli::CommandSpec* command : cli::all_commands()) {
    EXPECT_FALSE(command->examples.empty()) << command->name;
    for (const cli::ExampleSpec& example : command->examples) {
      EXPECT_THAT(std::string(example.command), HasSubstr("aldis")) << command->name;
    }
  }
}

TEST_F(Manifest, lists_the_environment_variables) {
  const boost::json::value variables = sandbox.aldis({"manifest"}).at("/meta/environment");
  ASSERT_EQ(variables.as_array().size(), environment_table().size());
  const std::string help = sandbox.aldis({"--help"}).err;
  for (const auto& variable : variables.as_array()) {
    EXPECT_THAT(help, HasSubstr(std::string(variable.at("name").as_string())));
  }
}

TEST_F(Manifest, is_not_sent_again_to_who_has_it) {
  const std::string etag = sandbox.aldis({"manifest"}).text("/data/etag");
  EXPECT_EQ(sandbox.aldis({"manifest"}).text("/data/etag"), etag);
  const Ended known = sandbox.aldis({"manifest", "--etag", etag});
  EXPECT_TRUE(known.at("/data").is_null());
  EXPECT_TRUE(known.at("/meta/not_modified").as_bool());
  EXPECT_FALSE(sandbox.aldis({"manifest", "--etag", "other"}).at("/data").is_null());
}

TEST_F(Manifest, describes_the_answers_that_are_given) {
  const boost::json::value commands = sandbox.aldis({"manifest"}).at("/data/commands");
  const std::string id = sandbox.aldis({"signals", "send", "t", "--agent", "a", "--to", "b"}).text("/data/signal_id");
  sandbox.aldis({"events", "publish", "t"});
  sandbox.aldis({"events", "tail", "t", "--group", "g", "--consumer", "c", "--manual-ack"});
  const std::vector<std::pair<std::string, Words>> answers = {
      {"agents.beat", {"agents", "beat", "--agent", "a"}},
      {"agents.list", {"agents", "list"}},
      {"agents.show", {"agents", "show", "a"}},
      {"signals.send", {"signals", "send", "t", "--agent", "a", "--to", "b"}},
      {"signals.broadcast", {"signals", "broadcast", "t", "--agent", "a"}},
      {"signals.pending", {"signals", "pending", "--agent", "b"}},
      {"signals.check", {"signals", "check", "t", "--agent", "b"}},
      {"signals.check", {"signals", "check", "u", "--agent", "b"}},
      {"signals.wait", {"signals", "wait", "u", "--agent", "b", "--timeout", "0"}},
      {"signals.receipt", {"signals", "receipt", id}},
      {"signals.clear", {"signals", "clear", "--agent", "b"}},
      {"events.publish", {"events", "publish", "t"}},
      {"events.recent", {"events", "recent", "t"}},
      {"events.info", {"events", "info", "t"}},
      {"events.list", {"events", "list"}},
      {"events.pending", {"events", "pending", "t", "--group", "g"}},
      {"doctor", {"doctor"}},
      {"config.show", {"config", "show"}},
      {"config.path", {"config", "path"}},
      {"manifest", {"manifest"}},
      {"version", {"version"}},
  };
  for (const auto& [path, words] : answers) {
    expect_described(sandbox.aldis(words).at("/data"), commands.at(path).at("output_schema"), path);
  }
}

}  // namespace
}  // namespace aldis::testing
