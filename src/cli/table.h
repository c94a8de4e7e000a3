#pragma once
// Tables and lists of fields for a terminal. Used by the views of commands; implemented in table.cc.
//
// Model: cells are raw text, made printable here, so no command can forget to. A table that is wider than the terminal
// has its widest flexible columns shortened until it fits.

#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"

namespace aldis::cli {

struct Cell {
  std::string text;
  Colour colour = Colour::none;
};

struct Column {
  std::string_view title;
  bool flexible = false;  // may be shortened
  bool right = false;     // numbers
};

// One line for the titles and one a row.
std::string render_table(const OutputStyle& style, const std::vector<Column>& columns,
                         const std::vector<std::vector<Cell>>& rows);

struct Field {
  std::string_view name;
  Cell value;
};

// One line a field, names aligned; fields with empty values are left out.
std::string render_fields(const OutputStyle& style, const std::vector<Field>& fields);

}  // namespace aldis::cli
