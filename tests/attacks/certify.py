"""Run the certified suite once, here, as who one is; write what came of it as JSON.

With --image it refuses to run anywhere but in that container without a network, as steps do.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/attacks"))

from hostile import CASES, Attempt, Range, attempt, cerberus_range, read_cases, tiny_range
from traces import SCRATCH, adopt_orphans, look_at

from assay.core.containment import require_contained
from assay.core.progress import track
from assay.sandbox import level


def ranges(root: Path, archive: Path, scratch: Path) -> Iterator[tuple[str, Range]]:
    """Open the targets: folder of cases -> range."""
    for name in ("tiny", "cerberus"):
        (scratch / name).mkdir()
    yield "cases", tiny_range(scratch / "tiny", root)
    yield "cerberus", cerberus_range(archive, scratch / "cerberus", root)


def run(given: argparse.Namespace) -> dict[str, object]:
    """Try every case; return the level reached and one row a case."""
    reached = level.require(root=given.root)
    done: list[Attempt] = []
    with adopt_orphans(), tempfile.TemporaryDirectory(prefix="certify-") as folder:
        for name, place in ranges(given.root, given.archive, Path(folder)):
            watched = [*SCRATCH, place.tree] if given.private else [place.tree]
            alone = place.next_task()
            if not alone.endswith(b"passed"):
                sys.exit("certify: the right answer does not pass, so nothing can be said")
            chosen = [one for one in read_cases(CASES / name) if given.only in one.name]
            look = partial(look_at, watched, without=given.without)
            done += [
                attempt(case, place, look, alone)
                for case in track(chosen, f"attacks on {name}")
            ]  # fmt: skip
    return {
        "uid": os.getuid(), "level": reached, "cases": [row(one) for one in done],
    }  # fmt: skip


def row(done: Attempt) -> dict[str, object]:
    return {
        "name": done.case.name, "hostile": done.case.hostile, "gap": done.case.head.get("gap"),
        "status": done.status, "problems": done.problems, "effects": done.effects,
        "seconds": round(done.seconds, 2),
    }  # fmt: skip


def main() -> None:
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--root", type=Path, default=Path("/"), help="the sandbox's root")
    command.add_argument("--archive", type=Path, required=True, help="Cerberus' source archive")
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--image", help="the container that it has to run in")
    command.add_argument("--only", default="", help="cases whose name holds this text")
    command.add_argument(
        "--private", action="store_true", help="nobody else uses /tmp, /var/tmp and /dev/shm here"
    )
    command.add_argument(
        "--without", type=Path, nargs="*", default=[], help="folders there that are not looked at"
    )
    given = command.parse_args()
    if given.image:
        require_contained(given.image)
    given.out.write_text(json.dumps(run(given)))


if __name__ == "__main__":
    main()
