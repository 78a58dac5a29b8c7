"""A sandbox that stays: it is asked again and again, until it ends or is closed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence

from assay.core.execution import Limits
from assay.sandbox import launch
from assay.sandbox import view as views
from assay.sandbox.guard import Guard
from assay.sandbox.view import View


class Live:
    """One running sandbox whose program reads requests and answers over the channel.

    The bounds of `limits` hold for each request: silence, output, processes, memory; the
    processor time is that of the whole.
    """

    def __init__(self, argv: Sequence[str], view: View, limits: Limits) -> None:
        self.stack = contextlib.ExitStack()
        with contextlib.ExitStack() as ours:
            reader, self.writer = os.pipe()
            ours.callback(os.close, reader)
            self.stack.callback(os.close, self.writer)
            running = launch.start(self.stack, argv, view, limits, reader)
        self.process = running.process
        self.guard = Guard(running, limits)
        self.stack.callback(self.guard.close)

    def ask(self, request: bytes, complete: Callable[[bytes], bool]) -> bytes | None:
        """Send a request; return what came until `complete` (asked about each new part) held.

        None if the sandbox has ended or gone beyond a bound; it is closed then.
        """
        # Until it has been let go it reads nothing, and a pipe holds 64 KiB.
        if self.guard.init is None and self.guard.watch(self._has_started) is not None:
            self.close()
            return None
        parts: list[bytes] = []

        def until() -> bool:
            fresh = self.guard.take("channel")
            parts.append(fresh)
            return complete(fresh)

        try:
            view = memoryview(request)
            while view:
                view = view[os.write(self.writer, view) :]
        except BrokenPipeError:
            self.close()
            return None
        if self.guard.watch(until) is not None:
            self.close()
            return None
        for name in ("stdout", "stderr"):
            self.guard.take(name)
        return b"".join(parts)

    def _has_started(self) -> bool:
        return self.guard.init is not None

    def close(self) -> None:
        """End the sandbox and all that runs in it."""
        launch.kill(self.process, self.guard.init)
        views.restore_devices(launch.DEVICE_MODES)
        self.stack.close()
