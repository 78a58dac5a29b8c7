"""Says in words when a set of tasks measures nothing."""

from __future__ import annotations

from collections.abc import Mapping

FEW = 0.05


def spread_words(passed_of: Mapping[str, tuple[int, int]]) -> str | None:
    """Return a sentence if no model, or every model, passes (nearly) everything; else None.

    passed_of: model -> (tasks passed, tasks measured), without the reference solvers
    """
    known = {name: pair for name, pair in passed_of.items() if pair[1]}
    if not known:
        return "No model was measured: there is nothing to compare."
    rates = [passed / total for passed, total in known.values()]
    who = "every model" if len(known) > 1 else "the only model"
    if min(rates) >= 1 - FEW:
        return f"Saturated: {who} passes at least 95 % of the tasks, so the set tells nobody apart."
    if max(rates) <= FEW:
        return f"Floored: {who} passes at most 5 % of the tasks, so the set tells nobody apart."
    return None
