"""Answers as models write them, and what must be taken from each."""

import time

import pytest

from assay.core.errors import HarnessError
from assay.scoring.extraction import extract
from assay.scoring.fences import MAX_CHARS, without_reasoning

F = "def f(x):\n    return x + 1"
OLD = "def f(x):\n    return x"

# name -> (answer, form's unit name is f, code that must be taken)
CODE = {
    "fenced": (f"Here you go:\n```python\n{F}\n```\nIt adds one.", F),
    "no language": (f"```\n{F}\n```", F),
    "tildes": (f"~~~\n{F}\n~~~", F),
    "unfenced": (F, F),
    "unfenced with prose around": (f"Here it is.\n\n{F}\n\nIt's done, isn't it?\n", F),
    "unclosed fence": (f"```python\n{F}\n", F),
    "unclosed fence and prose": (f"```python\n{F}\n\nThis returns x + 1.\n", F),
    "several drafts": (f"```python\n{OLD}\n```\nNo, better:\n```python\n{F}\n```", F),
    "last draft cut off": (f"```python\n{F}\n```\nOr:\n```python\ndef f(x):\n    return (x +", F),
    "fence never closed before the next": (f"```python\n{OLD}\n\n```python\n{F}\n```", F),
    "drafts in one block": (f"```python\n{OLD}\n\n{F}\n```", F),
    "sample output after it": (f"```python\n{F}\n```\n```\n>>> f(1)\n2\n```", F),
    "sample output inside": (f"```python\n{F}\n\n>>> f(1)\n2\n```", F),
    "reasoning": (f"<think>\n```python\n{OLD}\n```\n</think>\n```python\n{F}\n```", F),
    "reasoning opened by the prompt": (f"Hmm. {OLD}\n</think>\n\n```python\n{F}\n```", F),
    "CRLF": (f"```python\r\n{F}\r\n```\r\n".replace("\n", "\r\n").replace("\r\r", "\r"), F),
    "byte order mark": (f"\ufeff```python\n{F}\n```", F),
    "tabs": ("```python\ndef f(x):\n\treturn x + 1\n```", "def f(x):\n\treturn x + 1"),
    "tabs and spaces": ("```\ndef f(x):\n\tif x:\n        return x\n\treturn 1\n```",
                        "def f(x):\n        if x:\n        return x\n        return 1"),
    "method's indentation": ("```\n    def f(x):\n        return x + 1\n```", F),
    "first line lost its indentation": ("```\n@deco\n    def f(x):\n        return x + 1\n```",
                                        f"@deco\n{F}"),
    "whole class": ("```\nclass A:\n    y = 2\n\n    def f(x):\n        return x + 1\n```", F),
    "async": ("```\nasync def f(x):\n    return x + 1\n```", f"async {F}"),
    "decorated": (f"```\n@deco(1)\n{F}\n```", f"@deco(1)\n{F}"),
    "line numbers": ("```\n12 | def f(x):\n13 |     return x + 1\n```", F),
    "list item": (f"- ```python\n{F}\n```", F),
    "no-break spaces": ("```\ndef f(x):\n\u00a0\u00a0\u00a0\u00a0return x + 1\n```", F),
    "fence in the docstring": (
        '```python\ndef f(x):\n    """D.\n\n    ```\n    f(1)\n    ```\n    """\n    return 1\n```',
        'def f(x):\n    """D.\n\n    ```\n    f(1)\n    ```\n    """\n    return 1',
    ),
    "text at column 0 in a string": ('```\n    def f(x):\n        return """a\nb"""\n```',
                                     'def f(x):\n        return """a\nb"""'),
    "JSON": ('{"code": "def f(x):\\n    return x + 1"}', F),
    "JSON with a fence inside": ('{"code": "```python\\ndef f(x):\\n    return x + 1\\n```"}', F),
    "form feed and odd line breaks": ("```\ndef f(x):\n    return '\u2028\x0c'\n```",
                                      "def f(x):\n    return '\u2028\x0c'"),
    "body alone": ("```python\ny = x + 1\nreturn y\n```",
                   "def f(*args, **kwargs):\n    y = x + 1\n    return y\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(set(CODE) - {"tabs and spaces"}))
def test_code_is_found(case):
    answer, expected = CODE[case]
    found = extract(answer, "code", "f")
    assert found.problem is None
    assert found.code == expected
    assert found.rule


def test_mixed_tabs_and_spaces_that_python_refuses_are_unreadable_not_guessed():
    assert extract(CODE["tabs and spaces"][0], "code", "f").code is None


UNREADABLE = {
    "empty": "",
    "white space": " \n\t",
    "prose": "I would rather not say.",
    "another function": "```python\ndef g(x):\n    return x\n```",
    "cut off": "```python\ndef f(x):\n    return (x +",
    "NUL byte": "```python\ndef f(x):\n    return '\0'\n```",
    "reasoning without an end": f"<think>\n```python\n{F}\n```",
    "lone surrogate": "```python\ndef f(x):\n    return '\ud800'\n```",
    "deep": "```python\ndef f(x):\n    return " + "-" * 400 + "x\n```",
    "too deep for the parser": "```\ndef f(x):\n    return " + "(" * 9000 + ")" * 9000 + "\n```",
    "long attribute chain": "```python\ndef f(x):\n    return x" + ".a" * 30_000 + "\n```",
    "endless": "a " * MAX_CHARS,
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(UNREADABLE))
def test_what_can_not_be_read_says_why(case):
    found = extract(UNREADABLE[case], "code", "f")
    assert found.code is None
    assert found.problem


def test_helpers_and_imports_are_taken_only_if_used():
    answer = (
        "```python\nfrom __future__ import annotations\nimport re\nimport os\nLIMIT = 3\n"
        "spare = 4\n"
        "def helper(a):\n    return a * LIMIT\ndef unused():\n    return 0\n"
        "def f(x):\n    return helper(re.escape(x))\nprint(f('a'))\nresult = f('b')\n```"
    )
    found = extract(answer, "code", "f")
    assert found.imports == ("import re",)
    assert found.helpers == ("LIMIT = 3", "def helper(a):\n    return a * LIMIT")


LINES = {
    "LINES: 3": (3,),
    "LINES: 3, 4": (3, 4),
    "LINES: 7-9": (7, 8, 9),
    "LINES: 7\u20139": (7, 8, 9),
    "LINES: 3 and 5": (3, 5),
    "lines: [3, 4]": (3, 4),
    "**LINES:** 3": (3,),
    "LINES: none": (),
    "LINES: None.": (),
    "LINES: []": (),
    "Lines: n[, m]\nLINES: 4": (4,),
    "LINES: 3\n\nNo, wait.\n\nLINES: 5": (5,),
    "The bug is on line 12, where it says `<`.": (12,),
    "Answer: LINES: L3": (3,),
    "```\nLINES: 3\n```": (3,),
    "LINES: 4, 4, 2": (2, 4),
    "none": (),
    '{"lines": [3, 4], "code": ""}': (3, 4),
    '{"lines": "none"}': (),
    '{"LINES": []}': (),
    '```json\n{"lines": [3]}\n```': (3,),
}


@pytest.mark.parametrize("answer", sorted(LINES))
def test_lines_are_read(answer):
    found = extract(answer, "lines_and_code", "f")
    assert found.lines == LINES[answer]
    assert found.problem is None


def test_lines_and_code_stand_beside_each_other():
    found = extract(f"LINES: 2\n```python\n{F}\n```", "lines_and_code", "f")
    assert (found.lines, found.code) == ((2,), F)
    only_code = extract(f"```python\nlines = 3\n{F}\n```", "lines_and_code", "f")
    assert (only_code.lines, only_code.code) == (None, F)


def test_a_huge_range_is_bounded():
    assert len(extract("LINES: 1-9999999", "lines_and_code", "f").lines) <= 1001


FINDINGS = {
    "CWE-89 LINE 12": ((89, 12),),
    "CWE-89 LINE 12\nCWE-78 LINE 4": ((89, 12), (78, 4)),
    "- **CWE-89** line 12: the query": ((89, 12),),
    "1. CWE 89, Line: 12": ((89, 12),),
    "CWE-089 (SQL injection) LINE 12": ((89, 12),),
    "CWE-78 LINES 4, 5": ((78, 4), (78, 5)),
    "```\nCWE-22 LINE 7\n```": ((22, 7),),
    "NONE": (),
    "None.": (),
    "```\nNONE\n```": (),
    "There are no vulnerabilities.": (),
    "Line 12 has a CWE-89.": ((89, 12),),
    "CWE-89 LINE 12\nCWE-89 LINE 12": ((89, 12),),
    "NONE\n\nOn reflection:\nCWE-94 LINE 3": ((94, 3),),
    "CWE-94 LINE 3\n\nOn reflection:\nNONE": (),
    '[{"cwe": "CWE-22", "line": 4}]': ((22, 4),),
    '{"findings": [{"cwe": 22, "line": "4"}, "CWE-89 LINE 2"]}': ((22, 4), (89, 2)),
    '{"findings": []}': (),
    "<think>CWE-89 LINE 1</think>\nNONE": (),
}


@pytest.mark.parametrize("answer", sorted(FINDINGS))
def test_findings_are_read(answer):
    found = extract(answer, "findings", "f")
    assert found.findings == FINDINGS[answer]
    assert found.problem is None


@pytest.mark.parametrize("answer", ["The code looks risky.", "CWE-89", "LINE 12", "{}", "[1, 2]"])
def test_findings_that_can_not_be_read_are_a_problem(answer):
    assert extract(answer, "findings", "f").problem


def test_a_tag_inside_code_is_no_reasoning():
    text = "def f(x):\n    return x.replace('</think>', '')\n"
    assert without_reasoning(text) == text


def test_an_unknown_form_is_our_own_mistake():
    with pytest.raises(HarnessError, match="poem"):
        extract("x", "poem", "f")


HOSTILE = {
    "fences": "```\n" * 90_000,
    "opening fences": "```python\ndef f(\n" * 20_000,
    "backticks": "`" * 390_000,
    "fence and spaces": "```" + " " * 390_000 + "`",
    "defs": "def f(x):\n" * 35_000,
    "half a def": "def f(x):\n    return (\n" * 15_000,
    "decorators": "@a\n" * 130_000 + "f",
    "triple quotes": 'def f(x): """\n' * 25_000,
    "braces": "{" * 390_000,
    "brackets": "[" * 390_000 + "f",
    "think": "<think>\n" * 48_000,
    "unthink": "</think>\n" * 43_000,
    "lines": "LINES: " * 55_000,
    "cwe": "CWE-89 " * 55_000,
    "line 1": "line 1 " * 55_000,
    "none": "none\n" * 78_000,
    "digits": "LINES: " + "1," * 190_000,
    "spaces": "f" + " " * 390_000 + "x",
}


@pytest.mark.parametrize("form", ["code", "lines_and_code", "findings"])
@pytest.mark.parametrize("case", sorted(HOSTILE))
def test_long_answers_take_bounded_time(case, form):
    began = time.process_time()
    extract(HOSTILE[case], form, "f")
    assert time.process_time() - began < 4
