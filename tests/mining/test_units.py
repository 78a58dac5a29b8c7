"""Which rows a tree gives: kinds, names, spans, metrics, problems."""

import random

import pytest

from assay.core.errors import UserError
from assay.core.records import UNITS
from assay.core.tables import read_table, write_table
from assay.mining.units import MAX_FILE_BYTES, extract, file_rows

NESTED = '''\
import os
from typing import overload

class A:
    """A class."""

    @property
    def size(self): return 1

    @size.setter
    def size(self, value): self.x = value

    class Inner:
        def deep(self):
            def local():
                class Odd:
                    def m(self): pass
            return local

@overload
def f(a: int) -> int: ...
@overload
def f(a: str) -> str: ...
def f(a): return a

if True:
    async def g(): pass
else:
    def g(): pass
'''


def test_kinds_parents_and_names(mine):
    rows = mine(NESTED)
    assert {name: (row["kind"], row["parent"], row["is_async"]) for name, row in rows.items()} == {
        "": ("file", "", False),
        "A": ("class", "", False),
        "A.size": ("method", "A", False),
        "A.size#2": ("method", "A", False),
        "A.Inner": ("class", "A", False),
        "A.Inner.deep": ("method", "A.Inner", False),
        "A.Inner.deep.<locals>.local": ("function", "A.Inner.deep", False),
        "A.Inner.deep.<locals>.local.<locals>.Odd": ("class", "A.Inner.deep.<locals>.local", False),
        "A.Inner.deep.<locals>.local.<locals>.Odd.m":
            ("method", "A.Inner.deep.<locals>.local.<locals>.Odd", False),
        "f": ("function", "", False),
        "f#2": ("function", "", False),
        "f#3": ("function", "", False),
        "g": ("function", "", True),
        "g#2": ("function", "", False),
    }  # fmt: skip
    assert {row["qualname"] for name, row in rows.items() if "#" in name} == {"A.size", "f", "g"}


def test_a_row_has_the_columns_of_the_table(mine):
    assert all(set(row) == set(UNITS.schema.names) for row in mine(NESTED).values())


IMPORTS = """\
from __future__ import annotations
import os, sys as system
from a.b import (
    c,
    d as e,  # why
)
from . import f
try:
    import fast
except ImportError:
    fast = None
if TYPE_CHECKING:
    from x import Y
def g():
    import inner
class A:
    from b import member
from late import z
"""


def test_imports_are_those_of_the_files_head_and_the_same_in_all_of_its_rows(mine):
    rows = mine(IMPORTS)
    expected = [
        "from __future__ import annotations", "import os, sys as system",
        "from a.b import (\n    c,\n    d as e,  # why\n)", "from . import f", "import fast",
        "from x import Y", "from late import z",
    ]  # fmt: skip
    assert [row["file_imports"] for row in rows.values()] == [expected] * 3


SPANS = {
    "LF": ("x = 1\n@d\ndef f(a):\n    return a\n\ny = 2\n", (2, 3, 4, 4, 2, 9, 31)),
    "CRLF": ("x = 1\r\n@d\r\ndef f(a):\r\n    return a\r\n", (2, 3, 4, 4, 2, 11, 34)),
    "CR": ("x = 1\r@d\rdef f(a):\r    return a\r", (2, 3, 4, 4, 2, 9, 31)),
    "mark": ("\ufeffdef f(a):\n    return a\n", (1, 1, 2, 2, 2, 3, 25)),
    "form feed": ("x = 1\n\f\ndef f(a):\n\f    return a\n", (3, 3, 4, 4, 2, 8, 31)),
    "tabs": ("if x:\n\tdef f(a):\n\t\treturn a\n", (2, 2, 3, 3, 2, 7, 27)),
    "unicode before": ("é = '€'\ndef f(a):\n    return a\n", (2, 2, 3, 3, 2, 11, 33)),
    "odd ends in a string": ("x = '\u2028\x85'\ndef f(a): return a\n", (2, 2, 2, 2, 1, 12, 30)),
    "no final line end": ("def f(a):\n    return a", (1, 1, 2, 2, 2, 0, 22)),
    "a continuation": ("def f(a): \\\n  return a\n", (1, 1, 2, 2, 2, 0, 22)),
    "a long line": ("def f(a): return a + '" + "x" * 200_000 + "'\n", (1, 1, 1, 1, 1, 0, 200_023)),
}  # fmt: skip
COLUMNS = (
    "start_line", "def_line", "body_start_line", "end_line", "lines", "start_byte", "end_byte",
)  # fmt: skip


