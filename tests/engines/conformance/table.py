"""Write docs/conformance.md: what every engine has to do, and how each did, fake and live.

    python tests/engines/conformance/table.py fakes.json [live.json …]

Each file is what the suite writes to ASSAY_ENGINE_TABLE (`make conformance`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HEAD = """# The conformance suite, engine by engine

`make conformance` runs `tests/engines/conformance` over each engine's fake, then over llama.cpp
and vLLM in their images, with SmolLM2 on the processor, and writes this page. «Live» is the real
engine; what needs one that dies, hangs or lies on command can be asked of a fake alone.
`make engine-test ENGINE=ollama URL=… MODEL=…` prints the live column of an Ollama that runs
already; it was asked of none here.
"""
MARKS = {"holds": "holds", "FAILS": "**fails**"}


def main(files: list[str]) -> None:
    fakes, *live = (json.loads(Path(file).read_text(encoding="utf-8")) for file in files)
    columns = {f"{engine}, fake": _cells(rows, "can't happen") for engine, rows in fakes.items()}
    for one in live:
        columns |= {f"{engine}, live": _cells(rows, "needs a fake") for engine, rows in one.items()}
    columns = dict(sorted(columns.items()))
    names = sorted(set().union(*columns.values()))
    print(HEAD)
    print("|", " | ".join(["it has to do", *columns]), "|")
    print("|" + "---|" * (len(columns) + 1))
    for name in names:
        print("|", " | ".join([name, *(cells.get(name, "") for cells in columns.values())]), "|")


def _cells(rows: dict[str, str], unasked: str) -> dict[str, str]:
    return {name: MARKS.get(said, unasked) for name, said in rows.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
