#include "engines/local/runtime_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "core/network_file_system.h"
#include "local/scratch.h"

namespace aldis {
namespace {

using ::testing::AllOf;
using testing::describe;
using ::testing::HasSubstr;

class RuntimeDirectory : public ::testing::Test {
 protected:
  std::string prepare(std::string_view name) { return describe(prepare_runtime_directory(scratch_.file(name))); }

  testing::ScratchDirectory scratch_;
};

TEST_F(RuntimeDirectory, is_made_for_its_owner_alone) {
  ASSERT_EQ(prepare("fresh"), "ok");
  struct stat status{};
  ASSERT_EQ(stat(scratch_.file("fresh").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  EXPECT_EQ(prepare("fresh"), "ok") << "the second time too";
}

TEST_F(RuntimeDirectory, that_is_a_link_is_refused) {
  std::filesystem::create_directory(scratch_.file("real"));
  std::filesystem::create_directory_symlink(scratch_.file("real"), scratch_.file("link"));
  EXPECT_THAT(prepare("link"),
              AllOf(HasSubstr("failed_precondition"), HasSubstr("is a link"), HasSubstr("ALDIS_RUNTIME_DIR")));
}

TEST_F(RuntimeDirectory, open_to_others_is_refused) {
  std::filesystem::create_directory(scratch_.file("open"));
  chmod(scratch_.file("open").c_str(), 0750);
  EXPECT_THAT(prepare("open"),
              AllOf(HasSubstr("failed_precondition"), HasSubstr("0750"), HasSubstr("ALDIS_RUNTIME_DIR")));
}

// Anybody may make /dev/shm/aldis-1000 before user 1000 does.
TEST_F(RuntimeDirectory, that_somebody_else_made_first_is_refused_by_root_too) {
  std::filesystem::create_directory(scratch_.file("foreign"));
  chmod(scratch_.file("foreign").c_str(), 0700);
  if (chown(scratch_.file("foreign").c_str(), geteuid() + 1, getegid()) != 0)
    GTEST_SKIP() << "only root can give it away";
  EXPECT_THAT(prepare("foreign"),
              AllOf(HasSubstr("failed_precondition"), HasSubstr("belongs to user"), HasSubstr("ALDIS_RUNTIME_DIR")));
}

TEST_F(RuntimeDirectory, that_is_a_file_or_has_no_parent_is_refused) {
  std::filesystem::copy_file("/proc/self/comm", scratch_.file("file"));
  EXPECT_THAT(prepare("file"), HasSubstr("failed_precondition"));
  EXPECT_THAT(prepare("missing/below"), AllOf(HasSubstr("failed_precondition"), HasSubstr("missing/below")));
}

TEST_F(RuntimeDirectory, must_be_absolute_since_processes_in_other_directories_must_find_it) {
  EXPECT_THAT(describe(prepare_runtime_directory("relative")), HasSubstr("invalid_argument"));
  EXPECT_EQ(choose_runtime_directory("relative/"), std::filesystem::current_path().string() + "/relative");
}

TEST_F(RuntimeDirectory, that_was_given_is_the_one_chosen) {
  EXPECT_EQ(choose_runtime_directory("/some/where"), "/some/where");
  EXPECT_EQ(choose_runtime_directory("/some//./where/"), "/some/where");
}

// On a /run of its own, for a user with a session, with another's directory in its place, and without a session.
TEST_F(RuntimeDirectory, without_a_given_one_is_that_of_the_session_else_of_the_user) {
  const std::string user = std::to_string(geteuid());
  const std::string answer = testing::on_small_file_system("/run", "1m", [&]() -> std::string {
    const std::string without = choose_runtime_directory("");
    std::filesystem::create_directories("/run/user/" + user);
    const std::string with = choose_runtime_directory("");
    std::filesystem::rename("/run/user/" + user, "/run/user/real");
    std::filesystem::create_directory_symlink("/run/user/real", "/run/user/" + user);
    return without + " " + with + " " + choose_runtime_directory("");
  });
  if (answer == testing::kCannotUnshare) GTEST_SKIP() << answer;
  const std::string shared = "/dev/shm/aldis-" + user;
  EXPECT_EQ(answer, shared + " /run/user/" + user + "/aldis " + shared);
}

constexpr std::string_view kMounts =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
    "30 27 0:40 / /home rw,relatime shared:12 master:3 - nfs4 server:/home rw,vers=4.2\n"
    "31 30 0:41 / /home/local rw - xfs /dev/sdb rw\n"
    "32 27 0:42 / /mnt/with\\040space rw - fuse.sshfs me@host: rw\n"
    "33 27 0:43 / /over rw - ext4 /dev/sdc rw\n"
    "34 27 0:44 / /over rw - virtiofs share rw\n"
    "35 27 0:45 / /nine rw - 9p host rw\n"
    "36 27 0:46 / /windows rw - cifs //server/share rw\n"
    "a line that is none\n"
    "38 27 0:48 / /auto rw - autofs systemd-1 rw\n"
    "37 27 0:47 / /ceph rw - ceph monitor:/ rw";

TEST(NetworkFileSystem, is_told_by_its_type) {
  EXPECT_EQ(network_file_system(kMounts, "/home/me/aldis"), "nfs4");
  EXPECT_EQ(network_file_system(kMounts, "/home"), "nfs4");
  EXPECT_EQ(network_file_system(kMounts, "/nine/aldis"), "9p");
  EXPECT_EQ(network_file_system(kMounts, "/windows/aldis"), "cifs");
  EXPECT_EQ(network_file_system(kMounts, "/ceph/aldis"), "ceph");
  EXPECT_EQ(network_file_system(kMounts, "/run/user/1000"), std::nullopt);
}

TEST(NetworkFileSystem, is_that_of_the_longest_mount_point) {
  EXPECT_EQ(network_file_system(kMounts, "/home/local/aldis"), std::nullopt);
  EXPECT_EQ(network_file_system(kMounts, "/home/locality"), "nfs4");
  EXPECT_EQ(network_file_system(kMounts, "/homework"), std::nullopt);
}

TEST(NetworkFileSystem, is_that_of_the_latest_of_equal_mount_points) {
  EXPECT_EQ(network_file_system(kMounts, "/over/aldis"), "virtiofs");
}

TEST(NetworkFileSystem, is_found_below_a_mount_point_with_a_space) {
  EXPECT_EQ(network_file_system(kMounts, "/mnt/with space/aldis"), "fuse.sshfs");
}

// What a walk asked, of a tree in which some places are links.
class Links {
 public:
  explicit Links(std::map<std::string, std::string> targets) : targets_(std::move(targets)) {}

  std::string walk(std::string_view path) {
    asked_.clear();
    const auto place = network_on_the_way(kMounts, path, [&](const std::string& at) -> std::optional<std::string> {
      asked_.push_back(at);
      const auto found = targets_.find(at);
      return found == targets_.end() ? std::nullopt : std::optional(found->second);
    });
    return place ? place->type + " " + place->path : "none";
  }
  const std::vector<std::string>& asked() const { return asked_; }

 private:
  std::map<std::string, std::string> targets_;
  std::vector<std::string> asked_;
};

TEST(NetworkFileSystem, is_found_on_the_way_through_links_dots_and_doubled_slashes) {
  Links links({{"/fast", "/home/me"}, {"/srv/up", "../nine"}, {"/srv/chain", "./up/deep"}});
  EXPECT_EQ(links.walk("/fast/.config/tool"), "nfs4 /home");
  EXPECT_EQ(links.walk("/srv/up/x"), "9p /nine");
  EXPECT_EQ(links.walk("/srv/chain"), "9p /nine");
  EXPECT_EQ(links.walk("//nine//x"), "9p /nine");
  EXPECT_EQ(links.walk("/./srv/.././nine"), "9p /nine");
  EXPECT_EQ(links.walk("/../../nine/x"), "9p /nine");
  EXPECT_EQ(links.walk("/srv/up/../../srv/x"), "9p /nine") << "the kernel enters it, and leaves it again";
  EXPECT_EQ(links.walk("/home/local/aldis"), "nfs4 /home") << "this way leads through it too";
  EXPECT_EQ(links.walk("/auto/me"), "autofs /auto");
}

TEST(NetworkFileSystem, is_never_touched_on_the_way) {
  Links links({{"/fast", "/home/me"}, {"/home/me", "/tmp"}});
  links.walk("/srv/../fast/a/b");
  EXPECT_THAT(links.asked(), ::testing::ElementsAre("/srv", "/fast"));
  links.walk("/nine/../srv");
  EXPECT_THAT(links.asked(), ::testing::IsEmpty());
}

TEST(NetworkFileSystem, is_not_on_the_way_of_local_links_and_missing_places) {
  Links links({{"/var/run", "/run"}, {"/round", "/round"}, {"/leaving", "/srv/../.."}});
  EXPECT_EQ(links.walk("/var/run/user"), "none");
  EXPECT_EQ(links.walk("/leaving/run"), "none");
  EXPECT_EQ(links.walk("/"), "none");
  EXPECT_EQ(links.walk("/missing/a//b/"), "none");
  EXPECT_THAT(links.asked(), ::testing::ElementsAre("/missing", "/missing/a", "/missing/a/b"));
  EXPECT_EQ(links.walk("/round/x"), "none") << "the kernel will refuse it";
}

TEST(NetworkFileSystem, is_found_on_the_way_through_a_real_link) {
  const testing::ScratchDirectory scratch;
  std::filesystem::create_directory_symlink("dead/home", scratch.file("link"));
  const std::string mounts =
      "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 0:40 / " + scratch.file("dead") + " rw - nfs server:/ rw\n";
  const auto place = network_on_the_way(mounts, scratch.file("link/.config"));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->path, scratch.file("dead"));
  EXPECT_EQ(place->type, "nfs");
  EXPECT_FALSE(network_on_the_way(mounts, scratch.file("alive/.config")));
}

TEST(NetworkFileSystem, is_not_seen_in_a_text_without_mounts) {
  EXPECT_EQ(network_file_system("", "/home"), std::nullopt);
  EXPECT_EQ(network_file_system("\n - \n1 2 3 - \n", "/home"), std::nullopt);
}

}  // namespace
}  // namespace aldis
