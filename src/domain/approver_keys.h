#pragma once
// Public keys as text, and how private ones are sealed. Used by approver_file.cc, approval_signature.cc and tests;
// implemented in approver_keys.cc, as is ApproverKey (aldis/approvers.h).
//
// Model: keys/NAME.key (docs/formats.md) holds the seed of an Ed25519 key pair, encrypted by XChaCha20-Poly1305 with a
// key that Argon2id makes of the passphrase. Everything else in the file is associated data: none of it can be changed
// without the seal breaking. What the making of the key costs stands in the file, so that it can grow. Threads: pure
// functions, but for enroll_approver. Errors: as aldis/approvers.h.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/approvers.h"

namespace aldis {

using PublicKey = std::array<std::uint8_t, 32>;

// Of "ed25519:…". invalid_argument: it is not written like a key, or is no point of the curve that a key can be.
Result<PublicKey> parse_public_key(std::string_view text);
std::string format_public_key(const PublicKey& key);
std::string key_id_of(const PublicKey& key);

// As check_name, and fit for a file name.
Result<void> check_approver_name(std::string_view name);

struct SealCost {
  std::uint64_t operations = 0;
  std::size_t memory_bytes = 0;
};

SealCost default_seal_cost();

Result<Approver> enroll_approver(const std::string& directory, std::string_view name, std::string_view passphrase,
                                 const SealCost& cost, const std::string& own = {});

}  // namespace aldis
