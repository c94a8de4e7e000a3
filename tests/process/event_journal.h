#pragma once
// What the publishers and members of event_worker.cc said of one stream and its group, and the checks of it. Used by
// event_exchange_test.cc; implemented in event_journal.cc. Threads: one thread.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "aldis/events.h"
#include "fleet.h"

namespace aldis::testing {

class EventJournal {
 public:
  // Exclusive: nothing is taken over while the journal is kept, so no event may be given to two.
  explicit EventJournal(bool exclusive) : exclusive_(exclusive) {}

  // Takes one line in, and fails the test if it must not have been said.
  void note(const Words& line);

  std::size_t given() const { return given_; }  // events, counted once each
  int last_number_of(const std::string& publisher) const;
  bool has_finished(const std::string& publisher) const { return finished_.contains(publisher); }
  bool is_idle(const std::string& member) const;  // it acknowledged all that it said it was given

  // What the store says, right after it was killed, that a member still held. All of it has to come again, to another.
  void note_left(const std::string& dead, const std::set<std::uint64_t>& ordinals);
  std::size_t left_by_the_dead() const { return left_by_the_dead_; }

  // What a last member took over after all others were killed.
  void note_swept(std::uint64_t ordinal);

  // Fails the test unless the stream, all its events, is what the publishers were told, without a hole.
  void check_stream(const std::vector<StreamEvent>& events, std::size_t killed_publishers) const;
  // Fails the test unless each of the events up to `last` was handled, what the dead had left too, and acknowledged
  // once as far as it was said. Killed members may have been silent about so many acknowledgements; if exclusive, what
  // they left tells those, and there may be no other.
  void check_work(std::uint64_t last, std::size_t silent_max) const;

 private:
  struct Course {
    std::string publisher;  // empty: nobody said that it was published
    int number = 0;
    std::string id;
    std::string member;  // that was given it last
    bool acknowledged = false;
  };

  void note_published(const Words& line);
  void note_given(const Words& line);
  void note_acknowledged(const Words& line);
  Course& course_of(std::uint64_t ordinal);

  const bool exclusive_;
  std::vector<Course> courses_;  // by ordinal
  std::map<std::string, int> last_numbers_;
  std::map<std::string, std::size_t> held_;  // by member
  std::set<std::string> finished_;
  std::set<std::string> killed_;
  std::map<std::uint64_t, std::string> left_;  // and not come again yet: by whom
  std::size_t left_by_the_dead_ = 0;
  std::size_t unsaid_ = 0;  // acknowledgements of the dead that the store shows
  std::size_t given_ = 0;
  std::size_t acknowledged_ = 0;  // as the store counted them
};

}  // namespace aldis::testing
