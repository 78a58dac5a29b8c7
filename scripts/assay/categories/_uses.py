"""The modules outside of the package whose objects a prompt's examples use.

What FastAPI does with a request depends on the application that gets it. Where a target's own
tutorials or samples stand in examples, their text is shown as well, as far as there is room. Of a
module of tests what the tests use is shown, and not the tests: they would tell what is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from assay.categories import _prompts
from assay.categories._types import Material
from assay.core import codec
from assay.core.test_modules import without_tests

Data = Mapping[str, Any]
FRAME = 120  # characters of the words around them
FENCE = "```"


def filled(
    text: str, values: Mapping[str, str], shown: Iterable[Data], material: Material, most: int
) -> str:  # fmt: skip
    """Return a prompt of at most `most` characters with as many of the modules as fit.

    text, values: as of `_prompts.fill`, without the value `modules`
    shown:        the scenarios of the examples
    A prompt that is longer by itself is returned without any.
    """
    bare = _prompts.fill(text, {**values, "modules": ""})
    room, fitting = most - len(bare) - FRAME, list[str]()
    for one in _texts(shown, material):
        if len(one) + 2 <= room:
            room -= len(one) + 2
            fitting.append(one)
    return _prompts.fill(text, {**values, "modules": "\n\n".join(fitting)}) if fitting else bare


def _texts(shown: Iterable[Data], material: Material) -> Iterator[str]:
    """Yield the tree's own modules, each under its path; other packages' are not in the tree."""
    package = str(material.unit["module"]).partition(".")[0]
    names = {name for data in shown for name in codec.modules(data)}
    for name in sorted(names):
        if name.partition(".")[0] != package:
            place = name.replace(".", "/")
            for path in (f"{place}.py", f"{place}/__init__.py"):
                try:
                    text = material.bench.read(path)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                text = without_tests(text).strip()
                if text and FENCE not in text:
                    yield f"# {path}\n{text}"
