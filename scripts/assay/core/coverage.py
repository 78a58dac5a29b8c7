"""Orders scenarios so that each further one executes what those before it do not.

What a scenario executes of a unit is a text of line offsets, such as "1-4,7". Scenarios with the
same text took the same way through it. The order is greedy ("additional coverage" in Rothermel et
al., "Prioritizing Test Cases for Regression Testing", 2001): each way once, each way a second time,
and so on, and within each round first what executes the most lines not yet executed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def text_of(lines: Iterable[int]) -> str:
    """Return line offsets as ranges: "1-4,7"."""
    ranges: list[list[int]] = []
    for line in sorted(set(lines)):
        if ranges and line == ranges[-1][1] + 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in ranges)


def lines_of(text: str) -> frozenset[int]:
    """Return the line offsets of such a text."""
    found: set[int] = set()
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def spread(items: Sequence[T], executed: Callable[[T], str]) -> list[T]:
    """Return the items with those first that together execute the most.

    executed: the text of an item; items with equal texts keep their order
    """
    ways: dict[str, deque[T]] = {}
    for item in items:
        ways.setdefault(executed(item), deque()).append(item)
    lines = {way: lines_of(way) for way in ways}
    ordered: list[T] = []
    while ways:
        for way in _greedy(list(ways), lines):
            ordered.append(ways[way].popleft())
            if not ways[way]:
                del ways[way]
    return ordered


def _greedy(ways: list[str], lines: dict[str, frozenset[int]]) -> list[str]:
    every = frozenset().union(*(lines[way] for way in ways))
    ordered, left = [], every
    while ways:
        best = max(ways, key=lambda way: len(lines[way] & left))
        if left != every and not lines[best] & left:
            left = every  # all that can be executed was: begin anew with the ways that remain
            continue
        ways.remove(best)
        ordered.append(best)
        left -= lines[best]
    return ordered
