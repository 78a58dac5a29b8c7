from __future__ import annotations

import json
import math
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import codec

leaves = (
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")) | st.binary()
)
hashable = st.recursive(
    leaves, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3)
)
values = st.recursive(
    leaves | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hashable, inner, max_size=4)
    | st.sets(hashable, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_what_is_encoded_is_decoded_to_the_same_types(value):
    encoded = json.loads(json.dumps(codec.encode(value)))
    again = codec.decode(encoded)
    assert again == value
    assert type(again) is type(value)
    assert codec.encode(again) == codec.encode(value)


def test_values_that_python_calls_equal_stay_apart():
    forms = [True, 1, 1.0, "1", b"1", [1], (1,), 0.0, -0.0, {1}, frozenset({1})]
    assert len({json.dumps(codec.encode(form)) for form in forms}) == len(forms)
    assert math.isnan(codec.decode(codec.encode(math.nan)))


class Always(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


@pytest.mark.parametrize(
    "value",
    [
        Always("x"),
        OrderedDict(),
        object(),
        [Always("x")],
        type("int", (), {}),
        1 << 30_000,
        "\ud800",
        lambda: 0,
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_but_an_exact_builtin_is_refused(value):
    with pytest.raises(codec.NotEncodableError):
        codec.encode(value)


def test_deep_cyclic_and_huge_values_are_refused():
    cyclic: list = []
    cyclic.append(cyclic)
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    for value in (cyclic, deep, [0] * 30_000):
        with pytest.raises(codec.NotEncodableError):
            codec.encode(value)


@pytest.mark.parametrize(
    "data",
    [
        [],
        ["int"],
        ["int", "x"],
        ["nope", 1],
        3,
        ["dict", [[1]]],
        ["set", [["list", []]]],
        ["type", "open"],
        ["Decimal", "x"],
        ["Decimal", [0, [1], 2]],
        ["UUID", 5],
        ["timedelta", 5],
        ["int", 1.5],
        ["float", None],
        ["list", "ab"],
        ["tuple", {"a": 1}],
        [["int"], "1"],
        {"int": 1, "list": 2},
        ["list", [None] * 20_001],
        ["Decimal", "1E+99999999999999999999"],
    ],
)
def test_malformed_encodings_are_refused(data):
    with pytest.raises(codec.NotEncodableError):
        codec.decode(data)
