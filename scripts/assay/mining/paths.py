"""Which files of a tree are scanned, and under which name Python imports them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

SUFFIX = ".py"
OUTSIDE = "not in scan"
TARGET = "skip of the target"
GENERATED = "generated"
HEAD_BYTES = 16_384


class PathFilter:
    """Says of each path why it is not scanned, if it is not.

    skip:    the content of skip.yaml
    options: the target's `scan` (default: all), `skip` and `keep`, lists of patterns
    """

    def __init__(self, skip: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self.scan = _pattern(options.get("scan") or ["**"])
        self.keep = _pattern(options.get("keep") or [])
        reasons: dict[str, list[str]] = {TARGET: options.get("skip") or [], **skip["paths"]}
        self.reasons = {reason: _pattern(globs) for reason, globs in reasons.items()}
        markers = skip["generated_markers"]
        self.head_lines = int(markers["lines"])
        self.markers = re.compile("|".join(markers["words"]), re.IGNORECASE)

    def reason(self, path: str, data: bytes) -> str | None:
        """Return why the file is not scanned, or None if it is."""
        if not self.scan.fullmatch(path):
            return OUTSIDE
        if self.keep.fullmatch(path):
            return None
        for reason, pattern in self.reasons.items():
            if pattern.fullmatch(path):
                return reason
        return GENERATED if self._generated(data) else None

    def _generated(self, data: bytes) -> bool:
        # Only words in ASCII are looked for, so that any encoding will do.
        head = data[:HEAD_BYTES].decode("latin-1").splitlines()[: self.head_lines]
        return any(self.markers.search(line) for line in _prose(head))


def module_name(path: str, roots: Sequence[str]) -> str:
    """Return the dotted name that Python imports the file by, or "" if it can't.

    roots: folders that are on the import path, "" for the tree's root; the deepest one counts
    """
    inside = [root for root in (r.strip("/") for r in roots) if _below(path, root)]
    if not inside:
        return ""
    root = max(inside, key=len)
    parts = path[len(root) :].strip("/").removesuffix(SUFFIX).split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""


def _below(path: str, root: str) -> bool:
    return not root or path.startswith(f"{root}/")


def _prose(lines: Sequence[str]) -> list[str]:
    """Return the lines of comments and of the docstring before the first statement."""
    prose, quote = [], ""
    for line in lines:
        text = line.strip().removeprefix("\xef\xbb\xbf")
        opening = re.match(r"[rRuU]?(\"\"\"|'''|\"|')", text)
        if quote or text.startswith("#") or not text:
            prose.append(text)
            quote = "" if quote and quote in text else quote
        elif opening:
            prose.append(text)
            quote = "" if opening[1] in text[opening.end() :] else opening[1]
        else:
            break
    return prose


def _pattern(globs: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(_translated(glob) for glob in globs) or r"(?!)", re.DOTALL)


def _translated(glob: str) -> str:
    anchored = "/" in glob.rstrip("/")
    glob = glob.strip("/").removeprefix("./")
    tokens = re.split(r"(\*\*/|/\*\*|\*\*|\*|\?|\[!?[^]]+\])", glob)
    body = "".join(_token(token) for token in tokens)
    return f"{'' if anchored else '(?:.*/)?'}{body}(?:/.*)?"


def _token(token: str) -> str:
    fixed = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in fixed:
        return fixed[token]
    if token.startswith("[") and token.endswith("]") and len(token) > 2:
        return "[" + token[1:-1].replace("\\", "\\\\").replace("!", "^", token[1] == "!") + "]"
    return re.escape(token)
