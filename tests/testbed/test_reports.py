"""What a sandbox reports is hostile: forged, cut short, malformed."""

from __future__ import annotations

import json
import time

import pytest

from assay.core.codec import encode
from assay.core.execution import Job, Scenario
from assay.sandbox.launch import Outcome
from assay.testbed import reports
from assay.testbed.inside.frames import DATA, END, HEAD, READY, SCENARIOS, TESTS, parse
from assay.testbed.pool import Frames
from assay.testbed.uses import is_use

KEY = "k" * 32
SUMMARY = {"outcome": "ran", "detail": "", "cpu_us": 5, "tail": ""}
DATA_OF_USE = {"entry": "p:f", "init": None, "observe": [],
               "calls": [["", encode([1]), encode({})]]}  # fmt: skip
USE = {"data": DATA_OF_USE, "origin": "t"}
TEST_JOB = Job(tests=["t"])
RUN_JOB = Job(scenarios=[Scenario("s", DATA_OF_USE)])


def frame(kind: int, payload: object, phase: int = 0, job: int = 0) -> bytes:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return HEAD.pack(kind, phase, job, len(body)) + body


def keyed(*records: object, key: str = KEY) -> bytes:
    return b"".join((key + json.dumps(record) + "\n").encode() for record in records)


def lines(*records: object) -> bytes:
    return b"".join((json.dumps(record) + "\n").encode() for record in records)


def read(body: bytes, phase: int, job: Job, kind: str = "ran", summary: object = SUMMARY):
    frames = frame(READY, []) + frame(DATA, body, phase)
    frames += frame(END, summary) if summary else b""
    return reports.read(Outcome(kind, 0, {"channel": frames}, "why"), [job])


def report_on(body: bytes):
    (report,) = read(body, TESTS, TEST_JOB)
    return report


def test_a_whole_report_is_read():
    body = keyed(
        {"key": KEY},
        {"test": "t", "outcome": "passed"},
        {"modules": {"p": "p.py"}},
        {"traced": "t", "reached": [["p.py", 1]]},
        {"recorded": USE},
        {"end": 0},
    )
    report = report_on(body)
    assert report.result.outcome == "ran"
    assert report.result.tests == {"t": "passed"}
    assert report.result.module_files == {"p": "p.py"}
    assert report.reached == {"t": [["p.py", 1]]}
    assert report.recorded == [USE]


@pytest.mark.parametrize("forged", [
    lines({"test": "u", "outcome": "passed"}),
    keyed({"test": "u", "outcome": "passed"}, key="x" * 32),
    b"\xff\xfe{[\n", b"\x00" * 50 + b"\n", (KEY + "{").encode() + b"\n",
    (KEY + "[" * 5000 + "]" * 5000 + "\n").encode(), (KEY + '{"test": NaN}\n').encode(),
    (KEY + '{"test": "\\ud800", "outcome": "passed"}\n').encode(), keyed(3, None, [], "x"),
])  # fmt: skip
def test_what_has_not_the_key_or_is_malformed_is_no_record(forged):
    body = keyed({"key": KEY}) + forged + keyed({"test": "t", "outcome": "failed"}, {"end": 1})
    report = report_on(body)
    assert report.result.tests == {"t": "failed"}
    assert report.result.outcome == "ran"


def test_without_its_first_line_or_its_end_nothing_is_proven():
    passed = {"test": "t", "outcome": "passed"}
    assert report_on(keyed(passed, {"end": 0})).result.tests == {}
    assert report_on(keyed(passed, {"end": 0})).result.outcome == "crashed"
    assert report_on(keyed({"key": KEY}, passed)).result.outcome == "crashed"


def test_a_test_that_reports_twice_is_worth_the_worse():
    for order in (("passed", "failed"), ("failed", "passed"), ("passed", "nonsense")):
        body = keyed({"key": KEY}, *({"test": "t", "outcome": one} for one in order), {"end": 0})
        assert report_on(body).result.tests["t"] in ("failed", "error")


@pytest.mark.parametrize("payload", ["", "[]", "{}", '{"observation": 3}', '{"observation": NaN}',
                                     '{"observation": {"a": "\\ud800"}}',
                                     '{"observation": {"a": 1e999}}'])  # fmt: skip
