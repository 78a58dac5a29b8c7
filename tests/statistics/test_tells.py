"""Words that give a task away are found and said; the same words in other places are not."""

from pathlib import Path

import pytest

from assay.categories import _prompts
from assay.statistics.tells import by_part, in_words, shown_code, tells
from assay.statistics.tokens import Sample, by_chance

TEMPLATE = (Path(__file__).parents[2] / "config" / "prompts" / "security_audit.md").read_text()
IMPORTS = "import os"


def prompt(code, exploit=""):
    """A prompt as the category writes it, of the real template."""
    listing = "\n".join(f"{n:>2} | {line}" for n, line in enumerate(code.split("\n"), 1))
    return _prompts.fill(TEMPLATE, {
        "kind": "function", "package": "pkg", "path": "pkg/a.py", "name": "f", "class": "",
        "listing": listing, "imports": IMPORTS, "exploit": exploit,
    })  # fmt: skip


def rows(count, code, target="t"):
    """Tasks and keys of as many units, every other one vulnerable; `code(number, weak)`."""
    tasks, keys = [], []
    for number in range(count):
        weak = number % 2 == 0
        same = {"target": target, "task_id": f"sa-{number}", "category": "security_audit"}
        tasks.append({**same, "prompt": prompt(code(number, weak))})
        kind = "vulnerable" if weak else "clean"
        keys.append({**same, "unit_id": f"a.py::f{number}", "kind": kind})
    return tasks, keys


def telling(number, weak):
    return f"def f{number}(x):\n    return run({'raw' if weak else 'safe'})"


def balanced(number, weak):
    pair = ("raw", "safe") if weak else ("safe", "raw")
    return f"def f{number}(x):\n    check({pair[0]})\n    return run({pair[1]})"


def test_the_code_is_what_is_counted_and_no_line_numbers():
    assert shown_code(prompt("def f(x):\n    return 3 | x", "yes")) == (
        "def f(x):\n    return 3 | x\n\nimport os\n"
    )


def test_planted_words_are_found():
    found = tells(*rows(20, telling))
    assert (found["total"], found["right"], found["share"]) == (20, 20, 1.0)
    assert (found["telling"], found["p"]) == (True, 0.01)
    assert found["interval"][0] > 0.8


def test_the_same_words_in_other_places_are_chance():
    found = tells(*rows(20, balanced))
    assert (found["share"], found["telling"]) == (0.5, False)
    assert found["interval"][0] < 0.5 < found["interval"][1]


def test_what_permuted_kinds_show_as_well_is_not_called_telling(monkeypatch):
    monkeypatch.setattr("assay.statistics.tells.by_chance", lambda samples, draws: 0.06)
    found = tells(*rows(20, telling))
    assert (found["telling"], found["p"]) == (False, 0.06)
    assert "p = 0.06 by permutation" in in_words("t", found)


def test_a_permutation_test_of_a_word_that_tells_nothing_is_not_small():
    samples = [
        Sample(str(number), number % 2 == 0, f"word{number % 3} " * 3) for number in range(18)
    ]
    assert by_chance(samples, 39) > 0.2
    assert by_chance([], 9) is None


def test_few_tasks_show_nothing_and_say_so_by_their_interval():
    found = tells(*rows(4, telling))
    assert found["interval"][0] < 0.55
    assert tells(*rows(0, telling)) is None


def test_a_word_of_one_unit_alone_does_not_help():
    tasks, keys = rows(12, lambda number, weak: f"{weak}{number}")
    assert tells(tasks, keys)["telling"] is False


def test_other_categories_are_left_out():
    tasks, keys = rows(6, telling)
    for row in (*tasks, *keys):
        row["category"] = "code_generation"
    assert tells(tasks, keys) is None


@pytest.mark.parametrize("count", [1, 2])
def test_targets_are_told_one_by_one_and_together(count):
    figures = tells(*rows(20, balanced))
    targets = {f"t{number}": {"tells": figures} for number in range(count)}
    summary = {"targets": {**targets, "none": {"tells": None}}, "tells": figures}
    names = ["t0"] if count == 1 else ["t0", "t1", "all targets"]
    assert [name for name, _ in by_part(summary)] == names
    assert in_words("t0", figures) == (
        "t0: counts of words alone tell vulnerable from clean units in "
        f"{figures['right']} of 20 audit tasks, {figures['ties']} undecided "
        "(50.0 %, 95 % interval 29.9 to 70.1 %; chance is 50 %)."
    )
