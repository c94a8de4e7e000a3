#pragma once
// Pages of a list: --limit and --cursor. Used by commands that list; implemented in paging.cc.
//
// Model: a cursor names the last row of a page, as an opaque URL-safe word; the next page begins behind that row,
// whatever came or went meanwhile.

#include <optional>
#include <string>

#include "cli/invocation.h"

namespace aldis::cli {

struct PageRequest {
  std::size_t limit = 20;
  std::optional<std::string> after;  // the key of the last row seen
};

// Notes a problem for a limit out of bounds or a cursor that is none.
PageRequest read_page_request(const Invocation& invocation);

std::string encode_cursor(std::string_view key);
std::optional<std::string> decode_cursor(std::string_view cursor);

// Cuts `rows`, of which the first `skipped` were on earlier pages, down to one page. `key_of` names a row.
template <class Row, class KeyOf>
Page cut_page(std::vector<Row>& rows, std::size_t skipped, const PageRequest& request, KeyOf key_of) {
  Page page{.total_count = rows.size()};
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(skipped));
  if (rows.size() > request.limit) {
    rows.resize(request.limit);
    page.cursor = encode_cursor(key_of(rows.back()));
  }
  page.returned_count = rows.size();
  return page;
}

// The rows as `data` and, one by one, for --output jsonl.
void set_rows(Reply& reply, std::vector<std::string> rows);

}  // namespace aldis::cli
