"""Whether the audit's tasks give themselves away: words alone, vulnerable or clean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from assay.statistics.intervals import wilson
from assay.statistics.tokens import Sample, by_chance, told_apart

Row = Mapping[str, Any]
AUDIT, CHANCE = "security_audit", 0.5
DRAWS, ALPHA = 99, 0.05
_FENCED = re.compile(r"(?ms)^```\w*\n(.*?)^```$")
_NUMBER = re.compile(r"(?m)^ *\d+ \| ?")


def shown_code(prompt: str) -> str:
    """Return the code that a prompt shows, all its fenced blocks, without line numbers."""
    return "\n".join(_NUMBER.sub("", block) for block in _FENCED.findall(prompt))


def tells(tasks: Iterable[Row], keys: Iterable[Row]) -> dict[str, Any] | None:
    """Return what a bag-of-tokens classifier makes of the audit's tasks, or None without any.

    {"total", "right", "ties", "share"} as of `tokens.told_apart` over the code in the prompts, one
    unit left out at a time, and
    interval: Wilson's, of 95 %, a tie as half a right answer; too narrow, since all texts are
              compared with nearly the same others
    p:        share of draws with the kinds dealt out at random in which the classifier does as
              well (`tokens.by_chance`); null where the interval does not lie above chance
    telling:  p is at most 0.05, so words alone tell the kinds apart
    """
    key_of = {(row["target"], row["task_id"]): row for row in keys}
    asked = [(row["prompt"], key_of[row["target"], row["task_id"]]) for row in tasks
             if row["category"] == AUDIT]  # fmt: skip
    samples = [
        Sample(f"{key['target']}:{key['unit_id']}", key["kind"] == "vulnerable", shown_code(prompt))
        for prompt, key in asked
    ]
    if not samples:
        return None
    figures = told_apart(samples)
    right, ties, total = (int(figures[name] or 0) for name in ("right", "ties", "total"))
    ends = wilson(right + ties / 2, total)
    p = by_chance(samples, DRAWS) if ends and ends[0] > CHANCE else None
    return {
        **figures, "interval": list(ends) if ends else None, "p": p,
        "telling": p is not None and p <= ALPHA,
    }  # fmt: skip


def by_part(summary: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return (name, figures) of each target with audit tasks, and of all if there are several."""
    targets = summary["targets"]
    found = [(name, targets[name]["tells"]) for name in sorted(targets)]
    known = [(name, figures) for name, figures in found if figures]
    return [*known, ("all targets", summary["tells"])] if len(known) > 1 else known


def in_words(name: str, figures: Mapping[str, Any]) -> str:
    """Return the figures as a sentence."""
    low, high = (100 * end for end in figures["interval"])
    p = "" if figures["p"] is None else f"; p = {figures['p']:.2f} by permutation"
    ties = f", {figures['ties']} undecided" if figures["ties"] else ""
    return (
        f"{name}: counts of words alone tell vulnerable from clean units in {figures['right']} of "
        f"{figures['total']} audit tasks{ties} ({100 * figures['share']:.1f} %, 95 % interval "
        f"{low:.1f} to {high:.1f} %; chance is 50 %{p})."
    )
