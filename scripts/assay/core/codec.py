"""The typed codec: exact builtin values to plain JSON and back.

Standard library only: the same file is mounted into the sandbox. Encodings are
`null`, `true`, `"text"` for themselves, and tagged lists for all else:
["int", "12"], ["float", "0x1.8p+1"], ["bytes", "ff00"], ["list", […]], ["tuple", […]],
["set", [sorted]], ["frozenset", [sorted]], ["dict", [[key, value], …]], ["type", "builtins:str"].
Pickle never crosses, and a subclass of a builtin is not that builtin.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 40
MAX_NODES = 20_000
MAX_DIGITS = 2_000
BUILTIN_TYPES = {
    name: getattr(__import__("builtins"), name)
    for name in (
        "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list",
        "object", "set", "str", "tuple",
    )
}  # fmt: skip


class NotEncodableError(ValueError):
    """The value is not made of exact builtin types, or is too deep or too large."""


def encode(value: Any) -> Any:
    """Return the JSON form of a value; raise NotEncodableError for anything but exact builtins."""
    return _Encoder().encode(value, 0)


def decode(data: Any) -> Any:
    """Return the value of an encoding; raise NotEncodableError if it is malformed."""
    try:
        return _decode(data, 0)
    except (TypeError, ValueError, KeyError, OverflowError, RecursionError) as error:
        raise NotEncodableError(f"malformed encoding: {error}") from error


class _Encoder:
    def __init__(self) -> None:
        self.nodes = 0

    def encode(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise NotEncodableError("too deep or too large")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return _checked_text(value)
        if kind is type:
            return _type_name(value)
        writer = _WRITERS.get(kind)
        if writer is None:
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


def _type_name(value: type) -> list[str]:
    if BUILTIN_TYPES.get(value.__name__) is not value:
        raise NotEncodableError(f"not a builtin type: {value!r}")
    return ["type", value.__name__]


def _integer(_: _Encoder, value: int, __: int) -> str:
    if value.bit_length() > MAX_DIGITS * 3:
        raise NotEncodableError("integer too large")
    return str(value)


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
}
_READERS: dict[str, Callable[[Any, int], Any]] = {
    "int": lambda body, _: int(body),
    "float": lambda body, _: float.fromhex(body),
    "bytes": lambda body, _: bytes.fromhex(body),
    "list": lambda body, depth: [_decode(item, depth) for item in body],
    "tuple": lambda body, depth: tuple(_decode(item, depth) for item in body),
    "set": lambda body, depth: {_decode(item, depth) for item in body},
    "frozenset": lambda body, depth: frozenset(_decode(item, depth) for item in body),
    "dict": lambda body, depth: {_decode(k, depth): _decode(v, depth) for k, v in body},
    "type": lambda body, _: BUILTIN_TYPES[body],
}


def _decode(data: Any, depth: int) -> Any:
    if depth > MAX_DEPTH + 1:
        raise NotEncodableError("too deep")
    if data is None or type(data) in (bool, str):
        return data
    kind, body = data
    return _READERS[kind](body, depth + 1)
