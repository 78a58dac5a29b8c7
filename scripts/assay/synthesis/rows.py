"""What synthesis hands on: rows of the tasks, keys and rejected tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.categories.base import Candidate, Material, Rejection
from assay.core import seeds
from assay.core.files import canonical_json, sha256_text
from assay.synthesis import gates

Row = Mapping[str, Any]


@dataclass
class Output:
    """Rows of the tasks, keys and rejected tables."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Output) -> None:
        """Take in the rows of another one."""
        self.tasks += other.tasks
        self.keys += other.keys
        self.rejected += other.rejected

    def pairs(self) -> list[tuple[Row, Row]]:
        """Return each task with its key."""
        keys = {row["task_id"]: row for row in self.keys}
        return [(row, keys[row["task_id"]]) for row in self.tasks]


def keep(proven: gates.Proven, material: Material, output: Output) -> None:
    """Add a proven candidate to the tasks and keys."""
    candidate, unit = proven.candidate, material.unit
    task_id = _task_id(candidate, material)
    output.tasks.append({
        "target": material.target, "task_id": task_id, "category": candidate.category,
        "stratum": candidate.stratum, "path": unit["path"], "qualname": unit["qualname"],
        "prompt": candidate.prompt, "prompt_sha256": sha256_text(candidate.prompt),
        "max_tokens": material.settings["tasks"]["max_tokens"],
    })  # fmt: skip
    output.keys.append({
        **gates.key_row(candidate, material.target), "task_id": task_id,
        "oracle_killed": proven.killed, "oracle_sampled": proven.sampled,
        "proof_json": canonical_json(proven.proof),
    })  # fmt: skip


def _task_id(candidate: Candidate, material: Material) -> str:
    initials = "".join(word[0] for word in candidate.category.split("_"))
    digest = seeds.digest(material.seed, material.target, candidate.candidate_id)
    return f"{initials}-{digest[:12]}"


def rejected_row(rejection: Rejection, target: str) -> dict[str, Any]:
    """Return the row of the rejected table."""
    return {
        "target": target, "candidate_id": rejection.candidate_id,
        "category": rejection.category, "unit_id": rejection.unit_id,
        "operator": rejection.operator, "gate": rejection.gate, "reason": rejection.reason,
    }  # fmt: skip


def dropped(candidate: Candidate, gate: str, reason: str) -> Rejection:
    """Return the rejection of a candidate by a gate."""
    return Rejection(
        candidate.candidate_id, candidate.category, candidate.unit_id, candidate.operator, gate,
        reason,
    )  # fmt: skip


def candidate_of_row(key: Row) -> str:
    """Return the candidate id that a row of the keys table was made from."""
    return str(json.loads(key["proof_json"])["candidate"])
