"""Interacting bugs: two mutations whose failures are not the union of each one's.

Both are idiomatic mutations of one function, or of two (the unit and one that it calls or that
calls it, in its file or another). Each is run alone and both together over the unit's scenarios:
a pair counts if a scenario fails only with both, or fails with one and passes with both. (Of
random pairs 57 of 60 are only a union.) Each must be seen alone, too: who mends one of them only
must still fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product

from assay.categories import _bugs
from assay.categories._bugs import Bug, Fault
from assay.categories._pool import Case
from assay.categories._types import Material, Mutation, Row
from assay.core.execution import RAN
from assay.core.seeds import digest, shuffled
from assay.core.splice import lines_of

MOST_PAIRS = 36  # pairs of a unit that are run together
MOST_OTHERS = 2  # further functions that the second mutation is looked for in
MUTANTS_OF_OTHER = 6
MOST_LINES = 2  # of one mutation


def search(
    material: Material, seen: Sequence[Bug], others: Sequence[Row], pool: Sequence[Case]
) -> list[Bug]:  # fmt: skip
    """Return the interacting bugs of a unit, in a drawn order; `alone` holds both parts.

    seen:   the unit's own mutants, run over the pool
    others: further functions that the second mutation may be in
    """
    own = [bug for bug in seen if _fits(bug, pool)]
    single = [
        Bug((Fault(row, mutation),))
        for row in others[:MOST_OTHERS] for mutation in material.mutants(row)[:MUTANTS_OF_OTHER]
    ] if own else []  # fmt: skip
    beside = [bug for bug in _bugs.run_all(material, single, pool) if _fits(bug, pool)]
    merged = [_merged(first, second) for first, second in combinations(own, 2)]
    within = [pair for pair in merged if pair and _idiomatic(material, pair)]
    across = [replace(a, faults=(*a.faults, *b.faults), alone=(a, b))
              for a, b in product(own, beside)]  # fmt: skip
    chosen = [
        *_drawn(material, within)[: MOST_PAIRS // 2 if across else MOST_PAIRS],
        *_drawn(material, across)[: MOST_PAIRS // 2 if within else MOST_PAIRS],
    ]
    both = _bugs.run_all(material, _drawn(material, chosen), pool)
    return [bug for bug in both if interacts(bug) and not _bugs.unfit(bug, pool)
            and not _bugs.stray(bug, pool)]  # fmt: skip


def interacts(bug: Bug) -> bool:
    """Say whether a bug of two mutations fails on other scenarios than the two of them alone."""
    union = frozenset[str]().union(*(part.violated for part in bug.alone))
    return len(bug.alone) > 1 and bug.violated != union


def counts(bug: Bug) -> dict[str, int]:
    """Return the numbers that prove it: scenarios and tests, each alone, together, and how."""
    found: dict[str, int] = {}
    for name in ("violated", "broken"):
        parts = [getattr(part, name) for part in bug.alone]
        together = getattr(bug, name)
        union = frozenset[str]().union(*parts)
        found |= {f"{name}_{number}": len(part) for number, part in enumerate(parts, 1)}
        found |= {f"{name}_only_together": len(together - union),
                  f"{name}_masked": len(union - together)}  # fmt: skip
    return found


def _fits(bug: Bug, pool: Sequence[Case]) -> bool:
    mutation, unit = bug.mutation, bug.faults[0].unit
    seen = bug.outcome == RAN and 0 < len(bug.violated) < len(pool)
    return seen and len(mutation.lines) <= MOST_LINES and keeps_lines(mutation, unit)


def keeps_lines(mutation: Mutation, unit: Row) -> bool:
    """Say whether a mutation leaves the number of lines as it is."""
    return not mutation.deletes and len(lines_of(mutation.source)) == len(lines_of(unit["source"]))


def _merged(first: Bug, second: Bug) -> Bug | None:
    """Return both mutations of one function as one, or None where they touch the same lines."""
    unit = first.faults[0].unit
    old = lines_of(unit["source"])
    changed = [
        {at: new for at, (before, new) in enumerate(zip(old, lines_of(bug.mutation.source),
                                                        strict=True)) if before != new}
        for bug in (first, second)
    ]  # fmt: skip
    if set(changed[0]) & set(changed[1]):
        return None
    every = {**changed[0], **changed[1]}
    source = "".join(every.get(at, line) for at, line in enumerate(old))
    a, b = first.mutation, second.mutation
    both = Mutation(
        operator=f"{a.operator}+{b.operator}", source=source,
        lines=tuple(sorted({*a.lines, *b.lines})), deletes=False, site=f"{a.site} & {b.site}",
        rule=f"{a.rule}; {b.rule}",
    )  # fmt: skip
    return Bug((Fault(unit, both),), places=(a.lines, b.lines), alone=(first, second))


def _idiomatic(material: Material, pair: Bug) -> bool:
    """Say whether the second mutation is one that the operators make of the first one's source."""
    fault = pair.faults[0]
    start = {**fault.unit, "source": pair.alone[0].mutation.source}
    return any(found.source == fault.mutation.source for found in material.mutants(start))


def _drawn(material: Material, pairs: Sequence[Bug]) -> list[Bug]:
    """Shuffle by what the pairs are, not by the order in which they were met."""
    return shuffled(
        pairs, material.seed, material.unit["unit_id"], "interacting",
        key=lambda bug: digest(*(f"{fault.unit['unit_id']}:{fault.mutation.site}"
                                 for fault in bug.faults)),
    )  # fmt: skip
