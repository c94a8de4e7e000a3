// What a Redis server answers about approvals and the audit log, and what it must not make us believe.

#include "engines/redis/approval_codec.h"

#include <gmock/gmock.h>

#include "aldis/limits.h"
#include "core/audit_chain.h"
#include "core/sha256.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Texts = std::vector<std::string>;

Reply text(std::string value) { return {.kind = Reply::Kind::text, .text = std::move(value)}; }
Reply array(const Texts& texts) {
  Reply reply{.kind = Reply::Kind::array};
  for (const std::string& one : texts) reply.elements.push_back(text(one));
  return reply;
}

// A reading as the scripts write it.
Texts written() {
  return {"1790000000000007",
          "300000000",
          "00000000000000000000000001",
          "deploy",
          "ann",
          "once",
          "{}",
          std::string(64, 'c'),
          "300000000999",
          std::string(64, 'e'),
          "2",
          "1790000000000000",
          "1",
          "pending",
          "",
          "",
          ""};
}
Texts behind(std::string kind, Texts rest) {
  rest.insert(rest.begin(), std::move(kind));
  return rest;
}
Texts with(std::size_t place, std::string value) {
  Texts changed = written();
  changed.at(place) = std::move(value);
  return changed;
}

std::string netstrings(const Texts& texts) {
  std::string bytes;
  for (const std::string& one : texts) bytes += std::to_string(one.size()) + ':' + one + ',';
  return bytes;
}

