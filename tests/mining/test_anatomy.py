"""Signatures, parameters, docstrings, bodies, decorators, calls, as written in the file."""

import pytest


def only(mined):
    (name,) = [name for name in mined if name]
    return mined[name]


SIGNATURES = {
    "plain": ("def f(a, b=1): pass\n", "def f(a, b=1):", ["a", "b"], ""),
    "async": ("async def f(a): pass\n", "async def f(a):", ["a"], ""),
    "typed": ("def f(a: int, b: 'x:y' = 2) -> dict[str, int]: pass\n",
              "def f(a: int, b: 'x:y' = 2) -> dict[str, int]:", ["a", "b"], "dict[str, int]"),
    "all kinds": ("def f(a, /, b, *c: int, d=1, e: str='', **f: object): pass\n",
                  "def f(a, /, b, *c: int, d=1, e: str='', **f: object):",
                  ["a", "b", "*c", "d", "e", "**f"], ""),
    "bare star": ("def f(*, a): pass\n", "def f(*, a):", ["a"], ""),
    "several lines": ("def f(\n    a,  # first: one\n    b={1: 2},\n) -> (\n    int\n):\n    0\n",
                      "def f(\n    a,  # first: one\n    b={1: 2},\n) -> (\n    int\n):",
                      ["a", "b"], "(\n    int\n)"),
    "a lambda's colon": ("def f(a=lambda x: x): return a\n", "def f(a=lambda x: x):", ["a"], ""),
    "walrus": ("def f(a=(b := 3)): return a\n", "def f(a=(b := 3)):", ["a"], ""),
    "class": ("class A(B, metaclass=M): pass\n", "class A(B, metaclass=M):", [], ""),
    "bare class": ("class A: pass\n", "class A:", [], ""),
    "PEP 695": ("def f[T: (int, str), *Ts, **P](a: T) -> T: return a\n",
                "def f[T: (int, str), *Ts, **P](a: T) -> T:", ["a"], "T"),
    "PEP 695 class": ("class A[T](B[T]):\n    pass\n", "class A[T](B[T]):", [], ""),
    "unicode": ("def größe(λ, *名前): pass\n", "def größe(λ, *名前):", ["λ", "*名前"], ""),
    "normalised": ("def ﬁle(ﬂ): pass\n", "def ﬁle(ﬂ):", ["fl"], ""),
}  # fmt: skip


@pytest.mark.parametrize("case", SIGNATURES)
def test_signatures(mine, case):
    text, signature, parameters, returns = SIGNATURES[case]
    row = only(mine(text))
    assert row["problem"] is None
    assert (row["signature"], row["parameters"], row["returns"]) == (signature, parameters, returns)


