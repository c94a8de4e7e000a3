#!/usr/bin/env python3
"""Shows that the kit catches offenders, passes the well behaved, and that each of its faults is real.

Run it as root or as an ordinary user: python3 tests/never-blocks/selftest.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

KIT = Path(__file__).resolve().parent / "kit"
STATE_FILE = ".local/state/fake/spool"

# Writes the endpoint where the fake tools look for it; their telemetry is on when the file exists.
SETUP = 'mkdir -p "$HOME/.config" && printf %s {endpoint} > "$HOME/.config/fake"'

# A command-line tool with a mode for every virtue and vice. It prints a line, and then does what its mode says.
FAKE = r'''
import errno, os, signal, socket, sys, time

def endpoint(obeys=True):
    if obeys and any(name in os.environ for name in ("CI", "DO_NOT_TRACK", "NO_TELEMETRY")):
        return None
    try:
        with open(os.environ["HOME"] + "/.config/fake") as file:
            return file.read()
    except (KeyError, OSError):
        return None

def address(url):
    host, port = url.split("/")[2].split(":")
    return host, int(port)

def post(url, timeout):
    with socket.create_connection(address(url), timeout=timeout) as connection:
        connection.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        return connection.recv(65536)

def detached(work):
    """Runs the work in a child that holds none of our descriptors."""
    if os.fork() == 0:
        try:
            os.setsid()
            os.closerange(0, 64)
            work()
        finally:
            os._exit(0)

def may_fork():
    try:
        return b"Seccomp:\t0" in open("/proc/self/status", "rb").read()
    except OSError:
        return False

def well_behaved(): pass

def courier():
    url = endpoint()
    def deliver():
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        post(os.environ.get("http_proxy", url), 5)
    try:
        if url and may_fork():
            os.close(os.open(os.environ["HOME"] + "/.gate-of-fake", os.O_CREAT | os.O_EXCL))
            detached(deliver)
    except OSError:
        pass

def posts_at_exit():
    url = endpoint()
    try:
        if url:
            post(url, 1)
    except OSError:
        pass

def child_holds_stdout():
    if endpoint() and os.fork() == 0:
        time.sleep(0.3)
        os._exit(0)

def process_stays():
    if endpoint():
        detached(lambda: time.sleep(5))

def zombie_stays():
    def parent_of_zombie():
        if os.fork() == 0:
            os._exit(0)
        time.sleep(5)
    if endpoint():
        detached(parent_of_zombie)

def warns():
    try:
        if endpoint():
            post(endpoint(), 1)
    except ConnectionRefusedError:
        print("warning: cannot send", file=sys.stderr)

def own_socket():
    if endpoint():
        socket.socket().close()

def socket_in_thread():
    import threading
    if endpoint():
        thread = threading.Thread(target=own_socket)
        thread.start()
        thread.join()

def ignores_opt_outs():
    url = endpoint(obeys=False)
    if url:
        open(os.environ["HOME"] + "/.cache-of-fake", "w").close()
        detached(lambda: post(url, 0.3))

def talks():
    socket.socket().close()

def talks_more():
    talks()
    if endpoint():
        socket.socket(socket.AF_INET6).close()

def writes_always():
    open(os.environ["HOME"] + "/.always-there", "w").close()

def starts_despite_opt_out():
    if endpoint(obeys=False):
        import threading
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        import _ctypes
        if os.fork() == 0:
            os.execv("/bin/true", ["true"])
        os.wait()

def starts_always():
    if os.fork() == 0:
        os.execv("/bin/true", ["true"])
    os.wait()

def volatile():
    print('{"meta": {"request_id": %d}}' % int.from_bytes(os.urandom(8), "big"))

def hangs():
    if endpoint():
        time.sleep(60)

def writes_state():
    spool = -1
    if endpoint():
        os.makedirs(os.environ["HOME"] + "/.local/state/fake", exist_ok=True)
        spool = os.open(os.environ["HOME"] + "/.local/state/fake/spool", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    attempt(lambda: os.write(1, b"the list of things\n"))
    attempt(lambda: os.write(spool, b"record\n"))

def attempt(work):
    try:
        return work()
    except OSError as failure:
        return errno.errorcode[failure.errno]

def probe_host():
    """Prints what the host is like; the exit code tells which descriptors are bad."""
    import json
    if "PROBE" not in os.environ:
        return
    home = os.environ.get("HOME", "/nonexistent")
    bad = sum(1 << n for n in range(3) if attempt(lambda: os.fstat(n)) == "EBADF")
    seen = {"home": "HOME" in os.environ}
    seen["proc"] = len(os.listdir("/proc"))
    text = attempt(lambda: os.write(1, b"hello\n"))
    seen["write"] = attempt(lambda: os.write(os.open(home + "/new", os.O_CREAT | os.O_WRONLY), b"x" * 200))
    seen["mode"] = attempt(lambda: oct(os.lstat(home + "/.local/state/fake/spool").st_mode)[:4])
    seen["fork"] = attempt(lambda: os.fork() or os._exit(0))
    seen["socket"] = attempt(lambda: socket.socket().close())
    os.write(1, json.dumps(seen).encode()) if bad == 0 and text == 6 else None
    os._exit(bad + (16 if isinstance(text, str) else 0))

def probe_endpoint():
    """Prints what becomes of a connection to the endpoint, or to the proxy."""
    import threading
    if "PROBE" not in os.environ:
        return
    url, received, moment = os.environ.get("http_proxy", os.environ["PROBE"]), b"", "lookup"
    threading.Timer(0.3, lambda: (print("hangs at " + moment, flush=True), os._exit(0))).start()
    host, port = socket.getaddrinfo(*address(url), type=socket.SOCK_STREAM)[0][4]
    moment = "connect"
    try:
        connection = socket.create_connection((host, port))
    except OSError as failure:
        print(errno.errorcode[failure.errno], flush=True)
        os._exit(0)
    connection.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
    moment = "answer of " + url.split(":")[0]
    while piece := connection.recv(65536):
        received += piece
        moment = "byte %d after %s" % (len(received), received[:30])
    print(received.decode(), flush=True)
    os._exit(0)

if "PROBE" not in os.environ and sys.argv[1] != "writes_state":
    print("the list of things", flush=True)
globals()[sys.argv[1]]()
'''

EXPECTED_OF_ENDPOINT = {
    "live": "200 OK", "dns-hang": "hangs at lookup", "black-hole": "hangs at connect", "refused": "ECONNREFUSED",
    "proxy-hang": "hangs at answer of http", "silent": "hangs at answer of http",
    "tls-stall": "hangs at answer of https", "slow-drip": "hangs at byte 1 after", "captive-portal": "<html>",
    "status-404": "404 Not Found", "status-429": "Retry-After: 3600", "status-500": "500 Internal",
    "status-503": "503 Service", "redirect": "Location: /elsewhere", "endless-body": "hangs at byte ",
    "partial-success": "partialSuccess",
}
EXPECTED_OF_HOST = {
    "home-unset": '"home": false', "home-read-only": '"write": "EROFS"', "disk-full": '"write": "ENOSPC"',
    "file-size-limit": '"write": "EFBIG"', "short-write": '"write": 100', "process-limit": '"fork": "EAGAIN"',
    "broken-pipe": 16, "full-stdout": 16, "closed-stdin": 1, "closed-stdout": 18, "closed-stderr": 4, "closed-all": 23,
    "seccomp-socket": -signal.SIGSYS, "seccomp-clone": -signal.SIGSYS, "no-proc": '"proc": 0',
    f"fifo:{STATE_FILE}": '"mode": "0o10', f"symlink:{STATE_FILE}": '"mode": "0o12',
}


class KitCase(unittest.TestCase):
    """Runs the kit on a fake tool."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        os.chmod(self.scratch, 0o755)
        self.fake = self.scratch / "fake.py"
        self.fake.write_text(FAKE)
        self.report: dict[str, Any] = {}

    def tool(self, mode: str) -> list[str]:
        return [sys.executable, "-I", "-S", str(self.fake), mode]

    def kit(self, mode: str, *options: str, rounds: int = 1) -> int:
        """Runs the kit and keeps its report; returns its exit code."""
        arguments = [sys.executable, str(KIT), "--setup", SETUP, "--rounds", str(rounds), "--timeout-ms", "2000",
                     "--exit-ms", "150"]
        done = subprocess.run([*arguments, *options, "--", *self.tool(mode)], capture_output=True, check=False,
                              text=True)
        self.said = done.stderr
        self.report = {}
        if done.stdout:
            self.report = {fault["name"]: fault for fault in json.loads(done.stdout)["faults"]}
        return done.returncode

    def violations(self, fault: str) -> str:
        return "\n".join(self.report[fault]["violations"])

    def failed(self) -> set[str]:
        return {name for name, fault in self.report.items() if fault["status"] == "failed"}


