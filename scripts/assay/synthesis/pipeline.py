"""From units and behaviour to proven tasks: one shard of a target at a time.

What becomes of a unit depends on the unit, the tables and the settings alone, so that one shard
or a hundred give the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from assay.categories.base import Candidate, Material, Rejection
from assay.core import registry, seeds
from assay.core.execution import Bench
from assay.core.progress import say, track
from assay.synthesis import gates
from assay.synthesis.mutants import all_mutants
from assay.synthesis.rows import Output, dropped, keep, rejected_row

Row = Mapping[str, Any]
CALLABLE = frozenset({"function", "method"})


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
    tables: Tables, bench: Bench, settings: Mapping[str, Any], shard: Shard
) -> Output:  # fmt: skip
    """Return the proven tasks of a shard, their keys, and what was dropped.

    settings: `seed`, `tasks`, `gates`, `limits` of the config, and `prompts`
    """
    output = Output()
    categories = {
        name: registry.load("categories", name) for name in settings["tasks"]["categories"]
    }
    chosen = {name: _chosen(tables, settings, name) for name in categories}
    everything = {row["unit_id"]: row for row in tables.units}
    index = _Index(tables, settings, everything, bench)
    mine = sorted(unit_id for unit_id in everything if shard.holds(unit_id))
    mine = [unit_id for unit_id in mine if any(unit_id in ids for ids in chosen.values())]
    for unit_id in track(mine, "units"):
        material = index.material(unit_id)
        wanted = [categories[name] for name in sorted(categories) if unit_id in chosen[name]]
        _unit(material, wanted, output)
    _tell(output)
    return output


def _unit(material: Material, categories: Iterable[ModuleType], output: Output) -> None:
    foreign: str | None = None
    for category in categories:
        tried = 0
        for found in category.propose(material):
            outcome: Any = found
            if isinstance(found, Candidate):
                foreign = gates.foreign_code(material) if foreign is None else foreign
                tried += 1
                outcome = (
                    dropped(found, gates.CODE_UNDER_TEST, foreign) if foreign
                    else gates.prove(found, material, category)
                )  # fmt: skip
            if isinstance(outcome, Rejection):
                output.rejected.append(rejected_row(outcome, material.target))
            else:
                keep(outcome, material, output)
                break
            if tried == material.settings["tasks"]["candidates_per_unit"]:
                break


def _chosen(tables: Tables, settings: Mapping[str, Any], category: str) -> set[str]:
    """Return the units that a category looks at: all functions, or the first few that are used."""
    most = settings["tasks"]["max_units"]
    names = {row["unit_id"] for row in tables.units if row["kind"] in CALLABLE}
    if not most:
        return names
    used = names & {unit_id for row in tables.scenarios for unit_id in row["units"]}
    return set(seeds.shuffled(used, settings["seed"], category)[:most])


class _Index:
    """Finds the tests and scenarios of a unit."""

    def __init__(
        self, tables: Tables, settings: Mapping[str, Any], units: Mapping[str, Row], bench: Bench
    ) -> None:  # fmt: skip
        self.tables, self.settings, self.units, self.bench = tables, settings, units, bench
        self.tests: dict[str, list[Row]] = {}
        self.scenarios: dict[str, list[Row]] = {}
        for row in tables.behaviour:
            for unit_id in row["units"] if row["steady"] and row["outcome"] == "passed" else ():
                self.tests.setdefault(unit_id, []).append(row)
        for row in tables.scenarios:
            for unit_id in row["units"]:
                self.scenarios.setdefault(unit_id, []).append(row)

    def material(self, unit_id: str) -> Material:
        """Return the material of a unit; the most specific tests come first."""
        seed = self.settings["seed"]
        tests = sorted(
            self.tests.get(unit_id, ()), key=lambda row: (len(row["units"]), row["test_id"])
        )
        scenarios = seeds.shuffled(
            self.scenarios.get(unit_id, ()), seed, unit_id, key=lambda row: row["scenario_id"]
        )
        return Material(
            target=self.tables.target, unit=self.units[unit_id], units=self.units,
            tests=tuple(row["test_id"] for row in tests), scenarios=tuple(scenarios),
            mutants=partial(all_mutants, seed=seed), bench=self.bench, seed=seed,
            settings=self.settings,
        )  # fmt: skip


def _tell(output: Output) -> None:
    counts: dict[tuple[str, str], int] = {}
    for row in output.rejected:
        counts[row["category"], row["gate"]] = counts.get((row["category"], row["gate"]), 0) + 1
    for (category, gate), count in sorted(counts.items()):
        say(f"{category}: {count} dropped by {gate}")
    for category in sorted({row["category"] for row in output.tasks}):
        say(f"{category}: {sum(row['category'] == category for row in output.tasks)} proven")
