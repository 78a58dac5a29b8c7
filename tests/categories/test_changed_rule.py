"""A changed rule names one expression that stands once and means something to a reader."""

import pytest

from assay.categories._changed_rule import changed_rule, stated
from assay.categories.base import Mutation

SOURCE = '''    def f(self, value, most=3):
        """Docs: value < most."""
        total = len(value)
        if value is None or self.limit < most:
            return value[1:]
        if total < 5:
            return total + 1
        return value[1:] + value[2:]
'''


def mutant(old, new, operator="comparisons", count=1):
    head, _, body = SOURCE.partition("Docs: value < most.")
    source = f"{head}Docs: value < most.{body.replace(old, new, count)}"
    return Mutation(operator, source, (4,), False, f"{old}→{new}", "it is so")


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("self.limit < most", "self.limit <= most", "self.limit < most", "self.limit <= most"),
        ("value is None", "not value", "value is None", "not value"),
        (" or ", " and ", "value is None or self.limit < most",
         "value is None and self.limit < most"),
        ("value[2:]", "value[3:]", "value[2:]", "value[3:]"),
        ("len(value)", "len(most)", "len(value)", "len(most)"),
    ],
)  # fmt: skip
def test_the_expression_is_told_before_and_after(old, new, before, after):
    assert changed_rule(SOURCE, mutant(old, new)) == (
        f"Where the published code has `{before}`, this version has `{after}`. "
        "In other words: it is so."
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value[1:]", "value[2:]"),  # stands twice
        ("total < 5", "total <= 5"),  # a name of the body's own
        ("        total = len(value)\n", "        total = len(value)\n        most = 1\n"),
        ("return total + 1", "raise ValueError"),  # another statement
        ("value is None or self.limit < most", "self.limit > 2 and not most"),
        ("self.limit", f"self.{'limit' * 30}"),  # too long to read
    ],
)
def test_what_can_not_be_stated_is_no_rule(old, new):
    found = changed_rule(SOURCE, mutant(old, new))
    if "and not most" in new:
        assert found is not None  # a whole condition is replaced: long, but one expression
    else:
        assert found is None


def test_the_clearest_come_first_and_arbitrary_ones_not_at_all():
    given = [
        mutant("value is None", "not value", "somebodys_own"),
        mutant("len(value)", "len(most)", "arguments"),
        mutant("value[2:]", "value[3:]", "slices"),
        mutant("self.limit < most", "self.limit <= most"),
    ]
    names = [item.operator for item in stated(SOURCE, given)]
    assert names == ["comparisons", "slices", "somebodys_own"]
