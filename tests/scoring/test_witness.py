"""The witness is found wherever an answer states it, and never read as a line number."""

import pytest

from assay.scoring.describe import describe, taken
from assay.scoring.extraction import extract

F = "def f(x):\n    return x + 1"
G = "def g(x):\n    return x - 1"
FORM = "lines_and_code"
CALL = "Box({'a': 1}).put('line: 7', 2)"

ANSWERS = {
    "plain": f"LINES: 3\n```python\n{F}\n```\nWITNESS: {CALL}\n",
    "in a fence of its own": f"LINES: 3\n```python\n{F}\n```\n```\nWITNESS: {CALL}\n```\n",
    "fence below the mark": f"LINES: 3\n```python\n{F}\n```\nWITNESS:\n```python\n{CALL}\n```\n",
    "in backticks": f"LINES: 3\n```python\n{F}\n```\nWITNESS: `{CALL}`\n",
    "bold": f"LINES: 3\n```python\n{F}\n```\n**WITNESS:** {CALL}\n",
    "doctest": f"LINES: 3\n```python\n{F}\n```\nWITNESS:\n>>> {CALL}\nFalse\n",
    "before the code": f"LINES: 3\nWITNESS: {CALL}\n```python\n{F}\n```\n",
    "with words behind": f"LINES: 3\n```python\n{F}\n```\nWITNESS: {CALL}\n\nIt gives 8.\n",
    "the last one": f"WITNESS: Box()\nLINES: 3\n```python\n{F}\n```\nWITNESS: {CALL}\n",
    "reasoning": f"<think>\nWITNESS: Box()\n</think>\nLINES: 3\n```\n{F}\n```\nWITNESS: {CALL}",
    "CRLF": f"LINES: 3\r\n```python\r\n{F}\r\n```\r\nWITNESS: {CALL}\r\n",
}


@pytest.mark.parametrize("case", sorted(ANSWERS))
def test_a_witness_is_found(case):
    found = extract(ANSWERS[case], FORM, "f")
    assert (found.witness, found.lines, found.code) == (CALL, (3,), F)


def test_a_witness_on_several_lines_is_taken_whole():
    text = "WITNESS: Box({\n    'a': 1,\n    'line': 7,\n}).put(\n    'b')\nAnd that is it."
    found = extract(f"LINES: 3\n```python\n{F}\n```\n{text}", FORM, "f")
    assert found.witness == "Box({\n    'a': 1,\n    'line': 7,\n}).put(\n    'b')"
    assert found.lines == (3,)


def test_no_witness_is_no_problem_and_a_bad_one_is_kept_as_it_stands():
    assert extract(f"LINES: 3\n```\n{F}\n```", FORM, "f").witness is None
    found = extract(f"LINES: 3\n```\n{F}\n```\nWITNESS: call it with 9", FORM, "f")
    assert (found.witness, found.problem) == ("call it with 9", None)
    assert extract(f"LINES: 3\n```\n{F}\n```\nWITNESS:\n", FORM, "f").witness is None


def test_the_witness_of_a_json_answer():
    answer = '{"lines": [3], "code": "def f(x):\\n    return x + 1", "witness": "Box().put(1)"}'
    found = extract(answer, FORM, "f")
    assert (found.witness, found.lines) == ("Box().put(1)", (3,))


def test_it_is_told_and_the_format_is_followed():
    found = extract(ANSWERS["plain"], FORM, "f")
    assert f"witness {CALL}" in taken(found)
    assert describe(ANSWERS["plain"], found, FORM)["follows_format"] is True


TWO = {
    "two fences": f"LINES: 3, 9\n```python\n{F}\n```\n```python\n{G}\n```",
    "the other way round": f"LINES: 3, 9\n```python\n{G}\n```\n```python\n{F}\n```",
    "one fence": f"LINES: 3, 9\n```python\n{F}\n\n\n{G}\n```",
    "one calls the other": f"LINES: 3, 9\n```python\n{F.replace('x + 1', 'g(x)')}\n\n\n{G}\n```",
}


@pytest.mark.parametrize("case", sorted(TWO))
def test_two_units_are_taken_each_by_its_name(case):
    found = extract(TWO[case], FORM, "f", "g")
    assert found.code.startswith("def f(x):")
    assert found.beside["g"].code == G
    assert (found.helpers, found.lines) == ((), (3, 9))


def test_one_unit_of_two_is_an_answer_and_none_is_not():
    found = extract(f"LINES: 3\n```python\n{G}\n```", FORM, "f", "g")
    assert (found.problem, found.code, found.beside["g"].code) == (None, None, G)
    assert describe("", found, FORM)["follows_format"] is True
    assert extract("```python\ndef h():\n    pass\n```", FORM, "f", "g").problem


def test_a_second_unit_is_a_helper_where_it_is_not_asked_for():
    answer = f"LINES: 3\n```python\n{F.replace('x + 1', 'g(x)')}\n\n\n{G}\n```"
    assert extract(answer, FORM, "f").helpers == (G,)


def test_hostile_witnesses_end_soon():
    for text in ("WITNESS: " + "(" * 5000, "WITNESS: x\n" * 20_000, "WITNESS:" + "\n" * 50_000):
        assert extract(text + f"\nLINES: 3\n```\n{F}\n```", FORM, "f").lines == (3,)
