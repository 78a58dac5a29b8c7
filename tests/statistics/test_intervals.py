"""Wilson intervals against published values and by their definition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.statistics.intervals import Z_95, fixed, rate, wilson

# Newcombe, Statistics in Medicine 17 (1998), table I (method 3).
PUBLISHED = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611),
             (1, 29): (0.0061, 0.1718)}  # fmt: skip


@pytest.mark.parametrize("case", sorted(PUBLISHED))
def test_published_intervals(case):
    assert wilson(*case) == PUBLISHED[case]


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_solves_its_own_equation(case):
    passed, total = case
    low, high = wilson(passed, total)
    assert 0 <= low <= passed / total <= high <= 1
    for end in (low, high):
        if 0 < end < 1:
            distance = abs(passed / total - end)
            assert math.isclose(distance, Z_95 * math.sqrt(end * (1 - end) / total), abs_tol=3e-4)


def test_extremes():
    assert wilson(0, 0) is None
    assert wilson(5, 5)[1] == 1.0
    assert wilson(0, 5)[0] == 0.0
    with pytest.raises(ValueError, match="6 of 5"):
        wilson(6, 5)


def test_rates_are_of_fixed_form():
    assert rate(1, 3) == {"passed": 1, "total": 3, "rate": 0.3333, "interval": [0.0615, 0.7923]}
    assert rate(0, 0) == {"passed": 0, "total": 0, "rate": None, "interval": None}
    assert repr(fixed(-0.00001)) == "0.0"
    with pytest.raises(ValueError, match="finite"):
        fixed(math.nan)
