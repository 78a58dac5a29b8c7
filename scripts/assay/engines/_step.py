"""The step `run_model`: check the weights, build the view, run the driver in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from assay.core import registry
from assay.core.errors import EXIT_USER, HarnessError, UserError
from assay.core.files import canonical_json
from assay.core.records import KEYS, TASKS
from assay.core.tables import read_table
from assay.engines._card import require_empty
from assay.engines._driver import Order, drive
from assay.engines._outputs import Outputs
from assay.engines._recorded import take_recorded
from assay.engines._references import solve_all
from assay.engines._stored import Checked, checked_weights
from assay.engines._view import View, run_in_view
from assay.engines._watch import note, watched
from assay.engines.base import (
    Given,
    is_recorded,
    is_remote,
    needs_weights,
    shown_to,
    wants_cards,
)

WEIGHTS = "/weights/model"
AGAINST = "/published/responses.parquet"
KNOWN = "/known"
DRIVER = ("-m", "assay.engines._driver")


@dataclass(frozen=True)
class Inputs:
    """The files that a run of a model reads; no keys but for a reference solver.

    against: published answers, to say how near each was that comes out otherwise
    requests, results: what an engine that asks outside has written, and the folder of what came
    back
    known:   the response cache's folder of these weights, where it is to be used
    weights: the file in the cache, or a snapshot's place there (_stored.py)
    """

    tasks: tuple[Path, ...]
    keys: tuple[Path, ...]
    receipt: Path
    weights: Path | None
    against: Path | None = None
    requests: Path | None = None
    results: Path | None = None
    known: Path | None = None


def run_model(model: str, settings: Mapping[str, Any], inputs: Inputs, outputs: Outputs) -> None:
    """Answer all tasks with one model.

    settings: {"model": the model file's content, "seed": the run's seed}
    Raises UserError for missing or damaged weights or a card that is not empty, HarnessError if
    the engine does not start.
    """
    described = settings["model"]
    plugin = registry.load("engines", described["engine"])
    handed = {
        "model": model, "parameters": described.get("parameters", {}), "seed": settings["seed"],
    }  # fmt: skip
    if inputs.keys and not plugin.NEEDS_KEYS:
        raise HarnessError(f"{model}: an engine that needs no keys was handed some")
    if plugin.REFERENCE:
        tasks = [row for path in inputs.tasks for row in read_table(path, TASKS)]
        keys = [row for path in inputs.keys for row in read_table(path, KEYS)]
        solve_all(plugin, handed, tasks, keys, outputs)
        return
    if is_remote(plugin):
        drive(_order_of_remote(described["engine"], handed, inputs, outputs))
        return
    weights = checked_weights(inputs.receipt, inputs.weights) if needs_weights(plugin) else None
    if is_recorded(plugin):
        file, digest = (weights.files[0][0], weights.sha256) if weights else (None, None)
        given = Given(file, digest, inputs.requests, inputs.results)
        take_recorded(plugin, handed, inputs.tasks, given, outputs)
        return
    outputs.responses.parent.mkdir(parents=True, exist_ok=True)
    outputs.telemetry.parent.mkdir(parents=True, exist_ok=True)
    order, view = view_of(described["engine"], handed, weights, inputs, outputs)
    order = replace(order, measured={"cards_before": require_empty(model, described)})
    with watched(described, outputs.telemetry.parent) as cards:
        status = run_in_view(DRIVER, view, canonical_json(asdict(order)))
    _judge_exit(status, outputs)
    if cards:
        note(outputs.fingerprint, cards)


def _order_of_remote(
    engine: str, handed: Mapping[str, Any], inputs: Inputs, outputs: Outputs
) -> Order:
    """Return the order of an engine that needs no view: it runs nothing here, and gets no key."""
    outputs.responses.parent.mkdir(parents=True, exist_ok=True)
    return Order(
        engine=engine, settings=handed, tasks=tuple(map(str, inputs.tasks)), weights=None,
        weights_sha256=None, responses=str(outputs.responses), telemetry=str(outputs.telemetry),
        fingerprint=str(outputs.fingerprint),
        against=str(inputs.against) if inputs.against else None,
    )  # fmt: skip


def view_of(
    engine: str, handed: Mapping[str, Any], weights: Checked | None,
    inputs: Inputs, outputs: Outputs,
) -> tuple[Order, View]:  # fmt: skip
    """Return the driver's order, in the view's paths, and the view.

    weights: one file, or a snapshot, which is a folder there; None for an engine that needs none
    """
    if outputs.fingerprint.parent != outputs.telemetry.parent:
        raise HarnessError("telemetry and fingerprint must lie in one folder")
    shown = [(path, f"/tasks/{index}.parquet") for index, path in enumerate(inputs.tasks)]
    published = [(inputs.against, AGAINST)] if inputs.against else []
    loaded = weights.shown(WEIGHTS) if weights else []
    # A folder that is not there can't be shown: nothing is known of these weights yet.
    known = [(inputs.known, KNOWN)] if inputs.known and inputs.known.is_dir() else []
    # A view that shows the cards has a /proc, and what an engine needs of it.
    needed = () if wants_cards(handed) else shown_to(registry.load("engines", engine))
    machine = [(Path(file), file) for file in needed]
    order = Order(
        engine=engine, settings=handed, tasks=tuple(inside for _, inside in shown),
        weights=WEIGHTS if weights else None, weights_sha256=weights.sha256 if weights else None,
        responses=f"/responses/{outputs.responses.name}",
        telemetry=f"/telemetry/{outputs.telemetry.name}",
        fingerprint=f"/telemetry/{outputs.fingerprint.name}",
        against=AGAINST if published else None, known=KNOWN if known else None,
    )  # fmt: skip
    writable = (
        (outputs.responses.parent, "/responses"), (outputs.telemetry.parent, "/telemetry"),
    )  # fmt: skip
    visible = (*loaded, *shown, *published, *known, *machine)
    return order, View(visible, writable, cards=wants_cards(handed))


def _judge_exit(status: int, outputs: Outputs) -> None:
    if status == 0 and outputs.responses.is_file():
        return
    problem = f"the model's process ended with status {status} (see {outputs.log})"
    if status == EXIT_USER:
        raise UserError(problem)
    raise HarnessError(problem)
