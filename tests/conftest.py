"""What tests of several rooms share: the images that `make test` has built."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository under test."""
    return ROOT


@pytest.fixture(scope="session")
def testbed_root(tmp_path_factory) -> Path:
    """The root file system of Cerberus' testbed image, unpacked.

    ASSAY_TESTBED_ROOT names one that is unpacked already; else the cache's image is unpacked here.
    """
    given = os.environ.get("ASSAY_TESTBED_ROOT")
    if given:
        return Path(given)
    from assay.core.locks import exclusive
    from assay.images.build import builder_tools
    from assay.images.names import name_of, read_lock
    from assay.images.pack import unpack_image
    from assay.images.store import cache_root, image_file, image_folder

    lock, cache = read_lock(ROOT, "testbed-cerberus"), cache_root()
    image = name_of(lock)
    if image_folder(cache, image).is_dir():
        return image_folder(cache, image)
    if not image_file(cache, image).is_file():
        pytest.skip("the testbed image is not in the cache: `make setup-images` builds it")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # once for all workers
    root = shared / image
    with exclusive(shared / "testbed-root.lock", image):
        if not root.is_dir():
            scratch = tmp_path_factory.mktemp("builder")
            unpack_image(
                image_file(cache, image), scratch / "root", builder_tools(cache, lock, scratch)
            )
            (scratch / "root").rename(root)
    return root


@pytest.fixture(scope="session")
def cerberus_archive(repository) -> Path:
    """Cerberus' source archive, where the cache has it."""
    from assay.core.settings import read_yaml
    from assay.images.store import cache_root

    settings = read_yaml(repository / "config" / "targets" / "cerberus.yaml")
    place = cache_root() / "archives" / settings["source"]["archive"]["sha256"]
    if not place.is_file():
        pytest.skip("Cerberus' archive is not in the cache: `make run` fetches it")
    return place


@pytest.fixture(scope="session")
def working_copy(tmp_path_factory) -> Path:
    """A copy of the working tree without results, for tests that run the workflow."""
    folder = tmp_path_factory.mktemp("copy") / "assay"
    ignored = shutil.ignore_patterns(
        ".git", ".snakemake", "results", "__pycache__", ".venv", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, folder, ignore=ignored)
    return folder


@pytest.fixture(scope="session")
def forgery() -> SimpleNamespace:
    """What a forger of a publication does, who mends every digest afterwards."""
    return SimpleNamespace(forge=forge, mend=mend)


def forge(folder: Path, path: str, change: Callable[[Any], None]) -> None:
    """Change a published file as a forger does who then mends all digests.

    change: gets the rows of a table, or the content of a JSON file, and changes it in place
    """
    from assay.core.files import read_json, write_json
    from assay.core.tables import read_table, write_table
    from assay.provenance.compare import TABLES

    file = folder / "results" / path
    if file.suffix == ".parquet":
        table = TABLES[file.stem]
        rows = read_table(file, table)
        change(rows)
        write_table(file, table, rows)
    else:
        content = read_json(file)
        change(content)
        write_json(file, content)
    mend(folder)


def mend(folder: Path) -> None:
    """Make manifest and index agree with the files as they are now."""
    from assay.core.files import read_json, write_json
    from assay.provenance.publication import INDEX, MANIFEST

    made = read_json(folder / MANIFEST)
    for entry in made["files"]:
        if (folder / "results" / entry["path"]).is_file():
            entry.update(measured(folder / "results" / entry["path"]))
    for name in made["inputs"]["images"]:
        made["inputs"]["images"][name] = read_json(folder / f"results/build_image/{name}.json")
    write_json(folder / MANIFEST, made)
    index = read_json(folder / INDEX)
    index["files"] = [e | measured(folder / e["path"]) for e in index["files"]]
    write_json(folder / INDEX, index)


def measured(path: Path) -> dict[str, object]:
    from assay.core.files import sha256_file

    return {"sha256": sha256_file(path), "size": path.stat().st_size}
