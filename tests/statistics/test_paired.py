import pytest

from assay.statistics.paired import mcnemar


def test_exact_p_values():
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(0, 5) == pytest.approx(2 / 32)
    assert mcnemar(5, 0) == mcnemar(0, 5)
    assert mcnemar(4, 4) == 1.0
    # 10 discordant pairs, 2 against 8: 2 * (1 + 10 + 45) / 1024
    assert mcnemar(2, 8) == pytest.approx(112 / 1024)
