"""A Python file's bytes as text, with the lines and offsets that Python itself counts."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from itertools import accumulate

from assay.core.splice import lines_of

BOM = codecs.BOM_UTF8
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:[#\r\n]|$)")


class UnreadableError(ValueError):
    """The file can't be read as Python; the text says why, in words fit for a report."""


def decode(data: bytes) -> str:
    """Return the text that Python reads from a source file, without a byte order mark.

    Line ends stay as they are. Raises UnreadableError if the bytes do not fit the encoding that the
    file declares (PEP 263; UTF-8 where it declares none).
    """
    start = bom_length(data)
    declared = _declared(data[start:])
    name = declared or "utf-8"
    try:
        codec = codecs.lookup(name).name
        if start and codec != "utf-8":
            raise UnreadableError(f"declares {name} but starts with a UTF-8 byte order mark")
        text = data[start:].decode(name)
        text.encode("utf-8")
    except LookupError as error:
        raise UnreadableError(f"declares the unknown encoding {name}") from error
    except UnicodeDecodeError as error:
        at = error.start + start
        raise UnreadableError(f"not {_shown(declared)} at byte {at}") from error
    except UnicodeError as error:
        raise UnreadableError(f"not {_shown(declared)}: {error}") from error
    if "\0" in text:
        raise UnreadableError(f"a NUL at character {text.index(chr(0)) + 1}")
    return text


def bom_length(data: bytes) -> int:
    """Return how many bytes the file's byte order mark takes."""
    return len(BOM) if data.startswith(BOM) else 0


class Lines:
    """Offsets of a text, in characters, as 1-based lines and as UTF-8 bytes.

    base: bytes that stand before the text in the file (its byte order mark)
    """

    def __init__(self, text: str, base: int = 0) -> None:
        self.text = text
        self.lines = lines_of(text)
        self.starts = [0, *accumulate(len(line) for line in self.lines)]
        self.base = base
        self.bytes = (
            self.starts
            if text.isascii()
            else [0, *accumulate(len(line.encode("utf-8")) for line in self.lines)]
        )

    def line(self, offset: int) -> int:
        """Return the number of the line that holds the character."""
        return min(bisect_right(self.starts, offset), max(len(self.lines), 1))

    def byte(self, offset: int) -> int:
        """Return the offset in the file's UTF-8 bytes."""
        index = bisect_right(self.starts, offset) - 1
        before = self.text[self.starts[index] : offset]
        return self.base + self.bytes[index] + len(before.encode("utf-8"))

    def whole(self, first: int, last: int) -> str:
        """Return the lines from first to last, both included."""
        return self.text[self.starts[first - 1] : self.starts[last]]

    def blank(self, line: int) -> bool:
        """Tell whether the line holds nothing but white space."""
        return not self.lines[line - 1].strip()


def _declared(data: bytes) -> str | None:
    for line in re.split(rb"\r\n|\r|\n", data[:4096], maxsplit=2)[:2]:
        found = _COOKIE.match(line)
        if found:
            return found[1].decode("ascii")
        if not _BLANK.match(line):
            return None
    return None


def _shown(declared: str | None) -> str:
    return declared or "UTF-8"