class WellBehaved(KitCase):
    def test_a_tool_without_telemetry_passes(self) -> None:
        self.assertIn(self.kit("well_behaved", "--fault", "endpoint", rounds=2), (0, 4), self.said)
        self.assertEqual(self.failed(), set(), self.said)

    def test_a_tool_with_a_courier_passes_every_fault(self) -> None:
        faults = ("endpoint", "host", "opt-out", "fifty-at-once")
        options = [word for fault in faults for word in ("--fault", fault)]
        code = self.kit("courier", "--must-send", "--state-file", STATE_FILE, *options)
        self.assertEqual(self.failed(), set(), self.said)
        self.assertIn(code, (0, 4), self.said)
        self.assertGreater(self.report["live"]["contacts"], 0)
        self.assertGreater(self.report["live"]["network"]["children"], 0)
        self.assertGreater(self.report["silent"]["survivors"]["longest_ms"], 300)


    def test_a_tool_with_network_calls_of_its_own_is_not_blamed_for_them(self) -> None:
        faults = ("live", "silent", "home-unset", "opt-out")
        options = [word for fault in faults for word in ("--fault", fault)]
        self.assertEqual(self.kit("talks", *options), 0, self.said)
        for fault, report in self.report.items():
            self.assertEqual(report["network"]["own_process"], 0, fault)
            self.assertEqual(report["network"]["baseline"], 1, fault)
            self.assertIn("without telemetry too there are 1 network call(s)", report["notes"][0])

    def test_files_that_are_always_made_are_named_under_an_opt_out(self) -> None:
        self.assertEqual(self.kit("writes_always", "--fault", "opt-out:CI"), 0, self.said)
        self.assertEqual(self.report["opt-out:CI"]["files"]["baseline"], [".always-there"])
        self.assertIn("without telemetry too: .always-there", self.report["opt-out:CI"]["notes"][0])

    def test_processes_that_are_always_started_are_nobodys_telemetry(self) -> None:
        self.assertEqual(self.kit("starts_always", "--fault", "opt-out:CI"), 0, self.said)
        self.assertEqual(set(self.report["opt-out:CI"]["started"].values()), {0})

    def test_a_tool_without_telemetry_commands_can_be_tried(self) -> None:
        done = subprocess.run([sys.executable, str(KIT), "--off", "X=1", "--fault", "live", "--fault", "CI", "--rounds",
                               "1", "--exit-ms", "150", "--", *self.tool("well_behaved")], capture_output=True,
                              check=False, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)


