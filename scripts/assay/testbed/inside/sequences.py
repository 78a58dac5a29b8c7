"""Which of the calls that a test made of one object are kept together as scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SETTER = "__setattr__"
CALLS_MAX = 3  # longest sequence of calls that is kept as one scenario


def sequences(calls: Sequence[Any]) -> list[list[Any]]:
    """Return each call alone after the attributes set before it, and short sequences whole.

    What follows a call whose arguments can't be written down is left out.
    """
    usable: list[Any] = []
    for call in calls:
        if call[1] == []:
            break
        usable.append(call)
    if not calls:
        return [[]]
    found: list[list[Any]] = []
    for index, call in enumerate(usable):
        if call[0] != SETTER:
            found.append([*(c for c in usable[:index] if c[0] == SETTER), call])
    if 1 < len(usable) <= CALLS_MAX:
        found.append(usable)
    return found


def replaced(
    sequences: Sequence[Sequence[Any]], instead: Mapping[str, Sequence[str]]
) -> list[list[Any]]:
    """Return the sequences with each method replaced by those that are called in its place."""
    found: list[list[Any]] = []
    for calls in sequences:
        turns = max([len(instead.get(name, "1")) for name, _ in calls], default=1)
        for turn in range(turns):
            names = [instead.get(name, [name]) for name, _ in calls]
            found.append(
                [
                    [name[turn % len(name)], given]
                    for name, (_, given) in zip(names, calls, strict=True)
                ]
            )
    return found
