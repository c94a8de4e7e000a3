#include "core/private_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <thread>

#include "children.h"
#include "core/kernel_file.h"

namespace aldis {
namespace {

using telemetry::Child;
using telemetry::read_all;
using telemetry::write_all;
using ::testing::HasSubstr;

constexpr uid_t kSomebodyElse = 65534;

class PrivateFiles : public ::testing::Test {
 protected:
  FileDescriptor directory() const {
    Result<FileDescriptor> opened = open_own_directory(scratch_.path(), Others::nothing);
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }
  std::string path(std::string_view name) const { return scratch_.file(name); }
  std::string make(std::string_view name, mode_t mode) const {
    EXPECT_EQ(mkdir(path(name).c_str(), 0700), 0);
    EXPECT_EQ(chmod(path(name).c_str(), mode), 0);
    return path(name);
  }

  testing::ScratchDirectory scratch_;
};

template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result ? ErrorCode::internal : result.error().code;
}

mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

TEST_F(PrivateFiles, a_missing_directory_is_not_found) {
  EXPECT_EQ(code_of(open_own_directory(path("none"), Others::nothing)), ErrorCode::not_found);
}

TEST_F(PrivateFiles, a_directory_must_be_as_closed_as_asked_for) {
  const std::string open_to_read = make("read", 0755);
  const std::string open_to_write = make("write", 0720);
  EXPECT_EQ(code_of(open_own_directory(open_to_read, Others::nothing)), ErrorCode::failed_precondition);
  EXPECT_TRUE(open_own_directory(open_to_read, Others::may_list));
  const Result<FileDescriptor> refused = open_own_directory(open_to_write, Others::may_list);
  ASSERT_EQ(code_of(refused), ErrorCode::failed_precondition);
  EXPECT_THAT(refused.error().message, HasSubstr("chmod go-w"));
}

TEST_F(PrivateFiles, a_link_to_a_directory_is_refused_with_a_slash_behind_it_too) {
  ASSERT_EQ(symlink(make("target", 0700).c_str(), path("link").c_str()), 0);
  EXPECT_EQ(code_of(open_own_directory(path("link"), Others::nothing)), ErrorCode::failed_precondition);
  const Result<FileDescriptor> refused = open_own_directory(path("link/"), Others::nothing);
  ASSERT_EQ(code_of(refused), ErrorCode::failed_precondition);
  EXPECT_THAT(refused.error().message, HasSubstr("it is a symbolic link, and links are not followed"));
  EXPECT_TRUE(open_own_directory(path("target/"), Others::nothing));
}

TEST_F(PrivateFiles, somebody_elses_directory_is_refused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make one";
  const std::string foreign = make("foreign", 0700);
  ASSERT_EQ(chown(foreign.c_str(), kSomebodyElse, kSomebodyElse), 0);
  EXPECT_EQ(code_of(open_own_directory(foreign, Others::nothing)), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(make_own_directory(foreign + "/a/b", Others::nothing)), ErrorCode::failed_precondition);
  EXPECT_TRUE(std::filesystem::is_empty(foreign));
}

TEST_F(PrivateFiles, what_is_missing_of_a_path_is_made_closed) {
  ASSERT_TRUE(make_own_directory(path("a//b/c/"), Others::nothing));
  EXPECT_EQ(mode_of(path("a")), 0700U);
  EXPECT_EQ(mode_of(path("a/b/c")), 0700U);
  EXPECT_TRUE(make_own_directory(path("a/b/c"), Others::nothing)) << "again";
}

TEST_F(PrivateFiles, nothing_is_made_below_a_file_or_a_dangling_link) {
  write_all(path("file"), "");
  ASSERT_EQ(symlink("nowhere", path("link").c_str()), 0);
  EXPECT_EQ(code_of(make_own_directory(path("file/a"), Others::nothing)), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(make_own_directory(path("link"), Others::nothing)), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(make_own_directory(path("link/a"), Others::nothing)), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(make_own_directory("relative/a", Others::nothing)), ErrorCode::failed_precondition);
  EXPECT_FALSE(std::filesystem::exists(path("nowhere")));
}

TEST_F(PrivateFiles, a_file_that_is_made_is_ours_alone) {
  ASSERT_TRUE(open_own_file(directory(), "new", O_WRONLY | O_CREAT));
  EXPECT_EQ(mode_of(path("new")), 0600U);
}

TEST_F(PrivateFiles, a_link_a_fifo_a_directory_and_a_second_name_are_refused_at_once) {
  write_all(path("target"), "text");
  ASSERT_EQ(symlink("target", path("link").c_str()), 0);
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  ASSERT_EQ(link(path("target").c_str(), path("second").c_str()), 0);
  make("directory", 0700);
  const FileDescriptor in = directory();
  for (const char* const name : {"link", "fifo", "directory", "second"}) {
    EXPECT_EQ(code_of(open_own_file(in, name, O_RDONLY)), ErrorCode::failed_precondition) << name;
    EXPECT_EQ(code_of(open_own_file(in, name, O_WRONLY | O_APPEND | O_CREAT)), ErrorCode::failed_precondition) << name;
  }
  EXPECT_EQ(code_of(open_own_file(in, "none", O_RDONLY)), ErrorCode::not_found);
}

TEST_F(PrivateFiles, somebody_elses_file_is_refused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make one";
  write_all(path("foreign"), "text");
  ASSERT_EQ(chown(path("foreign").c_str(), kSomebodyElse, kSomebodyElse), 0);
  EXPECT_EQ(code_of(open_own_file(directory(), "foreign", O_RDONLY)), ErrorCode::failed_precondition);
}

TEST_F(PrivateFiles, descriptors_stay_clear_of_the_standard_streams) {
  Child child([&] {
    close_range(0, 2, 0);
    const Result<FileDescriptor> in = make_own_directory(path("a/b"), Others::nothing);
    const Result<FileDescriptor> file = open_own_file(*in, "file", O_WRONLY | O_CREAT);
    const bool clear = in->get() > 2 && file->get() > 2 && (fcntl(file->get(), F_GETFD) & FD_CLOEXEC) != 0;
    return clear && fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0 ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0);
}

// The kernel's text may come late: here a pipe gives one half, and waits with the other.
TEST_F(PrivateFiles, a_kernel_file_is_read_to_its_end_and_clear_of_the_standard_streams) {
  ASSERT_EQ(mkfifo(path("slow").c_str(), 0600), 0);
  Child child([&] {
    close_range(0, 2, 0);
    std::optional<std::string> text;
    std::thread reader([&] { text = read_kernel_file(path("slow").c_str(), 8); });
    FileDescriptor writer = own_descriptor(open(path("slow").c_str(), O_WRONLY | O_CLOEXEC));
    if (write(writer.get(), "1234", 4) != 4) return 1;
    for (int waiting = 1; waiting > 0;) {
      if (ioctl(writer.get(), FIONREAD, &waiting) != 0) return 2;
    }
    const bool clear = fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0;
    if (write(writer.get(), "5678", 4) != 4) return 3;
    writer = FileDescriptor();  // the old one goes at the end of this line
    reader.join();
    if (text != "12345678") return 4;
    return clear ? 0 : 5;
  });
  EXPECT_EQ(child.wait(), 0);
  write_all(path("long"), "123456789");
  EXPECT_EQ(read_kernel_file(path("long").c_str(), 8), std::nullopt);
  EXPECT_EQ(read_kernel_file(path("none").c_str(), 8), std::nullopt);
}

TEST_F(PrivateFiles, a_umask_that_forbids_everything_shuts_nobody_out) {
  Child child([&] {
    umask(0777);
    const Result<FileDescriptor> in = make_own_directory(path("a/b"), Others::nothing);
    return in && open_own_file(*in, "file", O_WRONLY | O_CREAT) && replace_own_file(*in, "other", "text") ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(mode_of(path("a")), 0700U);
  EXPECT_EQ(mode_of(path("a/b")), 0700U);
  EXPECT_EQ(mode_of(path("a/b/file")), 0600U);
  EXPECT_EQ(mode_of(path("a/b/other")), 0600U);
}

TEST_F(PrivateFiles, without_descriptors_it_is_a_lack_of_resources) {
  Child child([&] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    return code_of(open_own_directory(scratch_.path(), Others::nothing)) == ErrorCode::resource_exhausted ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(PrivateFiles, a_name_that_was_given_to_another_file_no_longer_names_the_first) {
  const FileDescriptor in = directory();
  const Result<FileDescriptor> file = open_own_file(in, "file", O_WRONLY | O_CREAT);
  EXPECT_TRUE(still_names(in, "file", *file));
  std::filesystem::rename(path("file"), path("moved"));
  EXPECT_FALSE(still_names(in, "file", *file));
  write_all(path("file"), "");
  EXPECT_FALSE(still_names(in, "file", *file));
  EXPECT_TRUE(still_names(in, "moved", *file));
}

TEST_F(PrivateFiles, a_file_is_read_whole_or_not_at_all) {
  write_all(path("file"), "12345678");
  EXPECT_EQ(*read_own_file(directory(), "file", 8), "12345678");
  EXPECT_EQ(code_of(read_own_file(directory(), "file", 7)), ErrorCode::resource_exhausted);
  EXPECT_EQ(code_of(read_own_file(directory(), "none", 7)), ErrorCode::not_found);
}

TEST_F(PrivateFiles, a_replaced_file_has_the_new_bytes_and_leaves_nothing_beside) {
  const FileDescriptor in = directory();
  write_all(path("file.new"), "what a killed writer left, and longer");
  ASSERT_TRUE(replace_own_file(in, "file", "one"));
  ASSERT_TRUE(replace_own_file(in, "file", "two"));
  EXPECT_EQ(read_all(path("file")), "two");
  EXPECT_FALSE(std::filesystem::exists(path("file.new")));
}

TEST_F(PrivateFiles, writers_at_once_never_mix_their_bytes) {
  constexpr std::size_t kBytes = 200'000;
  std::vector<Child> children;
  for (char letter = 'a'; letter < 'i'; ++letter) {
    children.emplace_back([&, letter] {
      for (int i = 0; i < 20; ++i)
        static_cast<void>(replace_own_file(directory(), "file", std::string(kBytes, letter)));
    });
  }
  for (int i = 0; i < 200; ++i) {
    const Result<std::string> text = read_own_file(directory(), "file", kBytes);
    if (!text) continue;  // not yet
    EXPECT_EQ(*text, std::string(kBytes, text->front()));
  }
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
}

TEST_F(PrivateFiles, a_replacement_that_does_not_fit_leaves_the_old_file) {
  ASSERT_TRUE(replace_own_file(directory(), "file", "old"));
  Child child([&] {
    const rlimit little{4, 4};
    setrlimit(RLIMIT_FSIZE, &little);
    return code_of(replace_own_file(directory(), "file", "longer")) == ErrorCode::resource_exhausted ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0) << "minus 25 is SIGXFSZ";
  EXPECT_EQ(read_all(path("file")), "old");
  EXPECT_FALSE(std::filesystem::exists(path("file.new")));
}

TEST_F(PrivateFiles, a_file_size_limit_neither_kills_nor_leaves_a_signal_behind) {
  Child child([&] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_FSIZE, &none);
    const Result<FileDescriptor> file = open_own_file(directory(), "file", O_WRONLY | O_CREAT);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    const bool first = write_once(*file, "text");
    sigprocmask(SIG_BLOCK, &set, nullptr);
    const bool second = write_once(*file, "text");
    sigset_t pending;
    sigpending(&pending);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    return first || second || sigismember(&pending, SIGXFSZ) == 1 ? 1 : 0;
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(PrivateFiles, a_signal_that_was_pending_before_still_is) {
  Child child([&] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_FSIZE, &none);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGXFSZ);
    const Result<FileDescriptor> file = open_own_file(directory(), "file", O_WRONLY | O_CREAT);
    write_once(*file, "text");
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGXFSZ) == 1 ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace aldis
