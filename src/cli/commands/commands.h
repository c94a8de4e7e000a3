#pragma once
// Every command, each described and done in the file named beside it.

#include "cli/command.h"

namespace aldis::cli {

extern const CommandSpec kRun;                    // run.cc
extern const CommandSpec kAgentsList;             // agents_read.cc
extern const CommandSpec kAgentsShow;             // agents_read.cc
extern const CommandSpec kAgentsBeat;             // agents_beat.cc
extern const CommandSpec kAgentsStop;             // agents_beat.cc
extern const CommandSpec kAgentsWatch;            // agents_watch.cc
extern const CommandSpec kSignalsSend;            // signals_send.cc
extern const CommandSpec kSignalsBroadcast;       // signals_send.cc
extern const CommandSpec kSignalsCheck;           // signals_take.cc
extern const CommandSpec kSignalsWait;            // signals_take.cc
extern const CommandSpec kSignalsPending;         // signals_mailbox.cc
extern const CommandSpec kSignalsClear;           // signals_mailbox.cc
extern const CommandSpec kSignalsReceipt;         // signals_receipt.cc
extern const CommandSpec kSignalsAcknowledge;     // signals_receipt.cc
extern const CommandSpec kApprovalsRequest;       // approvals_request.cc
extern const CommandSpec kApprovalsWait;          // approvals_request.cc
extern const CommandSpec kApprovalsPending;       // approvals_read.cc
extern const CommandSpec kApprovalsList;          // approvals_read.cc
extern const CommandSpec kApprovalsShow;          // approvals_read.cc
extern const CommandSpec kApprovalsApprove;       // approvals_answer.cc
extern const CommandSpec kApprovalsReject;        // approvals_answer.cc
extern const CommandSpec kApprovalsCancel;        // approvals_request.cc
extern const CommandSpec kApprovalsClearExpired;  // approvals_read.cc
extern const CommandSpec kApprovalsWatch;         // approvals_watch.cc
extern const CommandSpec kApproversEnroll;        // approvers.cc
extern const CommandSpec kApproversList;          // approvers.cc
extern const CommandSpec kApproversTrust;         // approvers.cc
extern const CommandSpec kApproversRevoke;        // approvers.cc
extern const CommandSpec kAuditList;              // audit.cc
extern const CommandSpec kAuditVerify;            // audit.cc
extern const CommandSpec kAuditExport;            // audit.cc
extern const CommandSpec kEventsPublish;          // events_publish.cc
extern const CommandSpec kEventsTail;             // events_tail.cc
extern const CommandSpec kEventsAcknowledge;      // events_publish.cc
extern const CommandSpec kEventsPending;          // events_read.cc
extern const CommandSpec kEventsRecent;           // events_read.cc
extern const CommandSpec kEventsInfo;             // events_read.cc
extern const CommandSpec kEventsList;             // events_read.cc
extern const CommandSpec kEventsTrim;             // events_change.cc
extern const CommandSpec kEventsDelete;           // events_change.cc
extern const CommandSpec kEventsConfigure;        // events_change.cc
extern const CommandSpec kTelemetryStatus;        // telemetry.cc, as the next six
extern const CommandSpec kTelemetryExplain;
extern const CommandSpec kTelemetryEnable;
extern const CommandSpec kTelemetryDisable;
extern const CommandSpec kTelemetryPreview;
extern const CommandSpec kTelemetryFlush;
extern const CommandSpec kTelemetryReset;
extern const CommandSpec kDoctor;      // doctor.cc
extern const CommandSpec kConfigShow;  // config.cc
extern const CommandSpec kConfigPath;  // config.cc
extern const CommandSpec kManifest;    // manifest.cc
extern const CommandSpec kVersion;     // version.cc

}  // namespace aldis::cli
