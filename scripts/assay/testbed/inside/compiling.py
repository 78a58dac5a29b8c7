"""Compiles the unchanged target in its place, for the sandboxes of code of our own making.

None of its code runs. Python takes a compiled file for what it is made of only while size and time
of the source are the same, so a job's own files are compiled by the job.
"""

from __future__ import annotations

import compileall
import warnings

from assay.testbed.inside import tree


def main() -> None:
    """Write the bytecode of the tree, tests included, below PYTHONPYCACHEPREFIX."""
    warnings.simplefilter("ignore")
    tree.place({}, ["."])
    compileall.compile_dir(tree.TREE, quiet=2, maxlevels=99)  # what is no Python stays out


if __name__ == "__main__":
    main()
