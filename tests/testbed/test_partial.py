"""A part of a file compiles to the same function as the whole file does."""

from __future__ import annotations

import argparse
import enum
import logging
from pathlib import Path
from types import CodeType

import pytest

from assay.testbed.inside.partial import Source, changed_lines, lines_of

NESTED = '''\
from __future__ import annotations

import functools


class Outer:
    class Inner(dict):
        """A class in a class."""

        @functools.cache
        def _get(self, key: no_such_name = 3) -> nothing:
            return [self.__secret(one) for one in super().values() if one == key]

        async def later(self):
            def inner():
                return self
            yield inner

    def one(self): return 1


if True:
    def hidden(): return 2


def last():
    return (yield)
'''


def codes_of(code):
    for item in code.co_consts:
        if isinstance(item, CodeType):
            yield item
            yield from codes_of(item)


def told(code):
    """Return what a function's code does; calls on imported modules may be compiled otherwise."""
    lines = sorted({line for _, _, line in code.co_lines() if line})
    constants = [one for one in code.co_consts if not isinstance(one, CodeType)]
    return (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
            code.co_flags, lines, repr(constants))  # fmt: skip


@pytest.mark.parametrize("given", [argparse, enum, logging, NESTED])
def test_a_part_holds_the_function_of_the_whole_file(given):
    text = given if isinstance(given, str) else Path(given.__file__).read_text(encoding="utf-8")
    whole = compile(text, "x.py", "exec", dont_inherit=True)
    known = {}
    for code in codes_of(whole):
        known.setdefault((code.co_firstlineno, code.co_qualname), []).append(told(code))
    source = Source(text)
    assert len(source.parts) >= 4
    for part in source.parts:
        compiled = compile(part.text(source.lines), "x.py", "exec", whole.co_flags & 0x1000000,
                           dont_inherit=True)  # fmt: skip
        functions = [code for code in codes_of(compiled) if code.co_firstlineno >= part.lines[0]]
        assert functions
        for code in functions:
            assert told(code) in known[code.co_firstlineno, code.co_qualname]


def test_a_change_in_a_function_needs_its_part_alone():
    source = Source(NESTED)
    changed = NESTED.replace("if one == key", "if one != key\n            ][:2]")
    part, text = source.part(changed)
    assert part.lines == (10, 12)
    assert text == "\n" * 5 + "class Outer:\n    class Inner:\n\n\n" + "".join(
        lines_of(changed)[9:13]
    )


@pytest.mark.parametrize(("old", "new"), [
    ("import functools", "import functools as f"), ("return 2", "return 3"), ("x", "x"),
    ("\n\n\ndef last", "\n\ndef last"), ("class Inner", "class _Inner"),
    ("return 1\n", "return 1\n\n    two = 2\n"),
])  # fmt: skip
def test_any_other_change_needs_the_whole_file(old, new):
    assert Source(NESTED).part(NESTED.replace(old, new)) is None


@pytest.mark.parametrize(("old", "new", "lines"), [
    ("a\nb\nc\n", "a\nB\nc\n", (2, 2)), ("a\nb\nc\n", "a\nc\n", (2, 2)),
    ("a\nb\nc\n", "a\nx\nb\nc\n", (1, 2)), ("a\nb\nc\n", "a\nB\nC\nc\n", (2, 2)),
    ("a\na\na\n", "a\na\n", (3, 3)), ("a\nb", "a\nb\nc", (2, 2)),
    ("a\r\nb\rc", "a\r\nb\rC", (3, 3)),
    ("a\fb\x1cc\nd", "a\fb\x1cC\nd", (1, 1)), ("a\n", "a\n", (1, 2)), ("", "a", (0, 1)),
])  # fmt: skip
def test_changed_lines_are_the_smallest_range(old, new, lines):
    assert changed_lines(lines_of(old), lines_of(new)) == lines


@pytest.mark.parametrize("text", ["\ufeff" + NESTED, "# -*- coding: latin-1 -*-\n" + NESTED])
def test_a_file_that_is_read_in_another_way_is_left_whole(text):
    assert Source(text).parts == []
