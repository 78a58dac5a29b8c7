"""Tokens and cost by model: exact sums over made-up rows, and where the page shows them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from assay.reporting import cost
from assay.reporting.inputs import Inputs

PRICES = {"currency": "USD", "input": 0.1, "cached_input": 0.01, "output": 0.4}


@pytest.fixture
def table(run):
    """The table of one target of three tasks, one priced model and one that is not."""
    run.target("cerberus", 1).model("small", 50).model("large", 50, void=1)
    for row in run.rows["responses"]:
        row.update(prompt_tokens=1_000_000, completion_tokens=500_000, cached_tokens=0)
    run.rows["responses"][0]["cached_tokens"] = 600_000
    models = {name: {} for name in run.fingerprints}

    def make(prices):
        inputs = Inputs("r", {}, {"models": models}, run.rows, run.fingerprints, prices=prices)
        made = cost.table(inputs)
        return {row["cells"][0]: row["cells"][1:] for row in made["rows"]}

    return make


def test_a_cost_is_that_of_all_answers_with_the_cached_part_at_its_own_price(table):
    found = table({"small": PRICES})
    # 2.4 million at 0.1, 0.6 million at 0.01, 1.5 million at 0.4: 0.24 + 0.006 + 0.6.
    assert found["small"] == [
        "3,000,000", "600,000", "1,500,000", "–", "0.8460 USD", "0.2820 USD",  # noqa: RUF001 - a dash
    ]  # fmt: skip
    assert found["large"][:3] == ["3,000,000", "0", "1,500,000"], "void answers were paid for too"
    assert found["large"][3:] == ["–"] * 3  # noqa: RUF001 - a dash


def test_thinking_is_shown_where_the_engine_counts_it(table, run):
    run.fingerprints["small"]["measured"] = {"usage": {"reasoning_tokens": 77}}
    assert table({})["small"][3] == "77"


def test_sums_are_exact_and_cached_tokens_cost_as_others_where_no_price_is_stated():
    tenth = {"currency": "EUR", "input": 0.1, "output": 0}
    assert cost.cost(3, 2, 5, tenth) == (Fraction(3, 10_000_000), "EUR")
    assert cost.cost(1, 0, 1, None) is None


def test_the_page_shows_them(usual, rendered):
    made = rendered(usual, prices={"small": PRICES})
    section = made.page.split('id="cost"')[1].split("<h2")[0]
    assert section.count(" USD</td>") == 2
    assert " USD" not in rendered(usual, "without").page


def test_answers_without_a_time_leave_the_page_whole(usual, rendered):
    """As of an engine whose answers were recorded: rows are there, their times are null."""
    for row in usual.rows["telemetry"]:
        row.update(latency_us=None, ttft_us=None, prompt_us=None, decode_us=None)
    made = rendered(usual)
    assert "No inference engine was timed." in made.page
    assert 'id="cost"' in made.page
