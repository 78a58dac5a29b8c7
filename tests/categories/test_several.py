"""Several units of an answer go into their files, whichever of them are given."""

import pytest

from assay.categories._excerpt import EXCERPT, HALF, layout
from assay.categories._several import Piece, answered_files, shown_files
from assay.categories.base import CodeKey, Extraction, PlaceError

ONE, TWO = "a.py", "b.py"
TEXTS = {
    ONE: "import os\n\n\nclass A:\n    def f(self):\n        return 1\n\n    def g(self):\n"
         "        return 2\n\n\ndef tail():\n    return 3\n",
    TWO: "def h():\n    return 4\n",
}  # fmt: skip


def key(path, name, first):
    return CodeKey(path, None, name, first, first + 1, first, first + 1, False, (), ())


def pieces(f=None, g=None, h=None):
    made = [("f", key(ONE, "f", 5), f), ("g", key(ONE, "g", 8), g), ("h", key(TWO, "h", 1), h)]
    return [
        Piece(code, f"{'    ' * (code.path == ONE)}def {name}(self):  # buggy\n"
                    f"{'    ' * (code.path == ONE)}    return 0\n", answer or Extraction())
        for name, code, answer in made
    ]  # fmt: skip


def test_the_shown_files_have_all_the_bugs_and_nothing_else_changes():
    files = shown_files(pieces(f=Extraction(code="def f(self):\n    return 9")), TEXTS.get)
    assert files[ONE].count("# buggy") == 2
    assert files[TWO] == "def h(self):  # buggy\n    return 0\n"
    assert files[ONE].endswith("def tail():\n    return 3\n")


def test_given_units_replace_theirs_and_the_others_stay_as_shown():
    long = Extraction(code="def f(self):\n    a = 1\n    b = 2\n    return a + b")
    files = answered_files(pieces(f=long), TEXTS.get)
    assert "        b = 2\n        return a + b\n\n    def g(self):  # buggy\n" in files[ONE]
    both = answered_files(
        pieces(f=long, g=Extraction(code="def g(self):\n    return 7")), TEXTS.get
    )
    assert "# buggy" not in both[ONE]
    assert "# buggy" in both[TWO]
    scope = {}
    exec(both[ONE], scope)
    assert (scope["A"]().f(), scope["A"]().g(), scope["tail"]()) == (3, 7, 3)


def test_helpers_and_imports_of_all_come_once_and_where_they_are_seen():
    helper = "def help_(x):\n    return math.floor(x)"
    f = Extraction(code="def f(self):\n    return help_(1.5)", helpers=(helper,),
                   imports=("import math",))  # fmt: skip
    g = Extraction(code="def g(self):\n    return help_(2.5) + more()", imports=("import math",),
                   helpers=(helper, "def more():\n    return 1"))  # fmt: skip
    files = answered_files(pieces(f=f, g=g), TEXTS.get)
    assert files[ONE].count("def help_") == files[ONE].count("import math") == 1
    scope = {}
    exec(files[ONE], scope)
    assert (scope["A"]().f(), scope["A"]().g()) == (1, 3)


def test_a_unit_that_does_not_parse_is_the_answers_fault():
    with pytest.raises(PlaceError):
        answered_files(pieces(h=Extraction(code="def h(:")), TEXTS.get)


def row(path, first):
    return {"path": path, "start_line": first, "end_line": first + 9}


def numbers(listing):
    return [int(line.partition(" |")[0]) for line in listing.split("\n")]


LONG = "x = 1\n\n" * 400


@pytest.mark.parametrize(("first", "other", "count"), [
    (row("a", 100), None, 1), (row("a", 100), row("a", 200), 1), (row("a", 700), row("a", 60), 2),
    (row("a", 100), row("a", 345), 2), (row("a", 100), row("b", 100), 2),
    (row("a", 700), row("b", 5), 2), (row("a", 60), row("b", 780), 2),
])  # fmt: skip
def test_each_number_names_one_line_and_both_units_are_listed_whole(first, other, count):
    for seed in range(8):
        made = layout({"a": LONG, "b": LONG}, first, other, seed)
        assert len(made.listings) == count
        each = [numbers(listing) for listing in made.listings]
        every = [number for part in each for number in part]
        assert len(every) == len(set(every))
        assert len(every) <= (EXCERPT if count == 1 else 2 * HALF)
        for unit in (first, other) if other else (first,):
            moved = made.shift if unit["path"] == "b" else 0
            wanted = range(unit["start_line"] + moved, unit["end_line"] + moved + 1)
            assert any(set(wanted) <= set(part) for part in each)