@pytest.mark.parametrize("case", SPANS)
def test_spans_and_texts_are_those_of_the_file(mine, case):
    text, spans = SPANS[case]
    row = mine(text)["f"]
    assert tuple(row[column] for column in COLUMNS) == spans
    data = text.encode()
    cut = data[row["start_byte"] : row["end_byte"]].decode()
    assert cut.startswith(row["signature"])
    assert cut in row["source"]
    assert row["source"] in text
    assert row["source"].endswith(row["body"])


def test_the_files_own_row(mine):
    text = '"""Module."""\nimport a\n\nif a:\n    x = 1 if a else 2\n'
    row = mine(text)[""]
    assert row["docstring"] == "Module."
    assert (row["start_line"], row["end_line"], row["lines"]) == (1, 5, 5)
    assert (row["start_byte"], row["end_byte"]) == (0, len(text))
    assert (row["statements"], row["complexity"], row["nesting"]) == (4, 3, 1)
    assert (row["source"], row["body"]) == ("", "")


# Counted by hand: statements, McCabe's complexity, deepest nesting of compound statements.
METRICS = {
    "one statement": ("pass", (1, 1, 0)),
    "a docstring is a statement": ("'Say.'", (1, 1, 0)),
    "if": ("if a:\n  b = 1", (2, 2, 1)),
    "if, elif, else": ("if a: b()\nelif c: d()\nelse: e()", (5, 3, 1)),
    "an if in an else is deeper": ("if a: b()\nelse:\n  if c: d()", (4, 3, 2)),
    "for, else": ("for a in b:\n  c()\nelse:\n  d()", (3, 2, 1)),
    "while": ("while a:\n  if b: break", (3, 3, 2)),
    "boolean operators": ("return a and b and c or d", (1, 4, 0)),
    "conditional expression": ("return a if b else c", (1, 2, 0)),
    "comprehension": ("return [a for b in c if d if e for f in g]", (1, 5, 0)),
    "try": ("try: a()\nexcept B: c()\nexcept D: e()\nelse: f()\nfinally: g()", (6, 3, 1)),
    "try star": ("try: a()\nexcept* B: c()", (3, 2, 1)),
    "with": ("with a as b, c:\n  with d: e()", (3, 1, 2)),
    "match": ("match a:\n  case 1: b()\n  case 2 if c: d()\n  case _: e()", (4, 5, 1)),
    "nested function": ("def g():\n  if a: b()\nreturn g", (4, 2, 2)),
    "nested class": ("class B:\n  x = 1\nreturn B", (3, 1, 1)),
    "lambda": ("return lambda a: b or c", (1, 2, 0)),
    "walrus": ("while (a := b()): pass", (2, 2, 1)),
    "semicolons": ("a = 1; b = 2; return a", (3, 1, 0)),
    "assert is one statement": ("assert a, b", (1, 1, 0)),
    "global, del, raise, import": ("global a\ndel a\nimport b\nraise c", (4, 1, 0)),
    "async for and with": ("async for a in b:\n  async with c: d()", (3, 2, 2)),
    "match is a name too": ("match = 1\nmatch.a()\ncase = 2", (3, 1, 0)),
    "print is a name too": ("print(a)\nexec('b')", (2, 1, 0)),
    "annotated": ("a: int\nb: int = 1", (2, 1, 0)),
    "type alias": ("type A[T] = list[T]\nreturn A", (2, 1, 0)),
}  # fmt: skip


@pytest.mark.parametrize("case", METRICS)
def test_metrics(mine, case):
    text, expected = METRICS[case]
    body = "".join(f"    {line}\n" for line in text.splitlines())
    row = mine("async def f():\n" + body)["f"]
    assert row["problem"] is None
    assert (row["statements"], row["complexity"], row["nesting"]) == expected


def test_nesting_counts_from_the_unit_not_from_the_file(mine):
    rows = mine("class A:\n  def f(self):\n    if a:\n      for b in c: d()\n")
    assert [rows[name]["nesting"] for name in ("", "A", "A.f")] == [4, 3, 2]


