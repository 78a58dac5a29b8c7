"""Renders encoded values (core.codec) as Python source, broken over lines where they are wide.

They are rendered from their encodings, never from decoded sets, so that the text does not depend on
the hash seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from assay.core import codec

WIDTH = 88
STEP = "    "
OPAQUE = "<an object>"

_BRACKETS = {"list": ("[", "]"), "tuple": ("(", ")"), "dict": ("{", "}"), "set": ("{", "}"),
             "frozenset": ("frozenset({", "})")}  # fmt: skip
_MODULES = {
    "Decimal": "from decimal import Decimal", "UUID": "from uuid import UUID",
    **dict.fromkeys(("date", "datetime", "time", "timedelta"), "import datetime"),
}  # fmt: skip
_EMPTY = {"set": "set()", "frozenset": "frozenset()"}


def value(encoded: Any, width: int = WIDTH) -> str:
    """Return Python source for an encoded value, broken over lines where it is wider."""
    line = flat(encoded)
    return line if len(line) <= width or not _parts(encoded) else _broken(encoded, width)


def imports(arguments: Iterable[Any], more: Iterable[str] = ()) -> set[str]:
    """Return the import statements for the names in encodings, and for `more` ("module:name")."""
    given = list(arguments)
    found = set()
    for full in set(more).union(*map(codec.names, given)):
        module, _, path = full.rpartition(":")
        found.add(f"from {module} import {path.partition('.')[0]}")
    tags = {tag(node) for item in given for node in codec.nodes(item)}
    return found | {_MODULES[name] for name in tags & set(_MODULES)}


def positional(encoded: Any) -> list[Any]:
    """Return the encodings of a call's positional arguments, whichever way they are held."""
    if tag(encoded) in {"list", "tuple"} and isinstance(encoded[1], list):
        return list(encoded[1])
    return list(encoded or [])


def named(encoded: Any) -> dict[str, Any]:
    """Return the encodings of a call's keyword arguments by name."""
    if isinstance(encoded, Mapping):
        return dict(encoded)
    return {str(name): item for name, item in (encoded[1] if encoded else [])}


def tag(encoded: Any) -> str:
    """Return what kind of value an encoding is of, "" for None, truth values and text."""
    tagged = isinstance(encoded, list) and len(encoded) == 2 and isinstance(encoded[0], str)
    return encoded[0] if tagged else ""


def _opaque(encoded: Any) -> str:
    kind = encoded.get("opaque") if isinstance(encoded, dict) else None
    return f"<{str(kind).rpartition('.')[2]} object>" if kind else OPAQUE


def flat(encoded: Any) -> str:
    """Return Python source for an encoded value on one line."""
    if encoded is None or isinstance(encoded, (bool, str)):
        return repr(encoded)
    kind = tag(encoded)
    if kind in _SCALARS:
        return _SCALARS[kind](encoded[1])
    if kind == "object":
        name, seen = encoded[1]
        shown = ", ".join(f"{key}={flat(item)}" for key, item in seen[1])
        return f"<{str(name).rpartition('.')[2]} {shown}>"
    if kind not in _BRACKETS and kind != "new":
        return _opaque(encoded)
    parts = [mark + flat(item) for mark, item in _parts(encoded)]
    if not parts and kind in _EMPTY:
        return _EMPTY[kind]
    first, last = _around(encoded)
    comma = "," if kind == "tuple" and len(parts) == 1 else ""
    return first + ", ".join(parts) + comma + last


def _parts(encoded: Any) -> list[tuple[str, Any]]:
    """Return (text before, encoding) of each element of a container; [] for anything else."""
    kind = tag(encoded)
    if kind == "new":
        _, args, kwargs = encoded[1]
        given = [(f"{name}=", item) for name, item in named(kwargs).items()]
        return [*(("", item) for item in positional(args)), *given]
    if kind not in _BRACKETS:
        return []
    if kind == "dict":
        return [(f"{flat(key)}: ", item) for key, item in encoded[1]]
    return [("", item) for item in encoded[1]]


def _broken(encoded: Any, width: int) -> str:
    inner = width - len(STEP)
    items = [mark + value(item, inner - len(mark)) for mark, item in _parts(encoded)]
    first, last = _around(encoded)
    return block(first, items, last)


def _around(encoded: Any) -> tuple[str, str]:
    """Return what stands before and after the parts of a container or of an object's making."""
    kind, body = encoded
    return (f"{_short(body[0])}(", ")") if kind == "new" else _BRACKETS[kind]


def aliases(names: Iterable[str]) -> dict[str, str]:
    """Return another name for each of `names` ("module:name") that ends as another one does.

    `docs.one:app` and `docs.two:app` are called `one_app` and `two_app`.
    """
    ends: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        ends.setdefault(_short(name), []).append(name)
    found: dict[str, str] = {}
    for alike in (alike for end, alike in ends.items() if len(alike) > 1 and "." not in end):
        parts = {name: name.replace(":", ".").split(".") for name in alike}
        longest = max(map(len, parts.values()))
        for count in range(2, longest + 1):
            tried = {name: "_".join(part[-count:]) for name, part in parts.items()}
            if len(set(tried.values())) == len(alike) or count == longest:
                found |= tried
                break
    return found


def renamed(encoded: Any, known: Mapping[str, str]) -> Any:
    """Return JSON data in which these names are encoded as `module:name as alias`."""
    if isinstance(encoded, Mapping):
        return {key: renamed(item, known) for key, item in encoded.items()}
    if not isinstance(encoded, list):
        return encoded
    kind = tag(encoded)
    body = encoded[1] if kind else None
    if kind == "name" and isinstance(body, str) and body in known:
        return [kind, f"{body} as {known[body]}"]
    if kind == "new" and body and body[0] in known:
        return [kind, [f"{body[0]} as {known[body[0]]}", *renamed(body[1:], known)]]
    return [renamed(item, known) for item in encoded]


def _short(name: Any) -> str:
    return str(name).rpartition(":")[2].rpartition(" as ")[2]


def _exact(kind: str) -> Callable[[Any], str]:
    return lambda body: repr(codec.decode([kind, body]))


def block(first: str, items: Sequence[str], last: str) -> str:
    """Return items a line each, set in between two lines."""
    body = "".join(
        "\n" + "\n".join(STEP + line for line in f"{item},".split("\n")) for item in items
    )
    return f"{first}{body}\n{last}"


_SCALARS: dict[str, Callable[[Any], str]] = {
    "int": str,
    "float": lambda body: _float(float.fromhex(body)),
    "bytes": lambda body: repr(bytes.fromhex(body)),
    "type": str,
    "name": _short,
    **{kind: _exact(kind) for kind in _MODULES},
}


def _float(number: float) -> str:
    plain = number == number and abs(number) != float("inf")  # noqa: PLR0124 - NaN is itself only
    return repr(number) if plain else f"float({str(number)!r})"
