"""What every step's program does alike: arguments, containment, lock, log, errors, exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from assay.core import digests
from assay.core.containment import require_contained
from assay.core.errors import AssayError, UserError
from assay.core.files import unwritable
from assay.core.locks import die_with_owner, exclusive
from assay.core.progress import say

Main = Callable[[argparse.Namespace], None]


def parser(description: str | None, *, contained: bool = True) -> argparse.ArgumentParser:
    """Return a parser with the flags that all steps share.

    --settings JSON: the part of the config that the step uses
    --image NAME:    (contained steps) the image that it must find itself in
    --log FILE:      a copy of standard error
    --run-lock FILE: the lock that the workflow holds while it lives
    --read FILES:    all inputs; they are checked against the digests that their steps recorded
    --made FILES:    all outputs; their digests are recorded
    """
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--settings", type=_json, default={}, help="the step's settings as JSON")
    made.add_argument("--log", type=Path, help="file that gets a copy of standard error")
    made.add_argument("--run-lock", type=Path, help="lock held by the workflow while it lives")
    made.add_argument("--read", type=Path, nargs="*", default=[], help="inputs to check")
    made.add_argument("--made", type=Path, nargs="*", default=[], help="outputs to record")
    made.set_defaults(image=None, contained=contained)
    if contained:
        made.add_argument("--image", required=True, help="image that the step must run in")
    return made


def run(main: Main, arguments: argparse.Namespace, lock: Path) -> None:
    """Run a step's main function under its output's lock; exit 0, 1 (ours) or 2 (the user's)."""
    os.umask(0o022)
    try:
        if arguments.log:
            _copy_stderr(arguments.log)
        if arguments.contained:
            require_contained(arguments.image)
        if arguments.run_lock:
            die_with_owner(arguments.run_lock)
        say(f"environment: {_variation()}")
        with exclusive(_place(lock, arguments.run_lock), lock.name):
            _checked(main, arguments)
    except UserError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except AssayError as error:
        say(f"internal error: {error}")
        sys.exit(error.exit_code)


def _checked(main: Main, arguments: argparse.Namespace) -> None:
    """Run a step between the check of its inputs and the record of its outputs."""
    if not arguments.run_lock:  # by hand, on files that no workflow keeps
        main(arguments)
        return
    root = digests.root_of(arguments.run_lock)
    digests.check(root, arguments.read)
    digests.forget(root, arguments.made)
    main(arguments)
    digests.record(root, arguments.made)


def lock_of(output: Path) -> Path:
    """Return the lock file that guards an output (outside the compared results)."""
    return output.parent / f".{output.name}.lock"


def _variation() -> str:
    """Return what `make twice` varies, as this step sees it (shown in the log, used nowhere)."""
    names = ("TZ", "LC_ALL", "PYTHONHASHSEED")
    seen = [f"{name}={os.environ.get(name, '')}" for name in names]
    return " ".join([*seen, f"cores={len(os.sched_getaffinity(0))}", f"uid={os.getuid()}"])


def _place(lock: Path, run_lock: Path | None) -> Path:
    """Keep the locks of a workflow's steps together, beside the run's own, not in its results."""
    if not run_lock:
        return lock
    return run_lock.with_name(f"{run_lock.name}.d") / "-".join(lock.parts).replace("/", "")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from error


class _Tee:
    """Standard error, and a log that is given up where it can't be written.

    A full disk must not hide what a step says of it: the step goes on until its output fails.
    """

    def __init__(self, stream: TextIO, path: Path) -> None:
        self.stream, self.path = stream, path
        self.log: BinaryIO | None = path.open("ab", buffering=0)

    def write(self, text: str) -> int:
        self.stream.write(text)
        try:
            if self.log:
                self.log.write(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            self.log = None
            self.stream.write(f"can't write the log {self.path}: {error.strerror}\n")
        return len(text)

    def flush(self) -> None:
        self.stream.flush()


def _copy_stderr(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sys.stderr = _Tee(sys.stderr, path)
    except OSError as error:
        raise unwritable(path, error) from error
