#pragma once
// What somebody could do to a store who may write to it, for the tests of signed approvals. Implemented in
// approval_forgery.cc. Threads: one thread.

#include <string>
#include <vector>

#include "approval_stage.h"
#include "ports/approval_store.h"
#include "signers.h"

namespace aldis::testing {

// The key that the configuration trusts of that approver.
std::string key_id_of(const Signers& signers, const std::string& name);

// An approval in the name of somebody whose key the forger does not have.
StoredVote forged_vote(const std::string& responder, const std::string& key_id);

std::vector<StoredVote> stored_votes(const Workspace& workspace, const std::string& id);

// Through the port, which believes everything, and rings for it. The last vote brings `state`.
void write_votes(const Workspace& workspace, const std::string& id, const std::vector<StoredVote>& votes,
                 ApprovalState state);

// A forged vote of ann and a verdict, straight into the SQLite file or the keys of the server. Nobody is rung.
void write_verdict_past_the_library(ApprovalStage& stage, const std::string& id, const std::string& key_id);

// "type = 'restart', state = 'approved'", written into the row of the request in the SQLite file of a local stage.
// Nobody is rung.
void edit_row(ApprovalStage& stage, const std::string& id, const std::string& assignments);

// The requests of namespace "default" and the name of its store, all as they are, in another namespace.
void copy_approvals(ApprovalStage& stage, const std::string& namespace_name);

}  // namespace aldis::testing
