"""Build an image from its lock, or find it in the cache, and write the receipt of its digest."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.core.errors import HarnessError
from assay.core.files import write_json
from assay.core.program import lock_of, parser, run
from assay.images.build import ensure_image
from assay.images.names import name_of, read_lock, receipt_of
from assay.images.store import cache_root, verify_image


def main(arguments: argparse.Namespace) -> None:
    """Write the receipt once the image in the cache is the locked one."""
    lock = read_lock(Path.cwd(), arguments.recipe)
    if name_of(lock) != arguments.image:
        raise HarnessError(f"the lock makes {name_of(lock)}, not {arguments.image}")
    ensure_image(cache_root(), lock)
    verify_image(cache_root(), arguments.image, lock)
    write_json(arguments.receipt, receipt_of(lock))


if __name__ == "__main__":
    command = parser(__doc__, contained=False)
    command.add_argument("--recipe", required=True, help="image without its digest")
    command.add_argument("--image", required=True, help="<recipe>-<digest12>")
    command.add_argument("--receipt", type=Path, required=True, help="JSON file to write")
    given = command.parse_args()
    run(main, given, lock_of(given.receipt))
