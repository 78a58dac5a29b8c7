"""An index of the standard library's own modules here, without a sandbox, and a small target."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.hallucinations.api import Api
from assay.hallucinations.check import Place, check
from assay.hallucinations.index import build

SCRIPTS = Path(__file__).parents[2] / "scripts"
INSPECTING = SCRIPTS / "assay/testbed/inside/inspecting.py"
TARGET = {
    "shop/__init__.py": "from shop.cart import Cart\n",
    "shop/errors.py": "class EmptyError(ValueError):\n    code = 7\n",
    "shop/cart.py": """
import json
import os.path as places
from collections import OrderedDict
from shop.errors import EmptyError

class Base:
    limit = 3
    def total(self, *, rounded=False):
        return self.sum_of(rounded)

class Cart(Base):
    name: str
    def __init__(self, owner, *, discount=0):
        self.owner = owner
        self.first, self.last = None, None
    def sum_of(self, rounded):
        self.cached = 1
        return self.cached
    def refill(self, amount, /, unit="piece", **more):
        return amount

class Lazy:
    def __getattr__(self, name):
        return 1

class Filled:
    def fill(self, values):
        for name in values:
            setattr(self, name, 1)
""",
    "shop/lazy.py": "def __getattr__(name):\n    return 1\n",
    "leaver.py": "import os\nos._exit(3)\n",
    "shop/broken.py": "import nothing_of_this_name\n\nclass Kept:\n    pass\n",
}  # fmt: skip


# Of the standard library, the texts that the index is made with and the check is tried on.
PART = (
    "argparse", "collections", "concurrent", "csv", "dataclasses", "email", "functools", "html",
    "http", "importlib", "json", "logging", "string", "textwrap", "urllib",
)  # fmt: skip


def part_of_the_library() -> list[tuple[str, bytes]]:
    """Return path and content of the Python files of PART."""
    base = Path(os.__file__).parent
    found = [base / f"{name}.py" for name in PART]
    found += [path for name in PART for path in (base / name).rglob("*.py")]
    files = sorted(path for path in found if path.is_file())
    return [(str(path.relative_to(base)), path.read_bytes()) for path in files]


def inspected(folder: Path, modules: list[str]) -> list[dict]:
    """Run the inspection as it runs in the sandbox, on this machine's Python."""
    reading, writing = os.pipe()
    asked = json.dumps({"target": modules, "folders": []}).encode()
    environment = {
        "PYTHONPATH": str(folder),
        "ASSAY_CHANNEL": str(writing),
        "PATH": os.environ["PATH"],
    }
    with subprocess.Popen(
        [sys.executable, str(INSPECTING)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, pass_fds=(writing,), env=environment,
    ) as child:  # fmt: skip
        os.close(writing)
        child.stdin.write(asked)
        child.stdin.close()
        with os.fdopen(reading, "rb") as stream:
            lines = stream.read().splitlines()
        assert child.wait() == 0
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def records(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("shop")
    for path, text in TARGET.items():
        place = folder / path
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    modules = [
        path.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in TARGET
    ]
    return inspected(folder, modules)


@pytest.fixture(scope="session")
def library() -> list[tuple[str, bytes]]:
    return part_of_the_library()


@pytest.fixture(scope="session")
def rows(records, library) -> list[dict]:
    files = [("target", path, text.encode()) for path, text in TARGET.items()]
    files += [("standard_library", *each) for each in library]
    return build("shop", records, files)


@pytest.fixture(scope="session")
def api(rows) -> Api:
    return Api(rows)


@pytest.fixture(scope="session")
def found(api):
    """Check a piece of code; return (kind, name) of what is reported, in order of lines."""

    def run(code: str, module: str = "shop.cart", class_name: str = "") -> list[tuple[str, str]]:
        made = check(ast.parse(code), api, Place(module, class_name=class_name))
        return [(one.kind, one.name) for one in made]

    return run
