"""Run the conformance suite, or passes.py, within an engine's image, against the real engine.

    python tests/engines/conformance/in_image.py suite MODEL [arguments of pytest]
    python tests/engines/conformance/in_image.py passes MODEL OUTPUT [arguments of passes.py]

MODEL is a file in config/models/ whose image and weights are in the cache. pytest comes from the
environment that this program runs in; all else is the image's, and there is no network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from assay.core.errors import AssayError, UserError  # noqa: E402
from assay.core.settings import read_yaml  # noqa: E402
from assay.core.weights import Stored, files_of  # noqa: E402
from assay.images.apptainer import locate  # noqa: E402
from assay.images.names import image_name  # noqa: E402
from assay.images.store import cache_root, container_path  # noqa: E402

TABLE, KEPT = "conformance.json", ROOT / "benchmarks" / "results"
# The image's own packages go first.
INSIDE = (
    "import sys; sys.path += sys.argv.pop(1).split(':'); import pytest; sys.exit(pytest.main())"
)


def suite(model: str, arguments: list[str]) -> int:
    """Run the suite; its exit status."""
    packages = Path(pytest.__file__).parents[1]
    with tempfile.TemporaryDirectory() as home:
        words = [
            "-c", INSIDE, packages, f"--rootdir={ROOT}", f"--basetemp={home}/tests", "-q",
            "-r", "fE", "tests/engines/conformance", *arguments,
        ]  # fmt: skip
        status = _inside(model, Path(home), words, packages)
        if (table := Path(home, TABLE)).exists():
            KEPT.mkdir(parents=True, exist_ok=True)
            shutil.copy(table, KEPT / f"conformance-{model}.json")
    return status


def passes(model: str, output: str, arguments: list[str]) -> int:
    """Run passes.py and keep its JSON file; its exit status."""
    with tempfile.TemporaryDirectory() as home:
        made = Path(home, "passes.json")
        words = [
            HERE / "passes.py", "--model", ROOT / "config" / "models" / f"{model}.yaml",
            "--output", made, *arguments,
        ]  # fmt: skip
        status = _inside(model, Path(home), words)
        if made.exists():
            Path(output).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made, output)
    return status


def _inside(model: str, home: Path, words: Sequence[object], *shown: Path) -> int:
    """Run Python in the image of a model, with its weights; the exit status.

    shown: folders that the program needs beside the checkout and the cache
    """
    described, cache = read_yaml(ROOT / "config" / "models" / f"{model}.yaml"), cache_root()
    image = container_path(cache, image_name(described["image"], ROOT))
    files = files_of(described["weights"])
    for path in (image, *(file.place(cache) for file in files)):
        if not path.exists():
            raise UserError("not in the cache", where=path, hint=f"run the model {model} once")
    settings = {
        "ASSAY_ENGINE_TEST": described["engine"],
        "ASSAY_ENGINE_WEIGHTS": str(_linked(files, cache, home / "weights")),
        "GPU_LAYERS": os.environ.get("GPU_LAYERS", ""),
        "ASSAY_ENGINE_TABLE": str(home / TABLE),
        "TMPDIR": str(home),  # a container's own is small
    }
    command = [
        locate(cache) / "apptainer", "--silent", "exec", "--userns", "--containall",
        "--cleanenv", "--net", "--network", "none", "--home", home,
        *(f"--bind={path}:{path}:ro" for path in (ROOT, cache, *shown)),
        "--pwd", ROOT, image, "python3", *words,
    ]  # fmt: skip
    environment = {f"APPTAINERENV_{name}": value for name, value in settings.items()}
    path = os.pathsep.join([str(locate(cache)), os.environ["PATH"]])
    done = subprocess.run(list(map(str, command)), env={**os.environ, **environment, "PATH": path})
    return done.returncode


def _linked(files: Sequence[Stored], cache: Path, folder: Path) -> Path:
    """Return the one file in the cache, or a folder with links to a snapshot's."""
    if not files[0].name:
        return files[0].place(cache)
    folder.mkdir()
    for file in files:
        (folder / file.name).symlink_to(file.place(cache))
    return folder


if __name__ == "__main__":
    try:
        what, name, *more = sys.argv[1:]
        sys.exit(suite(name, more) if what == "suite" else passes(name, more[0], more[1:]))
    except AssayError as error:
        sys.exit(str(error))
