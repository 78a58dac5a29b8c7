"""The log that an engine writes into: what it has said since it was last started."""

from __future__ import annotations

from pathlib import Path
from typing import IO

LAST_WORDS = 600  # bytes


class Log:
    """An open file that a child writes into, and the place where its last start began."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self._start = stream, 0

    def mark(self) -> None:
        """Remember the end of the file: a child is about to start."""
        self.stream.flush()
        self._start = Path(self.stream.name).stat().st_size

    def since_start(self) -> bytes:
        """Return what has been written since the mark."""
        with Path(self.stream.name).open("rb") as stream:
            stream.seek(self._start)
            return stream.read()

    def last_words(self) -> str:
        """Return the end of it, for a message."""
        return self.since_start()[-LAST_WORDS:].decode("utf-8", "replace")
