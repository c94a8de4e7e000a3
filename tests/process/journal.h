#pragma once
// What became of every signal of a fleet, by what the workers said; the checks of who may have it when. Implemented in
// journal.cc. Threads: one thread.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fleet.h"

namespace aldis::testing {

class Journal {
 public:
  explicit Journal(bool reserving) : reserving_(reserving) {}

  // Takes one line in, and fails the test if it must not have been said.
  void note(const Words& line);

  std::size_t deliveries() const { return deliveries_; }
  std::size_t sent() const { return sent_; }
  int last_number_of(const std::string& sender) const;  // that it tried to send; -1: none
  bool has_finished(const std::string& sender) const { return finished_.contains(sender); }

  // Ids of the signals that were surely sent, and of which nobody said that it took (or acknowledged) them.
  std::vector<std::string> unsettled() const;
  bool is_settled() const { return settled_ >= sent_ && unsettled().empty(); }

 private:
  using Key = std::pair<std::string, int>;  // sender, number: each is sent once at most
  struct Hold {
    std::string reader;
    std::uint32_t attempt;
  };
  struct Course {
    std::string id;  // empty: tried, perhaps sent
    std::vector<Hold> holds;
    bool sent = false;
    bool acknowledged = false;
  };

  void note_hold(const Words& line);
  void check_exclusive(const Course& course, const Words& line);
  void check_order(const Words& line);

  const bool reserving_;
  std::map<Key, Course> courses_;
  std::map<std::string, Key> keys_;          // by id
  std::map<std::string, int> last_numbers_;  // by sender
  std::map<std::string, int> last_held_;     // by reader, sender, type
  std::set<std::string> finished_;
  std::set<std::string> killed_;
  std::size_t deliveries_ = 0;
  std::size_t sent_ = 0;
  std::size_t settled_ = 0;
};

}  // namespace aldis::testing