def test_an_unreadable_observation_is_a_crash(payload):
    body = lines({"scenario": "s", "outcome": "ran", "detail": "", "payload": payload}, {"end": 0})
    (report,) = read(body, SCENARIOS, RUN_JOB)
    assert report.result.outcome == "crashed"
    assert "crashed" in report.result.observations["s"]


@pytest.mark.parametrize("raised_at", [None, 3, "x", {}])
def test_malformed_places_are_left_out(raised_at):
    payload = json.dumps({"observation": {}, "reached": 3, "raised_at": raised_at})
    body = lines({"scenario": "s", "outcome": "ran", "payload": payload}, {"end": 0})
    (report,) = read(body, SCENARIOS, RUN_JOB)
    assert report.result.observations == {"s": {}}
    assert report.raised_at == {}


@pytest.mark.parametrize("change", [
    {"data": None}, {"origin": 3}, {"more": 1}, {"data": {**DATA_OF_USE, "calls": [[]]}},
    {"data": {**DATA_OF_USE, "calls": [["", ["list", "x"], encode({})]]}},
    {"data": {**DATA_OF_USE, "calls": [[1, encode([]), encode({})]]}},
    {"data": {**DATA_OF_USE, "init": [encode({}), encode([])]}},
    {"data": {**DATA_OF_USE, "init": [encode([]), encode({1: 2})]}},
    {"data": {**DATA_OF_USE, "observe": [1]}}, {"data": {**DATA_OF_USE, "entry": None}},
])  # fmt: skip
def test_a_use_of_another_form_is_left_out(change):
    assert is_use(USE)
    assert not is_use({**USE, **change})
    assert report_on(keyed({"key": KEY}, {"recorded": {**USE, **change}})).recorded == []


def test_jobs_that_were_not_begun_are_left_and_the_one_it_died_in_gets_the_outcome():
    assert read(b"", TESTS, TEST_JOB, summary=None)[0].result.outcome == "crashed"
    assert read(b"", TESTS, TEST_JOB, "wall_timeout", None)[0].result.outcome == "wall_timeout"
    assert reports.read(Outcome("crashed", 1, {"channel": b""}), [TEST_JOB]) == []
    assert read(b"", TESTS, TEST_JOB, "harness_error", None) == []


def test_an_unknown_outcome_is_the_harness_s_failure():
    (report,) = read(b"", TESTS, TEST_JOB, summary={**SUMMARY, "outcome": "fine"})
    assert report.result.outcome == "harness_error"


@pytest.mark.parametrize("summary", [
    b"", b"{", b"[]", b"3", b"\xff", b"{}", b'{"outcome": NaN}', {**SUMMARY, "cpu_us": "5"},
    {**SUMMARY, "cpu_us": True}, {"outcome": "ran"}, b"[" * 5000, b"9" * 5000,
])  # fmt: skip
def test_an_end_that_can_not_be_read_is_the_harness_s_failure(summary):
    data = frame(READY, []) + frame(END, summary)
    (report,) = reports.read(Outcome("ran", 0, {"channel": data}), [TEST_JOB])
    assert report.result.outcome == "harness_error"


def test_frames_are_told_apart_however_they_come_and_in_linear_time():
    told = frame(DATA, b"x" * 70) + frame(END, b"{}")
    for size in (1, 7, len(told)):
        taken = Frames(2)
        parts = [told[at : at + size] for at in range(0, len(told), size)] * 2
        assert [taken.complete(part) for part in parts] == [False] * (len(parts) - 1) + [True]
    began = time.process_time()
    assert not Frames(2).complete(frame(DATA, b"") * 400_000)
    taken = Frames(2)
    large = frame(DATA, b"x" * (1 << 26))[:-1]
    assert not any(taken.complete(large[at : at + 4096]) for at in range(0, len(large), 4096))
    assert time.process_time() - began < 4


def test_frames_that_were_cut_short_are_left_out():
    whole = frame(DATA, b"abc")
    assert parse(whole + whole[:-1]) == [(DATA, 0, 0, b"abc")]
    assert parse(whole[: HEAD.size - 1]) == []
