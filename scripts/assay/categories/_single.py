"""Bugs of one mutation in a unit as it was published, measured by scenarios and tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assay.categories import _bugs
from assay.categories._further import killers, showing
from assay.categories._pool import Case
from assay.categories._types import Material
from assay.categories._understanding import Draft
from assay.core.seeds import fraction

DELETION_PERCENT = 10
SAMPLES = 3  # of mutants that are looked at, while none of them makes a bug


@dataclass(frozen=True)
class Unfit:
    """A mutant that makes no task, and why."""

    bug: _bugs.Bug
    reason: str


def drafts(
    material: Material, looked: list[Case], pool: list[Case], *, control: bool
) -> Iterator[Draft | Unfit]:
    """Yield a draft for each bug, and why the other mutants make none.

    The oracle is tried on the first sample of the unit's mutants; where none of these is a bug that
    shows and leaves enough as it was, the next ones are looked at.
    """
    mutants, size = material.mutants(material.unit), material.settings["gates"]["oracle_sample"]
    seen = _bugs.examined(material, mutants[:size], pool)
    if more := showing(material, seen, looked, pool):
        pool = [*pool, *more]
        seen = _bugs.examined(material, mutants[:size], pool)
    extra: list[Case] | None = None
    batch, fit = seen, False
    for number in range(1, SAMPLES + 1):
        for bug in _wanted(material, batch):
            tested, reason = _measured(bug, pool, material)
            if reason:
                yield Unfit(bug, reason)
                continue
            if extra is None:
                extra = killers(material, seen, looked, pool)
            others, fit = [other for other in seen if other is not bug], True
            yield Draft(material, tested, others, pool, extra, control)
        if fit:
            return
        batch = _bugs.examined(material, mutants[number * size : (number + 1) * size], pool)


def _measured(
    bug: _bugs.Bug, pool: Sequence[Case], material: Material
) -> tuple[_bugs.Bug, str]:  # fmt: skip
    found = _bugs.unfit(bug, pool)
    return (bug, found) if found else _bugs.tested(bug, material)


def _wanted(material: Material, seen: Sequence[_bugs.Bug]) -> list[_bugs.Bug]:
    """Leave deletions to a tenth of the units: they have no line of their own to name."""
    drawn = fraction(material.seed, material.unit["unit_id"], "deletion") * 100
    return [bug for bug in seen if bug.mutation.deletes <= (drawn < DELETION_PERCENT)]
