"""The step record_behaviour: the rows of the behaviour and scenarios tables of one target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.core.execution import Limits
from assay.core.progress import say
from assay.sandbox import level
from assay.testbed import candidates, scenarios
from assay.testbed.bench import open_bench
from assay.testbed.places import Places
from assay.testbed.recorder import Recording, record

DEFAULTS = {"repeats": 6, "hash_seeds": 5, "max_scenarios": 1500}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Behaviour:
    """Rows of the two tables, and counts for the log."""

    tests: list[dict[str, Any]]
    scenarios: list[dict[str, Any]]
    counts: dict[str, int]


def record_behaviour(
    tree: Path, units: Sequence[Row], name: str, settings: Mapping[str, Any],
    *, root: Path = Path("/"),
) -> Behaviour:  # fmt: skip
    """Run a target's tests and scenarios on its unchanged tree and describe what they do.

    settings: {"target": …, "behaviour": {repeats, hash_seeds, max_scenarios}, "limits": …,
               "sandbox": {layers}, "seed": n, "workers": n}
    Raises UserError for missing, failing or uncollectable tests, or a missing layer.
    """
    target, seed = settings["target"], int(settings.get("seed", 0))
    options = {**DEFAULTS, **settings.get("behaviour", {})}
    bench = open_bench(
        tree, target, root, Limits(**settings.get("limits", {})),
        layers=settings.get("sandbox", {}).get("layers", level.DEFAULT),
    )  # fmt: skip
    bench.workers = int(settings.get("workers", 1))
    places = Places(tree, units, bench.session.test_folders)
    say(f"{name}: running its tests {options['repeats']} times, shuffled and in parts")
    recording = record(bench, target, int(options["repeats"]), seed)
    say(f"{name}: {len(recording.recorded)} uses recorded at its entry points")
    made = scenarios.make(
        bench, recording.recorded, places, {**options, "nest": _nest(target)}, seed
    )
    return Behaviour(
        _test_rows(name, recording, places), [candidates.row_of(name, one) for one in made.kept],
        {
            "tests": len(recording.tests),
            "tests that can be keys": sum(test.usable for test in recording.tests.values()),
            **made.counts,
        },
    )  # fmt: skip


def _nest(target: Row) -> dict[str, Any]:
    return {entry["entry"]: entry["nest"] for entry in target["entry_points"] if "nest" in entry}


def _test_rows(name: str, recording: Recording, places: Places) -> list[dict[str, Any]]:
    return [
        {
            "target": name, "test_id": test, "outcome": steadiness.outcome,
            "steady": steadiness.reason is None or "wobbles" not in steadiness.reason,
            "reason": steadiness.reason, "units": list(places.units(recording.reached.get(test))),
        }
        for test, steadiness in sorted(recording.tests.items())
    ]  # fmt: skip
