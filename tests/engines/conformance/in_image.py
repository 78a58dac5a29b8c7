"""Run the conformance suite within an engine's image, against the real engine that it holds.

    python tests/engines/conformance/in_image.py MODEL [arguments of pytest]

MODEL is a file in config/models/ whose image and weights are in the cache. pytest comes from the
environment that this program runs in; all else is the image's, and there is no network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

from assay.core.errors import AssayError, UserError  # noqa: E402
from assay.core.settings import read_yaml  # noqa: E402
from assay.core.weights import Stored, files_of  # noqa: E402
from assay.images.apptainer import locate  # noqa: E402
from assay.images.names import image_name  # noqa: E402
from assay.images.store import cache_root, container_path  # noqa: E402

# The image's own packages go first.
INSIDE = (
    "import sys; sys.path += sys.argv.pop(1).split(':'); import pytest; sys.exit(pytest.main())"
)


def main(model: str, arguments: list[str]) -> int:
    """Run the suite; its exit status."""
    described, cache = read_yaml(ROOT / "config" / "models" / f"{model}.yaml"), cache_root()
    image = container_path(cache, image_name(described["image"], ROOT))
    files = files_of(described["weights"])
    for path in (image, *(file.place(cache) for file in files)):
        if not path.exists():
            raise UserError("not in the cache", where=path, hint=f"run the model {model} once")
    packages = Path(pytest.__file__).parents[1]
    with tempfile.TemporaryDirectory() as home:
        settings = {
            "ASSAY_ENGINE_TEST": described["engine"],
            "ASSAY_ENGINE_WEIGHTS": str(_linked(files, cache, Path(home, "weights"))),
            "GPU_LAYERS": os.environ.get("GPU_LAYERS", ""),
            "TMPDIR": home,  # a container's own is small
        }
        command = [
            locate(cache) / "apptainer", "--silent", "exec", "--userns", "--containall",
            "--cleanenv", "--net", "--network", "none", "--home", home,
            *(f"--bind={shown}:{shown}:ro" for shown in (ROOT, cache, packages)),
            "--pwd", ROOT, image, "python3", "-c", INSIDE, packages,
            f"--rootdir={ROOT}", f"--basetemp={home}/tests", "-q", "-r", "fE",
            "tests/engines/conformance", *arguments,
        ]  # fmt: skip
        environment = {f"APPTAINERENV_{name}": value for name, value in settings.items()}
        path = os.pathsep.join([str(locate(cache)), os.environ["PATH"]])
        done = subprocess.run(
            list(map(str, command)), env={**os.environ, **environment, "PATH": path}
        )
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
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except AssayError as error:
        sys.exit(str(error))
