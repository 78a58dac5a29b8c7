"""Our units beside those of Python's own `ast`."""

import ast
import sysconfig
from pathlib import Path

import pytest

from assay.mining.crosscheck import differences, main
from assay.mining.reference import reference_units
from assay.mining.units import file_rows

LIBRARY = Path(sysconfig.get_path("stdlib"))
# Chosen for what is in them: nested classes, decorators, continuations, async, comprehensions.
FAST = [
    "abc.py", "contextlib.py", "dataclasses.py", "difflib.py", "enum.py", "functools.py",
    "http/server.py", "profile.py", "asyncio/tasks.py", "email/header.py", "json/decoder.py",
]  # fmt: skip


@pytest.mark.parametrize("name", FAST)
def test_a_part_of_the_standard_library_agrees_with_ast(rules, name):
    assert differences(name, (LIBRARY / name).read_bytes(), rules) == []


def test_functions_and_spans_agree_with_ast_itself(rules):
    # Without the room's own reference, which could share a fault.
    path = LIBRARY / "argparse.py"
    text = path.read_text(encoding="utf-8")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    expected = {
        (node.name, node.lineno, node.end_lineno, ast.get_docstring(node, clean=False))
        for node in nodes
    }
    rows = file_rows("argparse.py", text.encode(), rules)[1:]
    found = {
        (row["qualname"].rpartition(".")[2], row["def_line"], row["end_line"], row["docstring"])
        for row in rows
    }
    assert len(nodes) == len(rows) > 150
    assert found == expected


ODD = """\
@a  # b
class A[T](B, c=lambda d: e): "Doc"; x = 1; y = [f() for g in h if i]; pass;
def outer(a, /, *, b: int = 1) -> int:
\tasync def inner():
\t\tmatch a:
\t\t\tcase {"k": [x, *y]} if x and y: return type(x)(*y())
\t\t\tcase _: type(a).count = (yield)
\treturn inner  # after
\t# far
def ﬂ(): return ((ﬂ) ()
    .x().y)
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_odd_forms_agree_with_ast_whatever_the_line_ends(rules, end, mark):
    text = ODD.replace("[T]", "").replace("\n", end)
    assert differences("odd.py", (mark + text).encode(), rules) == []


def test_a_difference_is_said(rules, monkeypatch):
    def other(text, base):
        return [facts | {"complexity": 99, "parameters": ["z"]}
                for facts in reference_units(text, base)]  # fmt: skip

    monkeypatch.setattr("assay.mining.crosscheck.reference_units", other)
    found = differences("a.py", b"def f(a): pass\n", rules)
    assert found == [
        "a.py: f (line 1): parameters: ast-grep ['a'], ast ['z']",
        "a.py: f (line 1): complexity: ast-grep 1, ast 99",
    ]


def test_files_that_neither_reads_agree(rules):
    for data in (b"def f(:\n", b"'\xff'\n", b"\0"):
        assert differences("a.py", data, rules) == []


def test_the_program_counts_and_leaves_installed_packages_out(rules, tmp_path, capsys):
    for name in ("a.py", "site-packages/b.py", "lib/dist-packages/c/d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("class A:\n    def m(self): pass\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    assert main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "2 files, 3 lines: 1 classes, 1 methods, 0 functions; 1 files with a problem" in said
    assert "0 differences" in said


def test_what_only_our_parser_refuses_is_listed_and_counted_apart(tmp_path, capsys):
    (tmp_path / "a.py").write_text("def f():\n    (a.\nb)\n")  # a bracket left of its block
    assert main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "a.py: python reads it, we do not: ast-grep can't parse line" in said
    assert "1 files with a problem, of which Python reads 1; 0 differences" in said
