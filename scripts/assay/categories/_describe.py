"""Renders scenarios and what they did as readable Python, in the manner of doctest.

    >>> validator = Validator({'age': {'type': 'integer', 'min': 18}})
    >>> validator.validate({'age': 10})
    False
    >>> validator.errors
    {'age': ['min value is 18']}

Values are rendered from their encodings (core.codec), never from decoded sets, so that the text
does not depend on the hash seed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from assay.core.files import canonical_json

WIDTH = 88
STEP = "    "
OPAQUE = "<an object>"

Data = Mapping[str, Any]
_BRACKETS = {"list": ("[", "]"), "tuple": ("(", ")"), "dict": ("{", "}"), "set": ("{", "}"),
             "frozenset": ("frozenset({", "})")}  # fmt: skip
_EMPTY = {"set": "set()", "frozenset": "frozenset()"}


def value(encoded: Any, width: int = WIDTH) -> str:
    """Return Python source for an encoded value, broken over lines where it is wider."""
    flat = _flat(encoded)
    return flat if len(flat) <= width or not _parts(encoded) else _broken(encoded, width)


def entry_name(data: Data) -> str:
    """Return the name that a scenario calls, such as `Validator`."""
    return str(data["entry"]).rpartition(":")[2]


def imports(scenarios: Iterable[Data]) -> list[str]:
    """Return the import statements that make the rendered scenarios run, sorted."""
    found = set()
    for data in scenarios:
        module, _, name = str(data["entry"]).rpartition(":")
        found.add(f"from {module} import {name.partition('.')[0]}")
    return sorted(found)


def scenario(
    data: Data, observation: Data | None = None, attributes: Sequence[str] | None = None
) -> str:
    """Return a scenario as lines that begin with `>>> `, each with its result below.

    attributes: the observed attributes to show, in this order; None shows all, sorted.
    Without an observation only the calls are shown.
    """
    lines, subject = _construction(data)
    results = [_result(item) for item in (observation or {}).get("calls", [])]
    if observation is not None and observation.get("init") == "raised":
        return "\n".join([*lines, *results[0]])
    changed = _changed_arguments(data, observation or {})
    for number, call in enumerate(data.get("calls", [])):
        lines += _prompted(_call_text(subject, call))
        lines += results[number] if number < len(results) else []
        lines += changed[number] if number < len(changed) else []
    if observation is not None and data.get("init") is not None:
        lines += _state(subject, observation, attributes)
    return "\n".join(lines)


def varying(observations: Sequence[Data]) -> list[str]:
    """Return the observed attributes, sorted, whose value differs among the observations.

    `errors` and the like tell behaviours apart; what is the same everywhere only adds length.
    """
    seen: dict[str, set[str]] = {}
    for observation in observations:
        for name, encoded in (observation.get("state") or {}).items():
            seen.setdefault(name, set()).add(canonical_json(encoded))
    return sorted(name for name, values in seen.items() if len(values) > 1)


def positional(encoded: Any) -> list[Any]:
    """Return the encodings of a call's positional arguments, whichever way they are held."""
    if _tag(encoded) in {"list", "tuple"} and isinstance(encoded[1], list):
        return list(encoded[1])
    return list(encoded or [])


def named(encoded: Any) -> dict[str, Any]:
    """Return the encodings of a call's keyword arguments by name."""
    if isinstance(encoded, Mapping):
        return dict(encoded)
    return {str(name): item for name, item in (encoded[1] if encoded else [])}


def _construction(data: Data) -> tuple[list[str], str]:
    name = entry_name(data)
    if data.get("init") is None:
        return [], name
    subject = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2]).lower()
    return _prompted(_call(f"{subject} = {name}", *data["init"])), subject


def _call_text(subject: str, call: Sequence[Any]) -> str:
    method, args, kwargs = call
    plain = method in {"", "__call__"}
    return _call(subject if plain else f"{subject}.{method}", args, kwargs)


def _call(head: str, args: Any, kwargs: Any) -> str:
    given = [("", item) for item in positional(args)]
    given += [(f"{name}=", item) for name, item in named(kwargs).items()]
    flat = f"{head}({', '.join(mark + _flat(item) for mark, item in given)})"
    if len(flat) <= WIDTH:
        return flat
    inner = [mark + value(item, WIDTH - len(STEP) - len(mark)) for mark, item in given]
    return _block(f"{head}(", inner, ")")


