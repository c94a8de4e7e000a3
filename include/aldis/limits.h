#pragma once
// Every number that bounds Aldis, and what happens at the bound. Header only; relations are static_asserted below.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace aldis::limits {

using namespace std::chrono_literals;

// Names (contract: "Names"): longer ones are invalid_argument.
inline constexpr std::size_t kNamespaceBytesMax = 64;
inline constexpr std::size_t kNameBytesMax = 128;
inline constexpr std::size_t kDisplayNameBytesMax = 256;
inline constexpr std::size_t kStatusBytesMax = 128;
inline constexpr std::size_t kTaskBytesMax = 1024;

// Payloads, metadata: larger or deeper ones are invalid_argument.
inline constexpr std::size_t kPayloadBytesMax = 256 * 1024;
inline constexpr std::size_t kPayloadDepthMax = 32;

// Heartbeats. A lease outside its bounds is invalid_argument.
inline constexpr std::chrono::nanoseconds kLeaseDefault = 30s;
inline constexpr std::chrono::nanoseconds kLeaseMin = 10ms;
inline constexpr std::chrono::nanoseconds kLeaseMax = 24h;
inline constexpr std::chrono::nanoseconds kStaleThresholdDefault = 60s;
inline constexpr std::chrono::nanoseconds kKeepAliveIntervalDefault = 10s;
inline constexpr std::chrono::nanoseconds kAgentRetention = 24h;  // dead and finished records are removed after it
inline constexpr double kSuspicionThreshold = 8.0;                // phi
inline constexpr std::chrono::nanoseconds kSuspicionDeviationMin = 100ms;
inline constexpr std::uint64_t kSuspicionIntervalsMin = 5;

// Signals.
inline constexpr std::chrono::nanoseconds kSignalTtlDefault = 60s;
inline constexpr std::chrono::nanoseconds kSignalTtlMax = std::chrono::days{7};
inline constexpr std::chrono::nanoseconds kSignalWaitDefault = 30s;
inline constexpr std::chrono::nanoseconds kTombstoneRetention = 24h;  // how long a receipt can be asked for
inline constexpr std::size_t kTombstonesMax = 10'000;                 // per mailbox; the oldest untold ones fold
inline constexpr std::size_t kMailboxSignalsMax = 10'000;             // more is resource_exhausted to the sender
inline constexpr std::size_t kMailboxBytesMax = 16 * 1024 * 1024;     // likewise
inline constexpr std::size_t kBroadcastsMax = 1'000;                  // live ones a type; likewise
inline constexpr std::size_t kReceiptReadersMax = 1'000;              // named in a receipt; all are counted
inline constexpr std::chrono::nanoseconds kTakeIdRetention = 60s;
inline constexpr std::chrono::nanoseconds kPositionRetention = std::chrono::days{9};  // after its last use
inline constexpr std::size_t kSettledPerWrite = 64;  // of a mailbox or broadcast type: signals that expired or are
                                                     // too old, and readers; or approvals. The rest is for later
inline constexpr std::size_t kFilterTypesMax = 64;   // types in one check or wait; more is invalid_argument

// Approvals. What is beyond is invalid_argument unless another answer is given.
inline constexpr std::chrono::nanoseconds kApprovalTimeoutDefault = 300s;
inline constexpr std::chrono::nanoseconds kApprovalTimeoutMax = std::chrono::days{365};
inline constexpr std::chrono::nanoseconds kApprovalRetention = std::chrono::days{30};  // after the decision
inline constexpr std::size_t kPendingApprovalsMax = 10'000;  // a namespace; more is resource_exhausted
inline constexpr std::size_t kApprovalPage = 100;            // records of one list, unless fewer are asked for
inline constexpr std::size_t kApprovalKeyBytesMax = 256;     // an idempotency key
inline constexpr std::size_t kReasonBytesMax = 4096;
inline constexpr std::uint32_t kQuorumMax = 64;  // and votes of one request
inline constexpr std::size_t kApprovalRulesMax = 1'000;
inline constexpr std::size_t kApproversMax = 1'000;
inline constexpr std::size_t kApproverFileBytesMax = 1024 * 1024;
inline constexpr std::size_t kPassphraseBytesMax = 1024;
inline constexpr std::chrono::nanoseconds kVoteTimeSlack = 5min;  // between the clocks of a responder and of the store
inline constexpr std::size_t kAuditEntriesMax = 1'000'000;        // then requests are resource_exhausted: rotate
inline constexpr std::size_t kAuditPage = 1'000;                  // entries of one read
inline constexpr std::chrono::nanoseconds kRedisApprovalsIdle = std::chrono::days{400};  // then a namespace's are gone

