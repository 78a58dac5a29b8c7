from assay.statistics.spread import spread_words


def test_a_set_that_measures_nothing_is_called_so():
    assert spread_words({"a": (60, 60), "b": (58, 60)}).startswith("Saturated: every model")
    assert spread_words({"a": (0, 60)}).startswith("Floored: the only model")
    assert spread_words({"a": (3, 60), "b": (30, 60)}) is None
    assert spread_words({"a": (57, 60), "b": (56, 60)}) is None
    assert "No model was measured" in spread_words({"a": (0, 0)})
    assert "No model was measured" in spread_words({})
