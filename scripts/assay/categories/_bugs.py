"""Runs a unit's mutants over its scenarios and tests, and picks the bugs that make a task."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay.categories._code import same_observation
from assay.categories._pool import Case
from assay.categories._types import Material, Mutation, Row
from assay.categories._variants import file_with, raised, stub
from assay.core.coverage import spread
from assay.core.execution import RAN, Job, JobResult, Limits, Scenario
from assay.core.seeds import shuffled

TOUCHED, UNTOUCHED = 20, 6  # cases of a unit that its mutants are run over
FEWEST = 2  # violated scenarios (one shown, one hidden), and intact ones


@dataclass(frozen=True)
class Fault:
    """A mutation of one function."""

    unit: Row
    mutation: Mutation


@dataclass(frozen=True)
class Bug:
    """One mutated function or two, and what that does.

    seen:     what each scenario showed, by scenario id
    violated: scenario ids that differ from the right code
    broken:   covering tests that do not pass (empty until `tested`)
    places:   where two mutations are in one function: the lines of each within its source
    alone:    for two mutations: each by itself, run over the same scenarios
    """

    faults: tuple[Fault, ...]
    seen: Mapping[str, Any] = field(default_factory=dict)
    violated: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    outcome: str = RAN
    places: tuple[tuple[int, ...], ...] = ()
    alone: tuple[Bug, ...] = ()

    @property
    def mutation(self) -> Mutation:
        """Return the mutation of the (first) function."""
        return self.faults[0].mutation

    @property
    def operator(self) -> str:
        """Return the names of the operators that made it."""
        return "+".join(fault.mutation.operator for fault in self.faults)

    @property
    def site(self) -> str:
        """Return the identity of its places."""
        first, *rest = self.faults
        more = [f" & {fault.unit['qualname']}:{fault.mutation.site}" for fault in rest]
        return first.mutation.site + "".join(more)

    def located(self) -> list[tuple[Row, tuple[int, ...]]]:
        """Return each mutation's function and its lines within that function's source."""
        if self.places:
            return [(self.faults[0].unit, lines) for lines in self.places]
        return [(fault.unit, fault.mutation.lines) for fault in self.faults]


def useful(material: Material, looked: Sequence[Case]) -> list[Case]:
    """Return the cases worth running: those that depend on the unit's body, and a few others.

    What depends on it is told by a body that does nothing; the others are intact under any bug
    that is not a wreck. Of the former those are taken that go the most ways through it.
    """
    unit, text = material.unit, material.bench.read(material.unit["path"])
    files = {unit["path"]: file_with(unit, text, stub(unit))}
    scenarios = tuple(Scenario(case.scenario_id, case.data) for case in looked)
    limits = Limits(**material.settings["limits"])
    idle = material.bench.run([Job(files, scenarios, limits=limits)])[0].observations
    touched = [
        case for case in looked
        if not same_observation(idle.get(case.scenario_id), case.expected)
    ]  # fmt: skip
    others = [case for case in looked if case not in touched]
    made, half = [case for case in touched if not case.way], TOUCHED // 2  # aimed at its mutants
    found = spread([case for case in touched if case.way], lambda case: case.way)
    first = [*made[:half], *found, *made[half:]][:TOUCHED]
    return [*first, *others[:UNTOUCHED]] if len(touched) >= FEWEST else []


def examined(
    material: Material, mutants: Sequence[Mutation], pool: Sequence[Case]
) -> list[Bug]:  # fmt: skip
    """Run the unit's mutants over the pool's scenarios, in one call of the bench."""
    return run_all(material, [Bug((Fault(material.unit, one),)) for one in mutants], pool)


def run_all(material: Material, bugs: Sequence[Bug], pool: Sequence[Case]) -> list[Bug]:
    """Return the bugs with what the pool's scenarios show of them."""
    if not bugs:
        return []
    scenarios = tuple(Scenario(case.scenario_id, case.data) for case in pool)
    results = material.bench.run([_job(material, bug, scenarios) for bug in bugs])
    return [_seen(bug, result, pool) for bug, result in zip(bugs, results, strict=True)]


def unfit(bug: Bug, pool: Sequence[Case]) -> str:
    """Return why a bug is no task by what its scenarios show (gate 4), or an empty text."""
    if bug.outcome != RAN:
        return f"the worker did not end by itself: {bug.outcome}"
    if len(bug.violated) < FEWEST:
        return "fewer than two scenarios show it"
    if len(pool) - len(bug.violated) < FEWEST:
        return "it leaves fewer than two scenarios as they were"
    return ""


def stray(bug: Bug, pool: Sequence[Case]) -> str:
    """Return an exception that the bug raises and the right code never does, or an empty text."""
    known = {kind for case in pool for kind in raised(case.expected)}
    new = {kind for name in bug.violated for kind in raised(bug.seen.get(name, {}))}
    return min(new - known, default="")


def tested(bug: Bug, material: Material) -> tuple[Bug, str]:
    """Run the covering tests; return the bug with those it breaks, and why it is no task."""
    if not material.tests:
        return bug, ""
    job = replace(_job(material, bug, ()), tests=material.tests)
    result = material.bench.run([job])[0]
    broken = frozenset(name for name in material.tests if result.tests.get(name) != "passed")
    bug = replace(bug, broken=broken)
    if result.outcome != RAN:
        return bug, f"the tests did not end by themselves: {result.outcome}"
    if len(result.tests) < len(material.tests) or "error" in result.tests.values():
        return bug, "it breaks the import or the collection of tests"
    if len(broken) == len(material.tests):
        return bug, "it leaves no test as it was"
    loud = len(broken) > material.settings["gates"]["max_broken_tests"]
    return bug, f"it breaks {len(broken)} tests" if loud else ""


def changed_files(material: Material, changes: Sequence[tuple[Row, str]]) -> dict[str, str]:
    """Return the texts of files with the sources of units replaced, by path.

    changes: (row, new source); where two units share a file, each keeps its number of lines
    """
    files: dict[str, str] = {}
    for unit, source in changes:
        text = files.get(unit["path"]) or material.bench.read(unit["path"])
        files[unit["path"]] = file_with(unit, text, source)
    return files


def _job(material: Material, bug: Bug, scenarios: tuple[Scenario, ...]) -> Job:
    files = changed_files(material, [(item.unit, item.mutation.source) for item in bug.faults])
    return Job(files, scenarios, limits=Limits(**material.settings["limits"]))


def _seen(bug: Bug, result: JobResult, pool: Sequence[Case]) -> Bug:
    seen = result.observations
    violated = frozenset(
        case.scenario_id for case in pool
        if not same_observation(seen.get(case.scenario_id), case.expected)
    )  # fmt: skip
    return replace(bug, seen=seen, violated=violated, outcome=result.outcome)


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


def oracle_tests(material: Material, bug: Bug, most: int) -> tuple[str, ...]:
    """Return the tests of the key: half of them broken by the bug, the rest the most specific."""
    broken = [name for name in material.tests if name in bug.broken][: most // 2]
    rest = [name for name in material.tests if name not in broken]
    return tuple(sorted([*broken, *rest[: most - len(broken)]]))
