"""Target `codec`: the typed codec, on values that it writes and on encodings that were forged."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from assay.core import codec
from assay.core.files import canonical_json
from assay.testbed.uses import is_use
from fuzzing.broken import hold

LEAST = 8  # bytes that a leaf may take


def run(data: bytes) -> None:
    """Decode bytes as forged JSON (first byte even), or make a value of them and encode it."""
    if not data:
        return
    if data[0] % 2:
        written(Source(data[1:]).value(0))
        return
    try:
        told = json.loads(data[1:])
    except (ValueError, RecursionError):
        return
    forged(told)


def forged(told: Any) -> None:
    """Decode an encoding that anybody may have written."""
    is_use({"data": told, "origin": "t"})
    is_use(told)
    try:
        value = codec.decode(told)
    except codec.NotEncodableError:
        return
    written(value)


def written(value: Any) -> None:
    """Encode a value and decode it: the same value of the same types, and the same bytes."""
    try:
        encoded = codec.encode(value)
    except codec.NotEncodableError:
        return
    text = canonical_json(encoded)
    hold(json.loads(text) == encoded, "an encoding is plain JSON")
    again = codec.decode(json.loads(text))
    hold(same(again, value), "a value comes back as it was, with its types")
    hold(canonical_json(codec.encode(again)) == text, "a value has one encoding")
    hold(sum(1 for _ in codec.nodes(encoded)) <= codec.MAX_NODES, "an encoding is bounded")


def same(one: Any, other: Any) -> bool:
    """Say whether two values are equal, and of the same types through and through."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.copysign(1, one) == math.copysign(1, other) and (
            one == other or (one != one and other != other)
        )) or (math.isnan(one) and math.isnan(other))  # fmt: skip
    if isinstance(one, Decimal | datetime | time):
        return str(one) == str(other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return len(one) == len(other) and all(map(same, _items(one), _items(other)))
    if isinstance(one, set | frozenset):
        return _written_items(one) == _written_items(other)
    return bool(one == other)


def _items(value: dict[Any, Any]) -> list[Any]:
    return [part for pair in value.items() for part in pair]


def _written_items(value: set[Any] | frozenset[Any]) -> list[str]:
    return sorted(canonical_json(codec.encode(item)) for item in value)


class Source:
    """Bytes that are read as a value, from the first to the last."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        """Return the next bytes; fewer, or none, at the end."""
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        """Return the next byte; 0 at the end."""
        return (self.take(1) or b"\0")[0]

    def value(self, depth: int) -> Any:
        """Return the value that the next bytes spell."""
        kinds = LEAVES if depth > codec.MAX_DEPTH + 1 or self.at >= len(self.data) else KINDS
        return kinds[self.byte() % len(kinds)](self, depth + 1)

    def values(self, depth: int) -> list[Any]:
        """Return some values."""
        return [self.value(depth) for _ in range(self.byte() % 6)]

    def frozen(self, depth: int) -> list[Any]:
        """Return those of some values that can be held by a set."""
        return [item for item in self.values(depth) if _is_hashable(item)]

    def number(self) -> int:
        """Return an integer of either sign and of any size."""
        return int.from_bytes(self.take(self.byte() % 64), "big", signed=True)

    def text(self) -> str:
        """Return a text, perhaps with lone surrogates."""
        return self.take(self.byte() % 32).decode("utf-8", "surrogateescape")


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _moment(source: Source) -> datetime:
    zone = (None, UTC)[source.byte() % 2]
    return datetime(1 + source.number() % 9999, 1 + source.byte() % 12, 1 + source.byte() % 28,
                    source.byte() % 24, source.byte() % 60, source.byte() % 60,
                    source.number() % 10**6, zone, fold=source.byte() % 2)  # fmt: skip


Maker = Callable[[Source, int], Any]
LEAVES: tuple[Maker, ...] = (
    lambda s, _: None,
    lambda s, _: bool(s.byte() % 2),
    lambda s, _: s.number(),
    lambda s, _: s.number() << (s.number() % 7000),
    lambda s, _: struct.unpack(">d", s.take(LEAST).ljust(LEAST, b"\0"))[0],
    lambda s, _: s.text(),
    lambda s, _: s.take(s.byte() % 32),
    lambda s, _: Decimal(s.number()).scaleb(s.number() % 1000 - 500),
    lambda s, _: Decimal(("nan", "-0", "sNaN7", "-inf", "0E+9")[s.byte() % 5]),
    lambda s, _: UUID(bytes=s.take(16).ljust(16, b"\0")),
    lambda s, _: date.fromordinal(1 + s.number() % date.max.toordinal()),
    lambda s, _: _moment(s),
    lambda s, _: _moment(s).timetz(),
    lambda s, _: timedelta(s.number() % 10**8, s.number() % 10**6, s.number()  % 10**6),
    lambda s, _: codec.BUILTIN_TYPES[sorted(codec.BUILTIN_TYPES)[s.byte() % 13]],
)  # fmt: skip
KINDS: tuple[Maker, ...] = (
    *LEAVES,
    lambda s, depth: s.values(depth),
    lambda s, depth: tuple(s.values(depth)),
    lambda s, depth: set(s.frozen(depth)),
    lambda s, depth: frozenset(s.frozen(depth)),
    lambda s, depth: {key: s.value(depth) for key in s.frozen(depth)},
)
