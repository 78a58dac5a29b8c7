"""The config: read, merged, checked as a whole, and handed out in the parts that steps need.

Every mistake is listed at once, each with its path, what was given, what is expected and a hint.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from assay.core import registry
from assay.core.errors import UserError
from assay.core.weights import OLLAMA, SNAPSHOT
from assay.core.weights import mistakes as weights_mistakes

Config = dict[str, Any]
NOT_RECORDED = ("execution",)


@dataclass(frozen=True)
class Settings:
    """The checked config and the target and model files that it names."""

    config: Config
    targets: dict[str, Config]
    models: dict[str, Config]

    def part(self, *names: str) -> Config:
        """Return the named top-level entries of the config, for a step's `--settings`."""
        return {name: self.config[name] for name in names}

    def recorded(self) -> Config:
        """Return all that the results are a function of: the config without execution settings."""
        kept = {name: value for name, value in self.config.items() if name not in NOT_RECORDED}
        return {"config": kept, "targets": self.targets, "models": self.models}


def load(folder: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read `folder`/config.yaml and what it names, with `overrides` merged over the defaults.

    Raises UserError that lists every mistake in all the files.
    """
    schema = read_yaml(folder / "config.schema.yaml")
    config = merged(read_yaml(folder / "config.yaml"), overrides or {})
    mistakes = list(_mistakes(config, schema, "config", folder / "config.yaml"))
    found: dict[str, dict[str, Config]] = {"target": {}, "model": {}}
    for kind, files in found.items():
        for name in _names(config.get(f"{kind}s")):
            path = folder / f"{kind}s" / f"{name}.yaml"
            if not path.is_file():
                mistakes.append(_missing(path, kind))
                continue
            files[name] = read_yaml(path)
            formal = list(_mistakes(files[name], schema, kind, path))
            mistakes += formal
            if kind == "model":
                mistakes += _plugin_mistakes(files[name], path)
                mistakes += [] if formal else _weights_mistakes(files[name], path)
                mistakes += _unpinned(files[name], path)
    if mistakes:
        count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
        raise UserError(f"the config has {count}:\n" + "\n".join(mistakes))
    return Settings(config, found["target"], found["model"])


def read_yaml(path: Path) -> Config:
    """Read a YAML mapping; raise UserError that names the file and line if it is none."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError("can't read the YAML file", where=path, given=error) from error
    if not isinstance(value, dict):
        raise UserError(
            "the YAML file holds no mapping", where=path, given=type(value).__name__,
            expected="key: value lines",
        )  # fmt: skip
    return value


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Config:
    """Return `base` with `over` laid on top, mapping by mapping; lists are replaced."""
    result = dict(base)
    for name, value in over.items():
        below = result.get(name)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[name] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _missing(path: Path, kind: str) -> str:
    known = sorted(file.stem for file in path.parent.glob("*.yaml"))
    return _entry(
        path, f"{kind} file is missing", path.stem, " | ".join(known) or "no file there yet",
        _closest(path.stem, known) or f"write {path}",
    )  # fmt: skip


def _plugin_mistakes(model: Config, path: Path) -> Iterator[str]:
    """Check a model's `engine` and its `parameters` against the engine's own schema."""
    engine, known = model.get("engine"), registry.names("engines")
    if engine not in known:
        hint = _closest(str(engine), known) or "an engine is a file in scripts/assay/engines/"
        yield _entry(f"{path}: engine", "unknown engine", engine, " | ".join(known), hint)
        return
    closed = {"properties": {"parameters": registry.load("engines", str(engine)).PARAMETERS}}
    named = {"parameters": model.get("parameters", {})}
    yield from _mistakes(named, {"$defs": {"model": closed}}, "model", path)


def _unpinned(model: Config, path: Path) -> Iterator[str]:
    """Refuse weights whose digest is still to be found out: no run is a function of those."""
    weights = model.get("weights")
    if isinstance(weights, dict) and "pin" in weights:
        several = weights.get("kind") == SNAPSHOT
        what = "folder" if several else "file"
        hint = f"download the {what}, then: make pin MODEL={path.stem} FILE=<the {what}>"
        if weights.get("kind") == OLLAMA:
            hint = f"with OLLAMA_REGISTRY set: make pin MODEL={path.stem}"
        yield _entry(
            f"{path}: weights", "the weights are not pinned", "pin: required",
            f"the sha256 and the size of {'each file' if several else 'one file'}",
            hint,
        )  # fmt: skip


def _weights_mistakes(model: Config, path: Path) -> Iterator[str]:
    """Check what the schema can't say of a model's weights, and that its engine takes such."""
    weights, engine = model.get("weights"), model["engine"]
    if not weights:
        return
    for place, problem, given, expected, hint in weights_mistakes(weights):
        yield _entry(f"{path}: weights{place and f'.{place}'}", problem, given, expected, hint)
    known = engine in registry.names("engines")
    if weights["kind"] == SNAPSHOT and known and not _takes_snapshots(engine):
        takers = [name for name in registry.names("engines") if _takes_snapshots(name)]
        yield _entry(
            f"{path}: weights.kind", "this engine loads one file, and no snapshot",
            f"engine: {engine}, kind: {SNAPSHOT}", f"engine: {' | '.join(takers)}",
            "name one file, or another engine",
        )  # fmt: skip


def _takes_snapshots(engine: str) -> bool:
    """Tell whether an engine loads a folder of files, by its own word."""
    return bool(getattr(registry.load("engines", engine), "SNAPSHOTS", False))


def _mistakes(value: Any, schema: Config, kind: str, path: Path) -> Iterator[str]:
    rooted = {"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]}
    errors = Draft202012Validator(rooted).iter_errors(value)
    for error in sorted(errors, key=lambda error: (error.json_path, error.message)):
        yield from _explained(error, path)


def _explained(error: Any, path: Path) -> Iterator[str]:
    where = f"{path}: {error.json_path.removeprefix('$').lstrip('.') or '(top level)'}"
    rule, limit = str(error.validator), error.validator_value
    if rule == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        for name in sorted(set(error.instance) - set(known), key=str):
            hint = _closest(str(name), known) or "remove it"
            yield _entry(where, "unknown key", name, " | ".join(known), hint)
    elif rule == "required":
        for name in [name for name in limit if name not in error.instance]:
            yield _entry(where, "missing key", "nothing", name, f"add `{name}:`")
    elif rule in {"oneOf", "anyOf"}:
        forms = " or ".join(_form(form) for form in limit)
        yield _entry(where, "fits none of its forms", error.instance, forms, "use one of them")
    else:
        described = error.schema.get("description")
        expected = f"{rule} {limit}" + (f" ({described})" if described else "")
        yield _entry(
            where, _PROBLEMS.get(rule, error.message), error.instance, expected, _fix(rule)
        )


_PROBLEMS = {
    "type": "wrong type", "enum": "unknown value", "pattern": "wrong form", "minimum": "too small",
    "maximum": "too large", "minItems": "too few entries", "uniqueItems": "an entry repeats",
}  # fmt: skip


def _fix(rule: str) -> str:
    if rule == "type":
        return "mind the quotes: 3 is a number, '3' a text; `null` without quotes is no name"
    return "see the comment of this key in config/config.yaml, or config/config.schema.yaml"


def _form(form: Mapping[str, Any]) -> str:
    required = form.get("required")
    return "{" + ", ".join(required) + "}" if required else str(form.get("type", "another form"))


def _closest(name: str, known: list[str]) -> str | None:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else None


def _entry(where: object, what: str, given: object, expected: object, hint: str) -> str:
    shown = repr(given)
    shown = shown if len(shown) <= 120 else shown[:117] + "..."
    return (
        f"- {where}: {what}\n    given:    {shown}\n    expected: {expected}\n    hint:     {hint}"
    )
