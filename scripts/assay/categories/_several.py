"""Puts an answer's units into their files, one or several, leaving all other bytes as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.categories._code import code_key
from assay.categories._place import place
from assay.categories._types import CodeKey, Extraction
from assay.core.splice import replace_lines


@dataclass(frozen=True)
class Piece:
    """One unit of a task: where it stands, how the prompt shows it, what the answer gives for it.

    shown: the unit's source in the prompt, with as many lines as the file has for it
    """

    code: CodeKey
    shown: str
    answer: Extraction


def pieces(key: Mapping[str, Any], answer: Extraction) -> list[Piece]:
    """Return the functions that a task's bug is in, each with what the answer gives for it.

    key: with `code`, `source` and `further` (`code` and `source` of each further function)
    """
    found = [Piece(code_key(key["code"]), key.get("source", ""), answer)]
    for item in key.get("further", ()):
        code = code_key(item["code"])
        found.append(Piece(code, item["source"], answer.beside.get(code.name, Extraction())))
    return found


def shown_files(pieces: Sequence[Piece], read: Callable[[str], str]) -> dict[str, str]:
    """Return the texts of the files as the prompt shows them, by path."""
    return _files([replace(piece, answer=Extraction()) for piece in pieces], read)


def answered_files(pieces: Sequence[Piece], read: Callable[[str], str]) -> dict[str, str]:
    """Return the texts of the files with the answer's units; the others stay as shown.

    Raises PlaceError if a unit that is given can't be put in its place.
    """
    return _files(pieces, read)


def _files(pieces: Sequence[Piece], read: Callable[[str], str]) -> dict[str, str]:
    found = {}
    for path in sorted({piece.code.path for piece in pieces}):
        mine = [piece for piece in pieces if piece.code.path == path]
        text = mine[0].code.text
        found[path] = _file(mine, read(path) if text is None else text)
    return found


def _file(pieces: Sequence[Piece], text: str) -> str:
    """Replace the units from the file's end to its start, so that no line to come has moved.

    Helpers and imports of all of them come with the uppermost, in front of which they go.
    """
    kept = [piece for piece in pieces if piece.answer.code is None]
    for piece in sorted(kept, key=lambda piece: -piece.code.first):
        text = replace_lines(text, piece.code.first, piece.code.last, piece.shown)
    given = [piece for piece in pieces if piece.answer.code is not None]
    given.sort(key=lambda piece: -piece.code.first)
    for piece in given:
        last = piece is given[-1]
        helpers = tuple(dict.fromkeys(item for one in given for item in one.answer.helpers))
        imports = tuple(dict.fromkeys(item for one in given for item in one.answer.imports))
        answer = replace(
            piece.answer, helpers=helpers if last else (), imports=imports if last else ()
        )
        text = place(text, piece.code, answer)
    return text
