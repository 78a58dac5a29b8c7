"""Takes what one config's run needs out of a bundle, or all that any run from it could need."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from assay.bundling.index import open_bundle
from assay.bundling.needs import covered, needs, run_of
from assay.bundling.take import ended, take
from assay.core.progress import say
from assay.images.names import read_lock
from assay.images.store import cache_root

# Images are built from the ingredients only where that is asked for; the checkout is for people.
NOT_TAKEN = ("environment", "apptainer", "ingredient", "checkout")


def cover(place: Path, repository: Path, config: Path | None, *, build: bool = False) -> int:
    """Put all that the run of a config needs into the cache; return how many files were copied.

    build: take what the images are built from, and not the images
    Raises UserError if the bundle lacks something of it, or holds it damaged.
    """
    run = run_of(repository, config)
    if build:
        for recipe in run.images:
            if "docker" in read_lock(repository, recipe):
                say(f"{recipe}: taken as it is and not built: a bundle holds no docker images, so "
                    "that takes a machine that reaches the registry")  # fmt: skip
    with open_bundle(place) as bundle:
        wanted = covered(bundle, needs(run, ingredients=build, images=not build))
        count = take(bundle, cache_root(), wanted)
        say(f"bundle {bundle.digest[:12]}: holds all {len(wanted)} files of the run {run.name}; "
            f"{count} were copied")  # fmt: skip
    return count


def take_all(place: Path) -> int:
    """Put images, sources and weights of the bundle into the cache: for `make verify`."""
    with open_bundle(place) as bundle:
        wanted = [entry for entry in bundle.entries.values() if entry.part not in NOT_TAKEN]
        count = take(bundle, cache_root(), wanted)
        say(f"bundle {bundle.digest[:12]}: {len(wanted)} files; {count} were copied")
    return count


def main(arguments: argparse.Namespace) -> int:
    """Take; return how many files were copied."""
    place = arguments.bundle.expanduser()
    if arguments.all:
        return take_all(place)
    return cover(place, Path.cwd(), arguments.config, build=arguments.build)


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--bundle", type=Path, required=True, help="folder or tar")
    command.add_argument("--config", type=Path, help="as CONFIG= of make")
    command.add_argument("--all", action="store_true", help="whatever the config is")
    command.add_argument("--build", action="store_true", help="packages and wheels, not images")
    given = command.parse_args()
    sys.exit(ended(lambda: main(given)))
