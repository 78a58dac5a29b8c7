"""The form of what the recorder reports: a use of the code as literals, and the test it is from."""

from __future__ import annotations

from typing import Any

from assay.core.codec import NotEncodableError, decode, encode


def is_use(value: Any) -> bool:
    """Tell whether a reported value is {"data": core.execution.Scenario.data, "origin": test}.

    What a target's tests report is as little to be trusted as what they print.
    """
    if not isinstance(value, dict) or set(value) != {"data", "origin"}:
        return False
    data = value["data"]
    if not isinstance(data, dict) or set(data) != {"entry", "init", "calls", "observe"}:
        return False
    return (
        isinstance(value["origin"], str)
        and isinstance(data["entry"], str)
        and (data["init"] is None or _are_arguments(data["init"]))
        and isinstance(data["calls"], list)
        and all(_is_call(call) for call in data["calls"])
        and isinstance(data["observe"], list)
        and all(isinstance(name, str) for name in data["observe"])
    )


def _is_call(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], str)
        and (_are_arguments(value[1:]))
    )


def _are_arguments(value: Any) -> bool:
    """Tell whether a value is [encoded list, encoded dict with texts as keys]."""
    try:
        given = [decode(part) for part in value] if isinstance(value, list) else []
        plain = [encode(part) for part in given]
    except NotEncodableError:
        return False
    if plain != value or [type(part) for part in given] != [list, dict]:
        return False
    return all(isinstance(key, str) for key in given[1])
