"""A table of awkward answers, beside that of test_extraction; docs/answers.md has the rules."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.scoring.extraction import extract

F = "def f(x):\n    return x + 1"
OLD = "def f(x):\n    return x"
CALLED = "def f(x):\n    return g(x)"

# name -> (answer, the unit's code that must be taken)
CODE = {
    "words straight after the fence": (f"```python title=a.py\n{F}\n```", F),
    "language in capitals": (f"```Python\n{F}\n```", F),
    "language py3 with a number": (f"```py3\n{F}\n```", F),
    "four backticks": (f"````python\n{F}\n````", F),
    "four backticks around three": (f"````markdown\n```python\n{F}\n```\n````", F),
    "long tildes": (f"~~~~python\n{F}\n~~~~", F),
    "fence in a quotation": (f"> ```python\n{F}\n> ```", F),
    "fence indented": ("  ```python\n  def f(x):\n      return x + 1\n  ```", F),
    "opened twice": (f"```\n```python\n{F}\n```\n```", F),
    "closed by the end of a line": (f"```python\n{F}```", F),
    "unclosed after a closed one": (f"```python\n{OLD}\n```\nBetter:\n```python\n{F}", F),
    "three drafts": (f"```\n{OLD}\n```\n```\n{OLD} - 1\n```\n```\n{F}\n```", F),
    "draft, then only its use": (f"```python\n{F}\n```\nUse:\n```python\nprint(f(1))\n```", F),
    "draft, then a shell": (f"```python\n{F}\n```\n```bash\npython a.py\n```", F),
    "wrong one quoted first": (f"This was wrong:\n```\n{OLD}\n```\nFixed:\n```\n{F}\n```", F),
    "unfenced, then a remark": (f"{F}\n\nThat's all: it's done.", F),
    "unfenced after a remark with a colon": (f"Here is the code:\n{F}", F),
    "unfenced twice": (f"{OLD}\n\nOr rather\n\n{F}", F),
    "thinking block": (f"<think>{OLD}</think>\n{F}", F),
    "thinking block in capitals": (f"<THINK>\n{OLD}\n</THINK>\n```\n{F}\n```", F),
    "thought block": (f"<thought>\nhm\n</thought>\n```\n{F}\n```", F),
    "two thinking blocks": (f"<think>\na\n</think>\n<think>\nb\n</think>\n{F}", F),
    "thinking block with a fence left open": (f"<think>\n```\n{OLD}\n</think>\n```\n{F}\n```", F),
    "BOM inside the fence": (f"```python\n\ufeff{F}\n```", F),
    "old Mac line ends": (f"```python\n{F}\n```".replace("\n", "\r"), F),
    "CRLF, unfenced": (F.replace("\n", "\r\n"), F),
    "mixed line ends": (f"```\r\n{F}\n```\r", F),
    "no-break spaces, unfenced": (F.replace("    ", "\u00a0" * 4), F),
    "zero-width spaces": (f"```\n{F.replace('return', 'return' + chr(0x200B))}\n```", F),
    "typographic quotes": (
        "```\ndef f(x):\n    return \u201ca\u201d + \u2018b\u2019\n```",
        "def f(x):\n    return \"a\" + 'b'",
    ),
    "typographic quotes in a text stay": (
        "```\ndef f(x):\n    return '\u201ca\u201d'\n```",
        "def f(x):\n    return '\u201ca\u201d'",
    ),
    "two spaces": ("```\ndef f(x):\n  return x + 1\n```", "def f(x):\n  return x + 1"),
    "eight spaces": (
        "```\n        def f(x):\n                return x + 1\n```",
        "def f(x):\n        return x + 1",
    ),
    "tab margin": ("```\n\tdef f(x):\n\t\treturn x + 1\n```", "def f(x):\n\treturn x + 1"),
    "numbers and a colon": ("```\n1: def f(x):\n2:     return x + 1\n```", F),
    "numbers and a tab": ("```\n  1\tdef f(x):\n  2\t    return x + 1\n```", F),
    "numbers and a bar of a frame": ("```\n1 │ def f(x):\n2 │     return x + 1\n```", F),
    "whole class with others": (
        "```\nclass A(B):\n    e = 0\n\n    def f(x):\n        return x + 1\n\n    g = 2\n```",
        F,
    ),
    "whole file": (
        f"```\nimport os\n\nX = 1\n\n\n{F}\n\n\nif __name__ == '__main__':\n    f(1)\n```",
        F,
    ),
    "nested class": (
        "```\nclass A:\n    class B:\n        def f(x):\n            return x + 1\n```",
        F,
    ),
    "a local function of the name is not it": (
        f"```\ndef g():\n    def f(x):\n        return 0\n    return f\n\n\n{F}\n```",
        F,
    ),
    "annotated": (
        "```\ndef f(x: int) -> int:\n    return x + 1\n```",
        "def f(x: int) -> int:\n    return x + 1",
    ),
    "other default": (
        "```\ndef f(x, y=None):\n    return x + 1\n```",
        "def f(x, y=None):\n    return x + 1",
    ),
    "signature over several lines": (
        "```\ndef f(\n    x,\n):\n    return x + 1\n```",
        "def f(\n    x,\n):\n    return x + 1",
    ),
    "method's self left out or in": (
        "```\ndef f(self, x):\n    return x + 1\n```",
        "def f(self, x):\n    return x + 1",
    ),
    "one line": ("```\ndef f(x): return x + 1\n```", "def f(x): return x + 1"),
    "decorators": (f"```\n@a\n@b(1)\n{F}\n```", f"@a\n@b(1)\n{F}"),
    "imports inside": (
        "```\ndef f(x):\n    import re\n    return re.escape(x)\n```",
        "def f(x):\n    import re\n    return re.escape(x)",
    ),
    "doctest in it": (
        '```\ndef f(x):\n    """Add.\n\n    >>> f(1)\n    2\n    """\n    return 1\n```',
        'def f(x):\n    """Add.\n\n    >>> f(1)\n    2\n    """\n    return 1',
    ),
    "JSON in prose": ('Sure: {"code": "def f(x):\\n    return x + 1"} as asked.', F),
    "JSON with a comma at its end": ('{"code": "def f(x):\\n    return x + 1",}', F),
    "JSON with comments": ('{\n// mine\n"code": "def f(x):\\n    return x + 1" # yes\n}', F),
    "JSON in single quotes": ("{'code': 'def f(x):\\n    return x + 1'}", F),
    "JSON with raw line ends": ('{"code": "def f(x):\n    return x + 1"}', F),
    "JSON, other case": ('{"Code": "def f(x):\\n    return x + 1"}', F),
    "JSON with quotes of a typesetter": (
        "{\u201ccode\u201d: \u201cdef f(x):\\n    return x + 1\u201d}",
        F,
    ),
    "JSON in a fence, after prose": (
        'Here:\n```json\n{"lines": [1], "code": "def f(x):\\n    return x + 1"}\n```\nDone.',
        F,
    ),
    "JSON with Python's words": (
        '{"done": True, "x": None, "code": "def f(x):\\n    return x + 1"}',
        F,
    ),
    "emoji and right-to-left prose": (f"🎉 שלום\n```python\n{F}\n```\n🎯", F),
    "HTML line ends in prose": (f"<p>Code:</p>\n```python\n{F}\n```\n<br>", F),
}


@pytest.mark.parametrize("case", sorted(CODE))
def test_code_is_taken(case):
    answer, expected = CODE[case]
    found = extract(answer, "code", "f")
    assert found.problem is None, found
    assert found.code == expected
    assert found.rule


LINES = {
    "LINES: 3\u20135": (3, 4, 5),
    "LINES: 3..5": (3, 4, 5),
    "LINES: 3 to 5": (3, 4, 5),
    "LINES: 3, 5-6 and 9": (3, 5, 6, 9),
    "LINE: 7": (7,),
    "Lines = 7": (7,),
    "### LINES: 7": (7,),
    "> LINES: 7": (7,),
    "LINES: `7`": (7,),
    "LINES: line 7, line 8": (7, 8),
    "LINES: #7": (7,),
    "LINES: 07": (7,),
    "LINES: none (the code is right)": (),
    "lines: No bug": (),
    '{"lines": "3-5"}': (3, 4, 5),
    '{"lines": ["3", "4"],}': (3, 4),
    "{'lines': [3]}": (3,),
    '{"line": 3}': (3,),
    '{"lines": null}': (),
    'The answer {"lines": [3]} it is': (3,),
    "LINES: 3\r\nLINES: 4\r\n": (4,),
    "<think>LINES: 3</think>\nLINES: 4": (4,),
}  # fmt: skip


@pytest.mark.parametrize("answer", sorted(LINES))
def test_lines_are_taken(answer):
    assert extract(answer, "lines_and_code", "f").lines == LINES[answer]


FINDINGS = {
    "CWE-89 LINE 12.": ((89, 12),),
    "CWE-89, lines 12-13": ((89, 12), (89, 13)),
    "| CWE-89 | LINE 12 |": ((89, 12),),
    "* CWE-89 (line 12)": ((89, 12),),
    "cwe-89 line 12": ((89, 12),),
    "CWE_89 LINE 12": ((89, 12),),
    "**NONE**": (),
    "Findings: NONE": (),
    '{"findings": [{"cwe": "89", "line": 12},]}': ((89, 12),),
    "[{'cwe': 'CWE-89', 'line': 12}]": ((89, 12),),
    '```json\n[{"CWE": 89, "lines": [12, 13]}] \n```': ((89, 12), (89, 13)),
}


@pytest.mark.parametrize("answer", sorted(FINDINGS))
def test_findings_are_taken(answer):
    assert extract(answer, "findings", "f").findings == FINDINGS[answer]


def test_helpers_and_imports_come_with_it_and_the_rule_says_how_it_was_read():
    answer = (
        "```python\nfrom a import g as h\n\n\ndef g(x):\n    return h(x)\n\n\n" + CALLED + "\n```"
    )
    found = extract(answer, "code", "f")
    assert (found.code, found.helpers, found.imports) == (
        CALLED, ("def g(x):\n    return h(x)",), ("from a import g as h",),
    )  # fmt: skip
    assert "fenced block" in found.rule
    assert "typographic quotes" in extract(CODE["typographic quotes"][0], "code", "f").rule


NEARLY_JSON = {
    "escaped quotes": '{"' + '\\"' * 90_000 + "}", "single quotes": "{" + "'\\'" * 60_000 + "}",
    "comments": "{" + "/*" * 90_000 + "}", "commas": "{" + ", " * 90_000 + "}",
    "spaces": "{," + " " * 190_000 + "x}", "words": "{" + "True" * 40_000 + "}",
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(NEARLY_JSON))
def test_what_is_nearly_json_takes_bounded_time(case):
    began = time.process_time()
    extract(NEARLY_JSON[case], "findings", "f")
    assert time.process_time() - began < 4


# What was quadratic, or worse, in the length (tests/fuzz); form -> the motif, and the length of a
# text that took minutes.
SLOW = {
    "tildes with a backtick at the end": ("code", "~" * 200_000 + "`"),
    "marks in an exploit": ("findings", "EXPLOIT: x = [\n" + "~" * 7_900 + "`"),
    "helpers that need each other": (
        "code", "def f(): a0\n" + "".join(f"a{n}=a{n + 1}\n" for n in range(7_000, -1, -1)),
    ),
    "helpers on one line": (
        "code", "def f(): a0\n" + ";".join(f"a{n}=a{n + 1}" for n in range(7_000)),
    ),
    "long lines that are never closed": ("code", ("f = (" + "1," * 1_500 + "\n") * 120),
    "ranges of findings": ("findings", "CWE-89 LINE 1-9999\n" * 20_000),
    "ranges of findings in prose": ("findings", "a CWE-89 at line 1-9999 " * 16_000),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(SLOW))
def test_what_was_quadratic_takes_bounded_time(case):
    form, answer = SLOW[case]
    began = time.process_time()
    extract(answer, form, "f")
    assert time.process_time() - began < 8


def test_statements_that_share_a_line_come_alone_and_are_python():
    text = "é = 1; y = é  # one\nz = 2; w = '''\n'''; v = w; \\\nu = 3\n"
    code = "def f():\n    return y, z, v, u\n\ndef g():\n    return 1\n"
    found = extract(f"```\n{text}{code}```\nLINES: 1", "lines_and_code", "f", "g")
    assert found.helpers == ("é = 1", "y = é  # one", "z = 2", "w = '''\n'''", "v = w", "u = 3")


PIECES = st.sampled_from(
    [
        "```",
        "```python\n",
        "~~~",
        "\n",
        "<think>",
        "</think>\n",
        F,
        OLD,
        "def f(",
        "    ",
        "\t",
        "{",
        "}",
        '"',
        "'",
        "[",
        "]",
        ",",
        "\\",
        "//",
        "/*",
        "*/",
        "#",
        "LINES:",
        " 3",
        "-",
        "CWE-89",
        " LINE 1",
        "NONE",
        "EXPLOIT: ",
        "WITNESS: ",
        "name = ",
        "\0",
        "\r",
        "\ufeff",
        "\u00a0",
        "\u201c",
        "\ud800",
        '{"code": "',
        '"lines": ',
        "1 | ",
        '"""',
        "class A:\n",
        "@d\n",
        "return x\n",
        "é",
        "True",
        "(" * 50,
    ]
)
FORMS = st.sampled_from(["code", "lines_and_code", "findings"])


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200), FORMS)
def test_nothing_makes_extraction_fail_and_it_says_the_same_twice(answer, form):
    found = extract(answer, form, "f")
    assert found == extract(answer, form, "f")
    assert found.rule


@settings(max_examples=25, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=4).map("".join), FORMS)
def test_long_repetitions_take_no_quadratic_time(piece, form):
    def cost(length: int) -> float:
        began = time.process_time()
        extract((piece * length)[:length], form, "f")
        return time.process_time() - began

    assert cost(60_000) < 2.5  # 0.1 s is usual; the square of it would be minutes
