"""What has to be said first: a set that measures nothing, a harness that failed, void rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.statistics.spread import spread_words
from assay.statistics.tells import by_part, in_words

Summary = Mapping[str, Any]


def notices(
    summary: Summary, references: Sequence[str], asked: Mapping[str, Any],
    conduct: Sequence[str] = (),
) -> list[str]:  # fmt: skip
    """Return the sentences that stand at the top of the report, most important first.

    references: names of the models that are reference solvers
    asked:      the config's `tasks`
    conduct:    what has to be said of the engines
    """
    models = summary["models"]
    real = {name: (it["passed"], it["total"]) for name, it in models.items()
            if name not in references}  # fmt: skip
    found = [*_harness(models), *conduct, spread_words(real), *_telling(summary), *_void(models),
             *_short(summary, asked)]  # fmt: skip
    return [sentence for sentence in found if sentence]


def _harness(models: Mapping[str, Any]) -> list[str]:
    """Check what must hold of reference solvers: if it does not, nothing else counts."""
    found = []
    oracle, null = models.get("oracle"), models.get("null")
    if oracle and oracle["passed"] < oracle["total"] + oracle["void"]:
        missed = oracle["total"] + oracle["void"] - oracle["passed"]
        found.append(
            f"The harness is broken: the right answer of {missed} tasks did not pass. "
            "No other figure on this page counts."
        )
    if null and null["outside_controls"]["passed"]:
        found.append(
            f"The harness is broken: an empty answer passed "
            f"{null['outside_controls']['passed']} tasks that are not controls. "
            "No other figure on this page counts."
        )
    for kind, it in sorted(oracle["evidence"].items()) if oracle else ():
        if it["passed"] < it["total"]:
            found.append(
                f"The harness is broken: the right {kind} of {it['total'] - it['passed']} tasks "
                "has no effect."
            )
    return found


def _telling(summary: Summary) -> list[str]:
    """Say where the audit's tasks give themselves away."""
    return [
        f"The audit's tasks give themselves away. {in_words(name, figures)}"
        for name, figures in by_part(summary) if figures["telling"]
    ]  # fmt: skip


def _void(models: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: {it['void']} of {it['void'] + it['total']} answers are void (no valid "
        "measurement) and in no rate."
        for name, it in sorted(models.items())
        if it["void"]
    ]


def _short(summary: Summary, asked: Mapping[str, Any]) -> list[str]:
    """Say where a target could not fill a category or a stratum."""
    found = []
    for name, target in sorted(summary["targets"].items()):
        tasks = target["tasks"]
        for category in asked.get("categories", ()):
            made = tasks["by_category"].get(category, 0)
            if made < asked["per_category"]:
                found.append(f"{name}: {made} of {asked['per_category']} {category} tasks "
                             "could be proven.")  # fmt: skip
        missing = [
            stratum for stratum, percent in sorted(asked.get("strata", {}).items())
            if percent and not tasks["by_stratum"].get(stratum)
        ]  # fmt: skip
        found += [f"{name}: no {stratum} task could be proven." for stratum in missing]
    return found
