"""Makes scenarios: recorded uses, multiplied by edge mutators, kept only if the reference is sure.

A scenario counts only if the reference gives the same observation under several hash seeds, all of
it literal, and raises nothing but what the target raises on purpose.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay.core import seeds
from assay.core.codec import encode, modules
from assay.core.execution import Bench, Job, Limits
from assay.core.files import canonical_json
from assay.testbed.bench import Extras, SandboxBench
from assay.testbed.candidates import RECORDED, Candidate, candidate, flaw, identity, unique
from assay.testbed.drawing import balanced, in_turn
from assay.testbed.mutators import Site, mutated, sites
from assay.testbed.places import Places
from assay.testbed.reduction import reduce_all
from assay.testbed.reports import Report

CHUNK = 60  # scenarios a job
SERIES = 400  # scenarios that run in one process
OVERSAMPLED = 2  # mutants tried for each scenario that may be kept
LIMITS = Limits(cpu_s=20, wall_s=120, output_mb=64)


@dataclass
class Made:
    """The scenarios kept, and how many were dropped for which reason."""

    kept: list[Candidate]
    counts: dict[str, int] = field(default_factory=dict)


def make(
    bench: SandboxBench, recorded: Sequence[Mapping[str, Any]], places: Places,
    settings: Mapping[str, Any], seed: int,
) -> Made:  # fmt: skip
    """Return scenarios from recorded uses ({"data", "origin"}).

    settings: {"max_scenarios": n, "hash_seeds": n, "nest": {entry: {"init", "call"}}}
    """
    most = int(settings["max_scenarios"])
    uses = unique([candidate(use["data"], use["origin"], RECORDED) for use in recorded])
    bases = _by_entry(uses, most * OVERSAMPLED, seed)
    _run_reference(bench, bases, places)
    smaller = _reduced(bench, [one for one in bases if not one.problem])
    _run_reference(bench, smaller, places)
    bases += smaller
    tried = _draw_mutants(bases, settings.get("nest", {}), most * OVERSAMPLED, seed)
    _run_reference(bench, tried, places)
    every = [*bases, *tried]
    good = balanced([one for one in every if not one.problem], most, seed)
    confirm(bench, good, int(settings["hash_seeds"]))
    kept = [one for one in good if not one.problem]
    counts = {
        "recorded": len(uses),
        "reduced": len(smaller),
        "tried": len(bases) - len(smaller),
        "mutated": len(tried),
        "drawn": len(good),
        "kept": len(kept),
    }
    for problem in sorted({one.problem for one in every if one.problem}):
        counts[f"dropped: {problem}"] = sum(one.problem == problem for one in every)
    return Made(kept, counts)


def _by_entry(uses: Sequence[Candidate], most: int, seed: int) -> list[Candidate]:
    """Draw at most `most` recorded uses, entry point by entry point in turn."""
    pools: dict[str, list[Candidate]] = {}
    for use in uses:
        pools.setdefault(use.scenario.data["entry"], []).append(use)
    queues = {
        entry: iter(seeds.shuffled(pool, seed, "use", entry, key=identity))
        for entry, pool in sorted(pools.items())
    }
    drawn = list(itertools.islice(in_turn(queues), most))
    return sorted(drawn, key=identity)


def _reduced(bench: SandboxBench, uses: Sequence[Candidate]) -> list[Candidate]:
    """Return smaller forms of the uses that have one; those uses are `bulky` from then on."""

    def same(asked: Sequence[tuple[int, Mapping[str, Any]]]) -> list[bool]:
        forms = [candidate(data, "", RECORDED) for _, data in asked]
        chunks = [forms[at : at + SERIES] for at in range(0, len(forms), SERIES)]
        results = bench.run([replace(_job(chunk, 0), warm=True) for chunk in chunks])
        seen = {name: told for result in results for name, told in result.observations.items()}
        return [
            _does_the_same(seen.get(form.scenario.scenario_id), uses[index].observation)
            for form, (index, _) in zip(forms, asked, strict=True)
        ]

    found = []
    forms = reduce_all([use.scenario.data for use in uses], same)
    for use, data in zip(uses, forms, strict=True):
        if data is not use.scenario.data:
            use.bulky = True
            found.append(candidate(data, use.origin, RECORDED))
    known = {use.scenario.scenario_id for use in uses}
    return [one for one in unique(found) if one.scenario.scenario_id not in known]


def _does_the_same(seen: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None) -> bool:
    """Tell whether results and public state are equal; the arguments afterwards need not be."""
    if seen is None or wanted is None:
        return False
    return all(seen.get(part) == wanted.get(part) for part in ("calls", "state"))


def _draw_mutants(
    bases: Sequence[Candidate], nest: Mapping[str, Any], most: int, seed: int
) -> list[Candidate]:
    """Draw mutants of the bases, unit by unit in turn, so that each unit gets its share."""
    templates = {entry: _encoded(template) for entry, template in sorted(nest.items())}
    pools: dict[str, list[Candidate]] = {}
    for base in sorted((one for one in bases if not one.problem), key=lambda one: one.bulky):
        for unit in base.units:
            # A bulky use is changed only for the units that nothing smaller reaches.
            if not base.bulky or all(one.bulky for one in pools.get(unit, [])):
                pools.setdefault(unit, []).append(base)
    orders: dict[str, list[Site]] = {}

    def order_of(base: Candidate) -> list[Site]:
        name, entry = base.scenario.scenario_id, base.scenario.data["entry"]
        if name not in orders:
            found = sites(base.scenario.data, templates.get(entry))
            orders[name] = seeds.shuffled(found, seed, "mutant", name, key=lambda site: site.name)
        return orders[name]

    queues = {
        unit: _pairs(seeds.shuffled(pool, seed, "base", unit, key=identity), order_of)
        for unit, pool in sorted(pools.items())
    }
    taken = {one.scenario.scenario_id: one for one in bases}
    for base, site in in_turn(queues):
        if len(taken) - len(bases) >= most:
            break
        one = candidate(mutated(base.scenario.data, site), base.origin, site.mutator)
        taken.setdefault(one.scenario.scenario_id, one)
    made = sorted(set(taken) - {one.scenario.scenario_id for one in bases})
    return [taken[name] for name in made]


def _run_reference(bench: SandboxBench, candidates: Sequence[Candidate], places: Places) -> None:
    """Run the candidates on the unchanged tree; note observation, units, or what is wrong.

    Those that need the same modules run together: a job imports each module that it needs.
    """
    waiting = sorted(candidates, key=lambda one: sorted(modules(one.scenario.data)))
    while waiting:
        chunks = [waiting[at : at + CHUNK] for at in range(0, len(waiting), CHUNK)]
        reports = bench.run_with([_job(chunk, 0) for chunk in chunks], Extras(trace=True))
        waiting = []
        for chunk, report in zip(chunks, reports, strict=True):
            seen = report.result.observations
            for one in chunk:
                if one.scenario.scenario_id in seen:
                    _judge(one, report, places)
            # One that hangs ends its job: those after it get another.
            left = [one for one in chunk if one.scenario.scenario_id not in seen]
            if len(left) == len(chunk):
                chunk[0].problem = f"does not run: {report.result.outcome}"
                left = left[1:]
            waiting += left


def _judge(one: Candidate, report: Report, places: Places) -> None:
    name = one.scenario.scenario_id
    observation = report.result.observations[name]
    one.observation = observation
    one.executed = places.executed(report.reached.get(name, []))
    raised_at = report.raised_at.get(name, ())
    one.problem = flaw(observation)
    if one.problem:
        return
    if not all(places.is_raise(place) for place in raised_at):
        one.problem = "unintended exception"
    elif not one.units:
        one.problem = "reaches no unit"


def confirm(bench: Bench, candidates: Sequence[Candidate], hash_seeds: int) -> None:
    """Run the candidates under the other hash seeds; whatever differs gets a problem.

    They run one after the other in one process, forwards under one seed and backwards under the
    next: what depends on what ran before it would be no fair question.
    """
    chunks = [candidates[at : at + SERIES] for at in range(0, len(candidates), SERIES)]
    pairs = [(chunk[:: 1 if turn % 2 else -1], turn) for turn in range(1, hash_seeds)
             for chunk in chunks]  # fmt: skip
    results = bench.run([replace(_job(chunk, turn), warm=True) for chunk, turn in pairs])
    for (chunk, _), result in zip(pairs, results, strict=True):
        for one in chunk:
            seen = result.observations.get(one.scenario.scenario_id)
            if seen is None or canonical_json(seen) != canonical_json(one.observation):
                one.problem = "differs under another hash seed, or by what ran before"


def _job(chunk: Sequence[Candidate], hash_seed: int) -> Job:
    return Job(scenarios=[one.scenario for one in chunk], hash_seed=hash_seed, limits=LIMITS)


def _encoded(template: Mapping[str, Any]) -> dict[str, Any]:
    return {part: encode(value) for part, value in template.items()}


def _pairs(
    bases: Sequence[Candidate], order_of: Callable[[Candidate], Sequence[Site]]
) -> Iterator[tuple[Candidate, Site]]:
    """Yield the first site of each base, then the second of each, and so on."""
    turn, left = 0, list(bases)
    while left:
        left = [base for base in left if turn < len(order_of(base))]
        for base in left:
            yield base, order_of(base)[turn]
        turn += 1
