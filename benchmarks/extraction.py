"""Lines a second of Assay's extraction beside bare ast-grep and Python's own parser.

Run as `python benchmarks/extraction.py [FOLDER]` (default: the standard library). The three take
turns file by file, so that a machine that is busy for a while slows all of them; the ratios are
the result.
"""

from __future__ import annotations

import argparse
import ast
import sys
import sysconfig
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ast_grep_py import SgRoot
from common import ROOT, machine, write

sys.path.insert(0, str(ROOT / "scripts"))

from assay.core.progress import track
from assay.mining.rules import load_rules
from assay.mining.units import file_rows

LEAST = 400_000  # lines
INSTALLED = {"site-packages", "dist-packages"}  # no part of the standard library


def ways() -> dict[str, Callable[[str, bytes], int]]:
    """Return what is compared; each takes a file and returns how many things it found."""
    rules = load_rules(ROOT / "config" / "extraction")

    def bare(_path: str, data: bytes) -> int:
        root = SgRoot(data.decode("utf-8"), "python").root()
        return len(root.find_all(kind="function_definition"))

    return {
        "assay": lambda path, data: len(file_rows(path, data, rules)),
        "ast_grep": bare,
        "ast_parse": lambda _path, data: len(ast.parse(data).body),
    }


def measure(files: list[Path], folder: Path) -> dict[str, Any]:
    """Return lines, seconds of each way, and the ratios."""
    seconds: Counter[str] = Counter()
    found: Counter[str] = Counter()
    compared, lines = ways(), 0
    for path in track(files, "extraction"):
        data = path.read_bytes()
        try:  # what one of the three can't read none of them is timed on
            ast.parse(data)
            data.decode("utf-8")
        except (SyntaxError, ValueError):
            continue
        lines += data.count(b"\n")
        for name, way in compared.items():
            began = time.process_time()
            found[name] += way(path.relative_to(folder).as_posix(), data)
            seconds[name] += time.process_time() - began
    rates = {name: round(lines / used) for name, used in seconds.items()}
    return {
        "lines": lines, "files": len(files), "found": dict(found), "lines_per_cpu_s": rates,
        "assay_to_ast_grep": round(rates["assay"] / rates["ast_grep"], 3),
        "assay_to_ast_parse": round(rates["assay"] / rates["ast_parse"], 3),
        "machine": machine(),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(sysconfig.get_path("stdlib")))
    folder = parser.parse_args().folder
    warnings.simplefilter("ignore")
    files = sorted(
        path for path in folder.rglob("*.py")
        if not INSTALLED & set(path.relative_to(folder).parts)
    )  # fmt: skip
    figures = measure(files, folder)
    write("extraction", figures)
    if figures["lines"] < LEAST:
        print(f"error: {figures['lines']} lines are too few, give a folder of {LEAST} or more",
              file=sys.stderr)  # fmt: skip
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
