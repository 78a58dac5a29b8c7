"""Put a model's weights into the cache, by digest, write a receipt, and see that they will fit.

A reference solver has no weights; its receipt says so.
"""

import argparse
from pathlib import Path

from assay.core import program
from assay.core.files import write_json
from assay.core.weights import place_of
from assay.engines._plan import plan
from assay.engines._weights import receipt_of
from assay.images.store import cache_root


def main(arguments: argparse.Namespace) -> None:
    """Fetch, check, plan the memory, write the receipt."""
    described = arguments.settings["model"]
    receipt = receipt_of(arguments.model, described, arguments.cache)
    stated = receipt["weights"]
    weights = place_of(arguments.cache, stated["sha256"]) if stated else None
    planned = plan(arguments.model, described, weights)
    write_json(arguments.receipt, receipt)
    if arguments.memory:
        write_json(arguments.memory, planned)


if __name__ == "__main__":
    parser = program.parser(__doc__, contained=False)
    parser.add_argument("--model", required=True, help="name of the model")
    parser.add_argument("--cache", type=Path, default=cache_root(), help="default: ASSAY_CACHE")
    parser.add_argument("--receipt", "--output", type=Path, required=True, help="file to write")
    parser.add_argument("--memory", type=Path, help="file to write: what memory the model needs")
    given = parser.parse_args()
    program.run(main, given, program.lock_of(given.receipt))
