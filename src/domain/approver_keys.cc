#include "domain/approver_keys.h"

#include <fcntl.h>
#include <sodium.h>

#include <charconv>
#include <memory>
#include <utility>

#include "core/failure.h"
#include "core/names.h"
#include "core/private_files.h"
#include "core/sha256.h"
#include "core/try.h"
#include "domain/configuration_directory.h"

namespace aldis {
namespace {

constexpr std::string_view kKeyPrefix = "ed25519:";
constexpr std::size_t kKeyIdDigits = 16;
constexpr std::size_t kKeyFileBytesMax = 4096;
constexpr std::size_t kSeedBytes = crypto_sign_SEEDBYTES;
constexpr std::size_t kSealedBytes = kSeedBytes + crypto_aead_xchacha20poly1305_ietf_ABYTES;

template <std::size_t Count>
using Bytes = std::array<unsigned char, Count>;

struct FreeSecret {
  void operator()(unsigned char* secret) const { sodium_free(secret); }
};
// Locked in memory where the system allows it, and wiped when it goes.
using Secret = std::unique_ptr<unsigned char, FreeSecret>;

Result<Secret> make_secret(std::size_t size) {
  if (sodium_init() >= 0) {
    if (Secret secret(static_cast<unsigned char*>(sodium_malloc(size))); secret) return secret;
  }
  return fail(ErrorCode::resource_exhausted, "no memory for a secret of {} bytes", size);
}

template <std::size_t Count>
std::string encode(const Bytes<Count>& bytes) {
  std::string text(sodium_base64_ENCODED_LEN(Count, sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), Count, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the zero at its end
  return text;
}

template <std::size_t Count>
bool decode(std::string_view text, Bytes<Count>& bytes) {
  std::size_t decoded = 0;
  const char* end = nullptr;
  return sodium_base642bin(bytes.data(), Count, text.data(), text.size(), nullptr, &decoded, &end,
                           sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
         decoded == Count && end == text.data() + text.size();
}

struct KeyFile {
  std::string name;
  PublicKey public_key{};
  SealCost cost;
  Bytes<crypto_pwhash_SALTBYTES> salt{};
  Bytes<crypto_aead_xchacha20poly1305_ietf_NPUBBYTES> nonce{};
  Bytes<kSealedBytes> sealed{};
};

// What the seal authenticates.
std::string format_header(const KeyFile& file) {
  return fmt::format("aldis-approver-key 1\nname {}\npublic-key {}\nargon2id {} {} {}\nxchacha20-poly1305 {}\n",
                     file.name, format_public_key(file.public_key), file.cost.operations, file.cost.memory_bytes,
                     encode(file.salt), encode(file.nonce));
}

std::string format_key_file(const KeyFile& file) {
  return format_header(file) + fmt::format("sealed {}\n", encode(file.sealed));
}

// Takes what stands before `end`, and that, away from `text`.
std::string_view take_word(std::string_view& text, char end) {
  const std::size_t length = std::min(text.find(end), text.size());
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return word;
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<KeyFile> parse_key_file(std::string_view text) {
  std::string_view rest = text;
  KeyFile file;
  take_word(rest, '\n');
  take_word(rest, ' ');
  file.name = take_word(rest, '\n');
  take_word(rest, ' ');
  const Result<PublicKey> key = parse_public_key(take_word(rest, '\n'));
  take_word(rest, ' ');
  if (!key || !parse_number(take_word(rest, ' '), file.cost.operations) ||
      !parse_number(take_word(rest, ' '), file.cost.memory_bytes) || !decode(take_word(rest, '\n'), file.salt)) {
    return std::nullopt;
  }
  file.public_key = *key;
  take_word(rest, ' ');
  if (!decode(take_word(rest, '\n'), file.nonce)) return std::nullopt;
  take_word(rest, ' ');
  if (!decode(take_word(rest, '\n'), file.sealed)) return std::nullopt;
  // Understood is only what we would have written: this refuses other words and versions, and further lines.
  if (format_key_file(file) != text) return std::nullopt;
  return file;
}

// A file that asks for more was not written by us, and would only take memory and time.
bool is_bearable(const SealCost& cost) {
  return cost.operations >= crypto_pwhash_OPSLIMIT_MIN && cost.operations <= crypto_pwhash_OPSLIMIT_SENSITIVE &&
         cost.memory_bytes >= crypto_pwhash_MEMLIMIT_MIN && cost.memory_bytes <= crypto_pwhash_MEMLIMIT_SENSITIVE;
}

Result<Secret> derive_key(std::string_view passphrase, const KeyFile& file) {
  ALDIS_TRY_ASSIGN(Secret key, make_secret(crypto_aead_xchacha20poly1305_ietf_KEYBYTES));
  if (crypto_pwhash(key.get(), crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase.data(), passphrase.size(),
                    file.salt.data(), file.cost.operations, file.cost.memory_bytes,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(ErrorCode::resource_exhausted, "Argon2id needs {} MiB of memory to unseal a key, and there is less",
                file.cost.memory_bytes >> 20);
  }
  return key;
}

Result<void> check_passphrase(std::string_view passphrase) {
  if (passphrase.empty()) return fail(ErrorCode::invalid_argument, "the passphrase is empty");
  if (passphrase.size() <= limits::kPassphraseBytesMax) return {};
  return fail(ErrorCode::invalid_argument, "the passphrase is {} bytes long; at most {} are allowed", passphrase.size(),
              limits::kPassphraseBytesMax);
}

std::string keys_directory(const std::string& directory) { return directory + "/keys"; }
std::string file_name(std::string_view name) { return std::string(name) + ".key"; }

Result<KeyFile> read_key_file(const std::string& directory, std::string_view name) {
  const std::string path = keys_directory(directory) + "/" + file_name(name);
  Result<FileDescriptor> folder = open_own_directory(keys_directory(directory), Others::nothing);
  Result<std::string> text = folder ? read_own_file(*folder, file_name(name), kKeyFileBytesMax)
                                    : Result<std::string>(std::unexpected(folder.error()));
  if (!text && text.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::not_found, "there is no {}: run aldis approvers enroll {}", path, name);
  }
  if (!text && text.error().code != ErrorCode::resource_exhausted) return std::unexpected(std::move(text).error());
  std::optional<KeyFile> file = text ? parse_key_file(*text) : std::nullopt;
  if (!file || file->name != name || !is_bearable(file->cost)) {
    return fail(ErrorCode::invalid_argument, "{} is no key file of {}, or of a later version", path, name);
  }
  return *std::move(file);
}

// Seals the seed of a new key pair.
Result<KeyFile> make_key_file(std::string_view name, std::string_view passphrase, const SealCost& cost) {
  ALDIS_TRY_ASSIGN(const Secret seed, make_secret(kSeedBytes));
  ALDIS_TRY_ASSIGN(const Secret secret_key, make_secret(crypto_sign_SECRETKEYBYTES));
  KeyFile file;
  file.name = name;
  file.cost = cost;
  randombytes_buf(seed.get(), kSeedBytes);
  randombytes_buf(file.salt.data(), file.salt.size());
  randombytes_buf(file.nonce.data(), file.nonce.size());
  crypto_sign_seed_keypair(file.public_key.data(), secret_key.get(), seed.get());
  ALDIS_TRY_ASSIGN(const Secret key, derive_key(passphrase, file));
  const std::string header = format_header(file);
  crypto_aead_xchacha20poly1305_ietf_encrypt(file.sealed.data(), nullptr, seed.get(), kSeedBytes,
                                             reinterpret_cast<const unsigned char*>(header.data()), header.size(),
                                             nullptr, file.nonce.data(), key.get());
  return file;
}

Result<void> check_not_there(const FileDescriptor& folder, std::string_view name) {
  const Result<FileDescriptor> there = open_own_file(folder, file_name(name), O_RDONLY);
  if (!there && there.error().code == ErrorCode::not_found) return {};
  if (!there) return std::unexpected(there.error());
  return fail(ErrorCode::already_exists, "{} has a key already, keys/{}: remove it if it is not needed any more", name,
              file_name(name));
}

}  // namespace

struct ApproverKey::Impl {
  std::string name;
  std::string key_id;
  Secret secret_key;
};

ApproverKey::ApproverKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApproverKey::~ApproverKey() = default;
ApproverKey::ApproverKey(ApproverKey&&) noexcept = default;
ApproverKey& ApproverKey::operator=(ApproverKey&&) noexcept = default;

const std::string& ApproverKey::name() const { return impl_->name; }
const std::string& ApproverKey::key_id() const { return impl_->key_id; }

Result<ApproverKey> ApproverKey::unseal(const std::string& directory, std::string_view name,
                                        std::string_view passphrase, const std::string& own) {
  ALDIS_TRY(check_approver_name(name));
  ALDIS_TRY(check_passphrase(passphrase));
  ALDIS_TRY_ASSIGN(const std::string above, choose_key_directory(directory, own));
  ALDIS_TRY_ASSIGN(const KeyFile file, read_key_file(above, name));
  ALDIS_TRY_ASSIGN(const Secret key, derive_key(passphrase, file));
  ALDIS_TRY_ASSIGN(const Secret seed, make_secret(kSeedBytes));
  ALDIS_TRY_ASSIGN(Secret secret_key, make_secret(crypto_sign_SECRETKEYBYTES));
  const std::string header = format_header(file);
  PublicKey public_key{};
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(seed.get(), nullptr, nullptr, file.sealed.data(), file.sealed.size(),
                                                 reinterpret_cast<const unsigned char*>(header.data()), header.size(),
                                                 file.nonce.data(), key.get()) != 0) {
    return fail(ErrorCode::permission_denied,
                "the passphrase does not open keys/{}: it is wrong, or the file was changed", file_name(name));
  }
  crypto_sign_seed_keypair(public_key.data(), secret_key.get(), seed.get());
  return ApproverKey(std::make_unique<Impl>(Impl{file.name, key_id_of(public_key), std::move(secret_key)}));
}

std::array<std::uint8_t, 64> ApproverKey::sign(std::string_view message) const {
  std::array<std::uint8_t, crypto_sign_BYTES> signature{};
  crypto_sign_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(message.data()),
                       message.size(), impl_->secret_key.get());
  return signature;
}

Result<PublicKey> parse_public_key(std::string_view text) {
  PublicKey key{};
  if (!text.starts_with(kKeyPrefix) || !decode(text.substr(kKeyPrefix.size()), key)) {
    return fail(ErrorCode::invalid_argument,
                "that is no public key: it is \"ed25519:\" and 43 characters, as aldis approvers enroll printed it");
  }
  if (crypto_core_ed25519_is_valid_point(key.data()) != 1) {
    return fail(ErrorCode::invalid_argument,
                "that has the form of a public key, and is not a valid Ed25519 key: a character of it is another than "
                "aldis approvers enroll printed");
  }
  return key;
}

std::string format_public_key(const PublicKey& key) { return std::string(kKeyPrefix) + encode(key); }

std::string key_id_of(const PublicKey& key) {
  return sha256_hex({reinterpret_cast<const char*>(key.data()), key.size()}).substr(0, kKeyIdDigits);
}

Result<void> check_approver_name(std::string_view name) {
  ALDIS_TRY(check_name("approver", name));
  if (!name.contains('/')) return {};
  return fail(ErrorCode::invalid_argument, "approver '{}' must not hold '/': it names a file", name);
}

SealCost default_seal_cost() {
  return {.operations = crypto_pwhash_OPSLIMIT_MODERATE, .memory_bytes = crypto_pwhash_MEMLIMIT_MODERATE};
}

Result<Approver> enroll_approver(const std::string& directory, std::string_view name, std::string_view passphrase,
                                 const SealCost& cost, const std::string& own) {
  ALDIS_TRY(check_approver_name(name));
  ALDIS_TRY(check_passphrase(passphrase));
  ALDIS_TRY_ASSIGN(const std::string place, choose_key_directory(directory, own));
  ALDIS_TRY_ASSIGN(const FileDescriptor above, make_own_directory(place, Others::may_list));
  ALDIS_TRY_ASSIGN(const FileDescriptor folder, make_own_directory(keys_directory(place), Others::nothing));
  ALDIS_TRY(check_not_there(folder, name));
  ALDIS_TRY_ASSIGN(const KeyFile file, make_key_file(name, passphrase, cost));
  ALDIS_TRY_ASSIGN(const ConfigurationLock lock, ConfigurationLock::take(above));
  ALDIS_TRY(check_not_there(folder, name));
  ALDIS_TRY(replace_own_file(folder, file_name(name), format_key_file(file)));
  return Approver{.name = file.name,
                  .public_key = format_public_key(file.public_key),
                  .key_id = key_id_of(file.public_key),
                  .trusted_at = {},
                  .revoked_at = {}};
}

Result<Approver> enroll_approver(const std::string& directory, std::string_view name, std::string_view passphrase,
                                 const std::string& own) {
  return enroll_approver(directory, name, passphrase, default_seal_cost(), own);
}

}  // namespace aldis