class Offenders(KitCase):
    def test_posting_at_exit_is_caught(self) -> None:
        self.assertEqual(self.kit("posts_at_exit", "--fault", "silent", "--fault", "black-hole", "--fault", "live"), 1)
        for fault in ("silent", "black-hole"):
            self.assertIn("exit is", self.violations(fault), self.said)
        self.assertNotIn("exit is", self.violations("live"), self.said)
        self.assertIn("in the tool's own process", self.violations("live"))

    def test_a_child_that_holds_stdout_is_caught(self) -> None:
        self.assertEqual(self.kit("child_holds_stdout", "--fault", "live"), 1)
        self.assertIn("end of file on the pipes is", self.violations("live"))
        self.assertEqual(len(self.report["live"]["violations"]), 1, self.said)

    def test_a_process_that_stays_is_caught(self) -> None:
        self.assertEqual(self.kit("process_stays", "--fault", "live"), 1)
        self.assertIn("a process was left 750 ms after the exit", self.violations("live"))
        self.assertIn("process_stays", self.report["live"]["survivors"]["commands"][0])
        self.assertEqual(self.report["live"]["survivors"]["zombies"], 0)

    def test_a_zombie_that_stays_is_caught(self) -> None:
        self.assertEqual(self.kit("zombie_stays", "--fault", "live"), 1)
        self.assertIn("1 zombie(s)", self.violations("live"), self.said)

    def test_a_warning_about_the_endpoint_is_caught(self) -> None:
        self.assertEqual(self.kit("warns", "--fault", "refused"), 1)
        self.assertIn("stderr differ from the baseline", self.violations("refused"))
        self.assertIn("cannot send", self.report["refused"]["output"]["examples"][0]["fault"])

    def test_a_socket_of_the_tool_is_caught(self) -> None:
        self.assertEqual(self.kit("own_socket", "--fault", "live"), 1)
        self.assertIn("1 network call(s) in the tool's own process, the first: socket(", self.violations("live"))

    def test_a_socket_of_a_thread_is_the_tools_own(self) -> None:
        self.assertEqual(self.kit("socket_in_thread", "--fault", "live"), 1)
        self.assertEqual(self.report["live"]["network"]["own_process"], 1, self.said)

    def test_a_network_call_beyond_the_tools_own_is_caught(self) -> None:
        self.assertEqual(self.kit("talks_more", "--fault", "live"), 1)
        said = self.violations("live")
        self.assertIn("1 network call(s) in the tool's own process, the first: socket(AF_INET6", said)

    def test_starting_anything_despite_an_opt_out_is_caught(self) -> None:
        self.assertEqual(self.kit("starts_despite_opt_out", "--fault", "CI"), 1)
        said = self.violations("opt-out:CI")
        self.assertIn("1 more threads than without telemetry", said)
        self.assertIn("1 more processes than without telemetry", said)
        self.assertIn("1 more programs than without telemetry, despite the opt-out: execve(\"/bin/true\"", said)
        self.assertRegex(said, r"more shared objects than without telemetry, despite the opt-out: .*_ctypes\.")

    def test_a_hundred_processes_are_named_once(self) -> None:
        self.assertEqual(self.kit("process_stays", "--fault", "hundred-calls"), 1)
        said = self.violations("hundred-calls")
        self.assertRegex(said, r"\d+ x .*process_stays")
        self.assertEqual(said.count("process_stays"), 1, said)

    def test_ignoring_an_opt_out_is_caught(self) -> None:
        self.assertEqual(self.kit("ignores_opt_outs", "--fault", "opt-out"), 1)
        self.assertEqual(len(self.failed()), 3, self.said)
        said = self.violations("opt-out:CI")
        self.assertIn("in children despite the opt-out", said)
        self.assertIn("the endpoint was contacted", said)
        self.assertIn("files were made or changed under HOME despite the opt-out: .cache-of-fake", said)

    def test_careless_writing_of_state_is_caught(self) -> None:
        faults = ("fifo", "symlink", "disk-full", "home-read-only", "closed-stdout", "live")
        options = [word for fault in faults for word in ("--fault", fault)]
        self.assertEqual(self.kit("writes_state", "--state-file", STATE_FILE, *options), 1)
        self.assertIn("did not exit within 2000 ms", self.violations(f"fifo:{STATE_FILE}"))
        self.assertIn("written through the symbolic link", self.violations(f"symlink:{STATE_FILE}"))
        self.assertIn("exit code and stderr", self.violations("home-read-only"))
        self.assertIn(f"output went into a file: {STATE_FILE}", self.violations("closed-stdout"))
        self.assertEqual(self.report["live"]["status"], "ok", self.said)

    def test_a_tool_that_hangs_is_caught_in_a_loop_and_at_once(self) -> None:
        self.assertEqual(self.kit("hangs", "--fault", "load"), 1)
        self.assertIn("exit is", self.violations("fifty-at-once"), self.said)
        self.assertIn("exit is", self.violations("hundred-calls"), self.said)

    def test_telemetry_that_never_sends_is_caught_when_asked(self) -> None:
        self.assertEqual(self.kit("well_behaved", "--must-send", "--fault", "live"), 1)
        self.assertIn("never contacted", self.violations("live"))


