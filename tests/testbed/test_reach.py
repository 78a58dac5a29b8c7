"""A test that can't meet a change is left out, and no other one."""

from __future__ import annotations

import ast
import sys

import pytest

from assay.core.execution import Job
from assay.testbed.reach import Reach, learn, met_at

PROGRAM = '''\
def sort_out(values, limit):
    """Do a bit of everything."""
    global SEEN
    kept: list
    kept, odd = [], 0
    for value in values:
        if value is None:
            continue
        elif value < 0:
            try:
                kept.append(limit // (value + 1))
            except ZeroDivisionError:
                kept.append(None)
            finally:
                odd += 1
        elif (value
              > limit):
            break
        else:
            @str
            def later():
                return value * 2
            twice = lambda: (
                value * 2
            )
            kept.append(twice() if value else [one for one in range(
                limit)])
    else:
        while odd:
            odd -= 1
            if odd == 2:
                return kept
        pass
    with open("/dev/null") as nothing:
        kept += [nothing.closed]
    match kept:
        case []:
            pass
        case [False]:
            return "none"
    return kept, odd
'''
INPUTS = [([], 3), ([None], 3), ([1, 0], 3), ([-1], 2), ([-2, -3, -4], 9), ([5, 1], 4),
          ([3, -5], 3), ([-1, -1], 1), ([0], 0)]  # fmt: skip


def ran(text, given):
    """Return what a call does, and the lines that it executes."""
    space, lines = {}, set()
    exec(compile(text, "program", "exec"), space)

    def trace(frame, event, _):
        if frame.f_code.co_filename != "program":
            return None
        if event == "line":
            lines.add(frame.f_lineno)
        return trace

    sys.settrace(trace)
    try:
        result = repr(space["sort_out"](*given))
    except ValueError as error:
        result = repr(error)
    finally:
        sys.settrace(None)
    return result, lines


def statements(text):
    function = ast.parse(text).body[0]
    nodes = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    return [node for node in nodes if not isinstance(node, ast.FunctionDef)]


def spoilt(node):
    """Return the program with an exception in a statement's place; None for an `elif`."""
    lines = PROGRAM.splitlines(keepends=True)
    first = lines[node.lineno - 1]
    if first.lstrip().startswith("elif"):
        return None
    indent = first[: len(first) - len(first.lstrip())]
    raising = f"{indent}raise ValueError\n"
    return "".join([*lines[: node.lineno - 1], raising, *lines[node.end_lineno :]])


def test_who_executes_no_line_of_the_statement_never_meets_its_change():
    seen = [ran(PROGRAM, given) for given in INPUTS]
    silent = 0
    for node in statements(PROGRAM):
        text = spoilt(node)
        if text is None:
            continue
        first, last = met_at(PROGRAM, text)
        meets = [any(first <= line <= last for line in lines) for _, lines in seen]
        told = [
            ran(text, given)[0] != before for given, (before, _) in zip(INPUTS, seen, strict=True)
        ]
        assert all(one or not other for one, other in zip(meets, told, strict=True)), (text, meets)
        if (first, last) == (node.lineno, node.end_lineno):
            assert meets == told, text  # no test more than needed, either
            silent += not all(meets)
    assert silent > 15  # else it shows little


@pytest.mark.parametrize(("old", "new", "span"), [
    ("    kept: list\n", "    kept: dict\n", (1, 41)),  # nothing runs there
    ("    else:\n        while", "    if 1:\n        while", (6, 33)),
    ("return value * 2", "return value * 3", (22, 22)),
    ("            @str\n", "            @repr\n", (16, 27)),
    ("        pass\n    with", "        pass\n        odd += 1\n    with", (1, 41)),
    ("value * 2\n            )", "value * 3\n            )", (23, 25)),
    ("limit):\n            break", "limit + 1):\n            break", (16, 27)),
])  # fmt: skip
def test_the_smallest_statement_around_a_change_is_found(old, new, span):
    assert PROGRAM.count(old) == 1
    assert met_at(PROGRAM, PROGRAM.replace(old, new)) == span


def test_what_is_not_in_one_function_may_be_met_by_all():
    two = PROGRAM + "\n\ndef other():\n    return 1\n"
    assert met_at(two, two.replace("return 1", "return 2").replace("odd -= 1", "odd -= 2")) is None
    assert met_at("A = 1\n", "A = 2\n") is None
    assert met_at(two, two.replace("def other():", "def other(x=1):")) == (44, 45)


@pytest.mark.slow
def test_tests_are_watched_where_they_run_alone(grown):
    core = ("CACHE = {}\n\n\ndef early():\n    return 1\n\n\nONE = early()\n\n\ndef cached(key):\n"
            "    if key not in CACHE:\n        CACHE[key] = key * 2\n    return CACHE[key]\n\n\n"
            "def idle():\n    return 0\n")  # fmt: skip
    tests = ("import sys\n\nfrom pkg import core\n\n\ndef test_a():\n"
             "    assert core.cached(1) == 2\n"
             "\n\ndef test_b():\n    assert core.cached(1) == 2\n\n\ndef test_blind():\n"
             "    sys.settrace(None)\n    assert core.cached(1) == 2\n\n\ndef test_fails():\n"
             "    assert core.idle()\n\n\ndef test_nothing():\n    pass\n")  # fmt: skip
    bench = grown({"pkg/__init__.py": "", "pkg/core.py": core, "tests/test_x.py": tests})
    names = [f"tests/test_x.py::test_{name}" for name in ("a", "b", "blind", "fails", "nothing")]
    a, b, blind, fails, nothing = names
    reach = learn(bench, names, ["pkg/core.py"])
    assert set(reach.lines) == {a, b, nothing}  # of the others it is not known
    assert reach.lines[a]["pkg/core.py"] == reach.lines[b]["pkg/core.py"] == {4, 5, 12, 13, 14}
    assert reach.lines[nothing]["pkg/core.py"] == {4, 5}

    def meeting(old, new):
        assert core.count(old) == 1
        return reach.meeting(Job({"pkg/core.py": core.replace(old, new)}, tests=names), bench)

    assert meeting("key * 2", "key * 3") == [a, b, blind, fails]
    assert meeting("return 0", "return 1") == [blind, fails]
    assert meeting("return 1", "return 2") == names  # it runs when the module is imported
    assert meeting("ONE = early()", "ONE = 1") == names
    assert Reach(reach.lines).meeting(Job({"pkg/core.py": core.replace("0", "1")}, tests=names),
                                      bench) == names  # fmt: skip
    assert Reach({}).meeting(Job({"pkg/core.py": core}, tests=names), bench) == names
