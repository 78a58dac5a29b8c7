from __future__ import annotations

from assay.core import seeds


def test_draws_are_fixed_and_ids_do_not_run_together():
    assert seeds.digest("a", "bc") != seeds.digest("ab", "c")
    assert seeds.seed(1, "x") == seeds.seed(1, "x") != seeds.seed(2, "x")
    assert seeds.seed("golden") == int(seeds.digest("golden")[:16], 16)


def test_a_shuffle_depends_on_each_items_identity_only():
    items = [f"item{n}" for n in range(50)]
    order = seeds.shuffled(items, 7)
    assert order != items
    assert order == seeds.shuffled(reversed(items), 7)
    fewer = [item for item in items if item != order[3]]
    assert seeds.shuffled(fewer, 7) == [item for item in order if item != order[3]]


def test_fractions_are_spread_over_the_unit_interval():
    drawn = [seeds.fraction("f", n) for n in range(2000)]
    assert min(drawn) >= 0
    assert max(drawn) < 1
    assert 0.45 < sum(drawn) / len(drawn) < 0.55