// Events. What is beyond is invalid_argument unless another answer is given.
inline constexpr std::uint64_t kStreamLengthDefault = 10'000;
inline constexpr std::uint64_t kStreamLengthMax = 1'000'000;
inline constexpr std::chrono::milliseconds kStreamAgeMax = std::chrono::days{365};
// A namespace, Aldis's own types not counted; one that is idle so long makes room (on Redis it is forgotten then).
inline constexpr std::size_t kStreamsMax = 1'000;
inline constexpr std::chrono::nanoseconds kStreamIdle = std::chrono::days{90};
inline constexpr std::size_t kConsumeCountDefault = 100;
inline constexpr std::size_t kConsumeCountMax = 1'000;
inline constexpr std::size_t kConsumeTypesMax = kStreamsMax;
inline constexpr std::size_t kSourceBytesMax = 256;
inline constexpr std::chrono::nanoseconds kTakeOverAfterDefault = 60s;
inline constexpr std::chrono::nanoseconds kTakeOverAfterMax = std::chrono::days{7};
inline constexpr std::size_t kGroupsMax = 64;  // a stream; another takes the place of one not used for kGroupRetention,
inline constexpr std::chrono::nanoseconds kGroupRetention = std::chrono::days{30};  // or is resource_exhausted
inline constexpr std::chrono::nanoseconds kGroupUseNoted = 1h;  // so often a member that finds nothing is noted
inline constexpr std::size_t kRemovalsPerPublish = 64;  // events beyond the bounds, hidden before, that leave the store
inline constexpr std::chrono::nanoseconds kOwnEventPatience = 5ms;  // of other capabilities that publish here
inline constexpr std::chrono::nanoseconds kOwnEventAttempt = 5s;    // of the thread that does it for them: like a call
inline constexpr std::size_t kOwnEventsWaiting = 1'024;             // of one process; more are dropped and counted
// On Redis: so long a repeated publication is recognised; so often a process registers the streams that it uses.
inline constexpr std::chrono::nanoseconds kRedisPublicationRetention = 31s;
inline constexpr std::chrono::nanoseconds kRedisStreamRegistration = 1min;

// Waiting.
inline constexpr std::chrono::nanoseconds kRecheckLocal = 1s;
inline constexpr std::chrono::nanoseconds kRecheckRedis = 5s;  // each process draws its own, within 20 percent
inline constexpr std::chrono::nanoseconds kWaitMax = std::chrono::days{365};  // longer timeouts are cut to this
inline constexpr std::chrono::nanoseconds kQuietMax = 24h;  // a waiter that hears nothing looks again so often
inline constexpr std::size_t kDoorbellPagesMax = 16;        // that one process opens, one after the other

// The local board and the ledger.
inline constexpr std::size_t kBoardBytesMax = std::size_t{1} << 30;  // or half of the file system, if that is less
inline constexpr std::size_t kBoardBytesMin = 1 * 1024 * 1024;       // a smaller file system is resource_exhausted
inline constexpr unsigned kBoardReadersMax = 2048;
inline constexpr unsigned kBoardSignalShare = 80;  // percent of the board that signals may fill; the rest is for
                                                   // heartbeats, takes and clean-up
inline constexpr std::chrono::nanoseconds kCallTimeoutDefault = 5s;  // of a call on any store, Redis too
inline constexpr std::size_t kRemovalsPerWrite = 2;  // due records that each write clears away on its way
inline constexpr std::size_t kLedgerWalBytesKept = 8 * 1024 * 1024;  // of the ledger's log, between its uses
inline constexpr std::size_t kLedgerDamageReported = 20;             // pieces of it, in a report

