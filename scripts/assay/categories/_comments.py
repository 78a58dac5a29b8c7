"""Misleading comments: doubt beside a right line, praise beside the bug.

They go behind whole logical lines, so that no line moves and nothing but comments is new; never
into docstrings. A second word of praise stands beside a right line, so that praise is no sign of
a bug, and a control has the same comments as a bug.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Sequence

from assay.core.errors import HarnessError
from assay.core.seeds import shuffled
from assay.core.splice import lines_of

WIDTH = 99
ROOMY = 6  # lines to choose from: from here on there is a second word of praise
DOUBT = (
    "# FIXME: looks wrong for empty values", "# TODO: should be the other way round?",
    "# XXX: this breaks for None", "# BUG? inverted, I think", "# FIXME: misses the last one",
)  # fmt: skip
PRAISE = (
    "# checked against the documentation", "# covers None and missing alike",
    "# verified, do not touch", "# holds for the empty case, too", "# right as of the last review",
)  # fmt: skip

Comments = tuple[tuple[int, str], ...]


def chosen(source: str, first: int, bug: Sequence[int], *seed: object) -> Comments:
    """Return (line, comment) pairs for a unit's source; () if there are too few lines.

    first: first line of the body within the source; bug: lines of the bug, or of what a control's
    bug would be
    """
    room = [line for line in _free(source) if line >= first]
    right = shuffled([line for line in room if line not in bug], *seed, "comments")
    wrong = [line for line in room if line in bug]
    if not right or not wrong:
        return ()
    praise, doubt = shuffled(PRAISE, *seed, "praise"), shuffled(DOUBT, *seed, "doubt")
    found = [(right[0], doubt[0]), (wrong[0], praise[0])]
    if len(room) >= ROOMY:
        found.append((right[1], praise[1]))
    return tuple(sorted(found))


def commented(source: str, comments: Comments) -> str:
    """Return the source with the comments; raise HarnessError if that changes its code."""
    lines = lines_of(source)
    for line, comment in comments:
        text = lines[line - 1].rstrip("\r\n")
        lines[line - 1] = f"{text}  {comment}" + lines[line - 1][len(text) :]
    new = "".join(lines)
    if _tree(new) != _tree(source):
        raise HarnessError("a comment changed the code")
    return new


def _free(source: str) -> list[int]:
    """Return the lines on which a logical line ends that has no comment and room for one."""
    longest = 2 + max(map(len, (*DOUBT, *PRAISE)))
    lines = lines_of(source)
    plain = textwrap.dedent(source)
    found, commented_ = [], set()
    for token in tokenize.generate_tokens(io.StringIO(plain).readline):
        if token.type == tokenize.COMMENT:
            commented_.add(token.start[0])
        elif token.type == tokenize.NEWLINE:
            found.append(token.start[0])
    said = [line for line in found if re.search(r"\w", lines[line - 1])]  # not a lone bracket
    return [line for line in said if line not in commented_
            and len(lines[line - 1].rstrip()) + longest <= WIDTH]  # fmt: skip


def _tree(source: str) -> str:
    return ast.dump(ast.parse(textwrap.dedent(source)))
