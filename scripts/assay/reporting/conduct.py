"""How the engines conducted themselves: the probe, cached answers, and the harness's own time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from assay.engines._probe import difference_words
from assay.reporting import grids
from assay.reporting.inputs import Inputs
from assay.statistics.comparable import refusal, same_rendered

MS, SECOND = 1000, 1_000_000
TIMES = {"ttft_us": "the first token", "latency_us": "the whole answer"}
# Word of the report -> what nvidia-smi calls it, and the unit.
CARD = {
    "clock": ("clocks.sm", "MHz"), "power": ("power.draw", "W"),
    "temperature": ("temperature.gpu", "°C"), "memory": ("memory.used", "MiB"),
    "load": ("utilization.gpu", "%"),
}  # fmt: skip
MOST = 3  # refused pairs that are named


def sentences(inputs: Inputs) -> list[str]:
    """Return what has to be said before any figure, model by model, then pair by pair."""
    found = [said for model in inputs.models for said in _of_model(inputs, model)]
    return [*found, *_refused(inputs.summary)]


def probes(inputs: Inputs) -> grids.Grid:
    """Return one row an engine: what the probe found, and how much of the time was the harness."""
    head = ["model", "repeats itself", "first token, first time", "repeated", "probe took",
            "answers timed", "harness overhead"]  # fmt: skip
    rows = []
    for model in inputs.models:
        measured = _measured(inputs, model)
        if "stream" in measured:
            stream = measured["stream"]
            cells = [model, *_probed(measured["probe"]), stream["answers"], overhead(stream)]
            rows.append((cells, False))
    return grids.grid(head, rows)


def cards(inputs: Inputs) -> grids.Grid:
    """Return one row a card and model: what the card did while the model answered."""
    head = ["model", "card", *(f"{name}, {unit}" for name, (_, unit) in CARD.items()), "held down"]
    rows = []
    for model in inputs.models:
        for card in _measured(inputs, model).get("cards") or ():
            told = [_spread(card[column]) for column, _ in CARD.values()]
            held = ", ".join(card["held_down"]) or "no"
            rows.append(([model, card["card"], *told, held], False))
    return grids.grid(head, rows)


def pairs(inputs: Inputs) -> grids.Grid:
    """Return one row a pair of real models: may they be compared, and were they sent the same."""
    real = [name for name in inputs.models if name not in inputs.references]
    rows = []
    for pair in combinations(real, 2):
        sides = [inputs.of_model("responses", name) for name in pair]
        equal, shared = same_rendered(*sides)
        rows.append(([" and ".join(pair), refusal(*sides) or "yes", f"{equal}/{shared}"], False))
    return grids.grid(["models", "comparable", "same rendered prompts"], rows, text=True)


def overhead(stream: Mapping[str, Any]) -> str | None:
    """Return how much longer the stream took than the engine's own time in it, as "1.2 %"."""
    if not stream["engine_us"]:
        return None
    return grids.percent(stream["wall_us"] / stream["engine_us"] - 1)


def _of_model(inputs: Inputs, model: str) -> Iterator[str]:
    probe = _measured(inputs, model).get("probe")
    if inputs.summary["models"][model]["deterministic"] is False:
        told = f": {difference_words(probe)}" if probe and probe["different"] else ""
        yield (
            f"{model}: the engine does not repeat itself{told}. Its rows are marked; "
            "another run may give other answers."
        )
    if probe and (probe["cached_tokens"] or probe["faster"]):
        yield f"{model}: {_cache_words(probe)}: a sign of a cache, so its times are in doubt."
    rows = inputs.of_model("telemetry", model)
    cached = sum(bool(row["from_cache"]) for row in rows)
    if cached:
        yield (
            f"{model}: {cached} of {len(rows)} answers come from the response cache, with the "
            "times of the run that they were given in."
        )


def _cache_words(probe: Mapping[str, Any]) -> str:
    if probe["cached_tokens"]:
        return f"{probe['cached_tokens']} prompt tokens of the probe came from a cache"
    parts = [
        f"{TIMES[name]} took {_first(probe, name) / MS:.0f} ms the first time and "
        f"{_repeated(probe, name) / MS:.0f} ms when it was repeated" for name in probe["faster"]
    ]  # fmt: skip
    return "; ".join(parts)


def _refused(summary: Mapping[str, Any]) -> list[str]:
    found = summary["incomparable"]
    more = len(found) - MOST
    said = [f"{' and '.join(it['models'])} can't be compared: {it['why']}." for it in found[:MOST]]
    return [*said, f"Nor can {more} more pairs of models."] if more > 0 else said


def _spread(values: list[float] | None) -> str | None:
    return None if values is None else " / ".join(f"{value:,.0f}" for value in values)


def _probed(probe: Mapping[str, Any] | None) -> list[Any]:
    if probe is None:
        return ["not probed", None, None, None]
    same = probe["compared"] - probe["different"]
    times = [f"{take(probe, 'ttft_us') / MS:,.1f} ms" for take in (_first, _repeated)]
    return [f"{same}/{probe['compared']}", *times, f"{probe['duration_us'] / SECOND:.1f} s"]


def _first(probe: Mapping[str, Any], name: str) -> int:
    times: Mapping[str, int] = probe["times"][name]
    return min(times["cold"], times["restarted"])


def _repeated(probe: Mapping[str, Any], name: str) -> int:
    times: Mapping[str, int] = probe["times"][name]
    return max(times["warm"], times["reordered"])


def _measured(inputs: Inputs, model: str) -> Mapping[str, Any]:
    measured: Mapping[str, Any] = inputs.fingerprints.get(model, {}).get("measured", {})
    return measured