DOCSTRINGS = {
    "one line": ('    """Say."""\n    return 1\n', "Say.", "    return 1\n"),
    "several lines": ('    """Say.\n\n    More.\n    """\n\n    return 1\n',
                      "Say.\n\n    More.\n    ", "    return 1\n"),
    "raw": ('    r"""a\\d"""\n    return 1\n', "a\\d", "    return 1\n"),
    "escapes": ('    "a\\tb"\n    return 1\n', "a\tb", "    return 1\n"),
    "two literals": ("    'a' \"b\"\n    return 1\n", "ab", "    return 1\n"),
    "in brackets": ("    ('a'\n     'b')\n    return 1\n", "ab", "    return 1\n"),
    "nothing else": ('    """Say."""\n', "Say.", ""),
    "a comment after it": ('    """Say."""\n    # why\n    return 1\n', "Say.",
                           "    # why\n    return 1\n"),
    "a comment before it": ('    # why\n    """Say."""\n    return 1\n', "Say.", "    return 1\n"),
    "bytes are none": ('    b"Say."\n    return 1\n', None, '    b"Say."\n    return 1\n'),
    "an f-string is none": ('    f"Say."\n    return 1\n', None, '    f"Say."\n    return 1\n'),
    "a tuple is none": ('    "Say.",\n    return 1\n', None, '    "Say.",\n    return 1\n'),
    "an expression is none": ('    "a" + "b"\n    f()\n', None, '    "a" + "b"\n    f()\n'),
    "a lone surrogate": ('    "\\ud800"\n    return 1\n', "\\ud800", "    return 1\n"),
    "first statement only": ("    a = 1\n    'Say.'\n", None, "    a = 1\n    'Say.'\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", DOCSTRINGS)
def test_docstrings_and_bodies(mine, case):
    body, docstring, rest = DOCSTRINGS[case]
    row = only(mine("def f():\n" + body))
    assert (row["docstring"], row["body"]) == (docstring, rest)


def test_a_body_on_the_line_of_the_signature_is_that_line(mine):
    row = only(mine("def f(): return 1  # one\nx = 2\n"))
    assert (row["body_start_line"], row["body"]) == (1, "def f(): return 1  # one\n")


def test_trailing_comments_and_blank_lines_are_no_part_of_a_body(mine):
    row = only(mine("def f():\n    return 1\n    # after\n\n# far\nx = 1\n"))
    assert (row["end_line"], row["body"]) == (2, "    return 1\n")


def test_a_final_semicolon_is_part_of_it_as_python_counts(mine):
    assert only(mine("def f(): x = 1; del x;\n"))["end_byte"] == 22


DECORATORS = {
    "none": ("def f(): pass\n", []),
    "property": ("@property\ndef f(self): pass\n", ["@property"]),
    "several": ("@a\n@b.c(1, x='@d')  # why\ndef f(): pass\n", ["@a", "@b.c(1, x='@d')"]),
    "several lines": ("@a(\n    1,\n)\nclass A: pass\n", ["@a(\n    1,\n)"]),
    "any expression": ("@[a, b][0]\n@(lambda g: g)\ndef f(): pass\n",
                       ["@[a, b][0]", "@(lambda g: g)"]),
}  # fmt: skip


@pytest.mark.parametrize("case", DECORATORS)
def test_decorators(mine, case):
    text, decorators = DECORATORS[case]
    row = only(mine(text))
    assert row["decorators"] == decorators
    assert row["start_line"] == 1
    assert row["source"] == text


CALLS = {
    "names and attributes": ("len(a); self.b(c()); d.e.f()", ["c", "d.e.f", "len", "self.b"]),
    "once each": ("f(f(f(1)))", ["f"]),
    "of an expression": ("a[0].b(); ''.join(x); f().g()", [".b", ".g", ".join", "f"]),
    "super": ("super().a(); super(A, self).b()", [".b", "super", "super().a"]),
    "a longer chain on super": ("super().a.b()", [".b", "super"]),
    "continued lines": ("(a.\n    b\n    .c())", ["a.b.c"]),
    "a backslash": ("a.b()\\\n        .c()", [".c", "a.b"]),
    "a comment within": ("(a.b()  # one: .x()\n    .c())", [".c", "a.b"]),
    "brackets": ("(a)(); (a.b).c()", ["a", "a.b.c"]),
    "stars": ("[*a(1)]; {**b.c()}; x = *d.e(), 1", ["a", "b.c", "d.e"]),
    "an attribute of type(…)": ("type(self).count = f(1)", ["f", "type"]),
    "a constant's method": ("True.bit_length(); (1).real()", [".bit_length", ".real"]),
    "of a call": ("f(1)(2)", ["f"]),
    "of a subscript": ("a[0](1)", []),
    "normalised": ("ﬁle(1)", ["file"]),
    "in a nested function": ("def g(): h()\n    g()", ["g", "h"]),
    "in an f-string": ("f'{a(b):{c()}}'", ["a", "c"]),
    "awaited": ("await a.b()", ["a.b"]),
    "not in a string or comment": ("'a()'  # b()", []),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_calls(mine, case):
    text, calls = CALLS[case]
    assert mine(f"async def f():\n    {text}\n")["f"]["calls"] == calls
