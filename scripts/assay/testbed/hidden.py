"""The target's tests, which the code under test never sees, and what of them it may see.

Where a scenario needs an object that a target's `values` name and that a module of tests holds (an
application, say), that module is shown without the tests in it.
"""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from assay.core.test_modules import without_tests


def test_folders(tree: Path, target: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the outermost folders of the tests, which are hidden from the code under test.

    A test file that is named alone stands for its folder, unless that holds scanned code too.
    """
    found: dict[str, None] = {}
    scanned = [PurePosixPath(path) for path in target.get("scan", ())]
    for path in map(PurePosixPath, target["tests"]["paths"]):
        folder = path if (tree / path).is_dir() else path.parent
        beside_code = any(folder == one or folder in one.parents for one in scanned)
        if folder.parts and not (folder != path and beside_code):
            found[folder.as_posix()] = None
    return tuple(one for one in found if not any(one.startswith(f"{o}/") for o in found))


def named_in_tests(
    tree: Path, target: Mapping[str, Any], folders: Sequence[str]
) -> dict[str, str]:  # fmt: skip
    """Return the texts of those modules, and of the packages that they are in, by path.

    folders: of the tests, as `test_folders` gives them. A module that is no UTF-8 is left out.
    """
    tests, found = [PurePosixPath(folder) for folder in folders], dict[str, str]()
    for root in target.get("source_roots") or ["."]:
        for wanted in target.get("values", ()):
            for path in _files(tree / root, wanted.partition(":")[0]):
                own = PurePosixPath(path.relative_to(tree).as_posix())
                if any(own.is_relative_to(folder) for folder in tests):
                    packages = [folder / "__init__.py" for folder in own.parents if folder.parts]
                    for place in (own, *packages):
                        if str(place) not in found and (tree / place).is_file():
                            with contextlib.suppress(UnicodeDecodeError):
                                text = (tree / place).read_text("utf-8")
                                found[str(place)] = without_tests(text)
    return found


def _files(root: Path, module: str) -> Iterator[Path]:
    """Yield the files of the modules that `package.mo*` stands for, or of the one that it is."""
    package, _, pattern = module.rpartition(".")
    folder = root.joinpath(*package.split(".")) if package else root
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_dir() and fnmatch.fnmatchcase(path.name, pattern):
            yield path / "__init__.py"
        elif path.suffix == ".py" and fnmatch.fnmatchcase(path.stem, pattern):
            yield path
