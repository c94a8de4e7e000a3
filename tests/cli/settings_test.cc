// Flag, then environment, then config file, then default; and the file says what is wrong with it.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "program.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Shown {
  std::string value;
  std::string source;
  std::string origin;
};

class Settings : public ::testing::Test {
 protected:
  Shown setting(const std::string& name, const Words& more = {}, const Variables& variables = {}) {
    Words words = {"config", "show"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = sandbox.aldis(words, variables);
    EXPECT_EQ(ended.exit_code, 0) << ended.out;
    for (const auto& row : ended.rows("/data")) {
      if (row.at("name") != boost::json::value(name)) continue;
      const auto text = [&](const char* key) {
        const auto& value = row.at(key);
        return value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
      };
      return {text("value"), text("source"), text("origin")};
    }
    ADD_FAILURE() << "no setting " << name;
    return {};
  }

  std::string write_config(const std::string& content) {
    return sandbox.write_file("home/.config/aldis/config.toml", content);
  }

  Sandbox sandbox;
};

TEST_F(Settings, have_defaults) {
  EXPECT_EQ(setting("store").value, "local:");
  EXPECT_EQ(setting("namespace").value, "default");
  EXPECT_EQ(setting("namespace").source, "default");
  EXPECT_EQ(setting("output").value, "auto");
  EXPECT_EQ(setting("connect_timeout").value, "5");
  EXPECT_EQ(setting("agent").value, "null");
}

TEST_F(Settings, come_from_the_file_before_the_default) {
  const std::string path = write_config("namespace = \"filed\"\nconnect_timeout = 2.5\n");
  const Shown shown = setting("namespace");
  EXPECT_EQ(shown.value, "filed");
  EXPECT_EQ(shown.source, "file");
  EXPECT_EQ(shown.origin, path);
  EXPECT_EQ(setting("connect_timeout").source, "file");
}

TEST_F(Settings, come_from_the_environment_before_the_file) {
  write_config("namespace = \"filed\"\n");
  const Shown shown = setting("namespace", {}, {{"ALDIS_NAMESPACE", "varied"}});
  EXPECT_EQ(shown.value, "varied");
  EXPECT_EQ(shown.source, "environment");
  EXPECT_EQ(shown.origin, "ALDIS_NAMESPACE");
}

TEST_F(Settings, come_from_a_flag_before_all) {
  write_config("namespace = \"filed\"\n");
  const Shown shown = setting("namespace", {"--namespace", "flagged"}, {{"ALDIS_NAMESPACE", "varied"}});
  EXPECT_EQ(shown.value, "flagged");
  EXPECT_EQ(shown.source, "flag");
  EXPECT_EQ(shown.origin, "--namespace");
}

TEST_F(Settings, decide_where_agents_meet) {
  sandbox.aldis({"agents", "beat", "--agent", "a", "--namespace", "one"});
  EXPECT_EQ(sandbox.aldis({"agents", "list"}, {{"ALDIS_NAMESPACE", "one"}}).rows("/data").size(), 1u);
  EXPECT_EQ(sandbox.aldis({"agents", "list"}, {{"ALDIS_NAMESPACE", "two"}}).rows("/data").size(), 0u);
}

TEST_F(Settings, the_file_is_looked_for_in_the_places_that_are_said) {
  EXPECT_EQ(sandbox.aldis({"config", "path"}).text("/data/path"), sandbox.home() + "/.config/aldis/config.toml");
  EXPECT_FALSE(sandbox.aldis({"config", "path"}).at("/data/exists").as_bool());
  EXPECT_EQ(sandbox.aldis({"config", "path"}, {{"XDG_CONFIG_HOME", "/xdg"}}).text("/data/path"),
            "/xdg/aldis/config.toml");
  const std::string path = sandbox.write_file("other.toml", "namespace = \"other\"\n");
  EXPECT_EQ(sandbox.aldis({"config", "path"}, {{"ALDIS_CONFIG", path}}).text("/data/path"), path);
  EXPECT_TRUE(sandbox.aldis({"config", "path"}, {{"ALDIS_CONFIG", path}}).at("/data/exists").as_bool());
  EXPECT_EQ(setting("namespace", {"--config", path}).value, "other");
}

TEST_F(Settings, a_file_that_was_named_must_exist) {
  const Ended ended = sandbox.aldis({"agents", "list", "--config", "/nonexistent.toml"});
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("/nonexistent.toml"));
}

