"""The report: one page with everything in it, for people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from assay.reporting import conduct, cost, figures, funnel, grids, memory, samples
from assay.reporting.inputs import Inputs, flat
from assay.reporting.latency import speed
from assay.reporting.notices import notices
from assay.reporting.safe import one_line
from assay.reporting.template import PAGE, STYLE

MS, SECOND = 1000, 1_000_000
CELL = 400


def page(inputs: Inputs, files: Iterable[tuple[str, Path]]) -> str:
    """Return the whole page as HTML; `files` are named places that it points to."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(PAGE).render(
        run=inputs.run, style=Markup(STYLE), lead=lead(inputs),  # noqa: S704 - a constant
        notices=notices(
            inputs.summary, inputs.references, inputs.asked, conduct.sentences(inputs)
        ),
        probes=conduct.probes(inputs), pairs=conduct.pairs(inputs), cards=conduct.cards(inputs),
        models=grids.models(inputs), by_category=grids.groups(inputs, "category"),
        by_stratum=grids.groups(inputs, "stratum"), by_target=grids.groups(inputs, "target"),
        model_figure=model_figure(inputs),
        category_figure=rate_figure(inputs, "category"),
        stratum_figure=rate_figure(inputs, "stratum"),
        audit=grids.audit(inputs), evidence=grids.evidence(inputs), tells=funnel.tells(inputs),
        form=grids.form(inputs), tasks=grids.tasks(inputs), invented=grids.invented(inputs),
        **_speeds(inputs), funnel_figures=funnel.charts(inputs),
        funnel_tables=funnel.tables(inputs), shortages=funnel.shortages(inputs),
        fingerprints=_fingerprints(inputs), cost=cost.table(inputs),
        memory=memory.table(inputs), memory_figure=memory.figure(inputs),
        samples=[(name, samples.samples(inputs, name)) for name in _sampled(inputs)],
        files=grids.grid(["what", "where"], [((name, path), False) for name, path in files],
                         text=True),
    )  # fmt: skip


def lead(inputs: Inputs) -> str:
    """Return the sentence that says what was measured."""
    targets = inputs.summary["targets"]
    total = sum(target["tasks"]["total"] for target in targets.values())
    real = len(inputs.models) - len(inputs.references)
    return (
        f"{total} tasks made from {', '.join(sorted(targets))}, each proven by execution; "
        f"{real} model{'' if real == 1 else 's'} and {len(inputs.references)} reference solvers."
    )


def model_figure(inputs: Inputs) -> Markup:
    """Return the rate of each model over all tasks, with its interval."""
    known = inputs.summary["models"]
    dots = [_dot(inputs, model, known[model]) for model in inputs.models]
    return figures.rates("Rate over all tasks", [("all tasks", [dot for dot in dots if dot])])


def rate_figure(inputs: Inputs, column: str) -> Markup:
    """Return rates with their intervals, by category or stratum, a row a model."""
    groups = []
    for name in grids.group_names(inputs, column):
        known = [(model, inputs.summary["models"][model][f"by_{column}"].get(name))
                 for model in inputs.models]  # fmt: skip
        dots = [_dot(inputs, model, it) for model, it in known]
        groups.append((funnel.label(name), [dot for dot in dots if dot]))
    return figures.rates(f"Rate by {column}", groups)


def _dot(inputs: Inputs, model: str, it: grids.Standing | None) -> figures.Dot | None:
    if not it or not it["total"]:
        return None
    low, high = it["interval"]
    note = f"{it['passed']}/{it['total']} = {100 * it['rate']:.0f} %"
    return figures.Dot(model, it["rate"], low, high, note, quiet=model in inputs.references)


def _speeds(inputs: Inputs) -> dict[str, Any]:
    """Return the tables of speed and the histograms of latency, of models with an engine."""
    known = {name: speed(inputs.of_model("responses", name), inputs.of_model("telemetry", name))
             for name in inputs.models}  # fmt: skip
    timed = {name: it for name, it in known.items() if it}
    points = ("p50", "p90", "p99")
    head = [f"{what} {point}" for what in ("latency", "TTFT", "TPOT") for point in points]
    rows = [([name, *(_ms(it[what][point]) for what in ("latency", "ttft", "tpot")
                      for point in points)], False) for name, it in timed.items()]  # fmt: skip
    totals = [([name, it["answers"], f"{it['duration_us'] / SECOND:.1f} s", it["prompt_tokens"],
                it["completion_tokens"], it["tokens_a_second"], it["decode_a_second"],
                it["prompt_a_second"]], False) for name, it in timed.items()]  # fmt: skip
    columns = ["model", "answers", "duration", "prompt tokens", "answer tokens",
               "answer tokens/s, all in all", "decoding, tokens/s", "prompt, tokens/s"]  # fmt: skip
    plots = [(name, figures.histogram(f"Latency of {name}", it["latencies_us"], SECOND, "s"))
             for name, it in timed.items()]  # fmt: skip
    return {"speed": grids.grid(["model", *head], rows), "rates": grids.grid(columns, totals),
            "histograms": plots}  # fmt: skip


def _fingerprints(inputs: Inputs) -> list[tuple[str, grids.Grid]]:
    return [
        (name, grids.grid(["field", "value"], [((field, one_line(value, CELL)), False)
                          for field, value in flat(inputs.fingerprints[name])], text=True))
        for name in inputs.models if name in inputs.fingerprints
    ]  # fmt: skip


def _sampled(inputs: Inputs) -> list[str]:
    real = [name for name in inputs.models if name not in inputs.references]
    return real or inputs.models


def _ms(us: int | None) -> str | None:
    return None if us is None else f"{us / MS:,.1f} ms"