// The Redis store. A longer or richer URL is invalid_argument. What a server says beyond its bounds is no reply: the
// connection is closed, and the call unavailable.
inline constexpr std::size_t kRedisStoreUrlBytesMax = 4096;
inline constexpr std::size_t kRedisEndpointsMax = 64;  // in a URL
inline constexpr unsigned kRedisReplicasMax = 9;       // that a write may wait for
inline constexpr unsigned kRedisDatabaseMax = 65'535;
inline constexpr std::size_t kRedisPasswordBytesMax = 4096;  // in a file, with the newline at its end
inline constexpr std::size_t kRedisReplyBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kRedisReplyElementsMax = 1'000'000;   // in all arrays of a reply
inline constexpr std::size_t kRedisReplyLineBytesMax = 64 * 1024;  // of a status, an error or a number

// Calls on Redis: how they share connections and meet trouble.
inline constexpr std::size_t kRedisConnectionsMax = 16;  // a server; a call waits for one, within its deadline
inline constexpr std::chrono::nanoseconds kRedisCallTimeoutMax = 30s;  // longer ones are cut to it: what a call did
                                                                       // is remembered as long as it may be repeated
inline constexpr std::size_t kRedisPipelineMax = 256;  // reads on their way to a server at once; the others follow
inline constexpr std::chrono::nanoseconds kRedisSilenceMax = 2s;  // of a server that another one may stand in for, or a
                                                                  // third of the call's time if that is less
inline constexpr std::size_t kRedisRedirectsMax = 8;              // of a call, at once; later ones after a pause
inline constexpr std::chrono::nanoseconds kRedisPauseMin = 1ms;   // before the second attempt; doubles with each
inline constexpr std::chrono::nanoseconds kRedisPauseMax = 100ms;    // up to this; how much of it is drawn by lot
inline constexpr std::chrono::nanoseconds kRedisRefreshMin = 100ms;  // between two questions who serves which slot
inline constexpr std::size_t kRedisSettledPerScript =
    500;  // signals; what is over is for the next run, of the same call
inline constexpr std::size_t kRedisTimedOutPerScript = 16;  // approvals; likewise: each costs a SHA-256 in Lua
inline constexpr unsigned kRedisSettleRunsMax = 1'000;      // of a call; then it is unavailable
inline constexpr std::size_t kRedisPageSignalsMax = 500;    // of a list of broadcasts, which is read page by page
inline constexpr std::size_t kRedisPageBytesMax = 4 * 1024 * 1024;  // of payloads in it: one more may pass this
inline constexpr std::size_t kRedisAppearancesMax = 16'384;  // agents of a process that it need not announce again

// Listening to a Redis server: a connection of its own a process and server.
inline constexpr std::size_t kRedisSubscribeWindow = 128;  // commands on their way to a server; the others follow
inline constexpr std::size_t kRedisRecheckBatch = 1'000;   // versions read in one call
inline constexpr std::chrono::nanoseconds kRedisRecheckPatience = 1s;  // with it, or the call timeout if that is less:
                                                                       // who stops waiting does not wait longer
inline constexpr std::chrono::nanoseconds kRedisPingInterval = 5s;     // of silence, before the server is asked
inline constexpr std::chrono::nanoseconds kRedisPingPatience = 5s;     // with its answer; then the connection is dead
inline constexpr std::chrono::nanoseconds kRedisLinger = 5s;  // a channel stays after its last listener, up to twice
inline constexpr std::chrono::nanoseconds kRedisConnectPatience = 5s;
inline constexpr std::chrono::nanoseconds kRedisReopenMin = 10ms;  // before a lost connection is made again; doubles
inline constexpr std::chrono::nanoseconds kRedisReopenMax = 2s;    // up to this; a part of it is drawn by lot

