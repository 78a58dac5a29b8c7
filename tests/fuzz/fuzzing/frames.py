"""Target `frames`: what is read outside of bytes that a sandbox may have forged.

Frames as a whole and as they come, the reports of jobs in them, and what is done with a report:
verdicts over hidden scenarios and tests, the units reached, the evidence of each weakness.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.categories._exploit import checks
from assay.categories.base import CodeKey, Hidden, Options, judge_result
from assay.core import registry
from assay.core.codec import encode
from assay.core.execution import HARNESS_ERROR, OUTCOMES, RAN, Job, JobResult, Probe, Scenario
from assay.core.files import canonical_json
from assay.sandbox.launch import Outcome
from assay.testbed import exposing, reports
from assay.testbed.candidates import flaw
from assay.testbed.inside import frames
from assay.testbed.places import Places
from assay.testbed.pool import Frames
from fuzzing.broken import hold

SCENARIO = {"entry": "p:f", "init": None, "calls": [["", encode([1]), encode({})]], "observe": []}
SEEN = {"calls": [{"returned": ["int", "1"]}], "state": {}, "arguments": [None]}
HIDDEN = (Hidden("s", SCENARIO, SEEN),)
KEY = CodeKey(
    path="p.py", text=None, name="f", first=1, last=2, def_line=1, body_line=2, body_only=False,
    hidden=HIDDEN, tests=("t",),
)  # fmt: skip
SCENARIOS = Job(files={"p.py": ""}, scenarios=[Scenario("s", SCENARIO)])
TESTS = Job(files={"p.py": ""}, tests=["t"])
PROBES = Job(probes=[Probe("exploit", Scenario("exploit", SCENARIO), "p", "f", "x", ["int", "1"])])
JOBS = ((SCENARIOS,), (TESTS,), (PROBES,), (SCENARIOS, TESTS, PROBES))
HERE = Path(__file__).parent
PLACES = Places(HERE, [{"path": "frames.py", "start_line": 1, "unit_id": "u", "kind": "function"}],
                ("tests",))  # fmt: skip
WEAKNESSES = registry.names("vulnerabilities")
PART = {
    "path": "p.py", "module": "p", "name": "f", "first": 1, "last": 2, "parameter": "x",
    "secret": "se", "scenarios": [SCENARIO], "twins": [
        {"source": "def f(x):\n    return x\n", "imports": []},
        {"source": "def f(x):\n    return None\n", "imports": []},
    ],
}  # fmt: skip


def run(data: bytes) -> None:
    """Read a channel: the first byte chooses the jobs, the second how the rest is framed."""
    jobs = JOBS[(data[0] if data else 0) % len(JOBS)]
    framed = data[1:2] < b"\x80"
    channel(data[2:] if not framed else spelled(data[2:]), jobs)


def spelled(data: bytes) -> bytes:
    """Return frames: of each line, three bytes are kind, phase and job, and the rest what it holds.

    So that a change of a few bytes leaves the lengths right. In what a frame holds, \\x01 is LF.
    """
    found = reports.READY
    for line in data.split(b"\n"):
        kind, phase, job = (*line[:3], 0, 0, 0)[:3]
        body = line[3:].replace(b"\1", b"\n")
        found += frames.HEAD.pack(kind % 5, phase % 3, job % 4, len(body)) + body
    return found


def channel(data: bytes, jobs: Sequence[Job]) -> None:
    """Read all that one sandbox wrote, and use it as the rooms do."""
    whole = frames.parse(data)
    packed = b"".join(frames.HEAD.pack(*one[:3], len(one[3])) + one[3] for one in whole)
    hold(data.startswith(packed), "frames are what was written")
    hold(_piecewise(data, 7) == _piecewise(data, len(data) or 1), "frames come in any pieces")
    found = reports.read(Outcome(RAN, 0, {"channel": data}, "why"), jobs)
    hold(len(found) <= len(jobs), "no report is of a job that was not asked")
    for job, report in zip(jobs, found, strict=False):
        _report(job, report)


def _piecewise(data: bytes, size: int) -> tuple[int, int]:
    taken = Frames(3)
    for at in range(0, len(data), size):
        if taken.complete(data[at : at + size]):
            break
    return taken.jobs, taken.last


def _report(job: Job, report: reports.Report) -> None:
    result = report.result
    hold(result.outcome in OUTCOMES, "an outcome is a known one")
    hold(set(result.tests.values()) <= set(reports.TEST_OUTCOMES), "a test's outcome is known")
    canonical_json([result.observations, result.probes, result.tests, result.module_files])
    canonical_json([report.reached, report.raised_at, report.recorded, report.collect])
    for told in (result.detail, *result.module_files, *result.module_files.values()):
        hold(isinstance(told, str), "what is told is text")
        told.encode()
    if result.outcome == RAN:
        hold({one.scenario_id for one in job.scenarios} <= set(result.observations), "all observed")
        hold({one.probe_id for one in job.probes} <= set(result.probes), "all probed")
    for observation in result.observations.values():
        hold(flaw(observation) is not None, "what was observed is sound, or has a flaw")
    for name in report.reached:
        PLACES.units(report.reached[name])
    for raised in report.raised_at.values():
        hold(isinstance(raised, list), "places are a list")
        for one in raised:
            PLACES.is_raise(one)
    _judged(job, result)


def _judged(job: Job, result: JobResult) -> None:
    verdict = judge_result(KEY, result, Options(), tests=bool(job.tests))
    if verdict.status == "passed":
        hold(result.outcome == RAN, "what did not run does not pass")
        right = job.tests and result.tests == {"t": "passed"}
        same = result.observations.get("s") == SEEN
        hold(bool(right or same), "what passes was seen to be right")
    if exposing.needed(job, result):
        exposed = exposing.judged(job, result, result)
        hold(exposed.tests["t"] != "passed", "a pass where all must fail is forged")
    for name in WEAKNESSES if job.probes and result.outcome != HARNESS_ERROR else ():
        told = checks("x = 1", {**PART, "weakness": name}, FakeBench(result), Options())
        hold(told.get("exploited") is not True, "what fires in both twins is no exploit")


class FakeBench:
    """A bench that runs nothing: every job has the result that it is made with."""

    def __init__(self, result: JobResult) -> None:
        self.result = result

    def read(self, path: str) -> str:
        """Return the unit's file."""
        return PART["twins"][0]["source"]

    def run(self, jobs: Sequence[Job]) -> list[JobResult]:
        """Return the same for each job."""
        return [self.result for _ in jobs]


def line(kind: int, payload: Any, phase: int = 0, job: int = 0) -> bytes:
    """Return one frame in the form that `spelled` reads."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return bytes([kind, phase, job]) + body.replace(b"\n", b"\1")


def records(*told: Mapping[str, Any], key: str = "") -> bytes:
    """Return the lines of records, each with its key before it."""
    return b"".join((key + json.dumps(one) + "\n").encode() for one in told)
