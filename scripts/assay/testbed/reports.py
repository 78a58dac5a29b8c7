"""Reads what a sandbox reported. Every byte is hostile: bounded, checked, never trusted."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from assay.core.execution import (
    CRASHED,
    HARNESS_ERROR,
    OUTCOMES,
    RAN,
    Job,
    JobResult,
)  # fmt: skip
from assay.sandbox.launch import Outcome
from assay.testbed import uses
from assay.testbed.inside import frames

DEPTH_MAX = 150
DETAIL_MAX = 2000
SUMMARY = {"outcome", "detail", "cpu_us", "tail"}  # of a job, by the supervisor
TEST_OUTCOMES = ("passed", "failed", "error", "skipped")
READY = frames.HEAD.pack(frames.READY, 0, 0, 2) + b"[]"  # what a sandbox says when it has begun
SEVERITY = ("passed", "skipped", "failed", "error")


@dataclass
class Report:
    """A job's result, and what only the recorder asks for.

    reached:   test id -> [[path, first line], …] of functions executed; scenario id -> the same,
               each with the lines executed, as `core.coverage` writes them
    raised_at: scenario id -> [[path, line] | None, …] of exceptions in the observation
    recorded:  what the recorder saw at the entry points
    collect:   texts of collection errors
    """

    result: JobResult
    reached: dict[str, Any] = field(default_factory=dict)
    raised_at: dict[str, Any] = field(default_factory=dict)
    recorded: list[Any] = field(default_factory=list)
    collect: list[str] = field(default_factory=list)


@dataclass
class _Taken:
    """What is gathered of one job while its records are read."""

    observations: dict[str, Any] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)
    probes: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    ends: set[int] = field(default_factory=set)


def read(outcome: Outcome, jobs: Sequence[Job]) -> list[Report]:
    """Return the reports of the jobs that were begun, in order.

    The job in which the sandbox died gets the sandbox's own outcome. Empty if none was begun.
    """
    data: dict[tuple[int, int], list[bytes]] = {}
    summaries: dict[int, dict[str, Any]] = {}
    ready = False
    for kind, phase, job, payload in frames.parse(outcome.streams.get("channel", b"")):
        if kind == frames.READY:
            ready = True
        elif kind == frames.DATA:
            data.setdefault((job, phase), []).append(payload)
        elif kind == frames.END:
            summaries[job] = _summary(payload)
    found: list[Report] = []
    for index, asked in enumerate(jobs):
        summary = summaries.get(index)
        if summary is None and (not ready or outcome.kind == HARNESS_ERROR):
            return found
        raw = {phase: b"".join(data.get((index, phase), ())) for phase in (0, 1)}
        found.append(_report(asked, raw, summary or _died(outcome)))
        if summary is None:
            break
    return found


def _summary(payload: bytes) -> dict[str, Any]:
    """Return how a job ended, or that the supervisor's word of it can't be read."""
    told = parse(payload)
    if isinstance(told, dict) and set(told) == SUMMARY and type(told["cpu_us"]) is int:
        return told
    detail = "how the job ended can't be read"
    return {"outcome": HARNESS_ERROR, "detail": detail, "cpu_us": 0, "tail": ""}


def _died(outcome: Outcome) -> dict[str, Any]:
    kind = CRASHED if outcome.kind == RAN else outcome.kind
    return {
        "outcome": kind,
        "detail": outcome.detail or "the sandbox ended",
        "cpu_us": 0,
        "tail": "",
    }


def _report(job: Job, raw: dict[int, bytes], summary: dict[str, Any]) -> Report:
    report = Report(JobResult(HARNESS_ERROR))
    taken = _Taken()
    for phase, lines in ((frames.TESTS, _keyed(raw[0])), (frames.SCENARIOS, raw[1].splitlines())):
        for line in lines:
            record = parse(line)
            if isinstance(record, dict):
                _take(phase, record, taken, report)
    kind, detail = _verdict(job, summary, taken)
    tail = [detail, *report.collect[:1], str(summary["tail"])[-DETAIL_MAX:]]
    report.result = JobResult(
        outcome=kind, observations=taken.observations, tests=taken.tests, probes=taken.probes,
        module_files=taken.modules, detail="\n".join(text for text in tail if text),
        cpu_us=int(summary["cpu_us"]),
    )  # fmt: skip
    return report


def _verdict(job: Job, summary: dict[str, Any], taken: _Taken) -> tuple[str, str]:
    kind, detail = str(summary["outcome"]), str(summary["detail"])
    if kind not in OUTCOMES:
        return HARNESS_ERROR, f"unknown outcome {kind}"
    if kind == RAN and taken.problems:
        return next((item for item in taken.problems if item[0] != CRASHED), taken.problems[0])
    expected = ({frames.TESTS} if job.tests else set()) | (
        {frames.SCENARIOS} if job.scenarios or job.probes else set()
    )
    if kind == RAN and not (expected <= taken.ends and _complete(job, taken)):
        return CRASHED, "it ended before its end was reported"
    return kind, detail


def _complete(job: Job, taken: _Taken) -> bool:
    """Tell whether all that was to be observed was: an end is easily forged, an observation not."""
    scenarios = {item.scenario_id for item in job.scenarios}
    probes = {item.probe_id for item in job.probes}
    return scenarios <= set(taken.observations) and probes <= set(taken.probes)


def _keyed(data: bytes) -> list[bytes]:
    """Return the lines of a test run that begin with the key of its first line."""
    lines = data.splitlines()
    first = lines[0] if lines else b""
    key, brace, _ = first.partition(b"{")
    record = parse(first[len(key) :])
    if not brace or not isinstance(record, dict) or record.get("key") != key.decode("latin-1"):
        return []
    return [line[len(key) :] for line in lines if line.startswith(key)]


def _take(phase: int, record: dict[str, Any], taken: _Taken, report: Report) -> None:
    if "end" in record:
        taken.ends.add(phase)
    elif "modules" in record and isinstance(record["modules"], dict):
        taken.modules.update({str(k): str(v) for k, v in sorted(record["modules"].items())})
    elif phase == frames.TESTS:
        _take_test(record, taken, report)
    else:
        _take_run(record, taken, report)


def _take_test(record: dict[str, Any], taken: _Taken, report: Report) -> None:
    if "test" in record:
        name, outcome = str(record["test"]), str(record.get("outcome"))
        outcome = outcome if outcome in TEST_OUTCOMES else "error"
        # A test that reports twice is worth the worse of the two.
        if name in taken.tests:
            taken.problems.append((CRASHED, f"{name}: reported twice"))
        before = taken.tests.get(name, outcome)
        taken.tests[name] = max(before, outcome, key=SEVERITY.index)
    elif "traced" in record:
        report.reached[str(record["traced"])] = record.get("reached")
    elif "collect" in record:
        report.collect.append(f"can't collect {record['collect']}: {record.get('text')}")
    elif "recorded" in record and uses.is_use(record["recorded"]):
        report.recorded.append(record["recorded"])


def _take_run(record: dict[str, Any], taken: _Taken, report: Report) -> None:
    outcome, detail = str(record.get("outcome")), str(record.get("detail"))
    payload = parse(str(record.get("payload", "")).encode("utf-8", "replace"))
    if "probe" in record:
        name, place = str(record["probe"]), taken.probes
        seen = payload
    else:
        name, place = str(record.get("scenario")), taken.observations
        seen = payload.get("observation") if isinstance(payload, dict) else None
    if outcome == RAN and isinstance(seen, dict):
        place[name] = seen
        if isinstance(payload, dict) and isinstance(payload.get("raised_at"), list):
            report.reached[name] = payload.get("reached")
            report.raised_at[name] = payload["raised_at"]
        return
    kind = outcome if outcome in OUTCOMES and outcome not in (RAN, HARNESS_ERROR) else CRASHED
    place[name] = {"crashed": detail}
    taken.problems.append((kind, f"{name}: {detail or 'no readable observation'}"))


def parse(line: bytes) -> Any:
    """Return the JSON of a line, or None if it is malformed, too deep or not plain text."""
    try:
        value = json.loads(line, parse_constant=_refuse, parse_float=_finite)
        return value if _harmless(value) else None
    except (ValueError, RecursionError):
        return None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    """Return a float; one that is out of range could not be written as JSON again."""
    value = float(digits)
    return value if math.isfinite(value) else _refuse(digits)


def _harmless(value: Any) -> bool:
    """Tell whether a value is no deeper than allowed and its text is valid Unicode."""
    waiting = [(value, 0)]
    while waiting:
        current, depth = waiting.pop()
        if depth > DEPTH_MAX:
            return False
        if isinstance(current, str):
            current.encode("utf-8")  # UnicodeEncodeError is a ValueError
        elif isinstance(current, dict):
            waiting += [(item, depth + 1) for pair in current.items() for item in pair]
        elif isinstance(current, list):
            waiting += [(item, depth + 1) for item in current]
    return True
