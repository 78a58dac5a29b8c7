"""A fresh work folder for `make verify`, and the workflow that runs in it.

The code, recipes and locks are this checkout's; only the config is the published one. Published
files stand where the steps would have put them, and Snakemake is allowed every rule but theirs.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from assay.core import settings
from assay.core.errors import UserError
from assay.core.files import read_json
from assay.provenance.depths import MODEL, NEVER, Plan, rule_of
from assay.provenance.publication import Publication
from assay.workflow.run import Run

COPIED = ("Snakefile", "rules", "scripts", "config", "containers", "envs", "profiles")
PUBLISHED = "published"  # folder of the published answers, where a model answers again
_RULE = re.compile(r"^rule (\w+):", re.MULTILINE)


def set_up(publication: Publication, plan: Plan, repository: Path, work: Path) -> None:
    """Make the work folder: this checkout's workflow, the published config, the given files."""
    work.mkdir(parents=True)
    for name in COPIED:
        source = repository / name
        if source.is_dir():
            shutil.copytree(source, work / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, work / name)
    _write_config(publication.manifest["config"], work / "config", plan.taken)
    for path in plan.given:
        _copy(publication.file(path), work / "results" / publication.run / path)
    for path in plan.wanted:
        if rule_of(path) == "run_model":
            _copy(publication.file(path), work / PUBLISHED / path)


def _copy(published: Path | None, target: Path) -> None:
    if published:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(published, target)


def _write_config(recorded: Mapping[str, Any], folder: Path, taken: Sequence[str]) -> None:
    """Put the recorded config in the place of ours; only execution settings stay."""
    ours = settings.read_yaml(folder / "config.yaml")
    layers, wanted = (part.get("sandbox", {}).get("layers") for part in (recorded["config"], ours))
    if not isinstance(layers, list) or not set(wanted) <= {str(layer) for layer in layers}:
        raise UserError(
            "the published config asks for a weaker sandbox than this checkout", given=layers,
            expected=wanted, hint="nothing of it was run; ask for a run with all layers",
        )  # fmt: skip
    execution = {**ours["execution"], "against": PUBLISHED, "taken": list(taken)}
    _write_yaml(folder / "config.yaml", {**recorded["config"], "execution": execution})
    for kind in ("targets", "models"):
        for name, described in recorded[kind].items():
            _write_yaml(folder / kind / f"{name}.yaml", described)


def _write_yaml(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(
        yaml.safe_dump(dict(value), sort_keys=True, allow_unicode=True), encoding="utf-8"
    )


def run_of(work: Path) -> Run:
    """Return the run as the work folder's config describes it."""
    return Run(work, work, settings.load(work / "config"))


def other_code(publication: Publication, run: Run) -> list[str]:
    """Return the rules whose code is not the published one.

    The step that writes the manifest does not list itself.
    """
    theirs = publication.manifest["code"]
    listed = [rule for rule in rules(run.work) if rule != "pack_manifest"]
    ours = json.loads(run.manifest_settings(listed))["code"]
    return [rule for rule in sorted({*theirs, *ours}) if theirs.get(rule) != ours.get(rule)]


def rules(work: Path) -> list[str]:
    """Return the names of all rules of the workflow."""
    texts = [path.read_text() for path in (work / "Snakefile", *sorted(work.glob("rules/*.smk")))]
    return sorted(name for text in texts for name in _RULE.findall(text))


def make(work: Path, plan: Plan, run: str, cores: int, log: Path) -> str:
    """Let Snakemake make the wanted files; return its last words if it failed, else "".

    Rules whose files are given do not exist for it, so these files are plain inputs: nothing can
    make them again, whatever their times, digests or metadata.
    Raises UserError if the workflow refuses to start (a damaged image, a wrong config).
    """
    given = [path for path in plan.given if path not in plan.apart]
    stand_ins = {rule_of(path) for path in given} | (set(MODEL) & set(plan.why))
    unwanted = stand_ins | (set(NEVER) - {"build_image"})
    allowed = [rule for rule in rules(work) if rule not in unwanted]
    command = [
        str(Path(sys.executable).parent / "snakemake"), "--cores", str(cores),
        "--resources", "gpu=1", "--keep-going", "--nocolor", "--allowed-rules", *allowed,
        "--", *(f"results/{run}/{path}" for path in plan.wanted),
    ]  # fmt: skip
    with log.open("wb") as stream:
        done = subprocess.run(command, cwd=work, stdout=stream, stderr=stream, check=False)
    said = log.read_text(encoding="utf-8", errors="replace")
    if done.returncode and not list((work / "results" / run).glob("telemetry/logs")):
        found = said[said.rfind("error: ") :] if "error: " in said else said[-2000:]
        raise UserError(
            f"the workflow does not start: {found.removeprefix('error: ').strip()}", where=log
        )
    return said[-2000:] if done.returncode else ""


def complaint(work: Path, run: str, path: str) -> str:
    """Return what the log of the step that should have made a file says of its failure."""
    rule, _, rest = path.partition("/")
    folder = work / "results" / run / "telemetry" / "logs" / rule
    wanted = folder / f"{Path(rest).parent.as_posix()}.log"
    logs = [wanted] if wanted.is_file() else sorted(folder.rglob("*.log"))
    for log in logs:
        text = log.read_text(encoding="utf-8", errors="replace")
        if "error: " in text:
            return " ".join(text[text.rfind("error: ") :].split())[:400]
    return ""


def fingerprint(work: Path, run: str, model: str) -> dict[str, Any] | None:
    """Return the fingerprint of a model that ran in the work folder, or None."""
    path = work / "results" / run / "telemetry" / "run_model" / model / "fingerprint.json"
    found: dict[str, Any] | None = read_json(path) if path.is_file() else None
    return found


def margins(work: Path, run: str, model: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what a model's run in the work folder says of each answer that is not as published."""
    path = work / "results" / run / "telemetry" / "run_model" / model / "margins.json"
    found = read_json(path)["margins"] if path.is_file() else []
    return {(one["target"], one["task_id"]): one for one in found}
