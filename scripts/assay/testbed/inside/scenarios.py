"""Runs a job's scenarios and probes, each in a fork of a child that has imported the target."""

from __future__ import annotations

import gc
import importlib
import json
import os
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from assay.core import codec
from assay.core.coverage import text_of
from assay.testbed.inside import forked, probing, tracing
from assay.testbed.inside.frames import send
from assay.testbed.inside.observe import Execution
from assay.testbed.inside.tree import imported_files
from assay.testbed.inside.values import resolve

FATAL = (forked.CPU, forked.WALL, forked.MEMORY, forked.OUTPUT)
OBSERVATION_MAX = 1 << 20

Work = Callable[[], dict[str, Any]]


def run(job: dict[str, Any], report: int, bounds: forked.Bounds) -> None:
    """Import the target, run everything, report a line each; end at the first timeout.

    With `series` in the job, its scenarios share this process.
    """
    warnings.simplefilter("ignore")
    began = time.monotonic()
    prepare(job["prepare"])
    for name in _modules(job):
        importlib.import_module(name)
    if job["series"]:
        one_by_one(job, report, imported_files)
        return
    gc.freeze()
    used = time.process_time()
    for kind, identity, work in _works(job):
        left = forked.Bounds(
            max(1, round(bounds.cpu_s - used)), bounds.wall_s - (time.monotonic() - began),
            OBSERVATION_MAX, bounds.asleep_s,
        )  # fmt: skip
        parts: list[bytes] = []
        ended = forked.call(_reporting(work, report), left, parts.append)
        used += ended.cpu_us / 1_000_000
        record = {
            kind: identity, "outcome": ended.outcome, "detail": ended.detail,
            "payload": b"".join(parts).decode("utf-8", "replace"),
        }  # fmt: skip
        _line(report, record)
        if ended.outcome in FATAL or (ended.outcome != forked.RAN and job["stop_at_first_failure"]):
            break
    _line(report, {"modules": imported_files()})
    _line(report, {"end": 0})


def one_by_one(
    job: dict[str, Any], report: int, imported: Callable[[], dict[str, str]]
) -> None:  # fmt: skip
    """Run a job's scenarios one after the other in this process; report a line each."""
    for item in job["scenarios"]:
        payload = json.dumps(_scenario(item["data"], trace=False))
        record = {
            "scenario": item["scenario_id"], "outcome": forked.RAN, "detail": "",
            "payload": payload,
        }  # fmt: skip
        _line(report, record)
    _line(report, {"modules": imported()})
    _line(report, {"end": 0})


def prepare(wanted: Mapping[str, Any]) -> None:
    """Make ready what a target needs before it can be used: environment variables, then calls."""
    os.environ.update(wanted.get("environment", {}))
    for name in wanted.get("calls", ()):
        resolve(name)()


def _modules(job: dict[str, Any]) -> list[str]:
    scenarios = [*job["scenarios"], *(probe["scenario"] for probe in job["probes"])]
    found = {probe["module"] for probe in job["probes"]}
    return sorted(found.union(*(codec.modules(scenario["data"]) for scenario in scenarios)))


def _works(job: dict[str, Any]) -> list[tuple[str, str, Work]]:
    trace = job["trace"]
    works: list[tuple[str, str, Work]] = [
        ("scenario", item["scenario_id"], lambda item=item: _scenario(item["data"], trace=trace))  # type: ignore[misc]
        for item in job["scenarios"]
    ]
    works += [
        ("probe", item["probe_id"], lambda item=item: probing.run(item))  # type: ignore[misc]
        for item in job["probes"]
    ]
    return works


def _scenario(data: dict[str, Any], *, trace: bool) -> dict[str, Any]:
    execution = Execution(data)
    if not trace:
        execution.run()
        return {"observation": execution.observation()}
    with tracing.reached(lines=True) as found:
        execution.run()
        observation = execution.observation()
    return {
        "observation": observation, "raised_at": execution.raised_at,
        "reached": [[*place, text_of(lines)] for place, lines in sorted(found.items())],
    }  # fmt: skip


def _reporting(work: Work, outer: int) -> Callable[[int], None]:
    def body(handle: int) -> None:
        os.close(outer)  # what is called may speak for itself, not for the others
        send(handle, json.dumps(work()).encode())

    return body


def _line(report: int, record: dict[str, Any]) -> None:
    send(report, (json.dumps(record) + "\n").encode())
