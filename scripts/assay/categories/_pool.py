"""Scenarios of one unit, and the choice of those that a prompt shows and of those it hides.

Hidden ones are decidable from the prompt: whatever result depends on the unit (it is absent when
the unit does nothing) is of a shape that a shown scenario has too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.categories import _describe
from assay.categories._types import Hidden, Row
from assay.core.coverage import spread
from assay.core.files import canonical_json

Data = Mapping[str, Any]
Observations = Mapping[str, Data]
_DETAIL = re.compile(r"'[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?|[\[{(<].*[\]})>]", re.DOTALL)
SHAPE_CHARS = 80
FEWEST = 2  # shown scenarios, and hidden ones


@dataclass(frozen=True)
class Case:
    """One scenario of a unit with what is right on it.

    expected: the observation that is right for the task's answer
    atoms:    the parts of its shape that depend on the unit
    touched:  the result depends on the unit's body at all
    changed:  the result differs from the published code's (counterfactual tasks)
    kills:    which of the wrong answers at hand it tells from the right one
    way:      which lines of the unit it executes (`core.coverage`)
    """

    scenario_id: str
    data: Data
    expected: Data
    atoms: frozenset[str] = frozenset()
    touched: bool = False
    changed: bool = False
    kills: frozenset[int] = frozenset()
    way: str = ""

    def hidden(self) -> Hidden:
        """Return the case as a hidden check."""
        return Hidden(self.scenario_id, self.data, self.expected)


@dataclass(frozen=True)
class Split:
    """The cases that a prompt shows and those that the key hides."""

    shown: tuple[Case, ...]
    hidden: tuple[Case, ...]


def cases(rows: Sequence[Row], most: int) -> list[Case]:
    """Return at most so many cases with the reference's observations, without equal scenarios.

    Half of them are the scenarios that execute the fewest other units: of each way through the
    unit the one that says the most about it. The other half is as the rows come.
    """
    near = spread(sorted(rows, key=lambda row: len(row.get("units") or ())), _way)
    found: dict[str, Case] = {}
    for order, share in ((near, most // 2), (rows, most)):
        for row in order:
            if len(found) < share:
                data = json.loads(row["scenario_json"])
                seen = json.loads(row["observation_json"])
                one = Case(row["scenario_id"], data, seen, way=_way(row))
                found.setdefault(canonical_json(data), one)
    return list(found.values())


def _way(row: Row) -> str:
    return str(row.get("way", ""))  # none: a scenario that was aimed at the unit


def published(pool: Sequence[Case]) -> dict[str, Data]:
    """Return what the published code does on fresh cases, by scenario id."""
    return {case.scenario_id: case.expected for case in pool}


def untellable(pool: Sequence[Case]) -> str:
    """Return why no choice of the judged cases could tell a right body, or an empty text."""
    if sum(case.touched for case in pool) < FEWEST:
        return f"fewer than {FEWEST} scenarios depend on the unit"
    return "all scenarios have the same result" if distinct(pool) < 2 else ""


def judged(
    pool: Sequence[Case], expected: Observations, stub: Observations,
    wrong: Sequence[Observations] = (),
) -> list[Case]:  # fmt: skip
    """Return the cases with the task's expectations, told apart by what other bodies do.

    expected: observations by scenario id of the right answer; a case without one is dropped
    stub:     those of a body that does nothing; wrong: those of wrong answers
    """
    found = []
    for case in pool:
        name = case.scenario_id
        right, idle = expected.get(name), stub.get(name)
        if right is None:
            continue
        killed = frozenset(n for n, seen in enumerate(wrong) if _unlike(right, seen.get(name)))
        found.append(
            replace(
                case, expected=right, atoms=shape(right) - (shape(idle) if idle else frozenset()),
                touched=_unlike(right, idle), changed=_unlike(right, case.expected),
                kills=killed,
            )
        )  # fmt: skip
    return found


def _unlike(right: Data, other: Data | None) -> bool:
    return other is None or canonical_json(right) != canonical_json(other)


def shape(observation: Data) -> frozenset[str]:
    """Return the kinds of results and messages in an observation, without their details.

    A message is a text with a space in it, here without quoted parts, digits and brackets.
    """
    atoms = set()
    for call in observation.get("calls", []):
        if "raised" in call:
            kind, text = [*call["raised"], ""][:2]
            atoms.add(f"raises {kind}: {_skeleton(str(text))}")
        else:
            atoms.add(f"returns {_kind(call.get('returned'))}")
    for encoded in (observation.get("state") or {}).values():
        atoms |= {_skeleton(text) for text in _texts(encoded) if " " in text.strip()}
    return frozenset(atoms)


def split(pool: Sequence[Case], shown: int, hidden: int, longest: int) -> Split:
    """Choose the shown cases, then the hidden ones that they decide.

    pool: judged cases in a seeded order; longest: characters of a shown case, at most
    """
    chosen = _shown([case for case in pool if length(case) <= longest], shown)
    covered = frozenset().union(*(case.atoms for case in chosen))
    taken = {case.scenario_id for case in chosen}
    rest = [case for case in pool if case.scenario_id not in taken and case.atoms <= covered]
    return Split(tuple(chosen), tuple(_mixed(rest, hidden)))


def length(case: Case) -> int:
    """Return the characters of a case as a prompt shows it."""
    return len(_describe.scenario(case.data, case.expected))


def distinct(pool: Sequence[Case]) -> int:
    """Return how many different results a pool's cases have."""
    return len({canonical_json(case.expected) for case in pool})


