"""What a run of a config takes from the cache, and whether a bundle holds all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.bundling.index import Bundle, Entry
from assay.core import settings
from assay.core.errors import UserError
from assay.core.weights import files_of
from assay.images.fetch import wheel_file
from assay.images.names import LOCKS, read_lock
from assay.images.store import image_file
from assay.workflow.run import Run

_SHOWN = 8
_NOWHERE = Path()


@dataclass(frozen=True)
class Need:
    """One file of the cache (a folder, where it ends with `/`).

    sha256: what a lock or a config pins it to; a commit pins its own objects
    why: the file of the checkout that asks for it
    """

    path: str
    part: str
    sha256: str
    why: str


def run_of(repository: Path, config: Path | None) -> Run:
    """Return the run of a config file, laid over config/config.yaml as Snakemake does it."""
    overrides = settings.read_yaml(config) if config else {}
    return Run(repository, repository, settings.load(repository / "config", overrides))


def needs(run: Run, *, ingredients: bool = False, images: bool = True) -> list[Need]:
    """Return all that a run takes from the cache, each file once, sorted by path.

    ingredients: also the packages and wheels that the images are built from
    images: also the images themselves (those of docker images in any case)
    """
    found = {need.path: need for need in _of_images(run, ingredients, images)}
    found |= {need.path: need for need in (*_of_targets(run), *_of_models(run))}
    return [found[path] for path in sorted(found)]


def _of_images(run: Run, ingredients: bool, images: bool) -> Iterator[Need]:
    for recipe, image in run.images.items():
        lock, why = read_lock(run.repository, recipe), f"{LOCKS.as_posix()}/{recipe}.lock.json"
        groups = [group["files"] for group in lock["wheels"]]
        for entry in lock["packages"] if ingredients else ():
            yield Need(f"packages/{entry['sha256']}.deb", "ingredient", entry["sha256"], why)
        for entry in (entry for group in groups for entry in group if ingredients):
            path = wheel_file(_NOWHERE, entry).as_posix()
            yield Need(path, "ingredient", entry["sha256"], why)
        # Of a docker image the bundle has nothing to build from.
        if images or "docker" in lock:
            path = image_file(_NOWHERE, image).as_posix()
            yield Need(path, "image", lock["result"]["sha256"], why)
        # What unpacks an image, where /dev/fuse can't be opened: needed with every image. After
        # the others, since a package can be both.
        for entry in lock["builder_packages"]:
            yield Need(f"packages/{entry['sha256']}.deb", "builder", entry["sha256"], why)


def _of_targets(run: Run) -> Iterator[Need]:
    for name, target in run.settings.targets.items():
        why, source = f"config/targets/{name}.yaml", target.get("source", {})
        if "archive" in source:
            digest = source["archive"]["sha256"]
            yield Need(f"archives/{digest}", "archive", digest, why)
        if "git" in source:
            yield Need(f"git/{source['git']['commit']}.git/", "commit", "", why)


def _of_models(run: Run) -> Iterator[Need]:
    for name, model in run.settings.models.items():
        weights = model.get("weights")
        for file in files_of(weights) if weights else ():
            path = file.place(_NOWHERE).as_posix()
            yield Need(path, "weights", file.sha256, f"config/models/{name}.yaml")


def covered(bundle: Bundle, needed: list[Need]) -> list[Entry]:
    """Return the bundle's entries for all that is needed.

    Raises UserError that lists what the bundle lacks, or has with another digest.
    """
    found: list[Entry] = []
    lost: list[str] = []
    for need in needed:
        rows = [
            entry for path, entry in bundle.entries.items()
            if path == need.path or (need.path.endswith("/") and path.startswith(need.path))
        ]  # fmt: skip
        rows = [entry for entry in rows if need.sha256 in ("", entry.sha256)]
        found += rows
        if not rows:
            lost.append(f"{need.path} (for {need.why})")
    if lost:
        raise UserError(
            "the bundle was made for another config or other locks: it lacks what this run needs",
            where=bundle.place, given=f"a bundle for the run `{bundle.made_for['run']}`",
            expected="\n            ".join([*lost[:_SHOWN], *_more(len(lost) - _SHOWN)]),
            hint="run with the CONFIG that it was made for, take the checkout that made it "
            "(checkout.tar in it), or make another where there is a network: "
            "`make bundle CONFIG=… TO=…`",
        )  # fmt: skip
    return found


def _more(count: int) -> list[str]:
    return [f"and {count} more"] if count > 0 else []