PROBLEMS = {
    "not UTF-8": (b"x = '\xff'\n", "not UTF-8 at byte 5"),
    "syntax error": (b"def f(:\n    pass\n", "syntax error at line 1: "),
    "Python 2": (b"x = 1\nprint 'a'\n", "syntax error at line 2: "),
    "tabs and spaces": (b"if a:\n\tb\n        c\n", "syntax error at line 3: "),
    "NUL": (b"def f(): pass\n\0", "a NUL at character 15"),
    "5 MB": (b"x = 1\n" * 900_000, f"too large: 5400000 bytes, the limit is {MAX_FILE_BYTES}"),
    "too deep": (b"x = " + b"(" * 3000 + b")" * 3000 + b"\n", ""),
    "unclosed": (b"x = '''\n" * 3, "syntax error at line "),
    "too many digits": (b"x = " + b"1" * 5000 + b"\n", "syntax error at line "),
    "a merge conflict": (b"<<<<<<< HEAD\nx = 1\n=======\n", "syntax error at line 1: "),
    "an HTML page": (b"<!doctype html>\n<html>\n", "syntax error at line 1: "),
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_file_that_cannot_be_read_is_one_row_that_says_why(mine, case):
    data, words = PROBLEMS[case]
    ((name, row),) = mine(data).items()
    assert (name, row["kind"]) == ("", "file")
    assert row["problem"]
    assert row["problem"].startswith(words)
    assert len(row["problem"]) < 300
    assert row["problem"].isprintable()


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", b"# only a comment", b"\f\n\r\n"])
def test_a_file_without_code_is_a_row_without_a_problem(mine, data):
    ((_, row),) = mine(data).items()
    assert (row["problem"], row["statements"], row["docstring"]) == (None, 0, None)


def test_a_limit_of_the_target_counts(rules):
    (row,) = file_rows("a.py", b"x = 1\n", rules, options={"max_file_bytes": 5})
    assert row["problem"] == "too large: 6 bytes, the limit is 5"


TREE = {
    "pkg/__init__.py": b"",
    "pkg/a.py": NESTED.encode(),
    "pkg/b.py": b"def b(): return 1\n",
    "pkg/broken.py": b"def f(:\n",
    "pkg/latin.py": b"'\xe9'\n",
    "pkg/__pycache__/a.py": b"",
    "pkg/_vendor/x.py": b"def vendored(): pass\n",
    "pkg/made.py": b"# @generated\ndef made(): pass\n",
    "tests/test_a.py": b"def test_a(): pass\n",
    "README.md": b"# Read\n",
    "data.bin": b"\0\xff",
}


def mined_tree(rules_folder, members, **options):
    return extract(members, "t", rules_folder, options)


def test_a_tree_gives_rows_of_what_is_scanned_and_says_what_is_not(rules_folder, capsys):
    rows = mined_tree(rules_folder, TREE.items())
    files = {row["path"]: row["problem"] for row in rows if row["kind"] == "file"}
    assert set(files) == {
        "pkg/__init__.py", "pkg/a.py", "pkg/b.py", "pkg/broken.py", "pkg/latin.py"
    }  # fmt: skip
    assert {path for path, problem in files.items() if problem} == {"pkg/broken.py", "pkg/latin.py"}
    assert {row["module"] for row in rows} == {"pkg", "pkg.a", "pkg.b", "pkg.broken", "pkg.latin"}
    said = capsys.readouterr().err
    assert "not scanned: 1 artefacts, 1 generated, 1 tests, 1 vendored" in said
    assert "pkg/latin.py: not UTF-8 at byte 1" in said


def test_the_table_is_the_same_bytes_whatever_the_order_of_the_files(rules_folder, tmp_path):
    written = set()
    for seed in range(4):
        members = list(TREE.items())
        random.Random(seed).shuffle(members)
        path = tmp_path / f"{seed}.parquet"
        write_table(path, UNITS, mined_tree(rules_folder, members))
        written.add(path.read_bytes())
    assert len(written) == 1
    assert len(read_table(path, UNITS)) == 19


def test_nothing_to_scan_is_an_error_that_says_what_was_there(rules_folder):
    members = {"tests/test_a.py": b"", "setup.cfg": b"", "LICENSE": b""}
    with pytest.raises(UserError) as caught:
        mined_tree(rules_folder, members.items())
    assert "1 .cfg, 1 .py, 1 no suffix" in str(caught.value)
    assert "1 tests" in str(caught.value)
    assert caught.value.details["hint"]


def test_text_aimed_at_the_reader_is_kept_as_it_is(mine):
    hostile = 'def f():\n    """<script>\x1b[31m =cmd() ${x}"""\n    return 1\n'
    assert mine(hostile)["f"]["docstring"] == "<script>\x1b[31m =cmd() ${x}"
