"""Runs the target's own tests again and again: which are steady, and what they execute and do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.core import seeds
from assay.core.errors import UserError
from assay.core.execution import RAN, Job, JobResult, Limits
from assay.core.files import canonical_json
from assay.testbed.bench import Extras, SandboxBench
from assay.testbed.reports import Report

ALL = ("*",)
WHOLE = Limits(cpu_s=300, wall_s=600, asleep_s=120, output_mb=256)  # of all tests at once
PARTS = 8  # subsets that the tests are run in, to find tests that need each other
UNPROVEN = "it passes, or is not reported, where it was made to fail (testbed.exposing)"
HINT = "check the target's requirements (source, requirements, tests.paths) and run its tests once"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Steadiness:
    """What many runs say of one test: its outcome, and why it is quarantined (or None)."""

    outcome: str
    reason: str | None

    @property
    def usable(self) -> bool:
        """Tell whether the test passes, always."""
        return self.reason is None and self.outcome == "passed"


@dataclass
class Recording:
    """What the target's tests do: steadiness and reached code by test, recorded uses."""

    tests: dict[str, Steadiness]
    reached: dict[str, Any]
    recorded: list[dict[str, Any]] = field(default_factory=list)


def record(bench: SandboxBench, target: Mapping[str, Any], repeats: int, seed: int) -> Recording:
    """Run all tests `repeats` times, shuffled, under several hash seeds, and in parts.

    Raises UserError if they can't be collected, if there are none, or if none passes.
    """
    traced = _traced(bench, target)
    names = sorted(traced.result.tests)
    jobs = [
        Job(
            tests=ALL, order_seed=seeds.seed(seed, "order", turn) if turn else None,
            hash_seed=turn, limits=WHOLE,
        )
        for turn in range(repeats)
    ]  # fmt: skip
    jobs += [Job(tests=part, limits=WHOLE) for part in _parts(names, seed) if part]
    runs = bench.run(jobs)
    tests = {name: _steadiness(name, jobs, runs) for name in names}
    if not any(test.usable for test in tests.values()):
        raise UserError(
            "no test of the target passes steadily on its unchanged tree",
            given=_summary(tests), expected="tests that pass", hint=HINT,
        )  # fmt: skip
    tests = {**tests, **_unproven(bench, tests)}
    return Recording(tests, traced.reached, _repeated(bench, target, traced.recorded))


def _unproven(
    bench: SandboxBench, tests: Mapping[str, Steadiness]
) -> dict[str, Steadiness]:  # fmt: skip
    """Return the usable tests whose pass proves nothing, since they can't be made to fail.

    Such are tests that no function of their name stands for, as those made from a table. A
    scorer would take every pass of theirs for a forged one, so no key may hold them.
    """
    usable = [name for name, test in tests.items() if test.usable]
    seen = bench.exposed(Job(tests=usable, limits=WHOLE)).tests
    return {
        name: Steadiness("passed", UNPROVEN)
        for name in usable if seen.get(name, "passed") == "passed"
    }  # fmt: skip


def _repeated(
    bench: SandboxBench, target: Mapping[str, Any], recorded: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the uses that a second recording shows too: none that holds the clock or a die."""
    extras = Extras(record=tuple(target["entry_points"]))
    again = bench.run_with([Job(tests=ALL, hash_seed=1, limits=WHOLE)], extras)[0].recorded
    known = {canonical_json(use["data"]) for use in again}
    return [dict(use) for use in recorded if canonical_json(use["data"]) in known]


def _traced(bench: SandboxBench, target: Mapping[str, Any]) -> Report:
    extras = Extras(trace=True, record=tuple(target["entry_points"]))
    report = bench.run_with([Job(tests=ALL, limits=WHOLE)], extras)[0]
    given = report.result.detail.strip() or report.result.outcome
    if report.collect or (not report.result.tests and report.result.outcome != RAN):
        raise UserError(
            "the target's tests can't be collected", where=", ".join(target["tests"]["paths"]),
            given=given, expected="tests that pytest collects", hint=HINT,
        )  # fmt: skip
    if not report.result.tests:
        raise UserError(
            "the target has no tests", where=", ".join(target["tests"]["paths"]), given=given,
            expected="tests that pytest collects", hint="name their folders in tests.paths",
        )  # fmt: skip
    return report


def _parts(names: Sequence[str], seed: int) -> list[tuple[str, ...]]:
    order = seeds.shuffled(names, seed, "parts")
    return [tuple(order[part::PARTS]) for part in range(PARTS)]


def _steadiness(name: str, jobs: Sequence[Job], runs: Sequence[JobResult]) -> Steadiness:
    seen = Counter(
        run.tests.get(name, "not reported")
        for job, run in zip(jobs, runs, strict=True)
        if job.tests == ALL or name in job.tests
    )
    outcome = max(sorted(seen), key=lambda text: seen[text])
    if len(seen) > 1:
        counts = ", ".join(f"{text} {seen[text]}" for text in sorted(seen))
        return Steadiness(outcome, f"wobbles over shuffled and partial runs: {counts}")
    if outcome in ("failed", "error", "not reported"):
        return Steadiness(outcome, "does not pass on the unchanged tree")
    return Steadiness(outcome, None)


def _summary(tests: Mapping[str, Steadiness]) -> str:
    counts = Counter(test.outcome for test in tests.values())
    return ", ".join(f"{counts[name]} {name}" for name in sorted(counts))