AuditEntry some_entry() {
  AuditEntry entry;
  entry.number = 17;
  entry.kind = AuditKind::vote;
  entry.time = WallTime{1'790'000'000'000'007us};
  entry.request_id = "apr_1";
  entry.approval_type = "deploy";
  entry.agent_id = "ann";
  entry.actor = "bob";
  entry.outcome = "approved";
  entry.previous_hash = std::string(64, '0');
  entry.hash = audit_hash(entry);
  return entry;
}
Texts written_entry(const AuditEntry& entry) {
  return {std::to_string(entry.number),
          std::string(to_string(entry.kind)),
          std::to_string(entry.time.time_since_epoch().count()),
          entry.request_id,
          entry.approval_type,
          entry.agent_id,
          entry.actor,
          entry.outcome,
          entry.key_id,
          entry.context_hash,
          entry.detail_hash,
          entry.previous_hash,
          entry.hash};
}

template <class T>
std::string outcome_of(const Result<T>& result) {
  return result ? "ok" : std::string(to_string(result.error().code));
}

TEST(RedisApprovalCodec, reads_what_the_scripts_write) {
  Texts answer = behind("approval", written());
  for (const char* part : {"bob", "1", "fine", "1790000000000003", "0123456789abcdef", "signature"})
    answer.emplace_back(part);
  const auto read = read_approval_answer(array(answer));
  ASSERT_TRUE(read && *read);
  const ApprovalReading& reading = **read;
  EXPECT_EQ(reading.now, WallTime{1'790'000'000'000'007us});
  EXPECT_EQ(reading.remaining, 300s);
  EXPECT_EQ(reading.record.subject.key, "once");
  EXPECT_EQ(reading.record.subject.timeout, 300s + 999ns);
  EXPECT_EQ(reading.record.expires_at, WallTime{1'790'000'300'000'000us});
  EXPECT_EQ(reading.record.subject.quorum, 2U);
  EXPECT_EQ(reading.record.decided_at, std::nullopt);
  ASSERT_THAT(reading.record.votes, SizeIs(1));
  EXPECT_EQ(reading.record.votes[0], (StoredVote{.responder = "bob",
                                                 .approved = true,
                                                 .reason = "fine",
                                                 .time = WallTime{1'790'000'000'000'003us},
                                                 .key_id = "0123456789abcdef",
                                                 .signature = "signature"}));
}

TEST(RedisApprovalCodec, a_new_request_is_what_was_asked_at_the_servers_time) {
  const ApprovalSubject asked{
      .id = {}, .type = "deploy", .agent = "ann", .context = "{}", .context_hash = "", .timeout = 1999ns};
  const auto opened = read_opened_answer(array({"opened", "1790000000000000"}), asked);
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->existed);
  EXPECT_EQ(opened->reading.record.subject, asked);
  EXPECT_EQ(opened->reading.record.opened_at, opened->reading.now);
  EXPECT_EQ(opened->reading.record.expires_at, opened->reading.now + 1us);
  EXPECT_EQ(opened->reading.remaining, 2us) << "nothing ends early";
  EXPECT_TRUE(read_opened_answer(array(behind("existed", written())), asked)->existed);
}

TEST(RedisApprovalCodec, an_absence_and_an_error_are_told_apart) {
  EXPECT_EQ(read_approval_answer(array({"none"})).value(), std::nullopt);
  const auto refused = read_change_answer(array({"error", "not_found", "no such request"}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::not_found);
  EXPECT_EQ(refused.error().message, "no such request");
}

TEST(RedisApprovalCodec, a_list_has_a_next_page_or_none) {
  Reply answer = array({"page"});
  answer.elements.push_back(array(written()));
  EXPECT_FALSE(read_approval_page(answer).value().is_last);
  answer.elements[0].text = "approvals";
  EXPECT_TRUE(read_approval_page(answer).value().is_last);
  EXPECT_THAT(read_approval_page(array({"approvals"})).value().readings, IsEmpty());
  EXPECT_EQ(outcome_of(read_approval_page(array({"page"}))), "data_loss") << "it would be asked for without end";
}

TEST(RedisApprovalCodec, an_answer_that_no_script_writes_is_data_loss) {
  const std::string too_long = std::to_string(limits::kApprovalTimeoutMax.count() + 1);
  for (const Texts& wrong : {Texts{}, with(0, ""), with(0, "9223372036854775807"), with(1, "soon"), with(2, "I"),
                             with(8, "-1"), with(8, too_long), with(10, ""), with(10, "4294967296"), with(12, "-1"),
                             with(13, "perhaps"), with(16, "late")}) {
    EXPECT_EQ(outcome_of(read_approval_answer(array(behind("approval", wrong)))), "data_loss");
    EXPECT_EQ(outcome_of(read_change_answer(array(behind("changed", wrong)))), "data_loss");
    EXPECT_EQ(outcome_of(read_opened_answer(array(behind("existed", wrong)), {})), "data_loss");
  }
  Texts half_a_vote = behind("approval", written());
  half_a_vote.insert(half_a_vote.end(), {"bob", "1", "fine"});
  EXPECT_EQ(outcome_of(read_approval_answer(array(half_a_vote))), "data_loss");
  EXPECT_EQ(outcome_of(read_approval_answer(text("approval"))), "data_loss");
  EXPECT_EQ(outcome_of(read_opened_answer(array({"opened"}), {})), "data_loss");
}

TEST(RedisApprovalCodec, a_store_id_is_32_hexadecimal_digits) {
  EXPECT_EQ(read_store_id_answer(text(std::string(32, 'a'))).value(), std::string(32, 'a'));
  for (const std::string& wrong : {std::string(), std::string(31, 'a'), std::string(32, 'A')})
    EXPECT_EQ(outcome_of(read_store_id_answer(text(wrong))), "data_loss");
}

TEST(RedisApprovalCodec, an_entry_is_read_as_it_was_written) {
  const AuditEntry entry = some_entry();
  EXPECT_EQ(unpack_audit_entry(17, netstrings(written_entry(entry))), entry);
}

TEST(RedisApprovalCodec, an_entry_that_says_another_number_is_shown_as_it_is) {
  EXPECT_EQ(unpack_audit_entry(16, netstrings(written_entry(some_entry()))).number, 17U);
}

TEST(RedisApprovalCodec, an_entry_that_cannot_be_read_says_its_number_and_proves_nothing) {
  const std::string bytes = netstrings(written_entry(some_entry()));
  Texts unknown_kind = written_entry(some_entry());
  unknown_kind[1] = "voted";
  Texts too_many = written_entry(some_entry());
  too_many.emplace_back("more");
  for (const std::string& junk : {std::string(), std::string("junk"), bytes.substr(0, bytes.size() - 1), bytes + "0:,",
                                  '9' + bytes, "18446744073709551615:" + bytes, netstrings(unknown_kind),
                                  netstrings(too_many), std::string("1:1"), std::string("-1:,")}) {
    const AuditEntry found = unpack_audit_entry(17, junk);
    EXPECT_EQ(found.number, 17U);
    EXPECT_EQ(found.hash, "") << junk;
  }
}

TEST(RedisApprovalCodec, a_page_of_the_log_says_where_the_next_one_begins) {
  const AuditEntry entry = some_entry();
  const std::string bytes = netstrings(written_entry(entry));
  const AuditAnswerPage page = read_audit_page(array({"entries", "20", "17", bytes, "19", "junk"})).value();
  EXPECT_EQ(page.next_after, 20U);
  ASSERT_THAT(page.entries, SizeIs(2));
  EXPECT_EQ(page.entries[0], entry);
  EXPECT_EQ(page.entries[1].number, 19U);
  EXPECT_EQ(read_audit_page(array({"entries", ""})).value().next_after, std::nullopt);
  for (const Texts& wrong : {Texts{"entries"}, Texts{"entries", "x"}, Texts{"entries", "", "17"}, Texts{"other", ""}})
    EXPECT_EQ(outcome_of(read_audit_page(array(wrong))), "data_loss");
}

TEST(RedisApprovalCodec, the_bounds_of_a_log_are_its_head_and_its_anchor) {
  const std::string hash(64, 'a');
  const std::string other(64, 'b');
  const AuditBounds bounds = read_audit_bounds(array({"bounds", "17", hash, "9", other, ""})).value();
  EXPECT_EQ(bounds.head, (AuditHead{17, hash}));
  EXPECT_EQ(bounds.anchor, (AuditHead{9, other}));
  EXPECT_EQ(bounds.stray, std::nullopt);
  EXPECT_EQ(read_audit_bounds(array({"bounds", "17", hash, "", "", "18"})).value().anchor, AuditHead{});
  EXPECT_EQ(read_audit_bounds(array({"bounds", "17", hash, "", "", "18"})).value().stray, 18U);
  EXPECT_EQ(read_audit_bounds(array({"bounds", "", "", "", "", ""})).value().head, AuditHead{});
  for (const Texts& wrong : {Texts{}, Texts{"bounds", "17", hash}, Texts{"bounds", "", hash, "9", other, ""},
                             Texts{"bounds", "17", "", "9", other, ""}, Texts{"bounds", "17", hash, "9", other, "x"},
                             Texts{"17", hash, "9", other, ""}})
    EXPECT_EQ(outcome_of(read_audit_bounds(array(wrong))), "data_loss");
}

}  // namespace
}  // namespace aldis::testing
