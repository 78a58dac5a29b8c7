"""Reports a bug and a weakness, always the same ones: what an accusation by rote is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.engines.base import Settings

PARAMETERS = {"type": "object", "additionalProperties": False, "properties": {}}
EXAMPLES: tuple[dict[str, Any], ...] = ({},)
NEEDS_KEYS = False
REFERENCE = True
REMOTE = False

# A category without a finding to report gets the empty answer.
ANSWERS = {
    "code_understanding": "LINES: 1\n```python\npass\n```",
    "security_audit": "CWE-78 LINE 1",
}


def solve(task: Mapping[str, Any], key: Mapping[str, Any] | None, settings: Settings) -> str:
    """Return the fixed accusation in the format of the task's category."""
    del key, settings
    return ANSWERS.get(task["category"], "")
