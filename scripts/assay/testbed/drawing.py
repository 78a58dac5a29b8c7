"""Drawing fairly from several queues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

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
