"""Scenarios aimed at one unit: those that tell its mutants from it where the recorded ones do not.

The scenarios of a target are drawn before there are mutants, a fair share for each unit. Whether
one of them stands on a boundary is chance. Here uses of the unit are changed in ways that were not
drawn, and what a mutant that few scenarios notice does otherwise is kept, after the same checks.
The idea is that of mutation-based test generation (Fraser and Zeller, "Mutation-Driven Generation
of Unit Tests and Oracles", 2012).
"""

from __future__ import annotations

import builtins
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from assay.categories.base import (
    Material,
    Mutation,
    file_with,
    raised,
    run_over,
    same_observation,
)
from assay.core import seeds
from assay.core.execution import JobResult, Scenario
from assay.testbed.candidates import Candidate, candidate, flaw, row_of
from assay.testbed.drawing import in_turn
from assay.testbed.mutators import Site, mutated, sites
from assay.testbed.scenarios import confirm

KNOWN = 60  # scenarios of the unit that the mutants are run on first: each way through it
ENOUGH = 3  # scenarios that notice a mutant: it needs no more
BASES = 12  # uses of the unit that are changed: those that tell the most of its mutants
HASH_SEEDS = 3
BUILTIN = frozenset(
    name for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
)  # fmt: skip

Row = Mapping[str, Any]


def aimed(material: Material) -> list[Row]:
    """Return rows of the scenarios table that are not among the unit's own yet; maybe none."""
    known = material.scenarios[:KNOWN]
    # Those that the oracle will be tried on, and that become bugs.
    mutants = material.mutants(material.unit)[: material.settings["gates"]["oracle_sample"]]
    if len(known) < ENOUGH or not mutants:
        return []
    expected = {row["scenario_id"]: json.loads(row["observation_json"]) for row in known}
    old = [Scenario(row["scenario_id"], json.loads(row["scenario_json"])) for row in known]
    told = [_told(result, expected) for result in _run(material, mutants, old)]
    quiet = [one for one, names in zip(mutants, told, strict=True) if len(names) < ENOUGH]
    active = Counter(name for names in told for name in names)
    near = sorted(known, key=lambda row: (-active[row["scenario_id"]], len(row["units"])))
    fresh = _fresh(material, near[:BASES]) if quiet else []
    kept = _tellers(material, quiet, fresh)
    confirm(material.bench, kept, HASH_SEEDS)
    return [row_of(material.target, one) for one in kept if not one.problem]


def _fresh(material: Material, bases: Sequence[Row]) -> list[Candidate]:
    """Return changed uses of the unit on which the reference does something comparable."""
    taken = {row["scenario_id"] for row in material.scenarios}
    queues = {str(number): _changes(material, row) for number, row in enumerate(bases)}
    most = material.settings["tasks"]["aimed"]
    found: dict[str, Candidate] = {}
    for one in islice(in_turn(queues), 4 * most):
        if one.scenario.scenario_id not in taken and len(found) < most:
            found.setdefault(one.scenario.scenario_id, one)
    made = list(found.values())
    text = material.bench.read(material.unit["path"])
    seen = run_over(material, [text], [one.scenario for one in made])[0].observations
    for one in made:
        one.observation = seen.get(one.scenario.scenario_id)
    return [one for one in made if one.observation is not None and _sound(one.observation)]


def _changes(material: Material, row: Row) -> Iterator[Candidate]:
    data, name = json.loads(row["scenario_json"]), row["scenario_id"]
    unit_id = material.unit["unit_id"]
    order = seeds.shuffled(
        sites(data), material.seed, "aimed", unit_id, name, key=lambda site: site.name
    )
    by_mutator: dict[str, list[Site]] = {}
    for site in order:
        by_mutator.setdefault(site.mutator, []).append(site)
    for site in in_turn({mutator: iter(some) for mutator, some in sorted(by_mutator.items())}):
        one = candidate(mutated(data, site), row["origin"], site.mutator)
        one.executed = dict(zip(row["units"], row["executed"], strict=True))
        yield one


def _sound(observation: Mapping[str, Any]) -> bool:
    """Tell whether it can be compared, and raises nothing that Python itself may have raised.

    Where an exception comes from is not traced here: one of Python's own may be no intention.
    """
    return not flaw(observation) and not raised(observation) & BUILTIN


def _tellers(
    material: Material, quiet: Sequence[Mutation], fresh: Sequence[Candidate]
) -> list[Candidate]:
    """Return the fewest changed uses, about, that tell each mutant ENOUGH times, if they can."""
    if not fresh:
        return []
    expected = {one.scenario.scenario_id: one.observation for one in fresh}
    results = _run(material, quiet, [one.scenario for one in fresh])
    told = [_told(result, expected) for result in results]
    kept: list[Candidate] = []
    wanted = dict.fromkeys(range(len(told)), ENOUGH)
    left = list(fresh)
    while left:
        best = max(left, key=lambda one: _worth(one, told, wanted))
        if not _worth(best, told, wanted):
            break
        left.remove(best)
        kept.append(best)
        for number, names in enumerate(told):
            wanted[number] -= best.scenario.scenario_id in names
    return kept


def _worth(one: Candidate, told: Sequence[frozenset[str]], wanted: Mapping[int, int]) -> int:
    name = one.scenario.scenario_id
    return sum(wanted[number] > 0 and name in names for number, names in enumerate(told))


def _told(result: JobResult, expected: Mapping[str, Any]) -> frozenset[str]:
    """Return the scenarios on which a mutant does something else than the unit, and does it."""
    return frozenset(
        name for name, seen in result.observations.items()
        if not same_observation(seen, expected[name])
    )  # fmt: skip


def _run(
    material: Material, mutants: Sequence[Mutation], scenarios: Sequence[Scenario]
) -> list[JobResult]:
    text = material.bench.read(material.unit["path"])
    texts = [file_with(material.unit, text, mutant.source) for mutant in mutants]
    return run_over(material, texts, scenarios)
