"""`place` puts an answer into its file and leaves every other byte alone."""

import ast

import pytest

from assay.categories.base import CodeKey, Extraction, PlaceError, place

FILE = '''"""Doc."""
from __future__ import absolute_import
import re

LIMIT = 3  # kept


class Box:
    @property
    def size(self):
        """{'type': 'integer'}"""
        return 1

    def after(self): return 2


def last(x):
    return x
'''


def key(name, body_only=False):
    for node in ast.walk(ast.parse(FILE)):
        if getattr(node, "name", None) == name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            documented = ast.get_docstring(node) is not None
            body = node.body[1 if documented else 0].lineno
            return CodeKey(
                "f.py", None, name, first, node.end_lineno, node.lineno, body, body_only, (), ()
            )
    raise KeyError(name)


def test_body_only_keeps_decorator_signature_and_docstring():
    answer = 'def size(self, extra=None):\n    "other"\n    # why\n    return 5\n'
    text = place(FILE, key("size", body_only=True), Extraction(code=answer))
    assert text == FILE.replace("        return 1\n", "        # why\n        return 5\n")


def test_whole_unit_keeps_decorators_that_the_answer_leaves_out():
    text = place(FILE, key("size"), Extraction(code="def size(self):\n    return 5\n"))
    docstring = '        """{\'type\': \'integer\'}"""\n'
    assert text == FILE.replace(docstring, "").replace("return 1", "return 5")
    given = place(FILE, key("size"), Extraction(code="@cached\ndef size(self):\n    return 5\n"))
    assert "@property" not in given
    assert "    @cached\n    def size" in given


@pytest.mark.parametrize("body_only", [False, True])
def test_one_line_units_go_both_ways(body_only):
    text = place(FILE, key("after", body_only), Extraction(code="def after(self): return 4"))
    assert ast.unparse(ast.parse(text)) == ast.unparse(
        ast.parse(FILE.replace("return 2", "return 4"))
    )
    long = "def after(self):\n    if self:\n        return 4\n    return 5"
    placed = ast.parse(place(FILE, key("after", body_only), Extraction(code=long)))
    assert ast.unparse(placed.body[4].body[1].body[0]) == "if self:\n    return 4"


def test_helpers_stand_before_the_class_and_imports_after_the_head():
    answer = Extraction(
        code="def size(self):\n    return helper()\n",
        helpers=("def helper():\n    return 1",),
        imports=("import re", "import json", "from __future__ import annotations"),
    )
    text = place(FILE, key("size"), answer)
    assert text.count("import re") == 1
    assert "annotations" not in text
    assert text.index("import re\n") < text.index("import json\n") < text.index("LIMIT")
    assert text.index("# kept") < text.index("def helper") < text.index("class Box")
    assert text.endswith(FILE[FILE.index("    def after") :])
    compile(text, "f.py", "exec")


@pytest.mark.parametrize("body_only", [False, True])
def test_a_form_feed_in_a_margin_leaves_a_file_that_is_python(body_only):
    answer = "def size(self):\n  \f if self:\n \f\t\f     return 5\n"
    text = place(FILE, key("size", body_only), Extraction(code=answer))
    assert "\f" not in text
    assert "if self:\n            return 5" in ast.unparse(ast.parse(text))


@pytest.mark.parametrize("code", [None, "", "def other(): pass", "def size(self:", "\0"])
def test_an_answer_without_the_unit_is_refused(code):
    with pytest.raises(PlaceError):
        place(FILE, key("size"), Extraction(code=code))


def test_a_bad_import_is_refused():
    with pytest.raises(PlaceError):
        place(FILE, key("size"), Extraction(code="def size(self): pass", imports=("import",)))