TEST_F(Settings, a_broken_file_is_named_with_its_line) {
  const std::string path = write_config("\nnamespace = \n");
  const Ended ended = sandbox.aldis({"agents", "list"});
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_THAT(ended.text("/error/message"), HasSubstr(path + ":2:"));
  write_config("store = 7\n");
  EXPECT_THAT(sandbox.aldis({"agents", "list"}).text("/error/message"), HasSubstr("store must be a string"));
}

TEST_F(Settings, an_unknown_key_is_a_warning) {
  write_config("namespce = \"x\"\n");
  const Ended ended = sandbox.aldis({"agents", "list"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.text("/warnings/0"), HasSubstr("namespce"));
}

TEST_F(Settings, values_that_can_never_be_right_are_refused) {
  EXPECT_EQ(sandbox.aldis({"agents", "list"}, {{"ALDIS_OUTPUT", "xml"}}).exit_code, 2);
  EXPECT_EQ(sandbox.aldis({"agents", "list", "--namespace", "a*b"}).exit_code, 2);
  EXPECT_EQ(sandbox.aldis({"agents", "list", "--connect-timeout", "0"}).exit_code, 2);
  EXPECT_EQ(sandbox.aldis({"agents", "list", "--timeout", "0"}).exit_code, 2);
  EXPECT_EQ(sandbox.aldis({"agents", "list", "--timeout", "nan"}).exit_code, 2);
  EXPECT_EQ(sandbox.aldis({"agents", "list", "--store", "nonsense"}).exit_code, 2);
}

TEST_F(Settings, a_password_on_the_command_line_is_refused_and_not_repeated) {
  for (const char* store :
       {"redis://joe:hunter2@host", "rediss://:hunter2@host", "redis+sentinel://host/main?sentinel_password=hunter2"}) {
    const Ended ended = sandbox.aldis({"agents", "list", "--store", store});
    EXPECT_EQ(ended.exit_code, 2) << store;
    EXPECT_THAT(ended.text("/error/message"), AllOf(HasSubstr("ALDIS_STORE"), HasSubstr("password_file")));
    EXPECT_THAT(ended.out, Not(HasSubstr("hunter2")));
  }
}

TEST_F(Settings, an_url_that_is_spelled_wrong_is_not_repeated) {
  for (const char* store :
       {"aldis:SEKRET@host:6379", "redis:/u:SEKRET@h", "redis//u:SEKRET@h", "redis:u:SEKRET@h",
        "redis-cluster://u:SEKRET@h", "u:SEKRET@h", "SEKRET", "rediss://SEKRET:h", "redis://u:SEKRET/h"}) {
    for (const Words& words : {Words{"agents", "list"}, Words{"signals", "send", "t", "--agent", "a", "--to", "b"},
                               Words{"doctor"}, Words{"doctor", "--output", "table"}}) {
      const Ended ended = sandbox.aldis(words, {{"ALDIS_STORE", store}});
      EXPECT_NE(ended.exit_code, 0) << store;
      EXPECT_THAT(ended.out + ended.err, Not(HasSubstr("SEKRET"))) << store;
    }
  }
  EXPECT_THAT(sandbox.aldis({"agents", "list"}, {{"ALDIS_STORE", "amqp+x://u:SEKRET@h"}}).text("/error/message"),
              AllOf(HasSubstr("\"amqp+x://\""), HasSubstr("redis://")));
}

TEST_F(Settings, a_file_with_a_password_that_others_may_read_is_a_warning) {
  const std::string path = write_config("store = \"redis://joe:hunter2@host\"\n");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_THAT(sandbox.aldis({"config", "path"}).text("/warnings/0"),
              AllOf(HasSubstr("chmod 600 " + path), Not(HasSubstr("hunter2"))));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(sandbox.aldis({"config", "path"}).rows("/warnings").empty());
  write_config("store = \"redis://host\"\n");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_TRUE(sandbox.aldis({"config", "path"}).rows("/warnings").empty());
}

TEST_F(Settings, a_password_in_an_url_is_masked) {
  const Shown shown = setting("store", {}, {{"ALDIS_STORE", "redis://joe:hunter2@host"}});
  EXPECT_THAT(shown.value, HasSubstr("***"));
  EXPECT_THAT(shown.value, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace aldis::testing
