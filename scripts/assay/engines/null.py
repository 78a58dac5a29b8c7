"""Answers nothing: what a task is worth that asks for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.engines.base import Settings

PARAMETERS = {"type": "object", "additionalProperties": False, "properties": {}}
EXAMPLES: tuple[dict[str, Any], ...] = ({},)
NEEDS_KEYS = False
REFERENCE = True
REMOTE = False


def solve(task: Mapping[str, Any], key: Mapping[str, Any] | None, settings: Settings) -> str:
    """Return an empty answer."""
    del task, key, settings
    return ""
