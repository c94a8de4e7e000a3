#pragma once
// The calls of telemetry.h for C, and so for Rust, Go, Python and others. Implemented in src/telemetry/telemetry_c.cc.
//
// Model: one table of events is given to aldis_telemetry_open, checked, copied and frozen; from then on only indices
// and integers cross this interface, so nothing else can be reported. Build the table from constants: whoever builds
// it from user data can leak that data. Everything else is as telemetry.h says.
// Threads: event and error are safe from any thread; the others from one.
// Errors: open answers NULL and says why in `problem`, for mistakes in the table or the options only (and, without a
// word in `problem`, when there is no memory). Every other call accepts NULL and does nothing (finish still flushes and
// returns its argument).
// Limits: names are [a-z][a-z0-9_]{0,47}; at most 64 events of 16 fields of 256 values, and an event's values must fit
// into 48 bytes (1, 2, 4 or 8 each, by its bounds).

#include <stddef.h>
#include <stdint.h>

#define ALDIS_TELEMETRY_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

// NOLINTBEGIN(readability-identifier-naming): names as C has them

typedef struct aldis_telemetry aldis_telemetry;

enum {
  ALDIS_TELEMETRY_BOOLEAN = 0, /* 0 or 1 */
  ALDIS_TELEMETRY_INTEGER = 1, /* cut to least…most */
  ALDIS_TELEMETRY_CHOICE = 2   /* an index into values; another index drops the event */
};

typedef struct {
  const char* name;
  int32_t kind;
  int64_t least; /* of an integer */
  int64_t most;
  const char* const* values; /* of a choice */
  size_t value_count;
} aldis_telemetry_field;

typedef struct {
  const char* name;
  const aldis_telemetry_field* fields;
  size_t field_count;
} aldis_telemetry_event_type;

typedef struct {
  size_t size; /* sizeof(aldis_telemetry_options); later members are optional for older callers */
  const char* tool;
  const char* version;
  int argc; /* main's own, with the program's name; argv NULL: not a command line */
  char* const* argv;
  const aldis_telemetry_event_type* events;
  size_t event_count;
  const char* const* error_codes; /* of aldis_telemetry_error; may be NULL with a count of 0 */
  size_t error_code_count;
  const char* const* error_phases;
  size_t error_phase_count;
  const char* suggested_endpoint; /* may be NULL */
  int spool_only;
} aldis_telemetry_options;

ALDIS_TELEMETRY_API aldis_telemetry* aldis_telemetry_open(const aldis_telemetry_options* options, char* problem,
                                                          size_t problem_size);

ALDIS_TELEMETRY_API int aldis_telemetry_active(const aldis_telemetry* telemetry);

/* `values` in the order of the fields. A wrong index or count drops the event, which is counted. */
ALDIS_TELEMETRY_API void aldis_telemetry_event(aldis_telemetry* telemetry, size_t event, const int64_t* values,
                                               size_t value_count);
ALDIS_TELEMETRY_API void aldis_telemetry_error(aldis_telemetry* telemetry, size_t code, size_t phase);

ALDIS_TELEMETRY_API int aldis_telemetry_finish(aldis_telemetry* telemetry, int exit_code);
ALDIS_TELEMETRY_API void aldis_telemetry_finish_on_exit(aldis_telemetry* telemetry);
ALDIS_TELEMETRY_API void aldis_telemetry_hand_over(aldis_telemetry* telemetry);

/* 1 and the version, cut to fit and ending in NUL, if there is a newer one; else 0. */
ALDIS_TELEMETRY_API int aldis_telemetry_update_available(const aldis_telemetry* telemetry, char* version,
                                                         size_t version_size);

/* What follows the word "telemetry" on the command line. Returns the exit code; `json`, if not NULL, receives one JSON
 * object {"ok","data","error","warnings"} that aldis_telemetry_free frees; NULL with a NULL client. */
ALDIS_TELEMETRY_API int aldis_telemetry_command(aldis_telemetry* telemetry, int argc, char* const* argv, char** json);
ALDIS_TELEMETRY_API void aldis_telemetry_free(char* json);

/* Frees; what was not handed over is gone, unless aldis_telemetry_finish_on_exit was called. */
ALDIS_TELEMETRY_API void aldis_telemetry_close(aldis_telemetry* telemetry);

// NOLINTEND(readability-identifier-naming)

#ifdef __cplusplus
}
#endif
