"""The extraction rules of `config/extraction/`, read and checked.

Every document of a YAML file there is an ast-grep rule named by its `id`; only `skip.yaml` differs:
it says what is not scanned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ast_grep_py import SgRoot

from assay.core.errors import UserError

SKIP = "skip.yaml"
LANGUAGE = "python"
NEEDED = frozenset(
    {"functions", "classes", "imports", "calls", "statements", "decisions", "compounds", "newer"}
)
_KEYS = frozenset({"id", "language", "rule", "constraints", "utils", "message", "severity", "note"})


@dataclass(frozen=True)
class Rules:
    """nodes: rule id -> ast-grep config; skip: the content of skip.yaml."""

    nodes: Mapping[str, Mapping[str, Any]]
    skip: Mapping[str, Any]


def load_rules(folder: Path) -> Rules:
    """Return the rules; raise UserError that names the file and rule at fault."""
    nodes: dict[str, Mapping[str, Any]] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name != SKIP:
            for rule in _documents(path):
                nodes[_checked(rule, path)] = {
                    key: rule[key] for key in ("rule", "constraints", "utils") if key in rule
                }
    if set(nodes) != NEEDED:
        raise UserError(
            "the extraction rules are not the ones that are used", where=folder,
            given=", ".join(sorted(nodes)) or "no rule", expected=", ".join(sorted(NEEDED)),
        )  # fmt: skip
    return Rules(nodes, _skip(folder / SKIP))


def _documents(path: Path) -> list[Any]:
    try:
        return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError("can't read the extraction rules", where=path, given=error) from error


def _checked(rule: Any, path: Path) -> str:
    if not isinstance(rule, dict) or not {"id", "rule"} <= set(rule) <= _KEYS:
        raise UserError(
            "this is no ast-grep rule", where=path, given=rule,
            expected="a mapping with " + ", ".join(sorted(_KEYS)),
        )  # fmt: skip
    try:
        SgRoot("", LANGUAGE).root().find_all({"rule": rule["rule"]})
    except (RuntimeError, ValueError, TypeError) as error:
        reason = " ".join(
            line.strip() for line in str(error).split("Stack backtrace")[0].split("\n")
        )
        raise UserError(
            f"ast-grep refuses the rule {rule['id']}", where=path, given=reason.strip()
        ) from error
    return str(rule["id"])


def _skip(path: Path) -> Mapping[str, Any]:
    found: Any = (_documents(path) or [None])[0]
    markers = found.get("generated_markers") if isinstance(found, dict) else None
    if (
        not isinstance(markers, dict)
        or set(found) != {"paths", "generated_markers"}
        or set(markers) != {"lines", "words"}
        or not all(isinstance(patterns, list) for patterns in found["paths"].values())
    ):
        raise UserError(
            "the skip rules have another form", where=path,
            expected="paths: {reason: [pattern, …]}, generated_markers: {lines, words}",
        )  # fmt: skip
    return dict(found)
