#pragma once
// Hides secrets before a person sees them. Used by terminal views and `aldis config show`; implemented in masking.cc.
// JSON answers carry payloads byte for byte and are not masked.
//
// Model: in JSON, the value of a key that is named like a secret (password, token, api_key…) and every string that
// looks like one (a known prefix, or long and of high entropy) becomes "***"; in an URL, the password before the @ and
// parameters that are secrets. Escapes and percent codes hide nothing. Ids of Aldis are no secrets. A guess: it may
// miss one and may hide what is none.

#include <string>
#include <string_view>

namespace aldis::cli {

// REQUIRES: valid JSON.
std::string mask_json(std::string_view json);

// Of a store, also one that is spelled without ://.
std::string mask_url(std::string_view url);

bool names_a_secret(std::string_view key);
bool looks_like_a_secret(std::string_view value);

}  // namespace aldis::cli
