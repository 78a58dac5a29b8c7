"""Prompt templates: `config/prompts/<name>.md`, with `{{name}}` and `{{#name}}…{{/name}}`.

A section `{{#name}}…{{/name}}` stays only where the value of `name` is not empty; it may hold
others. Values are put in once and never read as template, so code with braces is safe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assay.core.errors import HarnessError, UserError

_SECTION = re.compile(r"\{\{#(\w+)\}\}(.*?)\{\{/\1\}\}", re.DOTALL)
_VALUE = re.compile(r"\{\{(\w+)\}\}")
_NAME = re.compile(r"\{\{#?(\w+)\}\}")
_GAP = re.compile(r"\n{3,}")


def template(name: str, settings: Mapping[str, Any]) -> str:
    """Return a category's template, from the settings of its material.

    Raises UserError that names the file if there is none.
    """
    given: Mapping[str, str] = settings.get("prompts") or {}
    if name not in given:
        raise UserError(
            "the prompt template is missing", where=f"config/prompts/{name}.md",
            given=" | ".join(sorted(given)) or "no template at all",
            expected="the text of the category's prompts",
        )  # fmt: skip
    return given[name]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the template with its values; raise HarnessError for a name that has none.

    Comments (`<!-- … -->` at the start) are dropped and gaps closed to one blank line.
    """
    text = re.sub(r"\A<!--.*?-->\n*", "", text, flags=re.DOTALL)
    if missing := sorted({*_NAME.findall(text)} - set(values)):
        raise HarnessError(f"the prompt template asks for unknown values: {', '.join(missing)}")
    while _SECTION.search(text):  # a section may hold others
        text = _SECTION.sub(lambda found: found[2] if values[found[1]] else "", text)
    kept = _GAP.sub("\n\n", text).strip()
    return _VALUE.sub(lambda found: values[found[1]], kept) + "\n"
