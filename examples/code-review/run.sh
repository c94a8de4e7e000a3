#!/usr/bin/env bash
# Four agents review a git repository: a scout, two reviewers and a reporter, each a process started by `aldis run`.
# They meet on a board of their own, which is gone when this script ends, or on a Redis server. See README.md next to it.
set -euo pipefail

usage() {
  cat <<'END'
usage: run.sh [--kill-one] [--store URL] [-o FILE | --output=FILE] [GIT_REPOSITORY]

  --store URL   meet there (redis://…, see docs/redis.md) in a namespace of this run's own, not on this machine's memory
  Before the report is written it is asked for approval; without a terminal the demo approves it by itself.

  --kill-one    kill a reviewer with SIGKILL half-way: the other finishes its files, and the report is the same
  -o FILE       where the report goes (default: report.md in the current directory)

The default repository is the one that this script is in. ALDIS_BIN names the directory of the executables.
END
}

die() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

here=.
[[ ${BASH_SOURCE[0]} != */* ]] || here=${BASH_SOURCE[0]%/*}
bin=${ALDIS_BIN:-$here/../../build/release/bin}
report=report.md
store=local:
kill_one=false
repositories=()
while (($#)); do
  case $1 in
    --kill-one) kill_one=true ;;
    -o | --output) [[ $# -ge 2 ]] || die "$1 needs a file"; report=$2; shift ;;
    --output=*) report=${1#*=} ;;
    --store) [[ $# -ge 2 ]] || die '--store needs a URL'; store=$2; shift ;;
    --store=*) store=${1#*=} ;;
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) repositories+=("$1") ;;
  esac
  shift
done
[[ ${#repositories[@]} -le 1 ]] || { usage >&2; exit 2; }
repository=${repositories[0]:-$here/../..}

# Inside a git hook, git's own variables would name another repository than ours.
while read -r variable; do unset "$variable"; done < <(git rev-parse --local-env-vars)
[[ $(git -C "$repository" rev-parse --is-inside-work-tree) == true ]] || die "no git work tree: $repository"
[[ -x $bin/aldis && -x $bin/code_review ]] || die "no aldis and code_review in $bin; build them with: ./dev build"

started=${EPOCHREALTIME/[.,]/} # microseconds
directory=/dev/shm
[[ -d $directory && -w $directory ]] || directory=${TMPDIR:-/tmp}
directory=$(mktemp -d "$directory/aldis-demo.$$.XXXXXX")
export ALDIS_STORE=$store ALDIS_NAMESPACE=code-review-$$-$RANDOM ALDIS_RUNTIME_DIR=$directory
# The record of the approval goes with the demo, and no policy of the user's own applies to it.
export ALDIS_STATE_DIR=$directory/state ALDIS_CONFIG=$directory/config.toml
: >"$ALDIS_CONFIG"

declare -A name_of=() # of each process that we started and that has not ended yet, by its id

clean_up() {
  local pid
  for pid in $(jobs -pr); do kill -TERM "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf -- "$directory"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

start() { # NAME COMMAND [ARGUMENT…]
  "${@:2}" &
  name_of[$!]=$1
}

start_agent() { # NAME ROLE [ARGUMENT…]
  start "$1" "$bin/aldis" run --agent "$1" -- "$bin/code_review" "${@:2}"
}

# The reviewer that reached the middle of the list waits there, with files in hand, until we hear of it: half-way is the
# same place on a fast and on a slow machine.
kill_the_holder() {
  local victim pid death
  victim=$(sed -n 's/.*"source_agent": *"\([^"]*\)".*/\1/p' "$directory/holding")
  for pid in "${!name_of[@]}"; do
    [[ ${name_of[$pid]} == "$victim" ]] || continue
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    death=$("$bin/aldis" agents show "$victim" --output json |
      sed -n 's/.*"state": *"\([a-z]*\)".*"evidence": *"\([^"]*\)".*/at once \1 (\2)/p')
    killed="$victim, $death"
  done
}

# Nobody is there to ask: the first request is approved as a person would do it.
approve_by_ourselves() {
  local request
  # The first of the line: what follows the id may quote others.
  request=$(sed -n '1{s/"request_id": *"\([^"]*\)".*/\n\1/;s/.*\n//p}' "$directory/request")
  [[ -z $request ]] || "$bin/aldis" approvals approve "$request" --as demo --reason 'no terminal to ask at' --output json >/dev/null
  answered='no terminal, so the demo approved the report by itself, as "demo"'
}

say_how_to_answer() {
  local variable command=
  for variable in ALDIS_STORE ALDIS_NAMESPACE ALDIS_RUNTIME_DIR ALDIS_STATE_DIR ALDIS_CONFIG; do
    command+="$variable=${!variable@Q} "
  done
  printf 'Before the report is written you are asked. Answer within two minutes, in a second terminal:\n\n  %s%q approvals watch\n\n' \
    "$command" "$(cd "$bin" && pwd)/aldis"
}

stop() { # NAME
  local pid
  for pid in "${!name_of[@]}"; do
    if [[ ${name_of[$pid]} == "$1" ]]; then kill -TERM "$pid" 2>/dev/null || true; fi
  done
}

ended() { # NAME CODE
  case $1 in
    holding) [[ $2 -ne 0 ]] || kill_the_holder ;;
    answer) [[ $2 -ne 0 ]] || approve_by_ourselves ;;
    reviewer-*) [[ $2 -eq 0 || $((--reviewers)) -gt 0 ]] || die 'no reviewer is left' ;;
    reporter) [[ $2 -eq 0 ]] || die 'the reporter failed'; stop holding; stop answer ;;
    *) [[ $2 -eq 0 ]] || die "the $1 failed" ;;
  esac
}

killed=
answered=
reviewers=2
scout_options=()
if $kill_one; then
  scout_options=(--hold-half-way)
  start holding "$bin/aldis" signals wait holding --agent demo --timeout 86400 --output json >"$directory/holding"
fi
if [[ -t 0 && -t 1 && -z ${CI:-} ]]; then
  say_how_to_answer
else
  start answer "$bin/aldis" approvals watch --count 1 --output json >"$directory/request"
fi
start table "$bin/code_review" table scout reviewer-1 reviewer-2 reporter
start_agent reporter report "$report" >"$directory/summary"
start_agent reviewer-1 review "$repository"
start_agent reviewer-2 review "$repository"
start_agent scout scout "$repository" "${scout_options[@]}"

# `wait -n` only wakes us: of two that ended at once, bash 5.2 tells about one.
while ((${#name_of[@]})); do
  news=false
  for pid in "${!name_of[@]}"; do
    if kill -0 "$pid" 2>/dev/null; then continue; fi
    news=true
    name=${name_of[$pid]}
    code=0
    wait "$pid" 2>/dev/null || code=$?
    unset "name_of[$pid]"
    ended "$name" "$code"
  done
  $news || wait -n 2>/dev/null || true
done

microseconds=$((${EPOCHREALTIME/[.,]/} - started))
printf '\n'
cat -- "$directory/summary"
[[ -z $answered ]] || printf '%s\n' "$answered"
[[ -z $killed ]] || printf 'killed half-way: %s\n' "$killed"
printf 'report: %s\ntime: %d.%03d s\n' "$report" $((microseconds / 1000000)) $((microseconds / 1000 % 1000))
