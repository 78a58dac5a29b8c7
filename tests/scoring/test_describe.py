"""Facts about answers."""

import pytest

from assay.scoring.describe import describe, plain, taken
from assay.scoring.extraction import extract

CASES = [
    ("code", "```python\nimport re\ndef f(x: int) -> str:\n    return re.escape(str(x))\n```",
     {"follows_format": True, "parses": True, "annotated": True, "imports": ["re"]}),
    ("code", "def f(x):\n    from os import path\n    return path",
     {"follows_format": False, "parses": True, "annotated": False, "imports": ["os"]}),
    ("code", "```python\ndef f(x:\n```", {"follows_format": False, "parses": False,
                                         "annotated": None, "imports": []}),
    ("code", "```python\ndef g(x):\n    return 1\n```", {"follows_format": False, "parses": True}),
    ("lines_and_code", "LINES: none", {"follows_format": True, "parses": None}),
    ("lines_and_code", "LINES: 3", {"follows_format": False}),
    ("lines_and_code", "LINES: 3\n```\ndef f(self, x: int) -> int:\n    return 1\n```",
     {"follows_format": True, "annotated": True}),
    ("lines_and_code", "on line 3\n```\ndef f(x):\n    return 1\n```", {"follows_format": False}),
    ("findings", "CWE-89 LINE 3", {"follows_format": True, "parses": None, "annotated": None}),
    ("findings", "Line 3 has CWE-89", {"follows_format": False}),
    ("findings", "", {"follows_format": False, "length": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("form", "answer", "facts"), CASES)
def test_facts(form, answer, facts):
    found = describe(answer, extract(answer, form, "f"), form)
    assert found == found | facts
    assert found["length"] == len(answer)


def test_what_was_taken_is_told_in_words():
    answer = "LINES: 3\n```\nimport re\nK = 1\ndef f(x):\n    return re.sub('a', K, x)\n```"
    assert taken(extract(answer, "lines_and_code", "f")) == (
        "lines: marked; code: fenced block; lines 3; 1 helpers; 1 imports"
    )
    assert "CWE-89 at 3" in taken(extract("CWE-89 LINE 3", "findings", "f"))


def test_plain_text_is_one_short_printable_line():
    assert plain("a\x1b[31mb\n\tc\u202e\ud800") == "a [31mb c \\ud800"
    assert len(plain("x" * 10_000)) == 300
