import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.statistics.percentiles import nearest_rank, percentiles


def test_nearest_rank_is_a_value_that_occurred():
    assert [nearest_rank([15, 20, 35, 40, 50], p) for p in (5, 30, 40, 50, 100)] == [
        15, 20, 20, 35, 50,
    ]  # fmt: skip
    assert percentiles(list(range(1, 101))) == {"p50": 50, "p90": 90, "p99": 99}
    assert percentiles([]) == {"p50": None, "p90": None, "p99": None}
    with pytest.raises(ValueError, match="percentile"):
        nearest_rank([1], 0)


@given(st.lists(st.integers(), min_size=1), st.integers(1, 100))
def test_enough_values_lie_at_or_below_and_fewer_below(values, percent):
    found = nearest_rank(values, percent)
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)