// Telemetry of a tool. What is too much is dropped and counted; a schema that is too large does not compile (C: does
// not open).
inline constexpr std::size_t kTelemetryRingRecords = 48;
inline constexpr std::size_t kTelemetryRecordBytes = 64;
inline constexpr std::size_t kTelemetryRecordValueBytesMax = 48;
inline constexpr std::size_t kTelemetryNameBytesMax = 48;
inline constexpr std::size_t kTelemetryEventsMax = 64;
inline constexpr std::size_t kTelemetryFieldsMax = 16;   // an event
inline constexpr std::size_t kTelemetryValuesMax = 256;  // an enumeration
inline constexpr std::size_t kTelemetryFrameBytesMax = 4096;
inline constexpr std::size_t kTelemetrySpoolBytesMax = 256 * 1024;
inline constexpr std::size_t kTelemetrySpoolRecordBytesMax = 192 * 1024;  // beyond it only counts of what was dropped
// Writers that look at the size at the same moment may each add a frame to a spool that just has room for one.
inline constexpr std::size_t kTelemetryBatchBytesMax = 2 * kTelemetrySpoolBytesMax;
// What a reader bears of a batch; the rest of it is a gap. An attribute of a table's event stands with 3 bytes for two
// names: no writer says more in a batch than 32 times its bytes.
inline constexpr std::size_t kTelemetryUnsoundFramesMax = 256;
inline constexpr std::size_t kTelemetryBatchTextBytesMax = 32 * kTelemetrySpoolBytesMax;
inline constexpr std::size_t kTelemetryBatchesMax = 8;
inline constexpr std::size_t kTelemetrySentLogBytesMax = 64 * 1024;
inline constexpr unsigned kTelemetryAttemptsMax = 5;
inline constexpr std::chrono::seconds kTelemetryBatchAgeMax = std::chrono::days{7};
inline constexpr std::size_t kTelemetryEndpointBytesMax = 2048;  // a longer one is invalid_argument
inline constexpr std::size_t kTelemetryAnswerBytesMax = 64 * 1024;
inline constexpr std::chrono::seconds kTelemetryPause = 5s;     // between couriers; doubles with each failure
inline constexpr std::chrono::seconds kTelemetryPauseMax = 6h;  // longer Retry-After are cut to it
inline constexpr std::chrono::milliseconds kTelemetryLifetimeDefault = 500ms;  // of a courier
inline constexpr std::chrono::milliseconds kTelemetryLifetimeMin = 100ms;      // others are invalid_argument
inline constexpr std::chrono::milliseconds kTelemetryLifetimeMax = 10s;
inline constexpr std::chrono::seconds kTelemetryFlushMax = 10s;
inline constexpr unsigned kTelemetryUnfinishedMax = 3;  // starts that were never heard of: then none for a while
inline constexpr std::chrono::seconds kTelemetrySpoolOnly = std::chrono::days{7};
inline constexpr std::chrono::seconds kUpdateCheckInterval = std::chrono::days{7};
inline constexpr std::size_t kUpdateAnswerBytesMax = 4096;

static_assert(kPositionRetention > kSignalTtlMax + kTombstoneRetention,
              "a reader's position outlives every broadcast that it could still be told about");
static_assert(kQuietMax < kPositionRetention, "whoever waits is not forgotten");
static_assert(kRedisCallTimeoutMax < kTakeIdRetention, "a repeated take of the same call is recognised");
static_assert(kRedisCallTimeoutMax < kRedisPublicationRetention, "a repeated publication likewise");
static_assert(kApprovalTimeoutMax + kApprovalRetention < kRedisApprovalsIdle, "a request does not outlive its store");
static_assert(kStaleThresholdDefault > kLeaseDefault,
              "stale agents are reported although their lease is shorter: records outlive the lease");
static_assert(kKeepAliveIntervalDefault * 2 < kLeaseDefault, "one missed renewal does not lose the lease");
static_assert(kPayloadBytesMax < kMailboxBytesMax);
static_assert(kTelemetrySpoolRecordBytesMax < kTelemetrySpoolBytesMax, "what is dropped can still be counted");
static_assert(kTelemetryRecordValueBytesMax < kTelemetryRecordBytes);

}  // namespace aldis::limits
