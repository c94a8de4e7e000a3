#include "cli/table.h"

#include <algorithm>
#include <numeric>

#include "cli/terminal_text.h"

namespace aldis::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kFlexibleMin = 8;

void fit(std::vector<std::size_t>& widths, const std::vector<Column>& columns, std::size_t available) {
  for (;;) {
    const std::size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
    if (total <= available) return;
    std::size_t widest = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].flexible && widths[i] > kFlexibleMin && (widest == columns.size() || widths[i] > widths[widest])) {
        widest = i;
      }
    }
    if (widest == columns.size()) return;
    --widths[widest];
  }
}

std::string pad(const OutputStyle& style, const Cell& cell, std::size_t width, bool right, bool last) {
  const std::string text = shorten(cell.text, width);
  const std::string space(width - std::min(width, display_width(text)), ' ');
  const std::string painted = paint(style, cell.colour, text);
  if (right) return space + painted;
  return last ? painted : painted + space;
}

std::string line(const OutputStyle& style, const std::vector<Column>& columns, const std::vector<Cell>& cells,
                 const std::vector<std::size_t>& widths) {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) text.append(kGap, ' ');
    text += pad(style, cells[i], widths[i], columns[i].right, i + 1 == cells.size());
  }
  return text + "\n";
}

}  // namespace

std::string render_table(const OutputStyle& style, const std::vector<Column>& columns,
                         const std::vector<std::vector<Cell>>& rows) {
  std::vector<std::vector<Cell>> lines(1);
  for (const Column& column : columns) lines.front().push_back({std::string(column.title), Colour::bold});
  for (const std::vector<Cell>& row : rows) {
    std::vector<Cell>& safe = lines.emplace_back();
    for (const Cell& cell : row) safe.push_back({printable(cell.text), cell.colour});
  }
  std::vector<std::size_t> widths(columns.size());
  for (const std::vector<Cell>& cells : lines) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], display_width(cells[i].text));
  }
  fit(widths, columns, static_cast<std::size_t>(style.columns));
  std::string text;
  for (const std::vector<Cell>& cells : lines) text += line(style, columns, cells, widths);
  return text;
}

std::string render_fields(const OutputStyle& style, const std::vector<Field>& fields) {
  std::size_t width = 0;
  for (const Field& field : fields) {
    if (!field.value.text.empty()) width = std::max(width, display_width(field.name));
  }
  std::string text;
  for (const Field& field : fields) {
    if (field.value.text.empty()) continue;
    const std::string space(width - display_width(field.name) + kGap, ' ');
    text += paint(style, Colour::dim, field.name) + space +
            paint(style, field.value.colour, printable(field.value.text)) + "\n";
  }
  return text;
}

}  // namespace aldis::cli
