#pragma once
// How to print: which format, whether in colour, how wide; and the one way out to stdout and stderr. Implemented in
// output.cc.
//
// Model: `auto` is a table on a terminal and JSON elsewhere, or where CI or NO_COLOR says that nobody looks. An
// explicit format wins over all of that, but decides nothing about colour. A reader that went away (SIGPIPE) is no
// error: a stream ends silently with 0, and an answer that nobody reads keeps its exit code.

#include <string>
#include <string_view>

#include "aldis/tool_environment.h"

namespace aldis::cli {

enum class Format { table, json, jsonl };

struct OutputStyle {
  Format format = Format::json;
  bool colour = false;
  int columns = 80;  // of the terminal

  bool table() const { return format == Format::table; }
};

struct TerminalFacts {
  bool is_terminal = false;
  int columns = 80;
};

TerminalFacts examine_stdout();
bool stderr_is_terminal();

// `wanted` is table, json, jsonl or auto.
OutputStyle choose_style(std::string_view wanted, const EnvironmentSnapshot& environment,
                         const TerminalFacts& terminal);

enum class Colour { none, bold, dim, red, green, yellow, cyan };

// `text` in that colour if the style has colours.
std::string paint(const OutputStyle& style, Colour colour, std::string_view text);

// Gives the program an input, an output and an error output where it was started without: else the next file that it
// opens would be one of them. What it writes there fails. REQUIRES: nothing was opened yet.
void keep_standard_descriptors();

// `json` on one line, whatever white space is in it, with the line break behind it: for outputs of JSON lines. Between
// the tokens of valid JSON a blank is as good as a line break, and inside of strings there is none.
std::string json_line(std::string json);

// Of a stream: writes all of `text` now. Ends the program with 0 when the reader is gone, with 1 when the disk is full.
void write_stdout(std::string_view text);

// Of an answer that ends with `exit_code`: false when the reader is gone. When the disk is full the program ends, with
// 1 if all was well otherwise.
bool write_answer(std::string_view text, int exit_code);

void write_stderr(std::string_view text);  // failures are ignored: there is nobody left to tell

}  // namespace aldis::cli
