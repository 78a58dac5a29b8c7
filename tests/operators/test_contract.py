"""Every operator keeps the contract: examples come out, the rest stays byte for byte."""

import ast

import jsonschema
import pytest

from assay.core import registry
from assay.operators.base import Code

NAMES = registry.names("operators")
CASES = [
    pytest.param(name, source, new, id=f"{name}-{number}")
    for name in NAMES
    for number, (source, new) in enumerate(registry.load("operators", name).EXAMPLES.items())
]


def edits(name, source):
    code = Code(source)
    return code, list(registry.load("operators", name).mutate(code))


@pytest.mark.parametrize(("name", "source", "expected"), CASES)
def test_examples_come_out_exactly(name, source, expected):
    code, found = edits(name, source)
    assert {code.apply(edit) for edit in found} == expected


@pytest.mark.parametrize(("name", "source", "expected"), CASES)
def test_a_method_in_a_class_gives_the_same_edits(name, source, expected):
    indented = "".join("    " + line for line in source.splitlines(keepends=True))
    code, found = edits(name, indented)
    news = {code.apply(edit) for edit in found}
    assert {new.replace("\n    ", "\n")[4:] for new in news} == set(expected)


@pytest.mark.parametrize(("name", "source", "expected"), CASES)
def test_edits_parse_state_their_rule_and_keep_the_rest(name, source, expected):
    code, found = edits(name, source)
    for edit in found:
        new = code.apply(edit)
        ast.parse(new)
        assert edit.rule == edit.rule.strip() != ""
        assert new.encode().startswith(code.data[: edit.start])
        assert new.encode().endswith(code.data[edit.end :])


@pytest.mark.parametrize("name", NAMES)
def test_docstring_examples_and_closed_parameters(name):
    module = registry.load("operators", name)
    assert module.__doc__
    assert any(module.EXAMPLES.values())
    jsonschema.Draft202012Validator.check_schema(module.PARAMETERS)
    assert module.PARAMETERS["additionalProperties"] is False


@pytest.mark.parametrize("name", NAMES)
def test_docstrings_annotations_and_decorators_are_never_touched(name):
    source = (
        '@mark(1 < 2, not X, list(a), d["a"], d["b"])\n'
        'def f(a: "x" in y = None) -> 1 < 2:\n    """1 < 2 and not 3"""\n    return (a)\n'
    )
    assert edits(name, source)[1] == []


def test_there_are_at_least_twenty_families():
    assert len(NAMES) >= 20


def test_umlauts_do_not_shift_the_spans():
    code = Code("def f(a):\n    return 'äöü' if a < 1 else 'ß'\n")
    found = list(registry.load("operators", "comparisons").mutate(code))
    assert [code.apply(edit) for edit in found] == [code.source.replace("<", "<=")]
