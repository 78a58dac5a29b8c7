"""The typed codec: exact builtin values to plain JSON and back.

Standard library only: the same file is mounted into the sandbox. Encodings are
`null`, `true`, `"text"` for themselves, and tagged lists for all else:
["int", "12"], ["float", "0x1.8p+1"], ["bytes", "ff00"], ["list", […]], ["tuple", […]],
["set", [sorted]], ["frozenset", [sorted]], ["dict", [[key, value], …]], ["type", "str"],
["Decimal", "1.5"], ["UUID", "…"], ["date" | "datetime" | "time", "ISO form"],
["timedelta", "days seconds microseconds"].
Pickle never crosses, and a subclass of a type is not that type.

Among a scenario's arguments two more stand for objects of the target: ["name", "module:name"], and
["new", ["module:name", args, kwargs]] for what a call of that name gives. Whoever decodes them says
how they are made; by default they are malformed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

MAX_DEPTH = 40
MAX_NODES = 20_000
MAX_DIGITS = 2_000
BUILT = ("name", "new")
HOLDING = ("list", "tuple", "set", "frozenset", "dict")
BUILTIN_TYPES = {
    name: getattr(__import__("builtins"), name)
    for name in (
        "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list",
        "object", "set", "str", "tuple",
    )
}  # fmt: skip


class NotEncodableError(ValueError):
    """The value is not made of exact builtin types, or is too deep or too large."""


Known = Callable[[Any], Any]
Build = Callable[[str, Any], Any]


def encode(value: Any, known: Known | None = None) -> Any:
    """Return the JSON form of a value; raise NotEncodableError for anything but the exact types.

    known: returns the encoding of an object of another type, or None if it has none
    """
    return _Encoder(known).encode(value, 0)


def decode(data: Any, build: Build | None = None) -> Any:
    """Return the value of an encoding; raise NotEncodableError if it is malformed.

    build: makes the object of a tag ("name" or "new") and its body
    """
    try:
        return _Decoder(build).decode(data, 0)
    except (TypeError, ValueError, KeyError, ArithmeticError, RecursionError) as error:
        raise NotEncodableError(f"malformed encoding: {error}") from error


def nodes(data: Any) -> Iterator[Any]:
    """Yield an encoding and every encoding within it, each before what it holds."""
    yield data
    tag, body = data if isinstance(data, list) else ("", [])
    inner: list[Any] = body if tag in ("list", "tuple", "set", "frozenset") else []
    if tag == "dict":
        inner = [item for pair in body for item in pair]
    elif tag == "new":
        inner = body[1:]
    for item in inner:
        yield from nodes(item)


def names(data: Any) -> set[str]:
    """Return the names of the target's objects ("module:name") that an encoding mentions."""
    tagged = [node for node in nodes(data) if isinstance(node, list) and node[0] in BUILT]
    return {str(body if tag == "name" else body[0]) for tag, body in tagged}


def modules(scenario: Mapping[str, Any]) -> set[str]:
    """Return the modules that a scenario (core.execution.Scenario.data) needs to be imported."""
    given = [scenario["init"] or [], *(call[1:] for call in scenario["calls"])]
    found = [scenario["entry"], *(name for part in given for item in part for name in names(item))]
    return {name.partition(":")[0] for name in found}


class _Encoder:
    def __init__(self, known: Known | None = None) -> None:
        self.nodes = 0
        self.known = known

    def encode(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise NotEncodableError("too deep or too large")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return _checked_text(value)
        if kind is type and BUILTIN_TYPES.get(getattr(value, "__name__", "")) is value:
            return ["type", getattr(value, "__name__", "")]
        writer = _WRITERS.get(kind)
        if writer is None:
            found = self.known and self.known(value)
            if found:
                return found
            raise NotEncodableError(
                f"not an exact builtin type: {kind.__module__}.{kind.__qualname__}"
            )
        return [kind.__name__, writer(self, value, depth + 1)]

    def each(self, value: Any, depth: int) -> list[Any]:
        return [self.encode(item, depth) for item in value]

    def unordered(self, value: Any, depth: int) -> list[Any]:
        return sorted(self.each(value, depth), key=lambda item: json.dumps(item, sort_keys=True))

    def pairs(self, value: Any, depth: int) -> list[Any]:
        return [[self.encode(k, depth), self.encode(v, depth)] for k, v in value.items()]


def _checked_text(value: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotEncodableError("text with lone surrogates") from error
    return value


def _integer(_: _Encoder, value: int, __: int) -> str:
    if value.bit_length() > MAX_DIGITS * 3:
        raise NotEncodableError("integer too large")
    return str(value)


def _moment(_: _Encoder, value: datetime | time, __: int) -> str:
    """Write a moment without a zone, or in UTC; other zones have more to them than the text."""
    if value.fold or not (value.tzinfo is None or value.tzinfo is UTC):
        raise NotEncodableError("a moment in another zone than UTC")
    return value.isoformat()


class _Decoder:
    def __init__(self, build: Build | None) -> None:
        self.build = build
        self.nodes = 0

    def decode(self, data: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise NotEncodableError("too deep or too large")
        if data is None or type(data) in (bool, str):
            return data
        kind, body = data
        if kind in BUILT and self.build:
            return self.build(kind, body)
        if type(body) is not (list if kind in HOLDING else str):  # int() would take a float, too
            raise NotEncodableError(f"malformed body of {kind!r}")
        return _READERS[kind](self, body, depth + 1)

    def each(self, items: Any, depth: int) -> list[Any]:
        return [self.decode(item, depth) for item in items]


_Writer = Callable[[_Encoder, Any, int], Any]
_WRITERS: dict[type, _Writer] = {
    int: _integer,
    float: lambda _, value, __: value.hex(),
    bytes: lambda _, value, __: value.hex(),
    list: _Encoder.each,
    tuple: _Encoder.each,
    set: _Encoder.unordered,
    frozenset: _Encoder.unordered,
    dict: _Encoder.pairs,
    Decimal: lambda _, value, __: str(value),
    UUID: lambda _, value, __: str(value),
    date: lambda _, value, __: value.isoformat(),
    datetime: _moment,
    time: _moment,
    timedelta: lambda _, value, __: f"{value.days} {value.seconds} {value.microseconds}",
}
_READERS: dict[str, Callable[[_Decoder, Any, int], Any]] = {
    "int": lambda _, body, __: int(body),
    "float": lambda _, body, __: float.fromhex(body),
    "bytes": lambda _, body, __: bytes.fromhex(body),
    "list": lambda self, body, depth: self.each(body, depth),
    "tuple": lambda self, body, depth: tuple(self.each(body, depth)),
    "set": lambda self, body, depth: set(self.each(body, depth)),
    "frozenset": lambda self, body, depth: frozenset(self.each(body, depth)),
    "dict": lambda self, body, depth: dict(self.each(pair, depth) for pair in body),
    "type": lambda _, body, __: BUILTIN_TYPES[body],
    "Decimal": lambda _, body, __: Decimal(body),
    "UUID": lambda _, body, __: UUID(body),
    "date": lambda _, body, __: date.fromisoformat(body),
    "datetime": lambda _, body, __: datetime.fromisoformat(body),
    "time": lambda _, body, __: time.fromisoformat(body),
    "timedelta": lambda _, body, __: timedelta(*map(int, body.split())),
}
