"""Deterministic draws: every seed is the SHA-256 of the run's seed and the ids at hand.

There is no shared generator, so a draw never depends on what was visited before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def digest(*ids: object) -> str:
    """Return the hex SHA-256 over the ids, each length-prefixed so that joins can't collide."""
    state = hashlib.sha256()
    for part in ids:
        data = str(part).encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()


def seed(*ids: object) -> int:
    """Return a 64-bit seed for the ids."""
    return int(digest(*ids)[:16], 16)


def fraction(*ids: object) -> float:
    """Return a number in [0, 1) for the ids, uniform over SHA-256."""
    return int(digest(*ids)[:13], 16) / 16**13


def shuffled(items: Iterable[T], *ids: object, key: Callable[[T], object] = str) -> list[T]:
    """Return the items in a seeded order that depends on each item's own identity only.

    Adding or removing an item leaves the relative order of all others unchanged.
    """
    return sorted(items, key=lambda item: (digest(*ids, key(item)), str(key(item))))
