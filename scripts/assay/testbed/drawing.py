"""Drawing fairly: from several queues in turn, and scenarios for each unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from assay.core import seeds
from assay.core.coverage import spread
from assay.testbed.candidates import RECORDED, Candidate

T = TypeVar("T")


def in_turn(queues: Mapping[str, Iterator[T]]) -> Iterator[T]:
    """Yield one item of each queue in turn until all are empty."""
    left = dict(queues)
    while left:
        for name in list(left):
            try:
                yield next(left[name])
            except StopIteration:
                del left[name]


def balanced(candidates: Sequence[Candidate], most: int, seed: int) -> list[Candidate]:
    """Draw at most `most`, unit by unit in turn, what executes the most of each unit first.

    Of those that take the same way through it recorded ones come first, bulky ones last.
    """
    pools: dict[str, list[Candidate]] = {}
    for one in candidates:
        for unit in one.units:
            pools.setdefault(unit, []).append(one)
    queues = {}
    for unit, pool in sorted(pools.items()):
        order = seeds.shuffled(
            pool, seed, "scenario", unit, key=lambda one: one.scenario.scenario_id
        )
        order.sort(key=lambda one: (one.bulky, one.mutator != RECORDED))
        queues[unit] = iter(spread(order, partial(_way, unit)))
    drawn: dict[str, Candidate] = {}
    for one in in_turn(queues):
        if len(drawn) >= most:
            break
        drawn.setdefault(one.scenario.scenario_id, one)
    return [drawn[name] for name in sorted(drawn)]


def _way(unit: str, one: Candidate) -> str:
    return one.executed[unit]
