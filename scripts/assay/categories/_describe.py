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
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.categories._literals import (
    STEP,
    WIDTH,
    aliases,
    block,
    flat,
    named,
    positional,
    renamed,
    tag,
    value,
)
from assay.categories._literals import imports as imports_of
from assay.core import codec
from assay.core.files import canonical_json

__all__ = [
    "entry_name", "examples", "imports", "named", "positional", "scenario", "told_apart", "value",
    "varying",
]  # fmt: skip

Data = Mapping[str, Any]


def entry_name(data: Data) -> str:
    """Return the name that a scenario calls, such as `Validator`."""
    return str(data["entry"]).rpartition(":")[2]


def imports(scenarios: Iterable[Data]) -> list[str]:
    """Return the import statements that make the rendered scenarios run, sorted."""
    found: set[str] = set()
    for data in scenarios:
        found |= imports_of(_given(data), [str(data["entry"])])
    return sorted(found)


def _given(data: Data) -> list[Any]:
    """Return the encodings of all that is given to a scenario's calls."""
    parts = [*(data.get("init") or []), *(part for call in data["calls"] for part in call[1:])]
    return [item for part in parts for item in _arguments(part)]


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


def told_apart(pairs: Sequence[tuple[Data, Data]]) -> list[tuple[Data, Data]]:
    """Return (scenario, observation) pairs in which names of other modules are not alike."""
    given = [item for data, _ in pairs for item in _given(data)]
    known = aliases(name for item in given for name in codec.names(item))
    return [(renamed(data, known), renamed(seen, known)) for data, seen in pairs]


def examples(
    pairs: Sequence[tuple[Data, Data]], attributes: Sequence[str] | None = None
) -> str:  # fmt: skip
    """Return (scenario, observation) pairs as a prompt shows them: imports first, then each."""
    shown = told_apart(pairs)
    head = [f">>> {line}" for line in imports(data for data, _ in shown)]
    return "\n\n".join(["\n".join(head), *(scenario(*pair, attributes) for pair in shown)])


def varying(observations: Sequence[Data]) -> list[str]:
    """Return the observed attributes, sorted, whose value differs among the observations.

    `errors` and the like tell behaviours apart; what is the same everywhere only adds length.
    """
    seen: dict[str, set[str]] = {}
    for observation in observations:
        for name, encoded in (observation.get("state") or {}).items():
            seen.setdefault(name, set()).add(canonical_json(encoded))
    return sorted(name for name, values in seen.items() if len(values) > 1)


def _arguments(part: Any) -> list[Any]:
    return list(named(part).values()) if tag(part) == "dict" else positional(part)


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
    line = f"{head}({', '.join(mark + flat(item) for mark, item in given)})"
    if len(line) <= WIDTH:
        return line
    inner = [mark + value(item, WIDTH - len(STEP) - len(mark)) for mark, item in given]
    return block(f"{head}(", inner, ")")


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
    if tag(after) != "list":
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
