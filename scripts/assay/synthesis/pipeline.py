"""From units and behaviour to proven tasks: one shard of a target at a time.

What becomes of a unit depends on the unit, the tables and the settings alone; `selection` cuts
the shards back to what one alone would have looked at, so that one or a hundred give the same.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from types import ModuleType
from typing import Any

from assay.categories.base import Candidate, Material, Rejection
from assay.core import registry, seeds
from assay.core.coverage import spread
from assay.core.execution import Bench
from assay.core.progress import say, track
from assay.core.turns import TurnBench
from assay.synthesis import gates, mix
from assay.synthesis.aiming import aimed
from assay.synthesis.blunt import blunt_mutants
from assay.synthesis.memo import MemoBench, WarmBench
from assay.synthesis.mutants import all_mutants
from assay.synthesis.rows import Output, dropped, keep, rejected_row

Row = Mapping[str, Any]
CALLABLE = frozenset({"function", "method"})
MOST_TESTS = 60  # covering tests of a unit that are looked at, the most specific ones


@dataclass(frozen=True)
class Tables:
    """A target's name and the rows of its units, behaviour and scenarios tables."""

    target: str
    units: Sequence[Row]
    behaviour: Sequence[Row]
    scenarios: Sequence[Row]


@dataclass(frozen=True)
class Shard:
    """Which part of the units is worked on: those whose digest falls into it."""

    number: int = 0
    count: int = 1

    def holds(self, unit_id: str) -> bool:
        """Say whether the unit belongs to this shard."""
        return seeds.seed("shard", unit_id) % self.count == self.number


def synthesise(
    tables: Tables, bench: Bench, settings: Mapping[str, Any], shard: Shard, *, workers: int = 1
) -> Output:  # fmt: skip
    """Return the proven tasks of a shard, their keys, and what was dropped.

    settings: `seed`, `tasks`, `gates`, `limits` of the config, and `prompts`
    workers:  units at the same time; of no effect on the result
    """
    turns = threading.Lock()
    index = _Index(tables, settings, TurnBench(bench, turns))
    output = Output()
    for name in sorted(settings["tasks"]["categories"]):
        module = registry.load("categories", name)
        units = [unit_id for unit_id in _ranked(tables, settings, name) if shard.holds(unit_id)]
        mine = Output()
        work = partial(_in_turn, turns, partial(_unit, index, module))
        for made in track(_ahead(work, units, workers), f"{name} ({len(units)} units)"):
            mine.add(made)
            if mix.enough(settings["tasks"], mine.pairs()):
                break
        _tell(name, mine)
        output.add(mine)
    return output


def _ahead(
    work: Callable[[str], Output], items: Iterable[str], workers: int
) -> Iterator[Output]:  # fmt: skip
    """Yield the results in the order of the items; the next few are worked on meanwhile."""
    with ThreadPoolExecutor(workers) as pool:
        rest = iter(items)
        running = deque(pool.submit(work, item) for item in islice(rest, workers))
        try:
            while running:
                made = running.popleft().result()
                running.extend(pool.submit(work, item) for item in islice(rest, 1))
                yield made
        finally:
            for later in running:
                later.cancel()


def _in_turn(turns: threading.Lock, work: Callable[[str], Output], item: str) -> Output:
    with turns:
        return work(item)


def _unit(index: _Index, category: ModuleType, unit_id: str) -> Output:
    """Try the unit's candidates until one is proven."""
    output, foreign = Output(), None
    material = index.material(unit_id, aim=getattr(category, "AIMED", False))
    for found in _candidates(category, material):
        outcome: gates.Proven | Rejection | Candidate = found
        if isinstance(found, Candidate):
            foreign = gates.foreign_code(material) if foreign is None else foreign
            outcome = (
                dropped(found, gates.CODE_UNDER_TEST, foreign) if foreign
                else gates.prove(found, material, category)
            )  # fmt: skip
        if isinstance(outcome, Rejection):
            output.rejected.append(rejected_row(outcome, material.target))
        elif isinstance(outcome, gates.Proven):
            keep(outcome, material, output)
            _keep_variants(outcome.candidate, material, category, output)
            break
    return output


