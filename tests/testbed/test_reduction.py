"""Smaller forms of recorded uses."""

from assay.core.codec import decode, encode
from assay.testbed.reduction import LARGE, LEFT, TRIALS, reduce_all

FIELDS = {f"field{number}": {"type": "text", "max": number} for number in range(40)}


def use(schema, document):
    return {
        "entry": "p:V", "init": [encode([schema]), encode({})],
        "calls": [["check", encode([document]), encode({})]], "observe": [],
    }  # fmt: skip


def schema_of(data):
    return decode(data["init"][0])[0]


class Judge:
    """Says that a smaller form does the same if its schema still has what is needed."""

    def __init__(self, *needed):
        self.needed, self.asked = set(needed), 0

    def __call__(self, asked):
        self.asked += len(asked)
        return [self.needed <= set(schema_of(data)) for _, data in asked]


def test_what_a_use_does_not_name_goes_and_what_is_named_stays_whole():
    judge = Judge("field7")
    (small,) = reduce_all([use(FIELDS, {"field7": "x", "field9": 1})], judge)
    assert schema_of(small) == {name: FIELDS[name] for name in ("field7", "field9")}
    assert judge.asked == 1


def test_an_entry_that_a_named_one_names_stays_too():
    fields = {**FIELDS, "field7": {"needs": ["field20"]}}
    (small,) = reduce_all([use(fields, {"field7": "x"})], Judge())
    assert set(schema_of(small)) == {"field7", "field20"}


def test_what_is_needed_without_being_named_is_found():
    judge = Judge("field3", "field30")
    (small,) = reduce_all([use(FIELDS, {"field7": "x"})], judge)
    assert {"field3", "field7", "field30"} <= set(schema_of(small))
    assert len(schema_of(small)) < len(FIELDS) / 2
    assert judge.asked <= TRIALS


def test_something_is_left_where_nothing_is_named():
    (small,) = reduce_all([use(FIELDS, {})], Judge())
    assert len(schema_of(small)) == LEFT


def test_small_dicts_and_uses_that_need_all_of_it_stay_as_they_are():
    few = dict(list(FIELDS.items())[:LARGE])
    uses = [use(few, {}), use(FIELDS, {})]
    assert reduce_all(uses, Judge(*FIELDS)) == uses
    judge = Judge()
    reduce_all(uses[:1], judge)
    assert judge.asked == 0


def test_each_of_several_uses_gets_its_own_answers():
    uses = [use(FIELDS, {f"field{number}": 1, "field39": 1}) for number in range(5)]
    small = reduce_all(uses, Judge("field39"))
    assert [set(schema_of(data)) for data in small] == [
        {f"field{number}", "field39"} for number in range(5)
    ]


def test_a_dict_within_a_call_is_looked_at_too_and_its_inner_ones_first():
    data = use({}, {"body": FIELDS, "name": "field1"})
    (small,) = reduce_all([data], lambda asked: [True] * len(asked))
    assert set(decode(small["calls"][0][1])[0]["body"]) == {"field1", "field0"}
