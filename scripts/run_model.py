"""Answer all tasks with one model, as a single stream, in a view that holds no key.

A reference solver answers by itself; only one that says so is handed the keys.
"""

import argparse
from pathlib import Path

from assay.core import program, registry
from assay.engines._outputs import Outputs
from assay.engines._step import Inputs, run_model
from assay.engines.base import is_remote


def main(arguments: argparse.Namespace) -> None:
    """Run the model and leave responses, telemetry and the fingerprint."""
    run_model(
        arguments.model,
        arguments.settings,
        Inputs(
            tuple(arguments.tasks),
            tuple(arguments.keys),
            arguments.receipt,
            arguments.weights,
            arguments.against,
            arguments.requests,
            arguments.results,
            arguments.known,
        ),
        Outputs(arguments.responses, arguments.telemetry, arguments.fingerprint),
    )


if __name__ == "__main__":
    parser = program.parser(__doc__)
    parser.add_argument("--model", required=True, help="name of the model")
    parser.add_argument(
        "--tasks", type=Path, nargs="+", required=True, help="tables of the targets"
    )
    parser.add_argument("--keys", type=Path, nargs="*", default=[], help="reference solvers only")
    parser.add_argument("--receipt", type=Path, required=True, help="what fetch_model wrote")
    parser.add_argument("--weights", type=Path, help="the weights in the cache")
    parser.add_argument("--against", type=Path, help="published answers to compare with")
    parser.add_argument("--requests", type=Path, help="what write_batch wrote, if it is asked so")
    parser.add_argument("--results", type=Path, help="folder that a batch's results are put into")
    parser.add_argument("--known", type=Path, help="the response cache's folder of the weights")
    parser.add_argument("--responses", type=Path, required=True, help="Parquet file to write")
    parser.add_argument("--telemetry", type=Path, required=True, help="Parquet file to write")
    parser.add_argument("--fingerprint", type=Path, required=True, help="JSON file to write")
    given = parser.parse_args()
    # What asks a running server has to reach it; all else runs in its image or not at all.
    given.contained = not is_remote(registry.load("engines", given.settings["model"]["engine"]))
    program.run(main, given, program.lock_of(given.responses))
