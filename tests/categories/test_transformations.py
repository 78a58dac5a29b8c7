"""Renaming, decoys and comments change how a unit reads and nothing that it does."""

import ast
import textwrap

import pytest

from assay.categories._comments import DOUBT, PRAISE, chosen, commented
from assay.categories._decoys import with_decoys
from assay.categories._rename import renamed
from assay.core.errors import HarnessError

SOURCE = '''    def f(self, rows, most=3, *, keep=None):
        """Sum up `total`; `total` stays here."""
        total, seen = 0, {}
        for row in rows:
            name = row.get("name")
            if not (row.get("off") or name in ("", "x")):
                total += row["n"] if row["n"] < most else most
            try:
                seen[name] = total
            except TypeError as error:
                seen["total"] = f"{error} at {name}"
        kept = [total for total in seen.values() if keep is None or isinstance(total, (int, str))]
        return total, sorted(map(str, kept))
'''


def run(source, *args, **kwargs):
    scope = {}
    exec(compile(textwrap.dedent(source), "f", "exec"), scope)
    return scope["f"](None, *args, **kwargs)


ROWS = [
    [], [{"name": "a", "n": 1}], [{"name": "", "n": 2}, {"name": "b", "n": 9}],
    [{"name": "c", "n": 3, "off": 1}, {"name": [], "n": 1}, {"name": "d", "n": 2}],
]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_renaming_and_decoys_do_the_same_on_as_many_lines(seed):
    names, count = renamed(SOURCE, seed)
    both, decoys = with_decoys(names, 2, seed)
    assert count >= 3
    assert decoys == 2
    for rows in ROWS:
        for kwargs in ({}, {"keep": 1}, {"most": 1}):
            assert run(both, rows, **kwargs) == run(SOURCE, rows, **kwargs)
    assert len(both.splitlines()) == len(SOURCE.splitlines())


def test_parameters_docstrings_texts_and_names_in_f_strings_stay():
    new, _ = renamed(SOURCE, 1)
    old_args, new_args = (ast.dump(ast.parse(textwrap.dedent(s)).body[0].args)
                          for s in (SOURCE, new))  # fmt: skip
    assert old_args == new_args
    assert '"""Sum up `total`; `total` stays here."""' in new
    assert '"total"' in new
    assert 'f"{error} at {name}"' in new
    assert "            name = " in new
    assert "name = row.get" not in new
    assert "total +=" not in new
    assert "for row in rows" not in new


@pytest.mark.parametrize("body", [
    "    x = 1\n    return locals()\n",
    "    global x\n    x = 1\n    return x\n",
    "    x = 1\n    def g():\n        return x\n    return g()\n",
    "    import x\n    return x\n",
    "    _ = 1\n    return _\n",
    "    return self\n",
])  # fmt: skip
def test_what_somebody_else_may_see_is_not_renamed(body):
    source = "def f(self):\n" + body
    new, count = renamed(source, 1)
    if "def g" not in body:
        assert (new, count) == (source, 0)
    assert "return x" not in body or "return x" in new


def test_new_names_are_new():
    source = "def f(item, part):\n    a = item.entry\n    b = a + part\n    return b, piece\n"
    for seed in range(20):
        new, _ = renamed(source, seed)
        stored = {n.id for n in ast.walk(ast.parse(new)) if isinstance(n, ast.Name)
                  and isinstance(n.ctx, ast.Store)}  # fmt: skip
        assert not stored & {"item", "part", "entry", "piece", "a", "b"}
        assert len(stored) == 2


@pytest.mark.parametrize(("old", "new"), [
    ("return not (a or b)", "return not a and not b"),
    ("return not a and not b", "return not (a or b)"),
    ("return a and not (b and a.c)", "return a and (not b or not a.c)"),
    ("return isinstance(a, (int, str))", "return isinstance(a, int) or isinstance(a, str)"),
    ("return a.get(b)", "return a.get(b, None)"),
    ("return a < b", "return b > a"),
    ("return a >= 3", "return 3 <= a"),
    ("return a in ('x', 'y')", "return a == 'x' or a == 'y'"),
    ("return 1 if a else b", "return b if not a else 1"),
])  # fmt: skip
def test_decoys_are_known_equivalents(old, new):
    source = f"def f(a, b):\n    {old}\n"
    assert with_decoys(source, 1, 0) == (f"def f(a, b):\n    {new}\n", 1)


def test_what_has_no_safe_equivalent_is_left_alone():
    source = "def f(a, b):\n    return a < b < 3 or a.get(b, 1) or a in b or a is not b\n"
    assert with_decoys(source, 3, 0) == (source, 0)


BUG = [6]


@pytest.mark.parametrize("seed", range(6))
def test_comments_doubt_right_lines_praise_the_bug_and_another_line(seed):
    comments = chosen(SOURCE, 3, BUG, seed)
    kinds = {line: comment in PRAISE for line, comment in comments}
    assert len(comments) == 3
    assert kinds[6]
    assert sorted(kinds.values()) == [False, True, True]
    assert {comment for _, comment in comments} <= {*PRAISE, *DOUBT}
    new = commented(SOURCE, comments)
    assert ast.dump(ast.parse(textwrap.dedent(new))) == ast.dump(ast.parse(textwrap.dedent(SOURCE)))
    assert len(new.splitlines()) == len(SOURCE.splitlines())
    assert max(map(len, new.splitlines())) <= 99
    assert '"""Sum up `total`; `total` stays here."""\n' in new


def test_no_comment_where_there_is_one_or_where_a_line_goes_on():
    source = "def f(a):\n    b = [\n        a,  # one\n    ]\n    return b  # two\n"
    assert chosen(source, 2, [5], 1) == ()
    plain = source.replace("  # two", "").replace("    ]\n", "    c]\n")
    assert [line for line, _ in chosen(plain, 2, [5], 1)] == [4, 5]


def test_a_comment_that_would_change_the_code_is_refused():
    source = 'def f():\n    return """a\n    b"""\n'
    with pytest.raises(HarnessError):
        commented(source, ((2, "# inside a text"),))
