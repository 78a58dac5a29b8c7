"""What it means to run untrusted code: jobs in, observations out.

Rooms and plug-ins describe work with these types; `assay.testbed.bench.Bench` carries it out in
the sandbox. No expected value is ever part of a job: comparison is made by the caller, outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

# What a worker did. Only RAN carries complete observations.
RAN = "ran"
CRASHED = "crashed"
CPU_TIMEOUT = "cpu_timeout"
WALL_TIMEOUT = "wall_timeout"
OUT_OF_MEMORY = "out_of_memory"
TOO_MUCH_OUTPUT = "too_much_output"
HARNESS_ERROR = "harness_error"
# A test that was reported as passed though it had to fail; see testbed.exposing.
FORGED = "forged"
OUTCOMES = (RAN, CRASHED, CPU_TIMEOUT, WALL_TIMEOUT, OUT_OF_MEMORY, TOO_MUCH_OUTPUT, HARNESS_ERROR)


@dataclass(frozen=True)
class Limits:
    """Bounds of one job. CPU seconds decide; the other seconds only guard against hanging.

    asleep_s: seconds of wall time in which no process of the job wakes up at all
    """

    cpu_s: int = 20
    wall_s: int = 120
    asleep_s: int = 10
    memory_mb: int = 2048
    output_mb: int = 16
    tmp_mb: int = 64
    processes: int = 64


@dataclass(frozen=True)
class Scenario:
    """A use of the code at a public entry point.

    `data` holds literals only (core.codec form):
    {"entry": "cerberus:Validator", "init": [args, kwargs] | null,
     "calls": [[method or "", args, kwargs], …], "observe": [attribute, …]}
    """

    scenario_id: str
    data: Mapping[str, Any]


# An observation is plain JSON: {"calls": [{"returned": encoded} | {"raised": [type, text]}, …],
# "state": {attribute: encoded}, "arguments": encoded}; values are core.codec encodings.
# What a coroutine or generator came to has "through": [kind, …] beside "returned", and
# "unfinished": true if a generator had more to give than what is listed.
Observation = Mapping[str, Any]


@dataclass(frozen=True)
class Probe:
    """A call that reaches `qualname` with one parameter replaced by `value`.

    The scenario is run with the unit wrapped, so that it is reached with a real `self`.
    `value` is a core.codec encoding. `secret` is what SERVICE_TOKEN holds; empty: a known text.
    """

    probe_id: str
    scenario: Scenario
    module: str
    qualname: str
    parameter: str
    value: Any
    secret: str = ""


@dataclass(frozen=True)
class Job:
    """Code to run (the target's tree with some files replaced) and what to do with it.

    warm: True: it may share one import of the unchanged target with other jobs, and its
          scenarios one process: much faster, for code of our own making in a search. What is
          found that way is proven without it. False: never. None: as the bench is set.
    """

    files: Mapping[str, str] = field(default_factory=dict)  # path in the tree -> new text
    scenarios: Sequence[Scenario] = ()
    tests: Sequence[str] = ()  # pytest node ids
    probes: Sequence[Probe] = ()
    order_seed: int | None = None  # shuffles the tests; None keeps the file order
    as_listed: bool = False  # the tests run in the order in which they are given
    hash_seed: int = 0
    stop_at_first_failure: bool = False
    limits: Limits = Limits()
    warm: bool | None = None


@dataclass(frozen=True)
class JobResult:
    """What one job did.

    observations: scenario id -> Observation; a missing id was not observed
    tests:        node id -> passed | failed | error | skipped | forged; a missing id did not
                  report. Of other code than the target's own, run cold, all of a job's tests
                  are passed only if they were also seen to fail when they had to.
    probes:       probe id -> {"reached": bool, "canary": bool, "sql": [statement, …],
                  "events": [[audit event, argument text, …], …], "returned"/"raised": …}
    module_files: module name -> path in the tree that it was imported from
    detail:       tail of standard error, or why the outcome is what it is
    """

    outcome: str
    observations: Mapping[str, Observation] = field(default_factory=dict)
    tests: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    module_files: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""
    cpu_us: int = 0


class Bench(Protocol):
    """Runs jobs in the sandbox, over one target's tree."""

    def run(self, jobs: Sequence[Job]) -> list[JobResult]:
        """Run the jobs, each in a fresh process; results come in the order of the jobs."""
        ...

    def read(self, path: str) -> str:
        """Return the text of a file of the unchanged tree."""
        ...
