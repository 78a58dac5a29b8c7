"""Scenarios on their way into the table: what the reference does on them, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.core import seeds
from assay.core.execution import Scenario
from assay.core.files import canonical_json

RECORDED = "recorded"
OBSERVATION_MAX = 12_000  # characters of canonical JSON
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


@dataclass
class Candidate:
    """A scenario on its way: where it comes from, and what the reference does on it."""

    scenario: Scenario
    origin: str
    mutator: str
    observation: Mapping[str, Any] | None = None
    executed: Mapping[str, str] = field(default_factory=dict)  # unit_id -> lines (core.coverage)
    problem: str = ""
    bulky: bool = False  # there is a smaller form that does the same

    @property
    def units(self) -> tuple[str, ...]:
        """Return the sorted ids of the units that it executes."""
        return tuple(self.executed)


def candidate(data: Mapping[str, Any], origin: str, mutator: str) -> Candidate:
    """Return a candidate whose id is the digest of what it does."""
    identity = seeds.digest("scenario", canonical_json(data))[:16]
    return Candidate(Scenario(identity, data), origin, mutator)


def row_of(target: str, one: Candidate) -> dict[str, Any]:
    """Return a candidate as a row of the scenarios table."""
    return {
        "target": target, "scenario_id": one.scenario.scenario_id,
        "entry": one.scenario.data["entry"], "origin": one.origin, "mutator": one.mutator,
        "scenario_json": canonical_json(dict(one.scenario.data)),
        "observation_json": canonical_json(dict(one.observation or {})),
        "units": list(one.executed), "executed": list(one.executed.values()),
    }  # fmt: skip


def unique(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates sorted by their ids, the first of each."""
    found: dict[str, Candidate] = {}
    for one in candidates:
        found.setdefault(one.scenario.scenario_id, one)
    return [found[name] for name in sorted(found)]


def flaw(observation: Mapping[str, Any]) -> str:
    """Return why what the reference does can't be compared, or an empty text."""
    text = canonical_json(observation)
    if "crashed" in observation:
        return "crashes"
    if '{"opaque":' in text:
        return "not literal"
    if ADDRESS.search(text):
        return "memory address"
    return "too large" if len(text) > OBSERVATION_MAX else ""


def identity(one: Candidate) -> str:
    """Return the candidate's id, to sort and draw by."""
    return one.scenario.scenario_id
