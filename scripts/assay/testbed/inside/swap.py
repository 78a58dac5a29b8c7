"""Puts a changed function into a process that has imported the unchanged target.

A job's new text of a file differs from the old one in some functions' bodies. Where that is all,
and none of them has run while the target was imported, their code objects are exchanged, so that
the target needs no new import. In every other case there is no swap, and the caller starts afresh.
"""

from __future__ import annotations
import __future__

import gc
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, Self

from assay.testbed.inside.partial import Source
from assay.testbed.inside.tree import TREE

Place = tuple[str, int, str]  # file, first line, qualified name
Swap = tuple[FunctionType, CodeType]
FUTURE = 0  # flags of all that a file may import from __future__
for _name in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _name).compiler_flag
UNREADABLE = (OSError, SyntaxError, ValueError, RecursionError, MemoryError)


class Early:
    """Notes which functions run while the target is imported or its tests are collected."""

    def __init__(self) -> None:
        self.places: dict[Place, CodeType] = {}

    def __enter__(self) -> Self:
        """Begin to note."""
        sys.setprofile(self._event)
        return self

    def __exit__(self, *_: object) -> None:
        """End noting."""
        sys.setprofile(None)

    def _event(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            self.places.setdefault(place_of(frame.f_code), frame.f_code)


def place_of(code: CodeType) -> Place:
    """Return what identifies a function's code in the unchanged tree."""
    return code.co_filename, code.co_firstlineno, code.co_qualname


class Imported:
    """The functions of the tree that a process holds, by their place."""

    def __init__(self, early: Early) -> None:
        self.early = early.places
        self.functions: dict[Place, list[FunctionType]] = {}
        # The server ends itself where a job has changed the tree, so these stay true.
        self.sources: dict[str, Source] = {}  # file in the tree -> its lines and functions
        self.unchanged: dict[tuple[str, int], CodeType] = {}  # file, line of the part (0: whole)
        for item in gc.get_objects():
            if type(item) is FunctionType and item.__code__.co_filename.startswith(f"{TREE}/"):
                self.functions.setdefault(place_of(item.__code__), []).append(item)

    def plan(self, files: Mapping[str, str]) -> list[Swap] | None:
        """Return the exchanges that turn the unchanged files into these, or None if none do."""
        swaps: list[Swap] = []
        loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        for name, text in sorted(files.items()):
            path = str(TREE / name)
            try:
                old, new = self._codes(path, text)
            except UNREADABLE:
                return None
            changed = list(_changed(old, new)) if path in loaded else [None]
            for pair in changed:
                found = self._swaps(*pair) if pair else None
                if not found:
                    return None
                swaps += found
        return swaps

    def _codes(self, path: str, text: str) -> tuple[CodeType, CodeType]:
        """Return the code of the unchanged file and of its new text: of all, or of one function."""
        if path not in self.sources:
            data = Path(path).read_bytes()
            self.unchanged[path, 0] = _compiled(data, path)
            self.sources[path] = Source(data.decode("utf-8"))
        source, whole = self.sources[path], self.unchanged[path, 0]
        found = source.part(text)
        if found is None:
            return whole, _compiled(_encoded(text), path)
        (part, new), flags = found, whole.co_flags & FUTURE
        at = path, part.lines[0]
        if at not in self.unchanged:
            self.unchanged[at] = _compiled(_encoded(part.text(source.lines)), path, flags)
        return self.unchanged[at], _compiled(_encoded(new), path, flags)

    def _swaps(self, old: CodeType, new: CodeType) -> list[Swap] | None:
        place = place_of(old)
        same = old.co_freevars == new.co_freevars and _outer(new.co_flags) == _outer(old.co_flags)
        inner = {place_of(code) for code in _inner_codes(old)}
        if not same or place in self.early or not inner.isdisjoint(self.early):
            return None
        return [(function, new) for function in self.functions.get(place, ())]


def _compiled(data: bytes, path: str, flags: int = 0) -> CodeType:
    code: CodeType = compile(data, path, "exec", flags, dont_inherit=True)
    return code


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _outer(flags: int) -> int:
    """Return the flags that belong to the call: arguments; generators and coroutines."""
    return flags & ~0x10  # CO_NESTED


def _changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType] | None]:
    """Yield the pairs of functions that differ; None if anything else does.

    A function within a function belongs to the outer one's code.
    """
    if _bare(old) != _bare(new):
        yield None
        return
    for before, after in zip(_codes(old), _codes(new), strict=True):
        if is_function(before):
            if _signature(before) != _signature(after):
                yield None
            elif _deep(before) != _deep(after):
                yield before, after
        else:
            yield from _changed(before, after)


def _codes(code: CodeType) -> list[CodeType]:
    return [item for item in code.co_consts if isinstance(item, CodeType)]


def _inner_codes(code: CodeType) -> Iterator[CodeType]:
    for item in _codes(code):
        yield item
        yield from _inner_codes(item)


def is_function(code: CodeType) -> bool:
    """Tell whether a code object is a function's, not a module's or a class'."""
    return bool(code.co_flags & 0x02)  # CO_NEWLOCALS


def _constants(code: CodeType) -> list[Any]:
    """Return the constants by type and text, a code object by its name only."""
    return [
        item.co_name if isinstance(item, CodeType) else _constant(item) for item in code.co_consts
    ]


def _constant(value: Any) -> Any:
    if isinstance(value, tuple):
        return ("tuple", *map(_constant, value))
    if isinstance(value, frozenset):
        return ("frozenset", sorted(map(repr, value)))
    return type(value).__name__, repr(value)


def _bare(code: CodeType) -> tuple[Any, ...]:
    """Return what a module or class body does, without lines and the code of its functions."""
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
            code.co_exceptiontable, code.co_flags, _constants(code))  # fmt: skip


def _deep(code: CodeType) -> tuple[Any, ...]:
    return (*_bare(code), [_deep(item) for item in _codes(code)])


def _signature(code: CodeType) -> tuple[Any, ...]:
    count = code.co_argcount + code.co_kwonlyargcount
    variadic = code.co_flags & 0x0C  # CO_VARARGS, CO_VARKEYWORDS
    names = code.co_varnames[: count + variadic.bit_count()]
    return (code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount,
            variadic, names, code.co_consts[:1] if _documented(code) else None)  # fmt: skip


def _documented(code: CodeType) -> bool:
    return bool(code.co_consts) and isinstance(code.co_consts[0], str)
