#pragma once
// Ids in columns of the tables of approvals. Header only.

#include <algorithm>
#include <string_view>

#include "core/ids.h"
#include "engines/local/ledger_query.h"

namespace aldis {

// Points into `id`.
inline LedgerBlob blob(const Id128& id) { return {{reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}}; }

// Nil if it is no id.
inline Id128 id_in(const LedgerQuery& row, int column) {
  Id128 id;
  const std::string_view bytes = row.text(column);
  if (bytes.size() == id.bytes.size()) std::ranges::copy(bytes, id.bytes.begin());
  return id;
}

}  // namespace aldis
