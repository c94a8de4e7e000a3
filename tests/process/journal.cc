#include "journal.h"

#include <gtest/gtest.h>

#include <charconv>

namespace aldis::testing {
namespace {

int to_number(const std::string& text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string join(const Words& words) {
  std::string line;
  for (const std::string& word : words) line += word + " ";
  return line;
}

}  // namespace

void Journal::note(const Words& line) {
  const std::string& what = line.at(0);
  if (what == "sending") {
    last_numbers_[line.at(1)] = to_number(line.at(2));
  } else if (what == "sent") {
    Course& course = courses_[{line.at(1), to_number(line.at(2))}];
    course.id = line.at(3);
    course.sent = true;
    ++sent_;
  } else if (what == "holds") {
    note_hold(line);
  } else if (what == "acknowledged") {
    const auto key = keys_.find(line.at(2));
    ASSERT_NE(key, keys_.end()) << join(line);
    Course& course = courses_[key->second];
    EXPECT_FALSE(course.acknowledged) << join(line) << ": twice";
    course.acknowledged = true;
    ++settled_;
  } else if (what == "killed") {
    killed_.insert(line.at(1));
  } else if (what == "finished") {
    finished_.insert(line.at(1));
  } else {
    ADD_FAILURE() << join(line);
  }
}

// holds READER SENDER NUMBER TYPE ID ATTEMPT
void Journal::note_hold(const Words& line) {
  ++deliveries_;
  const Key key{line.at(2), to_number(line.at(3))};
  Course& course = courses_[key];
  check_exclusive(course, line);
  course.id = line.at(5);
  course.holds.push_back({line.at(1), static_cast<std::uint32_t>(to_number(line.at(6)))});
  keys_[course.id] = key;
  if (reserving_) return;
  ++settled_;
  check_order(line);
}

void Journal::check_exclusive(const Course& course, const Words& line) {
  EXPECT_FALSE(course.acknowledged) << join(line) << ": after it was acknowledged";
  if (course.holds.empty()) return;
  EXPECT_TRUE(reserving_) << join(line) << ": delivered before to " << course.holds.back().reader;
  EXPECT_EQ(course.id, line.at(5)) << join(line) << ": the same signal under two ids";
  for (const Hold& hold : course.holds) {
    EXPECT_TRUE(killed_.contains(hold.reader)) << join(line) << ": while " << hold.reader << " holds it";
    EXPECT_LT(hold.attempt, static_cast<std::uint32_t>(to_number(line.at(6)))) << join(line);
  }
}

void Journal::check_order(const Words& line) {
  const int number = to_number(line.at(3));
  const auto [last, first] = last_held_.try_emplace(line.at(1) + " " + line.at(2) + " " + line.at(4), -1);
  // A sender writes into several mailboxes, a reader reads one: its numbers leave gaps, but only ever grow.
  EXPECT_GT(number, last->second) << join(line) << ": out of order";
  last->second = number;
}

int Journal::last_number_of(const std::string& sender) const {
  const auto found = last_numbers_.find(sender);
  return found == last_numbers_.end() ? -1 : found->second;
}

std::vector<std::string> Journal::unsettled() const {
  std::vector<std::string> ids;
  for (const auto& [key, course] : courses_) {
    if (course.sent && !(reserving_ ? course.acknowledged : !course.holds.empty())) ids.push_back(course.id);
  }
  return ids;
}

}  // namespace aldis::testing
