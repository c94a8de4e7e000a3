#pragma once
// How entries of the audit log are chained. Used by the engines that write them and by what verifies them; implemented
// in audit_chain.cc, and once more in src/engines/redis/scripts/lib/audit.lua, which a server runs.
//
// Model: hash = SHA-256 over "aldis-audit-v1", a zero byte, and each field of the entry but the hash itself, in the
// order of the struct, as its length in decimal, ':', its bytes and ','. Numbers are decimal; a time is microseconds
// since 1970; a kind is its name. Threads: pure functions.

#include <string>

#include "aldis/audit.h"

namespace aldis {

std::string audit_hash(const AuditEntry& entry);

// Gives `entry` its number and hashes as the one behind `head`, and moves `head` to it.
void chain_entry(AuditEntry& entry, AuditHead& head);

}  // namespace aldis
