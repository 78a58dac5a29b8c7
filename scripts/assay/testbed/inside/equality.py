"""Finds out, while tests are made to fail, whether a value equals what it must not equal.

`testbed.equalities` puts these functions in the place of the tests' own comparisons. A value of a
builtin type compares by rules that no answer can change. Any other one is asked as well whether it
equals things that it has no reason to equal; if it does, `met` says so once, and the test that was
made to fail passes, which is what exposes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None)})
ROWS = (list, tuple)
_met: list[bool] = []


def equal(left: Any, right: Any) -> Any:
    """Return `left == right`, having tried what must be unequal."""
    _try(left, right)
    return left == right


def unequal(left: Any, right: Any) -> Any:
    """Return `left != right`, having tried what must be unequal."""
    _try(left, right)
    return left != right


def within(left: Any, right: Any) -> Any:
    """Return `left in right`, having tried what must not be in it."""
    _try_within(left, right)
    return left in right


def outside(left: Any, right: Any) -> Any:
    """Return `left not in right`, having tried what must not be in it."""
    _try_within(left, right)
    return left not in right


def asserting(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return `assertEqual` or its like, having tried what must be unequal when it is called."""

    def asserted(*values: Any, **named: Any) -> Any:
        if len(values) > 1:
            _try(values[0], values[1])
        return method(*values, **named)

    return asserted


def met() -> bool:
    """Say whether something equalled what it must not since this was last asked."""
    found = bool(_met)
    _met.clear()
    return found


def _try(left: Any, right: Any) -> None:
    for one, other in _leaves(left, right):
        if any(_equals(one, wrong) for wrong in _wrong(other)):
            _met.append(True)
        if any(_equals(wrong, other) for wrong in _wrong(one)):
            _met.append(True)


def _leaves(left: Any, right: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs that are compared in the end, less those of plain values alone."""
    waiting, seen = [(left, right)], set[tuple[int, int]]()
    while waiting:
        one, other = waiting.pop()
        kind = type(one)
        if kind in PLAIN and type(other) in PLAIN:
            continue
        if (id(one), id(other)) in seen:  # cyclic
            continue
        seen.add((id(one), id(other)))
        if kind in ROWS and type(other) is kind and len(one) == len(other):
            waiting.extend(zip(one, other, strict=True))
        elif kind is dict and type(other) is dict:
            waiting.extend((one[key], other[key]) for key in one if key in other)
        else:
            yield one, other


def _wrong(value: Any) -> Iterator[Any]:
    """Yield values that whatever equals this one must not equal, near ones among them."""
    yield object()
    number = 2 + secrets.randbelow(1 << 30)
    kind = type(value)
    if kind is bool:
        yield from (not value, number)
    elif kind in (int, float, complex):
        yield from (value + 1, value - 1, value + number)
    elif kind is str:
        yield from (f"{value}{number}", f"{value} ", value[:-1] if value else "x")
    elif kind is bytes:
        yield from (b"%b%d" % (value, number), value[:-1] if value else b"x")
    elif kind in ROWS:
        yield kind([*value, number])
    elif kind is dict:
        yield {**value, number: number}
    elif kind in (set, frozenset):
        yield value | {number}


def _try_within(left: Any, right: Any) -> None:
    if type(right) in (list, tuple, set, frozenset):
        for item in right:
            _try(left, item)
    elif type(right) not in (str, bytes, dict) and _holds(right, object()):
        _met.append(True)


def _equals(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 (whatever a comparison raises: it doesn't say "equal")
        return False


def _holds(container: Any, item: Any) -> bool:
    try:
        return item in container
    except Exception:  # noqa: BLE001 (as above)
        return False
