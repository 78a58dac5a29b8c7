"""Which functions of the tree are executed, by their first lines, and which lines of them."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Collection, Iterator
from types import CodeType, FrameType
from typing import Any

from assay.testbed.inside.tree import relative

Reached = dict[tuple[str, int], set[int]]


@contextlib.contextmanager
def reached(
    *, lines: bool = False, files: Collection[str] | None = None
) -> Iterator[Reached]:  # fmt: skip
    """Collect (path in the tree, first line) of every function called in the block.

    lines: also which of its lines are executed, as offsets from its first line
    files: paths in the tree that are of interest (None: all)
    A function counts as executed when it is entered: the first statement of its body runs then.
    """
    codes: dict[CodeType, set[int] | None] = {}
    found: Reached = {}

    def enter(frame: FrameType, _event: str, _argument: Any) -> Any:
        code = frame.f_code
        if code not in codes:
            path = relative(code.co_filename)
            wanted = path is not None and (files is None or path in files)
            codes[code] = set() if wanted else None
        return step if lines and codes[code] is not None else None

    def step(frame: FrameType, event: str, _argument: Any) -> Any:
        seen = codes[frame.f_code]
        if event == "line" and seen is not None:
            seen.add(frame.f_lineno - frame.f_code.co_firstlineno)
        return step

    threading.settrace(enter)
    sys.settrace(enter)
    try:
        yield found
    finally:
        sys.settrace(None)
        threading.settrace(None)
        for code, seen in codes.items():
            path = relative(code.co_filename)
            if path is not None and seen is not None:
                found.setdefault((path, code.co_firstlineno), set()).update(seen)
