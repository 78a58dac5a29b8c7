"""One process of coverage-guided fuzzing (Atheris): one target, for some seconds.

A finding does not end it: the smallest input of each kind is kept, with what it raised.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import atheris

from fuzzing.kept import Kept
from fuzzing.watch import bounded

SLOWER = 10.0  # times that instrumented code is slower, with a margin
LONGEST = 4096


def main(name: str, seconds: str, given: str) -> None:
    """Fuzz one target; `given` is the folder with its seeds, and for all that is kept."""
    folder = Path(given)
    with atheris.instrument_imports(include=["assay"]):
        target = bounded(importlib.import_module(f"fuzzing.{name}").run, SLOWER)
    kept = Kept(folder)

    def one(data: bytes) -> None:
        took = 0.0
        try:
            took = target(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            kept.found(data, error)
        kept.ran(data, took)

    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=120",
               f"-dict={folder / 'dictionary'}", f"-artifact_prefix={folder}/crash-",
               "-rss_limit_mb=3000", "-seed=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], str(folder / "corpus"), str(folder / "seeds"), *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
