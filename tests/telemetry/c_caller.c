/* The calls of telemetry_c.h as a C99 program makes them, against the shared library. Ends with 0, or says the line of
 * the first thing that was not as it should be. */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aldis/telemetry_c.h"

#define CHECK(condition)                                                                  \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      fprintf(stderr, "c_caller.c:%d: not so: %s (%s)\n", __LINE__, #condition, problem); \
      return 1;                                                                           \
    }                                                                                     \
  } while (0)

static char problem[256];
static char home[] = "/tmp/aldis-c-caller-XXXXXX";

static const char* const kCommands[] = {"list", "fail"};
static const char* const kCodes[] = {"io", "usage"};
static const char* const kPhases[] = {"start", "run"};
static const aldis_telemetry_field kFields[] = {
    {"command", ALDIS_TELEMETRY_CHOICE, 0, 0, kCommands, 2},
    {"rows", ALDIS_TELEMETRY_INTEGER, 0, 10000, NULL, 0},
    {"cached", ALDIS_TELEMETRY_BOOLEAN, 0, 0, NULL, 0},
};
static const aldis_telemetry_event_type kEvents[] = {{"command_run", kFields, 3}};
static char* const kArguments[] = {"tool", "list", NULL};

static aldis_telemetry_options options_of(const aldis_telemetry_event_type* events, size_t count) {
  aldis_telemetry_options options;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.tool = "tool";
  options.version = "1.2.3";
  options.argc = 2;
  options.argv = kArguments;
  options.events = events;
  options.event_count = count;
  options.error_codes = kCodes;
  options.error_code_count = 2;
  options.error_phases = kPhases;
  options.error_phase_count = 2;
  options.spool_only = 1;
  return options;
}

static int is_refused(const aldis_telemetry_options* options, const char* because) {
  aldis_telemetry* const opened = aldis_telemetry_open(options, problem, sizeof problem);
  aldis_telemetry_close(opened);
  return opened == NULL && strstr(problem, because) != NULL;
}

static int refuse_mistakes(void) {
  const aldis_telemetry_field bad_kind = {"rows", 7, 0, 1, NULL, 0};
  const aldis_telemetry_field bad_bounds = {"rows", ALDIS_TELEMETRY_INTEGER, 2, 1, NULL, 0};
  const aldis_telemetry_field bad_name = {"Rows", ALDIS_TELEMETRY_BOOLEAN, 0, 1, NULL, 0};
  const aldis_telemetry_field no_values = {"rows", ALDIS_TELEMETRY_CHOICE, 0, 0, NULL, 3};
  const aldis_telemetry_event_type events[] = {
      {"bad", &bad_kind, 1},  {"bad", &bad_bounds, 1}, {"bad", &bad_name, 1},
      {"bad", &no_values, 1}, {"bad", NULL, 1},        {NULL, NULL, 0},
  };
  const char* const because[] = {"kind 7", "least", "Rows", "values", "fields is NULL", "no name"};
  aldis_telemetry_options options;
  size_t i;
  for (i = 0; i < sizeof events / sizeof events[0]; ++i) {
    options = options_of(&events[i], 1);
    CHECK(is_refused(&options, because[i]));
  }
  options = options_of(NULL, 2);
  CHECK(is_refused(&options, "events is NULL"));
  options = options_of(kEvents, 1);
  options.tool = NULL;
  CHECK(is_refused(&options, "tool"));
  options = options_of(kEvents, 1);
  options.tool = "Tool";
  CHECK(is_refused(&options, "\"Tool\" is no tool's name"));
  options = options_of(kEvents, 1);
  options.version = "one";
  CHECK(is_refused(&options, "\"one\" is no version"));
  options = options_of(kEvents, 1);
  options.size = 8;
  CHECK(is_refused(&options, "sizeof"));
  options = options_of(kEvents, 1);
  options.error_phase_count = 0;
  CHECK(is_refused(&options, "phase"));
  CHECK(is_refused(NULL, "NULL"));
  CHECK(aldis_telemetry_open(NULL, NULL, 0) == NULL);
  return 0;
}

static int tolerate_null(void) {
  char version[8];
  char* json = problem;
  CHECK(aldis_telemetry_active(NULL) == 0);
  aldis_telemetry_event(NULL, 0, NULL, 0);
  aldis_telemetry_error(NULL, 0, 0);
  aldis_telemetry_finish_on_exit(NULL);
  aldis_telemetry_hand_over(NULL);
  aldis_telemetry_free(NULL);
  aldis_telemetry_close(NULL);
  CHECK(aldis_telemetry_finish(NULL, 9) == 9);
  CHECK(aldis_telemetry_update_available(NULL, version, sizeof version) == 0 && version[0] == '\0');
  CHECK(aldis_telemetry_update_available(NULL, NULL, 0) == 0);
  CHECK(aldis_telemetry_command(NULL, 0, NULL, &json) != 0 && json == NULL);
  return 0;
}

/* An older caller, whose options ended with the table. */
static int open_with_fewer_members(void) {
  aldis_telemetry_options options = options_of(kEvents, 1);
  aldis_telemetry* telemetry;
  options.size = offsetof(aldis_telemetry_options, error_codes);
  telemetry = aldis_telemetry_open(&options, problem, sizeof problem);
  CHECK(telemetry != NULL);
  aldis_telemetry_error(telemetry, 0, 0);
  aldis_telemetry_close(telemetry);
  return 0;
}

