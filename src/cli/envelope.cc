#include "cli/envelope.h"

#include "cli/terminal_text.h"
#include "cli/version.h"
#include "core/format.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

constexpr std::string_view kSchemaVersion = "1.0";

void write_failure(JsonWriter& json, const Failure& failure) {
  json.key("error").begin_object();
  json.text("code", failure.code).text("message", failure.message);
  if (!failure.detail.empty()) json.text("detail", failure.detail);
  json.boolean("retryable", failure.retryable);
  if (!failure.suggestion.empty()) json.text("suggestion", failure.suggestion);
  if (!failure.fix_command.empty()) json.text("fix_command", failure.fix_command);
  json.text("phase", failure.exit == ExitCode::argument_error ? "validation" : "execution");
  json.end_object();
}

void write_meta(JsonWriter& json, const Reply& reply, const EnvelopeFacts& facts) {
  json.key("meta").begin_object();
  json.integer("duration_ms", std::chrono::duration_cast<std::chrono::milliseconds>(facts.duration).count());
  json.text("request_id", facts.request_id);
  json.text("command", facts.command);
  json.time("timestamp", facts.timestamp);
  json.text("schema_version", kSchemaVersion);
  json.text("tool_version", kVersionText);
  if (!facts.trace_id.empty()) json.text("trace_id", facts.trace_id);
  if (!facts.update_available.empty()) json.text("update_available", facts.update_available);
  if (reply.page) {
    if (reply.page->total_count) {
      json.integer("total_count", static_cast<std::int64_t>(*reply.page->total_count));
    }
    json.integer("returned_count", static_cast<std::int64_t>(reply.page->returned_count));
    json.boolean("truncated", !reply.page->cursor.empty());
    if (!reply.page->cursor.empty()) json.text("cursor", reply.page->cursor);
  }
  if (!reply.meta.empty()) json.raw(reply.meta);
  json.end_object();
}

}  // namespace

std::string render_envelope(const Reply& reply, const EnvelopeFacts& facts) {
  JsonWriter json;
  json.begin_object();
  json.boolean("ok", reply.exit_code() == 0);
  json.raw("data", reply.data);
  if (reply.failure) {
    write_failure(json, *reply.failure);
  } else {
    json.key("error").null();
  }
  json.key("warnings").begin_array();
  for (const std::string& warning : reply.warnings) json.text(warning);
  json.end_array();
  write_meta(json, reply, facts);
  json.end_object();
  return json.take() + "\n";
}

std::string render_failure(const Failure& failure, const OutputStyle& style) {
  std::string text;
  if (failure.detail.empty()) {
    text = fmt::format("{} {}\n", paint(style, Colour::red, "error:"), printable(failure.message));
  } else {
    std::string_view rest = failure.detail;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      text += fmt::format("{} {}\n", paint(style, Colour::red, "error:"), printable(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  if (!failure.suggestion.empty()) text += printable(failure.suggestion) + "\n";
  if (!failure.fix_command.empty()) text += "try: " + printable(failure.fix_command) + "\n";
  return text;
}

void print_reply(const Reply& reply, const EnvelopeFacts& facts, const OutputStyle& style) {
  if (reply.passed_exit_code) return;
  if (style.format == Format::json || (reply.streamed && style.format == Format::jsonl)) {
    if (!reply.streamed) {
      write_answer(render_envelope(reply, facts), reply.exit_code());
    } else if (reply.failure || !reply.warnings.empty()) {
      write_stderr(render_envelope(reply, facts));
    }
    return;
  }
  const bool rows_only = style.format == Format::jsonl && reply.page && !reply.failure;
  if (style.format == Format::jsonl && !rows_only) {
    write_answer(render_envelope(reply, facts), reply.exit_code());
    return;
  }
  std::string text = rows_only ? std::string() : reply.view;
  if (rows_only) {
    for (const std::string& row : reply.rows) text += json_line(row);
  }
  if (!write_answer(text, reply.exit_code())) return;
  OutputStyle error_style = style;
  error_style.colour = style.colour && stderr_is_terminal();
  for (const std::string& warning : reply.warnings) {
    write_stderr(fmt::format("{} {}\n", paint(error_style, Colour::yellow, "warning:"), printable(warning)));
  }
  if (reply.page && !reply.page->cursor.empty()) {
    const std::string total = reply.page->total_count ? fmt::format(" of {}", *reply.page->total_count) : "";
    write_stderr(
        fmt::format("{}{} rows; the rest: --cursor {}\n", reply.page->returned_count, total, reply.page->cursor));
  }
  if (reply.failure) write_stderr(render_failure(*reply.failure, error_style));
}

}  // namespace aldis::cli