class Faults(KitCase):
    def assert_seen(self, fault: str, expected: Any) -> None:
        report = self.report[fault]
        if report["status"] == "skipped":
            self.assertTrue(report["lacking"])
            return
        seen = [example["fault"] for example in report["output"]["examples"]]
        is_seen = expected in seen if isinstance(expected, int) else any(expected in str(text) for text in seen)
        self.assertTrue(is_seen, f"{fault}: {expected!r} is not in {seen}")

    def test_every_endpoint_fault_is_real(self) -> None:
        self.kit("probe_endpoint", "--on", "PROBE={endpoint}", "--fault", "endpoint")
        self.assertEqual(set(self.report), set(EXPECTED_OF_ENDPOINT), self.said)
        for fault, expected in EXPECTED_OF_ENDPOINT.items():
            with self.subTest(fault):
                self.assert_seen(fault, expected)

    def test_every_host_fault_is_real(self) -> None:
        self.kit("probe_host", "--on", "PROBE=1", "--fault", "host", "--state-file", STATE_FILE)
        self.assertEqual(set(self.report), set(EXPECTED_OF_HOST), self.said)
        for fault, expected in EXPECTED_OF_HOST.items():
            with self.subTest(fault):
                self.assert_seen(fault, expected)


class Interface(KitCase):
    def run_kit(self, *arguments: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PATH": path}
        return subprocess.run([sys.executable, str(KIT), *arguments], capture_output=True, check=False, text=True,
                              env=environment)

    def test_volatile_fields_can_be_ignored(self) -> None:
        self.assertEqual(self.kit("volatile", "--fault", "live", rounds=2), 1)
        self.assertIn("name its volatile fields with --ignore", self.report["live"]["notes"][0])
        self.assertEqual(self.kit("volatile", "--fault", "live", "--ignore", "meta.request_id"), 0, self.said)

    def test_usage_errors_are_named(self) -> None:
        for arguments, message in (
            (["--setup", "true"], "which command?"),
            (["--", "true"], "give --setup, --on or --off"),
            (["--setup", "true", "--fault", "flood", "--", "true"], "no such fault: flood"),
            (["--setup", "true", "--", "no-such-command"], "no such command"),
            (["git", "--version"], "put -- before the command: kit [OPTION]... -- git --version"),
            (["--off", "X=1", "git", "--version"], "put -- before the command"),
            (["--lsit"], "no such option: --lsit"),
            (["--off", "X=1", "--fault", "nosuch", "--", "true"], "no such fault: nosuch"),
            (["--setup", "echo lost; false", "--fault", "live", "--", "true"], "the setup exited with 1: lost"),
        ):
            done = self.run_kit(*arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(message, done.stderr)

    def test_the_list_may_be_cut_off_by_its_reader(self) -> None:
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([sys.executable, str(KIT), "--list"], stdout=write, stderr=subprocess.PIPE, check=False)
        os.close(write)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_the_readme_names_every_fault_as_the_kit_does(self) -> None:
        readme = (KIT.parent / "README.md").read_text()
        done = self.run_kit("--list", "--state-file", "PATH")
        names = {line.split()[0] for line in done.stdout.splitlines()}
        self.assertEqual({name for name in names if f"`{name}`" not in readme}, set())

    def test_a_fault_is_found_by_each_of_its_names(self) -> None:
        for name in ("CI", "opt-out:CI"):
            self.assertEqual(self.kit("well_behaved", "--fault", name), 0, self.said)
            self.assertEqual(set(self.report), {"opt-out:CI"})

    def test_what_the_machine_lacks_is_named(self) -> None:
        done = self.run_kit("--setup", "true", "--", sys.executable, path=str(self.scratch))
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("strace is missing: install the package strace", done.stderr)

    def test_the_report_is_written_to_a_file_too(self) -> None:
        path = self.scratch / "report.json"
        self.assertEqual(self.kit("well_behaved", "--fault", "live", "--report-file", str(path)), 0, self.said)
        self.assertEqual(list(json.loads(path.read_text())["faults"][0]), list(self.report["live"]))

    def test_nothing_is_left_when_the_kit_is_stopped(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            with self.subTest(number), tempfile.TemporaryDirectory() as scratch:
                kit = subprocess.Popen([sys.executable, str(KIT), "--setup", SETUP, "--", *self.tool("hangs")],
                                       stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       env=os.environ | {"TMPDIR": scratch})
                self.wait_for(lambda: any(str(KIT) not in line for line in self.processes_of_fake()))
                kit.send_signal(number)
                self.assertEqual(kit.wait(20), -9 if number == signal.SIGKILL else 128 + number)
                self.wait_for(lambda: not self.processes_of_fake())
                if number != signal.SIGKILL:
                    self.assertEqual(os.listdir(scratch), [])

    def processes_of_fake(self) -> list[str]:
        """The command lines that name this test's fake tool: itself, and the kit that runs it."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(self.fake) in line:
                found.append(line)
        return found

    def wait_for(self, condition: Any) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.02)


# Fifty commands at once disturb everybody's time.
ALONE = ("test_a_tool_with_a_courier_passes_every_fault", "test_a_tool_that_hangs_is_caught_in_a_loop_and_at_once")
AT_ONCE = 2


class TwoAtOnce:
    """Runs the cases in two threads: most of their time they wait for a kit, and kits share nothing."""

    def run(self, suite: unittest.TestSuite) -> unittest.TestResult:
        total = unittest.TestResult()
        began = time.monotonic()
        cases = list(self.cases_of(suite))
        alone = [case for case in cases if case.id().rpartition(".")[2] in ALONE]
        for group, workers in ((alone, 1), ([case for case in cases if case not in alone], AT_ONCE)):
            with ThreadPoolExecutor(workers) as pool:
                for result in pool.map(self.run_case, group):
                    total.testsRun += result.testsRun
                    total.failures += result.failures
                    total.errors += result.errors
        for case, trace in total.failures + total.errors:
            print(f"FAIL: {case}\n{trace}", file=sys.stderr)
        verdict = "OK" if total.wasSuccessful() else "FAILED"
        print(f"{total.testsRun} tests in {time.monotonic() - began:.0f} s: {verdict}", file=sys.stderr)
        return total

    def cases_of(self, suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
        for each in suite:
            if isinstance(each, unittest.TestSuite):
                yield from self.cases_of(each)
            else:
                yield each

    def run_case(self, case: unittest.TestCase) -> unittest.TestResult:
        result = unittest.TestResult()
        began = time.monotonic()
        case.run(result)
        passed = "ok  " if result.wasSuccessful() else "FAIL"
        print(f"{passed} {time.monotonic() - began:5.1f} s  {case.id().partition('.')[2]}", file=sys.stderr)
        return result


if __name__ == "__main__":
    unittest.main(testRunner=TwoAtOnce())
