"""Further cases of a unit: they tell bugs and mutants that the pool's cases hardly tell."""

from __future__ import annotations

from collections.abc import Sequence

from assay.categories._bugs import FEWEST, Bug, examined, run_all
from assay.categories._pool import Case
from assay.categories._types import Material
from assay.core.execution import RAN

MOST = 8  # cases beside the pool's


def showing(
    material: Material, seen: Sequence[Bug], looked: Sequence[Case], pool: Sequence[Case]
) -> list[Case]:  # fmt: skip
    """Return the few cases that show bugs which too few of the pool's cases show."""
    rest = [case for case in looked if case not in pool]
    quiet = [bug for bug in seen if bug.outcome == RAN and len(bug.violated) < FEWEST]
    lacking = [
        (FEWEST - len(bug.violated), again.violated)
        for bug, again in zip(quiet, run_all(material, quiet, rest), strict=True)
        if again.outcome == RAN and len(bug.violated) + len(again.violated) >= FEWEST
    ] if rest else []  # fmt: skip
    chosen: list[Case] = []
    while lacking and len(chosen) < MOST:
        left = [case for case in rest if case not in chosen]
        best = max(left, key=lambda case: sum(case.scenario_id in ids for _, ids in lacking))
        chosen.append(best)
        counted = [(count - (best.scenario_id in ids), ids) for count, ids in lacking]
        lacking = [(count, ids) for count, ids in counted if count > 0]
    return chosen


def killers(
    material: Material, seen: Sequence[Bug], looked: Sequence[Case], pool: Sequence[Case]
) -> list[Case]:
    """Return the cases that tell mutants which the pool does not: the oracle's strength."""
    silent = [bug.mutation for bug in seen if not bug.violated]
    rest = [case for case in looked if case not in pool]
    if not silent or not rest:
        return []
    found: list[Case] = []
    for bug in examined(material, silent, rest):
        known = any(case.scenario_id in bug.violated for case in found)
        first = next((case for case in rest if case.scenario_id in bug.violated), None)
        found += [first] if first and not known and bug.outcome == RAN else []
    return found