def _candidates(category: ModuleType, material: Material) -> Iterator[Candidate | Rejection]:
    """Yield what a category proposes, so many candidates at most, then its spare ones."""
    tried, most = 0, material.settings["tasks"]["candidates_per_unit"]
    for found in category.propose(material):
        tried += isinstance(found, Candidate)
        yield found
        if tried == most:
            break
    if hasattr(category, "spare"):
        yield from category.spare(material)


def _keep_variants(
    candidate: Candidate, material: Material, category: ModuleType, output: Output
) -> None:  # fmt: skip
    """Prove and keep the paired variants of a proven candidate; a half pair is no pair."""
    make = getattr(category, "variants", None)
    for variant in make(candidate) if make else []:
        outcome = gates.prove(variant, material, category)
        if isinstance(outcome, Rejection):
            output.rejected.append(rejected_row(outcome, material.target))
        else:
            keep(outcome, material, output)


def _ranked(tables: Tables, settings: Mapping[str, Any], category: str) -> list[str]:
    """Return the units that a category looks at, in its order.

    All functions, or, with `max_units`, the first so many of those that a scenario reaches.
    """
    names = {row["unit_id"] for row in tables.units if row["kind"] in CALLABLE}
    most = settings["tasks"]["max_units"]
    if most:
        names &= {unit_id for row in tables.scenarios for unit_id in row["units"]}
    ordered = sorted(names, key=lambda name: mix.rank(settings["seed"], category, name))
    return ordered[:most] if most else ordered


class _Index:
    """Finds the tests and scenarios of a unit."""

    def __init__(self, tables: Tables, settings: Mapping[str, Any], bench: Bench) -> None:
        self.tables, self.settings, self.bench = tables, settings, bench
        self.units = {row["unit_id"]: row for row in tables.units}
        self.tests: dict[str, list[Row]] = {}
        self.scenarios: dict[str, list[Row]] = {}
        self.aimed: dict[str, list[Row]] = {}
        for row in tables.behaviour:
            usable = row["outcome"] == "passed" and row["reason"] is None
            for unit_id in row["units"] if usable else ():
                self.tests.setdefault(unit_id, []).append(row)
        for row in tables.scenarios:
            for unit_id in row["units"]:
                self.scenarios.setdefault(unit_id, []).append(row)

    def material(self, unit_id: str, *, aim: bool) -> Material:
        """Return the material of a unit: its most specific tests first, its scenarios spread.

        Each scenario's `way` is what it executes of the unit; other ways come first.
        aim: with scenarios that are aimed at the unit, before all others
        """
        seed = self.settings["seed"]
        tests = sorted(
            self.tests.get(unit_id, ()), key=lambda row: (len(row["units"]), row["test_id"])
        )
        rows = [_with_way(row, unit_id) for row in self.scenarios.get(unit_id, ())]
        scenarios = seeds.shuffled(rows, seed, unit_id, key=lambda row: row["scenario_id"])
        material = Material(
            target=self.tables.target, unit=self.units[unit_id], units=self.units,
            tests=tuple(row["test_id"] for row in tests[:MOST_TESTS]),
            scenarios=tuple(spread(scenarios, lambda row: row["way"])),
            mutants=partial(all_mutants, seed=seed), bench=MemoBench(WarmBench(self.bench)),
            seed=seed, settings=self.settings, blunt=partial(blunt_mutants, seed=seed),
        )  # fmt: skip
        if aim and unit_id not in self.aimed:
            self.aimed[unit_id] = aimed(material)
        more = self.aimed[unit_id] if aim else []
        return replace(material, scenarios=(*more, *material.scenarios))


def _with_way(row: Row, unit_id: str) -> Row:
    return {**row, "way": row["executed"][row["units"].index(unit_id)]}


def _tell(category: str, output: Output) -> None:
    counts = Counter(row["gate"] for row in output.rejected)
    lost = ", ".join(f"{count} by {gate}" for gate, count in sorted(counts.items()))
    say(f"{category}: {len(output.tasks)} proven; dropped: {lost or 'none'}")
