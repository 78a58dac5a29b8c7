"""A run's folder made by hand: the tiny target, answers of our own, for the real step to score."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from hostile import LIMITS, TARGET, Range

from assay.core.records import KEYS, RESPONSES, TASKS
from assay.core.tables import write_table
from assay.sandbox.level import DEFAULT
from assay.sources.tree import FILE, FOLDER, Entry, write

PROMPT = "0" * 64
NEAR = """```python
import time

def clamp(value, low, high):
    began = time.process_time()
    while value == 7 and time.process_time() < began + {seconds}:
        pass
    return low if value < low else min(value, high)
```"""


def settings(layers: tuple[str, ...] = DEFAULT, cores: int = 1) -> str:
    """Return the settings that the step gets for the tiny target."""
    return json.dumps({
        "target": TARGET, "limits": asdict(LIMITS), "sandbox": {"layers": list(layers)},
        "cores": cores,
    })  # fmt: skip


def make(folder: Path, place: Range, answers: dict[str, str]) -> dict[str, Path]:
    """Write source, tasks, keys and responses; return them by the step's flags.

    The answer named `void` is one that the engine gave up.
    """
    folder.mkdir(parents=True)
    tree = {
        path.relative_to(place.tree).as_posix(): Entry(FILE, path.read_bytes())
        for path in sorted(place.tree.rglob("*")) if path.is_file()
    }  # fmt: skip
    parents = {parent.as_posix() for name in tree for parent in Path(name).parents} - {"."}
    files = {name: folder / f"{name}.parquet" for name in ("tasks", "keys", "responses")}
    files["source"] = folder / "source.tar"
    write(files["source"], {**tree, **{name: Entry(FOLDER) for name in sorted(parents)}})
    rows = {"tasks": [], "keys": [], "responses": []}
    for item in place.items(answers):
        same = {**item.task, "stratum": "standard"}
        rows["tasks"].append({
            **same, "path": "pkg/core.py", "qualname": "clamp", "prompt": "", "max_tokens": 1,
            "prompt_sha256": PROMPT,
        })  # fmt: skip
        rows["keys"].append({
            **item.key, **same, "operator": "", "reference_answer": place.right,
            "oracle_killed": 1, "oracle_sampled": 1, "proof_json": "{}",
        })  # fmt: skip
        rows["responses"].append({
            **item.response, "prompt_sha256": PROMPT, "rendered_sha256": PROMPT, "thinking": None,
            "prompt_tokens": 1, "completion_tokens": 1, "cached_tokens": 0, "max_tokens": 1,
            "deterministic": None,
        })  # fmt: skip
    for name, table in (("tasks", TASKS), ("keys", KEYS), ("responses", RESPONSES)):
        write_table(files[name], table, rows[name])
    return files


def step(files: dict[str, Path], out: Path, image: str, given: str) -> list[str]:
    """Return the command line of the step, with its two outputs below `out`."""
    flags = [part for name, path in sorted(files.items()) for part in (f"--{name}", str(path))]
    return [
        "python3", "scripts/score_answers.py", "--target", "tiny", "--model", "m", *flags,
        "--verdicts", str(out / "verdicts.parquet"), "--telemetry", str(out / "sandbox.json"),
        "--image", image, "--settings", given,
    ]  # fmt: skip
