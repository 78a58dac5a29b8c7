"""What scoring measured: the sandbox's level, outcomes, and answers near a limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.scoring.score import Scored


def measured(scored: Sequence[Scored], level: Any) -> dict[str, Any]:
    """Return the record that stands beside the verdicts; `level` is the sandbox's own."""
    outcomes = sorted(str(one.row["outcome"]) for one in scored)
    return {
        "sandbox": level,
        "outcomes": {name: outcomes.count(name) for name in sorted(set(outcomes))},
        "near_limit": [one.row["task_id"] for one in scored if one.near_limit],
    }
