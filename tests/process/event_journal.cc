#include "event_journal.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/format.h"
#include "event_stage.h"

namespace aldis::testing {

void EventJournal::note(const Words& line) {
  const std::string& what = line.at(0);
  if (what == "published") {
    note_published(line);
  } else if (what == "given") {
    note_given(line);
  } else if (what == "acknowledged") {
    note_acknowledged(line);
  } else if (what == "finished") {
    finished_.insert(line.at(1));
  } else if (what == "killed") {
    killed_.insert(line.at(1));
  } else if (what != "ready") {
    ADD_FAILURE() << ::testing::PrintToString(line);
  }
}

EventJournal::Course& EventJournal::course_of(std::uint64_t ordinal) {
  if (courses_.size() <= ordinal) courses_.resize(ordinal + 1);
  return courses_[ordinal];
}

// published NAME NUMBER TYPE ID
void EventJournal::note_published(const Words& line) {
  Course& course = course_of(ordinal_of_id(line.at(4)));
  EXPECT_EQ(course.publisher, "") << line.at(4) << ": given to two publishers";
  course.publisher = line.at(1);
  course.number = static_cast<int>(to_ordinal(line.at(2)));
  course.id = line.at(4);
  last_numbers_[course.publisher] = course.number;
}

// given MEMBER ORDINAL...
void EventJournal::note_given(const Words& line) {
  for (std::size_t i = 2; i < line.size(); ++i) {
    Course& course = course_of(to_ordinal(line[i]));
    if (exclusive_) {
      EXPECT_EQ(course.member, "") << line[i] << " was given to two members";
    }
    if (course.member.empty()) ++given_;
    course.member = line.at(1);
    const auto left = left_.find(to_ordinal(line[i]));
    if (left != left_.end() && left->second != course.member) left_.erase(left);
  }
  held_[line.at(1)] += line.size() - 2;
}

// acknowledged MEMBER COUNT ORDINAL...
void EventJournal::note_acknowledged(const Words& line) {
  const std::size_t asked = line.size() - 3;
  const std::uint64_t done = to_ordinal(line.at(2));
  acknowledged_ += done;
  held_[line.at(1)] -= asked;
  EXPECT_LE(done, asked);
  if (exclusive_) {
    EXPECT_EQ(done, asked) << "of " << line.at(1);
  }
  if (done < asked) return;  // others were quicker with some of them: it is not said with which
  for (std::size_t i = 3; i < line.size(); ++i) {
    Course& course = course_of(to_ordinal(line[i]));
    EXPECT_FALSE(course.acknowledged) << line[i] << " was acknowledged by two";
    course.acknowledged = true;
  }
}

int EventJournal::last_number_of(const std::string& publisher) const {
  const auto found = last_numbers_.find(publisher);
  return found == last_numbers_.end() ? -1 : found->second;
}

bool EventJournal::is_idle(const std::string& member) const {
  const auto held = held_.find(member);
  return held == held_.end() || held->second == 0;
}

void EventJournal::note_left(const std::string& dead, const std::set<std::uint64_t>& ordinals) {
  for (const std::uint64_t ordinal : ordinals) left_[ordinal] = dead;
  left_by_the_dead_ += ordinals.size();
  if (!exclusive_) return;
  for (std::size_t ordinal = 0; ordinal < courses_.size(); ++ordinal) {
    Course& course = courses_[ordinal];
    if (course.member != dead || course.acknowledged || ordinals.contains(ordinal)) continue;
    course.acknowledged = true;
    ++unsaid_;
  }
}

void EventJournal::note_swept(std::uint64_t ordinal) {
  left_.erase(ordinal);
  Course& course = course_of(ordinal);
  EXPECT_FALSE(course.acknowledged) << ordinal << " was acknowledged, and came again";
  if (course.member.empty()) ++given_;
  EXPECT_TRUE(course.member.empty() || killed_.contains(course.member)) << ordinal << " was with " << course.member;
  course.acknowledged = true;
  ++acknowledged_;
}

void EventJournal::check_stream(const std::vector<StreamEvent>& events, std::size_t killed_publishers) const {
  std::size_t unsaid = 0;
  std::map<std::string, int> numbers;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const StreamEvent& event = events[i];
    ASSERT_EQ(ordinal_of_id(event.event_id), i + 1) << "a hole";
    const auto [last, first] = numbers.try_emplace(event.source, 0);
    const std::string expected = fmt::format(R"({{"number":{}}})", last->second);
    const std::string repeated = fmt::format(R"({{"number":{}}})", last->second - 1);  // by who came after a killed one
    ASSERT_TRUE(event.data.text() == expected || event.data.text() == repeated) << event.event_id;
    if (event.data.text() == expected) ++last->second;
    if (i + 1 >= courses_.size() || courses_[i + 1].publisher.empty()) {
      ++unsaid;
      continue;
    }
    const Course& course = courses_[i + 1];
    ASSERT_EQ(event.event_id, course.id);
    ASSERT_EQ(event.source, course.publisher);
    ASSERT_EQ(event.data.text(), fmt::format(R"({{"number":{}}})", course.number));
  }
  EXPECT_LE(courses_.size(), events.size() + 1) << "a publisher was told of an event that is not there";
  EXPECT_LE(unsaid, killed_publishers) << "one that is killed is silent about one at most";
}

void EventJournal::check_work(std::uint64_t last, std::size_t silent_max) const {
  EXPECT_EQ(given_, last);
  EXPECT_TRUE(left_.empty()) << left_.size() << " that dead members held never came again, the first is "
                             << left_.begin()->first;
  ASSERT_EQ(courses_.size(), last + 1);
  std::size_t silent = 0;
  for (std::uint64_t ordinal = 1; ordinal <= last; ++ordinal) {
    if (!courses_[ordinal].acknowledged) ++silent;
  }
  if (exclusive_) {
    EXPECT_EQ(silent, 0u);
    EXPECT_EQ(acknowledged_ + unsaid_, last);
    EXPECT_LE(unsaid_, silent_max);
  }
  EXPECT_LE(acknowledged_, last);
  EXPECT_GE(acknowledged_ + silent_max, last);
}

}  // namespace aldis::testing
