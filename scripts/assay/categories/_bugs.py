"""Runs a unit's mutants over its scenarios and tests, and picks the bugs that make a task."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.categories._code import same_observation
from assay.categories._pool import Case
from assay.categories._types import Material, Mutation
from assay.categories._variants import file_with
from assay.core.execution import RAN, Job, JobResult, Limits, Scenario
from assay.core.seeds import shuffled

FEWEST = 2  # violated scenarios (one shown, one hidden), and intact ones


@dataclass(frozen=True)
class Bug:
    """A mutation, and what it does.

    seen:     what each scenario showed, by scenario id
    violated: scenario ids that differ from the right code
    broken:   covering tests that do not pass
    outcome:  what the worker did
    """

    mutation: Mutation
    seen: Mapping[str, Any]
    violated: frozenset[str]
    broken: frozenset[str]
    result: JobResult


def examined(
    material: Material, mutants: Sequence[Mutation], pool: Sequence[Case]
) -> list[Bug]:  # fmt: skip
    """Run the mutants over the pool and all covering tests, in one call of the bench."""
    unit, text = material.unit, material.bench.read(material.unit["path"])
    scenarios = tuple(Scenario(case.scenario_id, case.data) for case in pool)
    limits = Limits(**material.settings["limits"])
    jobs = [
        Job({unit["path"]: file_with(unit, text, mutant.source)}, scenarios, material.tests,
            limits=limits)
        for mutant in mutants
    ]  # fmt: skip
    results = material.bench.run(jobs)
    return [_bug(material, *pair, pool) for pair in zip(mutants, results, strict=True)]


def _bug(material: Material, mutant: Mutation, result: JobResult, pool: Sequence[Case]) -> Bug:
    seen = result.observations
    violated = frozenset(
        case.scenario_id for case in pool
        if not same_observation(seen.get(case.scenario_id), case.expected)
    )  # fmt: skip
    broken = frozenset(name for name in material.tests if result.tests.get(name) != "passed")
    return Bug(mutant, seen, violated, broken, result)


def unfit(bug: Bug, material: Material, pool: Sequence[Case]) -> str:
    """Return why a bug is no task (gate 4), or an empty text."""
    result, most = bug.result, material.settings["gates"]["max_broken_tests"]
    if result.outcome != RAN:
        return f"the worker did not end by itself: {result.outcome}"
    if len(result.tests) < len(material.tests) or "error" in result.tests.values():
        return "it breaks the import or the collection of tests"
    if len(bug.violated) < FEWEST:
        return "fewer than two scenarios show it"
    if len(pool) - len(bug.violated) < FEWEST:
        return "it leaves fewer than two scenarios as they were"
    if material.tests and len(bug.broken) == len(material.tests):
        return "it leaves no test as it was"
    return f"it breaks {len(bug.broken)} tests" if len(bug.broken) > most else ""


def hidden_cases(
    bug: Bug, others: Iterable[Bug], pool: Sequence[Case], shown: set[str], most: int
) -> list[Case]:  # fmt: skip
    """Choose the hidden cases: first those that tell the right code from the most mutants.

    At least one is violated by the bug itself; the rest is taken in turns from violated and
    intact ones, in the pool's order.
    """
    left = [case for case in pool if case.scenario_id not in shown]
    open_ = [bug.violated, *(other.violated for other in others)]
    chosen: list[Case] = []
    while open_ and left and len(chosen) < most:
        best = max(left, key=lambda case: sum(case.scenario_id in kills for kills in open_))
        if not any(best.scenario_id in kills for kills in open_):
            break
        chosen.append(best)
        left.remove(best)
        open_ = [kills for kills in open_ if best.scenario_id not in kills]
    violated = [case for case in left if case.scenario_id in bug.violated]
    intact = [case for case in left if case.scenario_id not in bug.violated]
    while len(chosen) < most and (violated or intact):
        chosen += [part.pop(0) for part in (violated, intact) if part]
    return chosen[:most]


def shown_cases(
    visible: Sequence[Case], intact: Sequence[Case], count: int, most_violated: int
) -> list[Case]:  # fmt: skip
    """Choose the cases that the prompt shows, in an order that tells nothing.

    visible: violated cases whose text in the prompt differs; the last one stays hidden
    """
    number = max(1, min(most_violated, len(visible) // 2, count - 1))
    chosen = [*visible[:number], *intact[: count - number]]
    return shuffled(chosen, "shown", key=lambda case: json.dumps(case.data, sort_keys=True))


def oracle_tests(material: Material, bugs: Iterable[Bug], most: int) -> tuple[str, ...]:
    """Return the tests of the key: those that tell most mutants first, then the most specific."""
    kills = [bug.broken for bug in bugs if len(bug.broken) < len(material.tests)]
    chosen: list[str] = []
    while kills and len(chosen) < most:
        best = max(material.tests, key=lambda name: sum(name in broken for broken in kills))
        if not any(best in broken for broken in kills):
            break
        chosen.append(best)
        kills = [broken for broken in kills if best not in broken]
    rest = [name for name in material.tests if name not in chosen]
    return tuple(sorted([*chosen, *rest[: most - len(chosen)]]))