def _prompted(text: str) -> list[str]:
    first, *rest = text.split("\n")
    return [f">>> {first}", *(f"... {line}" for line in rest)]


def _result(item: Data) -> list[str]:
    """Return the lines below a call: nothing for None, as in doctest."""
    if "raised" in item:
        kind, text = [*item["raised"], ""][:2]
        name = re.split(r"[.:]", str(kind))[-1]
        return [f"raises {name}: {text}" if text else f"raises {name}"]
    returned = item.get("returned")
    return [] if returned is None else value(returned).split("\n")


def _changed_arguments(data: Data, observation: Data) -> list[list[str]]:
    """Return, for each call, comments on the positional arguments that it changed."""
    after = (observation.get("arguments") or [])[1:]
    return [_changed(call, given) for call, given in zip(data["calls"], after, strict=False)]


def _changed(call: Sequence[Any], after: Any) -> list[str]:
    lines = []
    if _tag(after) != "list":
        return []
    pairs = zip(positional(call[1]), positional(after[1][0]), strict=False)
    for number, (old, new) in enumerate(pairs, start=1):
        if canonical_json(old) != canonical_json(new):
            text = f"argument {number} is changed to: {value(new)}"
            lines += [f"# {line}" for line in text.split("\n")]
    return lines


def _shown(encoded: Any) -> list[str]:
    opaque = isinstance(encoded, dict) and "raised" in encoded
    return _result(encoded) if opaque else value(encoded).split("\n")


def _state(subject: str, observation: Data, attributes: Sequence[str] | None) -> list[str]:
    state = observation.get("state") or {}
    names = sorted(state) if attributes is None else [name for name in attributes if name in state]
    lines = []
    for name in names:
        lines += [f">>> {subject}.{name}", *_shown(state[name])]
    return lines


def _tag(encoded: Any) -> str:
    tagged = isinstance(encoded, list) and len(encoded) == 2 and isinstance(encoded[0], str)
    return encoded[0] if tagged else ""


def _opaque(encoded: Any) -> str:
    kind = encoded.get("opaque") if isinstance(encoded, dict) else None
    return f"<{str(kind).rpartition('.')[2]} object>" if kind else OPAQUE


def _flat(encoded: Any) -> str:
    if encoded is None or isinstance(encoded, (bool, str)):
        return repr(encoded)
    tag = _tag(encoded)
    if tag in _SCALARS:
        return _SCALARS[tag](encoded[1])
    if tag not in _BRACKETS:
        return _opaque(encoded)
    parts = [mark + _flat(item) for mark, item in _parts(encoded)]
    if not parts and tag in _EMPTY:
        return _EMPTY[tag]
    first, last = _BRACKETS[tag]
    comma = "," if tag == "tuple" and len(parts) == 1 else ""
    return first + ", ".join(parts) + comma + last


def _parts(encoded: Any) -> list[tuple[str, Any]]:
    """Return (text before, encoding) of each element of a container; [] for anything else."""
    tag = _tag(encoded)
    if tag not in _BRACKETS:
        return []
    if tag == "dict":
        return [(f"{_flat(key)}: ", item) for key, item in encoded[1]]
    return [("", item) for item in encoded[1]]


def _broken(encoded: Any, width: int) -> str:
    inner = width - len(STEP)
    items = [mark + value(item, inner - len(mark)) for mark, item in _parts(encoded)]
    first, last = _BRACKETS[_tag(encoded)]
    return _block(first, items, last)


def _block(first: str, items: Sequence[str], last: str) -> str:
    body = "".join(
        "\n" + "\n".join(STEP + line for line in f"{item},".split("\n")) for item in items
    )
    return f"{first}{body}\n{last}"


_SCALARS: dict[str, Callable[[Any], str]] = {
    "int": str,
    "float": lambda body: _float(float.fromhex(body)),
    "bytes": lambda body: repr(bytes.fromhex(body)),
    "type": str,
}


def _float(number: float) -> str:
    plain = number == number and abs(number) != float("inf")  # noqa: PLR0124 - NaN is itself only
    return repr(number) if plain else f"float({str(number)!r})"
