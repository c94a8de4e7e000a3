#pragma once
// A configuration directory with approvers, their keys and a policy, for the tests of signed approvals. Implemented in
// signers.cc.
//
// Model: keys are sealed as cheaply as can be. Threads: one thread.

#include <string>

#include "fleet.h"

namespace aldis::testing {

class Signers {
 public:
  // Both are made. `keys`: where the sealed keys go; anybody's own directory.
  Signers(std::string configuration, std::string keys);

  const std::string& configuration() const { return configuration_; }

  void enroll(const std::string& name);  // and trust
  void revoke(const std::string& name);
  // "deploy" is approved by two of ann, bob and carl.
  void write_policy();

  // The arguments of a worker that answers request `id` with that signature.
  Words vote(const std::string& id, const std::string& name, const std::string& verdict = "approved") const;

 private:
  const std::string configuration_;
  const std::string keys_;
};

// Gives the directory and everything in it to that user.
void give_away(const std::string& directory, int user);

}  // namespace aldis::testing
