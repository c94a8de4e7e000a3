"""libaldis by ctypes, as a Python tool would use it: ctypes_test.py <path of libaldis.so>."""

import ctypes
import json
import os
import sys
import tempfile
import threading
import unittest

LIBRARY = ctypes.CDLL(os.path.abspath(sys.argv.pop(1)))
TEXTS = ctypes.POINTER(ctypes.c_char_p)


class Field(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("kind", ctypes.c_int32),
        ("least", ctypes.c_int64),
        ("most", ctypes.c_int64),
        ("values", TEXTS),
        ("value_count", ctypes.c_size_t),
    ]


class EventType(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("fields", ctypes.POINTER(Field)),
        ("field_count", ctypes.c_size_t),
    ]


class Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("tool", ctypes.c_char_p),
        ("version", ctypes.c_char_p),
        ("argc", ctypes.c_int),
        ("argv", TEXTS),
        ("events", ctypes.POINTER(EventType)),
        ("event_count", ctypes.c_size_t),
        ("error_codes", TEXTS),
        ("error_code_count", ctypes.c_size_t),
        ("error_phases", TEXTS),
        ("error_phase_count", ctypes.c_size_t),
        ("suggested_endpoint", ctypes.c_char_p),
        ("spool_only", ctypes.c_int),
    ]


def texts(*words):
    return (ctypes.c_char_p * len(words))(*[word.encode() for word in words])


LIBRARY.aldis_telemetry_open.restype = ctypes.c_void_p
LIBRARY.aldis_telemetry_open.argtypes = [ctypes.POINTER(Options), ctypes.c_char_p, ctypes.c_size_t]
LIBRARY.aldis_telemetry_active.argtypes = [ctypes.c_void_p]
LIBRARY.aldis_telemetry_event.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_int64),
    ctypes.c_size_t,
]
LIBRARY.aldis_telemetry_event.restype = None
LIBRARY.aldis_telemetry_finish.argtypes = [ctypes.c_void_p, ctypes.c_int]
LIBRARY.aldis_telemetry_close.argtypes = [ctypes.c_void_p]
LIBRARY.aldis_telemetry_close.restype = None
LIBRARY.aldis_telemetry_command.argtypes = [ctypes.c_void_p, ctypes.c_int, TEXTS, ctypes.POINTER(ctypes.c_void_p)]
LIBRARY.aldis_telemetry_free.argtypes = [ctypes.c_void_p]
LIBRARY.aldis_telemetry_free.restype = None


def open_client(event_name="command_run"):
    fields = (Field * 2)(
        Field(b"command", 2, 0, 0, texts("list", "fail"), 2),
        Field(b"rows", 1, 0, 10000, None, 0),
    )
    events = (EventType * 1)(EventType(event_name.encode(), fields, 2))
    options = Options(
        size=ctypes.sizeof(Options),
        tool=b"tool",
        version=b"1.2.3",
        events=events,
        event_count=1,
        spool_only=1,
    )
    problem = ctypes.create_string_buffer(200)
    return LIBRARY.aldis_telemetry_open(ctypes.byref(options), problem, len(problem)), problem.value.decode()


def command(client, *words):
    answer = ctypes.c_void_p()
    code = LIBRARY.aldis_telemetry_command(client, len(words), texts(*words), ctypes.byref(answer))
    text = ctypes.string_at(answer).decode()
    LIBRARY.aldis_telemetry_free(answer)
    return code, json.loads(text)


class Telemetry(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory(prefix="aldis-ctypes-")
        for name in ("CI", "GITHUB_ACTIONS", "JENKINS_URL", "NO_TELEMETRY", "DO_NOT_TRACK"):
            os.environ.pop(name, None)
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "TOOL_STATE_DIR", "TOOL_NO_TELEMETRY"):
            os.environ.pop(name, None)
        os.environ["HOME"] = self.home.name
        self.spool = os.path.join(self.home.name, ".local/state/tool/telemetry/spool")

    def tearDown(self):
        self.home.cleanup()

    def enable(self):
        client, problem = open_client()
        self.assertTrue(client, problem)
        code, answer = command(client, "enable", "--endpoint", "https://telemetry.example/v1/logs")
        self.assertEqual((code, answer["ok"], answer["error"]), (0, True, None))
        LIBRARY.aldis_telemetry_close(client)

    def test_a_mistake_in_the_table_is_said(self):
        client, problem = open_client("Command Run")
        self.assertIsNone(client)
        self.assertIn("Command Run", problem)

    def test_nothing_happens_before_the_user_says_so(self):
        client, _ = open_client()
        self.assertEqual(LIBRARY.aldis_telemetry_active(client), 0)
        LIBRARY.aldis_telemetry_event(client, 0, (ctypes.c_int64 * 2)(0, 5), 2)
        self.assertEqual(LIBRARY.aldis_telemetry_finish(client, 3), 3)
        LIBRARY.aldis_telemetry_close(client)
        self.assertEqual(os.listdir(self.home.name), [])

    def test_events_of_many_threads_are_spooled_at_finish(self):
        self.enable()
        client, _ = open_client()
        self.assertEqual(LIBRARY.aldis_telemetry_active(client), 1)
        values = (ctypes.c_int64 * 2)(1, 20000)

        def record():
            for _ in range(5):
                LIBRARY.aldis_telemetry_event(client, 0, values, 2)

        threads = [threading.Thread(target=record) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertFalse(os.path.exists(self.spool))
        self.assertEqual(LIBRARY.aldis_telemetry_finish(client, 7), 7)
        LIBRARY.aldis_telemetry_close(client)
        with open(self.spool, "rb") as spool:
            frame = spool.read()
        self.assertTrue(frame.startswith(b"ATF1"))
        self.assertIn(b"command_run", frame)

    def test_commands_answer_in_json(self):
        client, _ = open_client()
        code, answer = command(client, "no-such-command")
        self.assertEqual((code, answer["ok"]), (2, False))
        self.assertEqual(sorted(answer["error"]), ["code", "message", "retryable", "suggestion"])
        self.assertEqual(answer["warnings"], [])
        LIBRARY.aldis_telemetry_close(client)


if __name__ == "__main__":
    unittest.main()
