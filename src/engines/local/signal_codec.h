#pragma once
// The keys and bytes of signal_records.h, as docs/formats.md has them under "Signal records". Implemented in
// signal_codec.cc, for the records that begin a key kind there.
//
// Model: `decode` is false, and the record useless, when the bytes are not exactly one such record.

#include <string>
#include <string_view>

#include "engines/local/signal_records.h"

namespace aldis::local {

template <class Record>
std::string encode(const Record& record);

template <class Record>
bool decode(std::string_view bytes, Record& record);

// Keys and prefixes of keys.
std::string signal_key(const Id128& id);
std::string reader_key(const Id128& id, std::uint32_t ordinal);
std::string reader_prefix(const Id128& id);
std::string name_key(char kind, std::string_view name);                             // (kind, name)
std::string names_key(char kind, std::string_view first, std::string_view second);  // (kind, name, name)
std::string lane_key(char kind, std::string_view name, char part);                  // (kind, name, part)
std::string with_name(std::string prefix, std::string_view name);
std::string with_commit(std::string prefix, std::uint64_t commit);
std::string with_end(std::string prefix, const EndMark& end);

// Parts of a key.
std::string_view last_name(std::string_view key, std::string_view prefix);  // the name that follows `prefix`
std::uint64_t commit_of(std::string_view key);
EndMark end_of(std::string_view key);

}  // namespace aldis::local
