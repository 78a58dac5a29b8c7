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
from assay.core.files import canonical_json

Data = Mapping[str, Any]
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
    """

    scenario_id: str
    data: Data
    expected: Data
    atoms: frozenset[str] = frozenset()
    touched: bool = False
    changed: bool = False

    def hidden(self) -> Hidden:
        """Return the case as a hidden check."""
        return Hidden(self.scenario_id, self.data, self.expected)


@dataclass(frozen=True)
class Split:
    """The cases that a prompt shows and those that the key hides."""

    shown: tuple[Case, ...]
    hidden: tuple[Case, ...]


def cases(rows: Iterable[Row], most: int) -> list[Case]:
    """Return at most so many cases with the reference's observations, without equal scenarios."""
    found: dict[str, Case] = {}
    for row in rows:
        data = json.loads(row["scenario_json"])
        observation = json.loads(row["observation_json"])
        found.setdefault(canonical_json(data), Case(row["scenario_id"], data, observation))
        if len(found) == most:
            break
    return list(found.values())


def judged(
    pool: Sequence[Case], expected: Mapping[str, Data], stub: Mapping[str, Data]
) -> list[Case]:
    """Return the cases with the task's expectations, told apart by what a stub does.

    expected, stub: observations by scenario id, of the right answer and of a body that does
    nothing; a case without an expectation is dropped.
    """
    found = []
    for case in pool:
        right, idle = expected.get(case.scenario_id), stub.get(case.scenario_id)
        if right is None:
            continue
        found.append(
            replace(
                case, expected=right, atoms=shape(right) - (shape(idle) if idle else frozenset()),
                touched=idle is None or canonical_json(right) != canonical_json(idle),
                changed=canonical_json(right) != canonical_json(case.expected),
            )
        )  # fmt: skip
    return found


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
    return "" if distinct(both) > 1 else "all scenarios have the same result"


def _shown(pool: Sequence[Case], count: int) -> list[Case]:
    """Choose greedily what opens the most cases of the pool that are still undecided.

    A counterfactual's first two cases are changed ones, and the last is one on which the unit
    leaves no trace (a value that passes), as far as there are any.
    """
    chosen: list[Case] = []
    changed = any(case.changed for case in pool)
    for number in range(min(count, len(pool))):
        left = [case for case in pool if case not in chosen]
        wanted = [case for case in left if case.changed or (case.touched and not changed)]
        if number == count - 1 and all(case.touched for case in chosen):
            wanted = [case for case in left if not case.touched]
        elif number >= 2:
            wanted = [case for case in left if case.touched]
        chosen.append(min(wanted or left, key=lambda case: _rank(case, chosen, pool)))
    return chosen


def _rank(case: Case, chosen: Sequence[Case], pool: Sequence[Case]) -> tuple[int, bool, int]:
    known = frozenset().union(*(item.atoms for item in chosen))
    opened = sum(1 for item in pool if item.atoms <= known | case.atoms)
    seen = {canonical_json(item.expected) for item in chosen}
    return -opened, canonical_json(case.expected) in seen, length(case)


def _mixed(pool: Sequence[Case], count: int) -> list[Case]:
    """Take a third each of changed, touched and untouched cases, as far as there are any."""
    kinds = [
        [case for case in pool if case.changed],
        [case for case in pool if case.touched and not case.changed],
        [case for case in pool if not case.touched and not case.changed],
    ]
    chosen: list[Case] = []
    while len(chosen) < count and any(kinds):
        chosen += [kind.pop(0) for kind in kinds if kind]
    return chosen[:count]


def _kind(encoded: Any) -> str:
    if encoded is None or isinstance(encoded, bool):
        return repr(encoded)
    return encoded[0] if isinstance(encoded, list) and encoded else type(encoded).__name__


def _texts(encoded: Any) -> Iterable[str]:
    if isinstance(encoded, str):
        yield encoded
    elif isinstance(encoded, list):
        for item in encoded:
            yield from _texts(item)


def _skeleton(text: str) -> str:
    return _DETAIL.sub("#", text)[:SHAPE_CHARS]
