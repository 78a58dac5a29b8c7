"""What each model used and cost: tokens of all its answers, void ones too, times the file's prices.

Prices are those of the model file, for a million tokens; a sum is exact and rounded when shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from assay.reporting import grids
from assay.reporting.inputs import Inputs

MILLION = 1_000_000
PLACES = 4  # decimals of a cost


def table(inputs: Inputs) -> grids.Grid:
    """Return one row a model that used tokens: how many of each kind, and the cost if it is priced.

    A dash stands for thinking tokens that the engine does not count apart, and for no price.
    """
    head = ["model", "prompt tokens", "of these from a cache", "answer tokens",
            "of these for thinking", "cost", "for an answer"]  # fmt: skip
    rows = []
    for name in inputs.models:
        answers = inputs.of_model("responses", name)
        prompt, cached, made = (
            sum(row[column] or 0 for row in answers)
            for column in ("prompt_tokens", "cached_tokens", "completion_tokens")
        )
        if not prompt and not made:
            continue
        spent = cost(prompt, cached, made, inputs.prices.get(name))
        each = spent and (spent[0] / len(answers), spent[1])
        cells = [name, prompt, cached, made, _thinking(inputs, name), _shown(spent), _shown(each)]
        rows.append((cells, False))
    return grids.grid(head, rows)


def cost(
    prompt: int, cached: int, made: int, prices: Mapping[str, Any] | None
) -> tuple[Fraction, str] | None:
    """Return the price of tokens and its currency, or None without prices.

    prompt: tokens read; cached: of these from a cache; made: tokens written, thinking included
    """
    if prices is None:
        return None
    # As text: 0.1 is meant as a tenth and not as the nearest binary number.
    each = {name: Fraction(str(value)) for name, value in prices.items() if name != "currency"}
    cheap = each.get("cached_input", each["input"])
    total = (prompt - cached) * each["input"] + cached * cheap + made * each["output"]
    return total / MILLION, str(prices["currency"])


def _thinking(inputs: Inputs, name: str) -> int | None:
    usage = inputs.fingerprints.get(name, {}).get("measured", {}).get("usage", {})
    found: int | None = usage.get("reasoning_tokens")
    return found


def _shown(spent: tuple[Fraction, str] | None) -> str | None:
    """Return a sum with its decimals, rounded half up."""
    if spent is None:
        return None
    whole = int(spent[0] * 10**PLACES + Fraction(1, 2))
    return f"{whole // 10**PLACES:,}.{whole % 10**PLACES:0{PLACES}d} {spent[1]}"
