"""Pin a model file's weights: put digest and size of a file where it says `pin: required`.

python3 -m assay.engines._pin config/models/NAME.yaml FILE
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from assay.core.errors import UserError
from assay.core.files import atomic, sha256_file
from assay.core.progress import say

_PIN = re.compile(r"^(\s+)pin: required\b.*$", re.MULTILINE)
_PATH = re.compile(r"^(\s+path: ).*$", re.MULTILINE)


def pinned(text: str, weights: Path, where: Path) -> str:
    """Return a model file's text with the weights' sha256 and size; of `kind: path`, their path.

    Raises UserError if the file is not there, or the text does not ask to be pinned.
    """
    if not weights.is_file():
        raise UserError("there is no such file", given=weights, expected="the weights, one file")
    if len(_PIN.findall(text)) != 1:
        raise UserError(
            "the model file does not ask to be pinned", where=where,
            expected="`pin: required` below `weights:`", hint="a pinned file stays as it is",
        )  # fmt: skip
    found = f"sha256: {sha256_file(weights)}\n\\1size: {weights.stat().st_size}"
    text = _PIN.sub(rf"\1{found}", text)
    return _PATH.sub(lambda match: f"{match[1]}{weights.absolute()}", text)


def pin(model: Path, weights: Path) -> None:
    """Rewrite the model file; raise UserError if it can't be pinned."""
    if not model.is_file():
        raise UserError("there is no such model file", given=model, expected="MODEL=its name")
    text = pinned(model.read_text("utf-8"), weights, model)
    with atomic(model) as stream:
        stream.write(text.encode())


def main(model: str, weights: str) -> None:
    """Pin, and exit as every program of the project does."""
    try:
        pin(Path(model), Path(weights))
    except UserError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    say(f"{model} is pinned: look at it, and at its licence, and commit it")


if __name__ == "__main__":
    main(*sys.argv[1:3])
