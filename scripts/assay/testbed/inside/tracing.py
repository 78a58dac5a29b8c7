"""Which functions of the tree are executed, by their first lines."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from assay.testbed.inside.tree import relative

Reached = set[tuple[str, int]]


@contextlib.contextmanager
def reached() -> Iterator[Reached]:
    """Collect (path in the tree, first line) of every function called in the block.

    A function counts as executed when it is entered: the first statement of its body runs then.
    """
    codes: set[CodeType] = set()
    found: Reached = set()

    def enter(frame: FrameType, _event: str, _argument: Any) -> None:
        codes.add(frame.f_code)

    threading.settrace(enter)
    sys.settrace(enter)
    try:
        yield found
    finally:
        sys.settrace(None)
        threading.settrace(None)
        for code in codes:
            path = relative(code.co_filename)
            if path is not None:
                found.add((path, code.co_firstlineno))
