"""Proves a pair of twins by running both: payloads, benign inputs and the recorded behaviour."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from assay.categories._audit_plan import Attempt
from assay.categories._types import Material, Row
from assay.core.codec import encode
from assay.core.execution import RAN, Job, JobResult, Probe, Scenario
from assay.core.files import canonical_json

COMPARED = 8  # recorded scenarios that both twins must still agree with

Refusal = tuple[str, str]


def jobs(material: Material, attempt: Attempt) -> list[Job]:
    """Return the work that proves the pair: one job for each twin, vulnerable first."""
    compared = [scenario_of(row) for row in material.scenarios[:COMPARED]]
    probes = _probes(material, attempt)
    path = material.unit["path"]
    return [
        Job(files={path: twin.text}, scenarios=compared, probes=probes) for twin in attempt.twins
    ]


def judged(
    material: Material, attempt: Attempt, results: Sequence[JobResult]
) -> tuple[dict[str, Any] | None, Refusal]:
    """Return (proof, no refusal) or (None, (gate, reason)).

    proof: {"payloads": inputs that fired, "counts": what was run}
    """
    refusal = _outcome(results) or _behaviour(material, results)
    if refusal:
        return None, refusal
    weak, hardened = (_by_input(result.probes) for result in results)
    weakness = attempt.weakness
    inputs = _inputs(attempt)
    fired = [
        name for name in inputs
        if name[0] == "p" and any(weakness.fired(probe) for probe in weak.get(name, ()))
    ]  # fmt: skip
    held = [name for name in inputs if any(map(weakness.fired, hardened.get(name, ())))]
    reached = all(probe.get("reached") for probes in hardened.values() for probe in probes)
    if not fired or not reached or len(hardened) < len(inputs):
        return None, ("payload_fires", "no payload takes effect in the vulnerable unit")
    if held:
        return None, ("twin_holds", f"the hardened twin falls for {inputs[held[0]]!r}")
    if reason := _different_work(attempt, weak, hardened):
        return None, ("benign_work", reason)
    counts = {"payloads_fired": len(fired), "inputs": len(inputs), "scenarios": COMPARED}
    return {"payloads": [encode(inputs[name]) for name in fired], "counts": counts}, ("", "")


def _inputs(attempt: Attempt) -> dict[str, Any]:
    """Return the inputs by name: payloads "p…", benign ones "b…", dressed for the feature."""
    carrier = attempt.weave.carrier
    values = [*enumerate(attempt.weakness.payloads), *enumerate(attempt.weave.benign)]
    split = len(attempt.weakness.payloads)
    return {
        f"{'p' if at < split else 'b'}{number}": carrier.format(value)
        if isinstance(value, str) else value
        for at, (number, value) in enumerate(values)
    }  # fmt: skip


def probed(material: Material, attempt: Attempt) -> list[Row]:
    """Return the scenarios in which the parameter is replaced, the simplest of the recorded."""
    rows = sorted(material.scenarios[: 4 * COMPARED], key=_simplest)
    return rows[: 1 if attempt.site.before == 0 else 2]  # further down, not all of them lead there


def _probes(material: Material, attempt: Attempt) -> list[Probe]:
    unit, parameter = material.unit, attempt.site.parameter
    return [
        Probe(f"{name}.{turn}", scenario_of(row), unit["module"], bound_name(unit), parameter,
              encode(value))
        for turn, row in enumerate(probed(material, attempt))
        for name, value in _inputs(attempt).items()
    ]  # fmt: skip


def _simplest(row: Row) -> tuple[bool, int, str]:
    return row["mutator"] != "recorded", len(row["scenario_json"]), row["scenario_id"]


def bound_name(unit: Row) -> str:
    """Return the qualified name under which Python binds the unit (`__x` is mangled in a class)."""
    parent, _, name = unit["qualname"].rpartition(".")
    private = name.startswith("__") and not name.endswith("__")
    if unit["kind"] == "method" and private:
        name = f"_{parent.rpartition('.')[2].lstrip('_')}{name}"
    return f"{parent}.{name}" if parent else name


def _by_input(probes: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for name in sorted(probes):
        found.setdefault(name.partition(".")[0], []).append(probes[name])
    return found


def _outcome(results: Sequence[JobResult]) -> Refusal | None:
    bad = [result for result in results if result.outcome != RAN]
    return ("runs", f"{bad[0].outcome}: {bad[0].detail[-200:]}") if bad else None


def _behaviour(material: Material, results: Sequence[JobResult]) -> Refusal | None:
    for row in material.scenarios[:COMPARED]:
        expected = canonical_json(json.loads(row["observation_json"]))
        for result in results:
            observed = result.observations.get(row["scenario_id"])
            if observed is None or canonical_json(observed) != expected:
                return "behaviour", f"scenario {row['scenario_id']} differs"
    return None


def _different_work(attempt: Attempt, weak: Mapping[str, Any], hardened: Mapping[str, Any]) -> str:
    work = attempt.weakness.work
    for name, value in _inputs(attempt).items():
        if name[0] == "b":
            done = [[work(probe) for probe in twin.get(name, ())] for twin in (weak, hardened)]
            if done[0] != done[1] or not any(done[0]):
                return f"{value!r} does not do the same work in both twins"
    return ""


def scenario_of(row: Row) -> Scenario:
    """Return a row of the scenarios table as what is run."""
    return Scenario(row["scenario_id"], json.loads(row["scenario_json"]))
