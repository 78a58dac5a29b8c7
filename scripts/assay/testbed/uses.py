"""The form of what the recorder reports: a use of the code as literals, and the test it is from."""

from __future__ import annotations

import re
from typing import Any

from assay.core.codec import NotEncodableError, decode, encode

NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
KEYS = {"entry", "init", "calls", "observe"}


def is_use(value: Any) -> bool:
    """Tell whether a reported value is {"data": core.execution.Scenario.data, "origin": test}.

    What a target's tests report is as little to be trusted as what they print.
    """
    if not isinstance(value, dict) or set(value) != {"data", "origin"}:
        return False
    data = value["data"]
    if not isinstance(data, dict) or set(data) - {"returned"} != KEYS:
        return False
    return (
        isinstance(value["origin"], str)
        and isinstance(data["entry"], str)
        and (data["init"] is None or _are_arguments(data["init"]))
        and isinstance(data["calls"], list)
        and all(_is_call(call) for call in data["calls"])
        and _are_texts(data["observe"])
        and _are_texts(data.get("returned", []))
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_call(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], str)
        and (_are_arguments(value[1:]))
    )


class _StandIns:
    """Stands for the target's objects: here nothing of the target is made."""

    def __init__(self) -> None:
        self.made: dict[int, tuple[object, Any]] = {}

    def build(self, kind: str, body: Any) -> object:
        parts = [body] if kind == "name" else body
        sound = isinstance(parts, list) and len(parts) == (1 if kind == "name" else 3)
        if not sound or not isinstance(parts[0], str) or not NAME.fullmatch(parts[0]):
            raise ValueError("not the name of an object, or the call that makes it")
        if kind == "new" and not _are_arguments(parts[1:]):
            raise ValueError("not the arguments of a call")
        found = object()
        self.made[id(found)] = (found, [kind, body])
        return found

    def encoding(self, value: Any) -> Any:
        return self.made[id(value)][1] if id(value) in self.made else None


def _are_arguments(value: Any) -> bool:
    """Tell whether a value is [encoded list, encoded dict with texts as keys]."""
    objects = _StandIns()
    try:
        given = [decode(part, objects.build) for part in value] if isinstance(value, list) else []
        plain = [encode(part, objects.encoding) for part in given]
    except NotEncodableError:
        return False
    if plain != value or [type(part) for part in given] != [list, dict]:
        return False
    return all(isinstance(key, str) for key in given[1])