def undecided(chosen: Split) -> str:
    """Return why the shown and hidden cases make no task, or an empty text."""
    parts = {"shown": chosen.shown, "hidden": chosen.hidden}
    for name, part in parts.items():
        if not any(case.touched for case in part):
            return f"no {name} scenario depends on the unit"
        if len(part) < FEWEST:
            return f"fewer than {FEWEST} scenarios can be {name}"
    both = (*chosen.shown, *chosen.hidden)
    if any(case.changed for case in both):
        lacking = [name for name, part in parts.items() if not any(c.changed for c in part)]
        return f"no {lacking[0]} scenario shows the changed rule" if lacking else ""
    return untellable(both)


def _shown(pool: Sequence[Case], count: int) -> list[Case]:
    """Choose greedily what opens the most cases of the pool that are still undecided.

    A counterfactual's first two cases are changed ones, of which one is always left to be hidden;
    the last case is one on which the unit leaves no trace (a value that passes), if there is one.
    """
    chosen: list[Case] = []
    changed = any(case.changed for case in pool)
    for number in range(min(count, len(pool))):
        left = _without_last_changed([case for case in pool if case not in chosen])
        wanted = [case for case in left if case.changed or (case.touched and not changed)]
        if number == count - 1 and all(case.touched for case in chosen):
            wanted = [case for case in left if not case.touched]
        elif number >= 2:
            wanted = [case for case in left if case.touched]
        chosen.append(min(wanted or left, key=lambda case: _rank(case, chosen, pool)))
    return chosen


def _without_last_changed(left: list[Case]) -> list[Case]:
    last = sum(case.changed for case in left) == 1
    return [case for case in left if not (last and case.changed)] or left


def _rank(case: Case, chosen: Sequence[Case], pool: Sequence[Case]) -> tuple[int, bool, int]:
    known = frozenset().union(*(item.atoms for item in chosen))
    opened = sum(1 for item in pool if item.atoms <= known | case.atoms)
    seen = {canonical_json(item.expected) for item in chosen}
    return -opened, canonical_json(case.expected) in seen, length(case)


def _mixed(pool: Sequence[Case], count: int) -> list[Case]:
    """Take what kills a wrong answer that nothing before kills, then a third each of the rest.

    The thirds are changed, touched and untouched cases, as far as there are any.
    """
    chosen = _killers(pool)[:count]
    left = [case for case in pool if case not in chosen]
    kinds = [
        [case for case in left if case.changed],
        [case for case in left if case.touched and not case.changed],
        [case for case in left if not case.touched and not case.changed],
    ]
    while len(chosen) < count and any(kinds):
        chosen += [kind.pop(0) for kind in kinds if kind]
    return chosen[:count]


def _killers(pool: Sequence[Case]) -> list[Case]:
    chosen: list[Case] = []
    alive = frozenset().union(*(case.kills for case in pool))
    while alive:
        best = max(pool, key=lambda case: len(case.kills & alive))
        chosen.append(best)
        alive -= best.kills
    return chosen


def _kind(encoded: Any) -> str:
    if encoded is None or isinstance(encoded, bool):
        return repr(encoded)
    return encoded[0] if isinstance(encoded, list) and encoded else type(encoded).__name__


def _texts(encoded: Any) -> Iterable[str]:
    yield from [encoded] if isinstance(encoded, str) else []
    for item in encoded if isinstance(encoded, list) else []:
        yield from _texts(item)


def _skeleton(text: str) -> str:
    return _DETAIL.sub("#", text)[:SHAPE_CHARS]