/* A size that ends within a pointer: half of one would lead anywhere. */
static int open_with_half_a_member(void) {
  aldis_telemetry_options options = options_of(kEvents, 1);
  aldis_telemetry* telemetry;
  options.suggested_endpoint = "https://telemetry.example/";
  options.size = offsetof(aldis_telemetry_options, suggested_endpoint) + 3;
  telemetry = aldis_telemetry_open(&options, problem, sizeof problem);
  CHECK(telemetry != NULL);
  aldis_telemetry_close(telemetry);
  return 0;
}

/* Texts that nobody ended, at the end of what may be read: each is refused for its length. */
static int refuse_endless_texts(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char* const pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const char* const endless = pages + page - 49;
  const char* const values[] = {endless};
  const aldis_telemetry_field fields[] = {{"kind", ALDIS_TELEMETRY_CHOICE, 0, 0, values, 1},
                                          {endless, ALDIS_TELEMETRY_BOOLEAN, 0, 0, NULL, 0}};
  const aldis_telemetry_event_type events[] = {{endless, NULL, 0}, {"bad", &fields[0], 1}, {"bad", &fields[1], 1}};
  aldis_telemetry_options options;
  size_t i;
  CHECK(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
  memset(pages, 'a', page);
  for (i = 0; i < sizeof events / sizeof events[0]; ++i) {
    options = options_of(&events[i], 1);
    CHECK(is_refused(&options, "{0,47}"));
  }
  options = options_of(kEvents, 1);
  options.tool = endless;
  CHECK(is_refused(&options, "no tool's name"));
  options = options_of(kEvents, 1);
  options.version = pages + page - 256;
  CHECK(is_refused(&options, "\"aaa"));
  munmap(pages, 2 * page);
  return 0;
}

static int command(aldis_telemetry* telemetry, char* first, const char* expected) {
  char* words[1];
  char* json = NULL;
  int code;
  words[0] = first;
  code = aldis_telemetry_command(telemetry, 1, words, &json);
  CHECK(json != NULL && json[0] == '{' && strstr(json, "\"warnings\":[") != NULL);
  if (strstr(json, expected) == NULL) fprintf(stderr, "%s\n", json);
  CHECK(strstr(json, expected) != NULL);
  aldis_telemetry_free(json);
  CHECK(aldis_telemetry_command(telemetry, 1, words, NULL) == code);
  return 0;
}

static long size_of_spool(void) {
  struct stat status;
  char path[256];
  snprintf(path, sizeof path, "%s/.local/state/tool/telemetry/spool", home);
  return stat(path, &status) == 0 ? (long)status.st_size : -1;
}

static int report(void) {
  const aldis_telemetry_options options = options_of(kEvents, 1);
  char* const enable[] = {"enable", "--endpoint", "https://telemetry.example/v1/logs"};
  const int64_t values[] = {1, 20000, 1};
  aldis_telemetry* telemetry = aldis_telemetry_open(&options, problem, sizeof problem);
  CHECK(telemetry != NULL && aldis_telemetry_active(telemetry) == 0);
  CHECK(command(telemetry, "status", "\"enabled\":false") == 0);
  CHECK(command(telemetry, "nonsense", "\"ok\":false") == 0);
  CHECK(aldis_telemetry_command(telemetry, 3, enable, NULL) == 0);
  aldis_telemetry_close(telemetry);

  telemetry = aldis_telemetry_open(&options, problem, sizeof problem);
  CHECK(telemetry != NULL && aldis_telemetry_active(telemetry) == 1);
  aldis_telemetry_event(telemetry, 0, values, 3);
  aldis_telemetry_event(telemetry, 0, values, 2); /* counted */
  aldis_telemetry_event(telemetry, 0, NULL, 3);   /* counted */
  aldis_telemetry_event(telemetry, 1, values, 2); /* counted: the errors have no number of theirs */
  aldis_telemetry_error(telemetry, 1, 0);
  aldis_telemetry_error(telemetry, (size_t)-1, 0); /* counted */
  CHECK(size_of_spool() == -1);
  CHECK(aldis_telemetry_finish(telemetry, 5) == 5);
  CHECK(aldis_telemetry_active(telemetry) == 0);
  CHECK(size_of_spool() > 0);
  CHECK(command(telemetry, "status", "\"enabled\":true") == 0);
  aldis_telemetry_close(telemetry);
  return 0;
}

static int remove_one(const char* path, const struct stat* status, int kind, struct FTW* where) {
  (void)status;
  (void)kind;
  (void)where;
  return remove(path);
}

int main(void) {
  static const char* const kOff[] = {"CI",
                                     "GITHUB_ACTIONS",
                                     "JENKINS_URL",
                                     "NO_TELEMETRY",
                                     "DO_NOT_TRACK",
                                     "XDG_CONFIG_HOME",
                                     "XDG_STATE_HOME",
                                     "TOOL_STATE_DIR",
                                     "TOOL_NO_TELEMETRY"};
  size_t i;
  int failed;
  for (i = 0; i < sizeof kOff / sizeof kOff[0]; ++i) unsetenv(kOff[i]);
  if (mkdtemp(home) == NULL || setenv("HOME", home, 1) != 0) return 2;
  failed = refuse_mistakes() || tolerate_null() || open_with_fewer_members() || open_with_half_a_member() ||
           refuse_endless_texts() || report();
  nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  return failed;
}
