"""All mutations of a unit by all operators: deduplicated, idiomatic, in a seeded order."""

from __future__ import annotations

import ast
import difflib
import functools
import textwrap
from collections.abc import Mapping
from typing import Any

from assay.categories.base import Mutation
from assay.core import registry, seeds
from assay.operators.base import Code, Edit
from assay.synthesis import idioms

LATER = 2  # turns that a loud operator waits


def all_mutants(unit_row: Mapping[str, Any], seed: int) -> list[Mutation]:
    """Return every mutation of a unit (a row of the units table with `source`), in order.

    Operators take turns, loud ones two turns later, so that a prefix holds many kinds; within
    an operator the order is drawn from the seed, the unit's id and the site alone. A unit that
    is no function, or does not parse, has none.
    """
    return list(_cached(unit_row["source"], unit_row["unit_id"], seed))


@functools.lru_cache(maxsize=256)
def _cached(source: str, unit_id: str, seed: int) -> tuple[Mutation, ...]:
    try:
        code = Code(source)
    except (SyntaxError, ValueError):
        return ()
    seen = {ast.dump(code.unit)}
    kinds = seeds.shuffled(registry.names("operators"), seed, unit_id)
    ranked: list[tuple[int, Mutation]] = []
    for name in kinds:
        fresh = []
        for edit in registry.load("operators", name).mutate(code):
            mutation = _mutation(code, edit, name, seen)
            if mutation is not None:
                fresh.append(mutation)
        fresh = seeds.shuffled(fresh, seed, unit_id, name, key=lambda item: item.site)
        ranked += enumerate(
            fresh, LATER if getattr(registry.load("operators", name), "LOUD", False) else 0
        )
    return tuple(mutation for _, mutation in sorted(ranked, key=lambda pair: pair[0]))


def _mutation(code: Code, edit: Edit, operator: str, seen: set[str]) -> Mutation | None:
    source = code.apply(edit)
    try:
        new = Code(source)
    except (SyntaxError, ValueError):
        return None
    shape = ast.dump(new.unit)
    if shape in seen or not idioms.acceptable(code.unit, new.unit):
        return None
    seen.add(shape)
    lines = changed_lines(code.source, source)
    return Mutation(operator, source, lines, edit.deletes, place_of(code, edit), edit.rule)


def place_of(code: Code, edit: Edit) -> str:
    """Return the identity of an edit: line and column, what stood there, and what does now."""
    before = code.cut(edit.start, edit.end)
    line = code.data.count(b"\n", 0, edit.start) + 1
    column = edit.start - (code.data.rfind(b"\n", 0, edit.start) + 1)
    return f"{line}:{column}:{_flat(before)}→{_flat(edit.new)}"


def changed_lines(old: str, new: str) -> tuple[int, ...]:
    """Return the lines of `new` that differ; for a pure deletion the neighbours of the gap."""
    before, after = old.splitlines(), new.splitlines()
    found: set[int] = set()
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for kind, _, _, first, last in matcher.get_opcodes():
        if kind == "delete":
            found |= {first, first + 1}
        elif kind != "equal":
            found |= set(range(first + 1, last + 1))
    return tuple(sorted(line for line in found if 1 <= line <= len(after)))


def _flat(text: str) -> str:
    flat = " ".join(textwrap.dedent(text).split())
    return flat if len(flat) <= 40 else f"{flat[:20]}#{seeds.digest(flat)[:12]}"
