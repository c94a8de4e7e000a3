#include "engines/redis/reading.h"

#include <algorithm>
#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/redis/command.h"
#include "engines/redis/script_command.h"
#include "engines/redis/trouble.h"

namespace aldis {
namespace {

// A master that became a replica goes on answering reads, with what it had. In a cluster it says MOVED.
bool tells_its_role(const Node& node) { return node.is_in_cluster(); }

bool is_demoted(const Reply& role) { return !role.elements.empty() && role.elements.front().text != "master"; }

void append_command(std::string& out, const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  out += format_command(views);
}

void append_request(std::string& out, const ReadRequest& request, bool by_text, const Node& node) {
  if (request.script != nullptr) {
    const std::vector<std::string_view> arguments(request.arguments.begin(), request.arguments.end());
    out += script_command(*request.script, by_text, request.group, arguments, node);
    return;
  }
  const bool is_transaction = request.commands.size() > 1;
  if (is_transaction) out += kMultiCommand;
  for (const std::vector<std::string>& words : request.commands) append_command(out, words);
  if (is_transaction) out += kExecCommand;
}

// Why EXEC was refused is said before it.
const Reply* first_error(const std::vector<Reply>& replies) {
  const auto found = std::ranges::find_if(replies, &Reply::is_error);
  return found == replies.end() ? nullptr : &*found;
}

}  // namespace

Reading::Reading(Topology& topology, std::span<const ReadRequest> requests, CallAttempts& attempts)
    : topology_(topology), requests_(requests), attempts_(attempts), answers_(requests.size()) {
  open_.reserve(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) open_.push_back({.index = i});
  answered_.resize(requests.size());
}

Result<void> Reading::do_round() {
  ALDIS_TRY_ASSIGN(std::vector<Batch> batches, share_out());
  for (Batch& batch : batches) ALDIS_TRY(send(batch));
  for (Batch& batch : batches) ALDIS_TRY(receive(batch));
  std::erase_if(open_, [this](const Open& open) { return answered_[open.index]; });
  return {};
}

Result<std::vector<Reading::Batch>> Reading::share_out() {
  std::vector<Batch> batches;
  for (std::size_t place = 0; place < open_.size(); ++place) {
    Open& open = open_[place];
    std::shared_ptr<Node> node = open.asked;
    if (node == nullptr) {
      Result<std::shared_ptr<Node>> found =
          topology_.node_of(requests_[open.index].group, attempts_.attempt_deadline());
      if (!found && !may_pass(found.error())) return std::unexpected(std::move(found).error());
      if (!found) {
        attempts_.fail_by(found.error().message);
        continue;
      }
      node = *std::move(found);
    }
    auto batch = std::ranges::find(batches, node, &Batch::node);
    if (batch == batches.end()) {
      batches.push_back({.node = std::move(node)});
      batch = std::prev(batches.end());
    }
    if (batch->places.size() < limits::kRedisPipelineMax) batch->places.push_back(place);
  }
  // One order for all: two calls that need connections to the same two servers must not each wait for the other's.
  std::ranges::sort(batches, {}, [](const Batch& batch) { return batch.node.get(); });
  return batches;
}

Result<void> Reading::send(Batch& batch) {
  Trouble trouble(topology_, *batch.node, attempts_);
  const SteadyTime deadline = attempts_.attempt_deadline();
  Result<Node::Borrowed> connection = batch.node->borrow(deadline);
  if (!connection) {
    if (auto final = trouble.lose(connection.error())) return std::unexpected(*std::move(final));
    return {};
  }
  std::string commands(tells_its_role(*batch.node) ? std::string_view() : kRoleCommand);
  for (const std::size_t place : batch.places) {
    if (open_[place].asked != nullptr) commands += kAskingCommand;
    append_request(commands, requests_[open_[place].index], open_[place].by_text, *batch.node);
  }
  if (const Result<void> sent = (*connection)->send(commands, deadline); !sent) {
    if (auto final = trouble.lose(sent.error(), connection->was_idle())) return std::unexpected(*std::move(final));
    return {};
  }
  batch.connection.emplace(*std::move(connection));
  return {};
}

Result<void> Reading::receive(Batch& batch) {
  if (!batch.connection) return {};
  const SteadyTime deadline = attempts_.attempt_deadline(batch.connection->was_idle());
  if (!tells_its_role(*batch.node)) {
    ALDIS_TRY_ASSIGN(const bool may_go_on, check_role(batch, deadline));
    if (!may_go_on) return {};
  }
  for (const std::size_t place : batch.places) {
    Open& open = open_[place];
    std::vector<Reply> replies(reply_count(open));
    for (Reply& reply : replies) {
      Result<Reply> received = (*batch.connection)->receive(deadline);
      if (!received) {
        auto final = Trouble(topology_, *batch.node, attempts_).lose(received.error(), batch.connection->was_idle());
        if (final) return std::unexpected(*std::move(final));
        return {};
      }
      reply = *std::move(received);
    }
    ALDIS_TRY(settle(batch, open, std::move(replies)));
  }
  batch.connection->give_back();
  return {};
}

// False: the rest of its answers do not count.
Result<bool> Reading::check_role(Batch& batch, SteadyTime deadline) {
  Trouble trouble(topology_, *batch.node, attempts_);
  const Result<Reply> role = (*batch.connection)->receive(deadline);
  if (role && !is_demoted(*role)) return true;
  if (role) {
    ALDIS_TRY(trouble.refuse("READONLY it is a replica now", false));
  } else if (auto final = trouble.lose(role.error(), batch.connection->was_idle())) {
    return std::unexpected(*std::move(final));
  }
  return false;
}

Result<void> Reading::settle(const Batch& batch, Open& open, std::vector<Reply>&& replies) {
  open.asked = nullptr;
  const Reply* error = first_error(replies);
  if (error == nullptr) {
    answers_[open.index] = std::move(replies.back());
    answered_[open.index] = true;
    return {};
  }
  const bool follows = requests_[open.index].commands.size() == 1;
  ALDIS_TRY_ASSIGN(const Decision decision, Trouble(topology_, *batch.node, attempts_).refuse(error->text, follows));
  if (decision.action == Decision::Action::ask && follows) open.asked = topology_.node_at(decision.endpoint);
  open.by_text = decision.action == Decision::Action::load_script;
  return {};
}

std::size_t Reading::reply_count(const Open& open) const {
  const ReadRequest& request = requests_[open.index];
  if (request.script != nullptr) return 1;
  const std::size_t commands = request.commands.size();
  return commands + (commands > 1 ? 2 : 0) + (open.asked != nullptr ? 1 : 0);
}

}  // namespace aldis
