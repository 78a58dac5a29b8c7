"""Reports no bug and no weakness, whatever it is shown: the floor of every control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.engines.base import Settings

PARAMETERS = {"type": "object", "additionalProperties": False, "properties": {}}
EXAMPLES: tuple[dict[str, Any], ...] = ({},)
NEEDS_KEYS = False
REFERENCE = True
REMOTE = False

# A category without a finding to deny gets the empty answer.
ANSWERS = {"code_understanding": "LINES: none", "security_audit": "NONE"}


def solve(task: Mapping[str, Any], key: Mapping[str, Any] | None, settings: Settings) -> str:
    """Return "nothing found" in the format of the task's category."""
    del key, settings
    return ANSWERS.get(task["category"], "")
