"""A mutation that a linter or a reader would stumble over is no honest mistake."""

import ast

import pytest

from assay.synthesis.idioms import acceptable


def unit(body, head="def f(a, b=1):"):
    return ast.parse(head + "\n" + "".join(f"    {line}\n" for line in body.split("\n"))).body[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return not a", "return not not a"),
        ("return a is b", "return not a is b"),
        ("g(a)\nreturn b", "a\nreturn b"),
        ("if a:\n    return b", "if a:\n    pass"),
        ("return a and b", "return a and a"),
        ("return a == 1", "return a is 1"),
        ("return a is None", "return a == None"),
        ("c = a\nreturn c", "c = a\nreturn b"),
        ("b = a\nreturn b", "a = a\nreturn b"),
        ("if a:\n    return 1\nreturn b", "if True:\n    return 1\nreturn b"),
        ("g(a)\nreturn b", "return b\ng(a)"),
        ("return a.b(b)", "return a.b()"),
        ("if a:\n    return b", "if a:\n    return b\nreturn"),
    ],
)
def test_telling_forms_are_refused(old, new):
    assert not acceptable(unit(old), unit(new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return a < b", "return a <= b"),
        ("try:\n    g(a)\nexcept (KeyError, TypeError):\n    g(b)",
         "try:\n    g(a)\nexcept KeyError:\n    g(b)"),
        ("if a is None:\n    return b", "if not a:\n    return b"),
        ("pass\nreturn a < b", "pass\nreturn a > b"),
    ],
)  # fmt: skip
def test_honest_mistakes_are_accepted(old, new):
    assert acceptable(unit(old), unit(new))


def test_a_function_that_binds_what_is_not_its_own_is_compiled_within_another():
    body = "nonlocal n, m\nn = m = a {} b\nreturn n"
    assert acceptable(unit(body.format("<")), unit(body.format("<=")))
    assert not acceptable(unit(body.format("<")), unit(body.format("<") + "\n"))
    inner = "def g():\n    nonlocal n\n    n = a {} b\nreturn g"
    assert acceptable(unit(inner.format("<")), unit(inner.format(">")))


def test_what_compiles_to_the_same_is_no_mutation():
    assert not acceptable(unit("return (a)"), unit("return a"))
    assert not acceptable(unit("return 1 + 1"), unit("return 2"))


def test_defaults_may_change_and_the_rest_of_the_head_may_not():
    body = "return a, b"
    assert acceptable(unit(body), unit(body, "def f(a, b=2):"))
    for head in ("def f(a, c=1):", "def g(a, b=1):", "def f(a, b: int = 1):", "@x\ndef f(a, b=1):"):
        assert not acceptable(unit(body), unit("return a", head))
