"""Write the requests of a model that is asked outside of the closed network, as a batch.

A person carries it out and brings the results back; `run_model` says where to put them.
"""

import argparse
from pathlib import Path

from assay.core import program
from assay.engines._recorded import write_outgoing


def main(arguments: argparse.Namespace) -> None:
    """Write the requests, one line a task, and which task and prompt each stands for."""
    write_outgoing(
        arguments.settings,
        arguments.model,
        arguments.tasks,
        (arguments.requests, arguments.index),
    )


if __name__ == "__main__":
    parser = program.parser(__doc__)
    parser.add_argument("--model", required=True, help="name of the model")
    parser.add_argument(
        "--tasks", type=Path, nargs="+", required=True, help="tables of the targets"
    )
    parser.add_argument("--requests", type=Path, required=True, help="JSONL file to write")
    parser.add_argument("--index", type=Path, required=True, help="JSON file to write")
    given = parser.parse_args()
    program.run(main, given, program.lock_of(given.requests))
