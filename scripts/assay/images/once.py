"""Builds one image from its lock alone, in a given folder, and tells in which conditions.

Run by `assay.images.twice`, as another user and perhaps by another Python: it imports the
standard library, `installer` and what builds images, no more.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from assay.core.files import canonical_json, read_json, sha256_file
from assay.images.build import build_image
from assay.images.names import name_of


def conditions(folder: Path) -> dict[str, Any]:
    """Return what must not matter to an image's bytes, as this process sees it."""
    umask = os.umask(0)
    os.umask(umask)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "folder": str(folder),
        "locale": os.environ.get("LC_ALL", ""),
        "time zone": os.environ.get("TZ", ""),
        "umask": f"{umask:03o}",
        "user": os.getuid(),
    }


def main() -> None:
    """Build, then print one line of JSON: name, sha256, size and conditions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", type=Path, required=True, help="the image's lock file")
    parser.add_argument("--cache", type=Path, required=True, help="holds packages and wheels")
    parser.add_argument("--output", type=Path, required=True, help="squashfs file to write")
    parser.add_argument("--cores", type=int, required=True, help="processors to use at most")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    lock = read_json(arguments.lock)
    with tempfile.TemporaryDirectory(dir=arguments.output.parent) as scratch:
        build_image(arguments.cache, lock, arguments.output, Path(scratch))
    found = {
        "image": name_of(lock),
        "sha256": sha256_file(arguments.output),
        "size": arguments.output.stat().st_size,
        "conditions": conditions(arguments.output.parent),
    }
    print(canonical_json(found))


if __name__ == "__main__":
    main()
