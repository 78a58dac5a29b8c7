"""Shorter scenarios: what a reader can take in, proven to show the same.

Tests often share one large fixture. Of a large mapping among a scenario's arguments, only the
entries whose keys stand elsewhere in the scenario are kept; the shorter scenario counts if the
published code shows the same results and state on it, under several hash seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from assay.categories import _describe
from assay.categories._pool import Case
from assay.categories._types import Material
from assay.core.execution import RAN, Job, JobResult, Limits, Scenario
from assay.core.files import canonical_json

LARGE = 3  # entries of a mapping: beyond, it is cut to what the rest of the scenario names
HASH_SEEDS = (0, 1, 2)

Data = Mapping[str, Any]


def shortened(material: Material, pool: Sequence[Case], longest: int) -> list[Case]:
    """Return the pool with each case that is longer to show replaced by a shorter one, if any.

    Cases that become equal are kept once.
    """
    tries = {}
    for case in pool:
        data = shorter(case.data) if _length(case) > longest else None
        if data is not None:
            tries[case.scenario_id] = replace(case, scenario_id=f"{case.scenario_id}~", data=data)
    if not tries:
        return list(pool)
    limits = Limits(**material.settings.get("limits", {}))
    scenarios = [Scenario(case.scenario_id, case.data) for case in tries.values()]
    results = material.bench.run(
        [Job(scenarios=scenarios, hash_seed=seed, limits=limits) for seed in HASH_SEEDS]
    )
    found: dict[str, Case] = {}
    for case in pool:
        proven = _proven(case, tries.get(case.scenario_id), results)
        found.setdefault(canonical_json(proven.data), proven)
    return list(found.values())


def shorter(data: Data) -> dict[str, Any] | None:
    """Return the scenario with its large mappings cut, or None if nothing is to be cut."""
    groups = [data["init"] or [], *(call[1:] for call in data["calls"])]
    texts = [canonical_json(group) for group in groups]
    changed = []
    for number, group in enumerate(groups):
        others = [text for place, text in enumerate(texts) if place != number]
        changed.append(_cut_arguments(group, others))
    if canonical_json(changed) == canonical_json(groups):
        return None
    init = changed[0] if data["init"] is not None else None
    calls = [[call[0], *cut] for call, cut in zip(data["calls"], changed[1:], strict=True)]
    return {**data, "init": init, "calls": calls}


def _cut_arguments(group: Sequence[Any], others: Sequence[str]) -> list[Any]:
    """Cut the arguments of one call; each is judged by the other arguments and calls."""
    if not group:
        return list(group)
    args = _describe.positional(group[0])
    named = _describe.named(group[1])
    texts = [*map(canonical_json, args), *map(canonical_json, named.values())]
    cut = [
        _cut(item, "".join([*others, *texts[:place], *texts[place + 1 :]]))
        for place, item in enumerate([*args, *named.values()])
    ]
    pairs = [list(pair) for pair in zip(named, cut[len(args) :], strict=True)]
    return [["list", cut[: len(args)]], ["dict", pairs]]


def _cut(encoded: Any, elsewhere: str) -> Any:
    pairs = encoded[1] if isinstance(encoded, list) and encoded[0] == "dict" else []
    if len(pairs) <= LARGE:
        return encoded
    return ["dict", [pair for pair in pairs if canonical_json(pair[0]) in elsewhere]]


def _proven(case: Case, cut: Case | None, results: Sequence[JobResult]) -> Case:
    if cut is None:
        return case
    seen = [result.observations.get(cut.scenario_id) for result in results]
    same = all(
        found is not None and _shown(found) == _shown(case.expected) for found in seen
    ) and all(result.outcome == RAN for result in results)  # fmt: skip
    first = seen[0]
    return replace(cut, expected=first) if same and first is not None and _equal(seen) else case


def _equal(seen: Sequence[Data | None]) -> bool:
    return len({canonical_json(found) for found in seen}) == 1


def _shown(observation: Data) -> str:
    return canonical_json([observation.get("calls"), observation.get("state")])


def _length(case: Case) -> int:
    return len(_describe.scenario(case.data, case.expected))
