"""The weights in the cache, checked against the receipt before an engine gets to see them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.core.errors import UserError
from assay.core.files import read_json, sha256_file
from assay.core.progress import say
from assay.core.weights import Stored, digest_of, files_of


@dataclass(frozen=True)
class Checked:
    """Weights that are what the receipt says.

    files:  each with its name in a snapshot; one file alone has the name ""
    sha256: of the one file, or over names and digests of a snapshot's
    """

    files: tuple[tuple[Path, str], ...]
    sha256: str

    def shown(self, inside: str) -> list[tuple[Path, str]]:
        """Return (path outside, path inside): the one file as `inside`, or a folder of them."""
        return [(path, f"{inside}/{name}" if name else inside) for path, name in self.files]


def place_of(weights: Path, file: Stored) -> Path:
    """Return where a file lies, given the place of all: a snapshot's lie beside it, by digest."""
    return weights.with_name(file.sha256) if file.name else weights


def checked_weights(receipt: Path, weights: Path | None) -> Checked:
    """Return the weights, compared with the receipt's.

    weights: the file in the cache; of a snapshot its digest's place there, beside the files'
    Raises UserError if the receipt has none, or a file is missing, cut short or damaged.
    """
    stated = read_json(receipt)["weights"]
    if stated is None:
        raise UserError(
            "the model file names no weights", where=receipt, expected="`weights:`",
            hint="this engine needs some: add them to the model file",
        )  # fmt: skip
    hint = f"delete {receipt} and run again: the weights are fetched anew"
    found = []
    for file in files_of(stated):
        place = weights and place_of(weights, file)
        found.append((_checked(place, file, hint), file.name))
    return Checked(tuple(found), digest_of(stated))


def _checked(place: Path | None, file: Stored, hint: str) -> Path:
    label = f" ({file.name})" if file.name else ""
    if place is None or not place.is_file():
        raise UserError(
            f"the weights{label} are not in the cache", where=place,
            expected=f"a file of {file.size} bytes", hint=hint,
        )  # fmt: skip
    size = place.stat().st_size
    if size != file.size:
        raise UserError(
            f"the weights{label} are {'cut short' if size < file.size else 'too long'}",
            where=place, given=f"{size} bytes", expected=f"{file.size} bytes", hint=hint,
        )  # fmt: skip
    say(f"checking the weights{label} ({size / 1e6:.0f} MB)")
    digest = sha256_file(place)
    if digest != file.sha256:
        raise UserError(
            f"the weights{label} are damaged", where=place, given=f"sha256 {digest}",
            expected=f"sha256 {file.sha256}", hint=hint,
        )  # fmt: skip
    return place
