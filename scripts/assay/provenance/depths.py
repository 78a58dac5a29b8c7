"""The three depths of `make verify`: which steps are taken as published, which are done again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from assay.core import registry
from assay.core.errors import UserError
from assay.engines.base import is_recorded
from assay.provenance.publication import Publication

RESCORE, REBUILD, RERUN = "rescore", "rebuild", "rerun"
# In the order of the data; what is not listed here comes last.
STEPS = (
    "fetch_source", "build_image", "extract_units", "record_behaviour", "select_tasks",
    "index_api", "fetch_model", "write_batch", "run_model", "score_answers", "check_names",
    "summarise_scores",
)  # fmt: skip
OPTIONAL = ("write_batch",)  # only where a model is asked outside
MODEL = ("fetch_model", "run_model")
AFTER_ANSWERS = ("score_answers", "check_names", "summarise_scores")
TAKEN = {
    RESCORE: ("extract_units", "record_behaviour", "select_tasks", "index_api", *MODEL),
    REBUILD: MODEL,
    RERUN: (),
}
# Their outputs can't be judged from files: telemetry, and what the locks say by themselves.
NEVER = ("build_image", "render_report", "pack_manifest", "revalidate_tasks")
ELSEWHERE = "its answers were made elsewhere: nothing here can make them again"


@dataclass(frozen=True)
class Plan:
    """What is done with each file of the manifest.

    given:  files that stand in for the steps that made them
    wanted: files that are made again
    why:    rule -> why none of its files is made again
    apart:  file -> why it is not made again, though its rule makes others
    taken:  models whose answers are given, though others answer again
    """

    depth: str
    given: tuple[str, ...]
    wanted: tuple[str, ...]
    why: dict[str, str]
    apart: dict[str, str] = field(default_factory=dict)
    taken: tuple[str, ...] = ()


def rule_of(path: str) -> str:
    """Return the rule that made a file of the results: its first folder."""
    return path.partition("/")[0]


def by_step(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return rule -> its files, rules in the order of the data."""
    grouped: dict[str, list[str]] = {}
    for path in sorted(paths):
        grouped.setdefault(rule_of(path), []).append(path)
    known = {rule: place for place, rule in enumerate(STEPS)}
    return {rule: grouped[rule] for rule in sorted(grouped, key=lambda r: (known.get(r, 99), r))}


def plan(publication: Publication, depth: str) -> Plan:
    """Return what is taken and what is made at a depth.

    Raises UserError for an unknown depth, or one that needs answers that were not published.
    """
    if depth not in TAKEN:
        raise UserError("unknown depth", given=depth, expected=" | ".join(TAKEN))
    given: list[str] = []
    wanted: list[str] = []
    why: dict[str, str] = {}
    for rule, paths in by_step(publication.entries).items():
        published = all(publication.file(path) for path in paths)
        if rule in TAKEN[depth] and published:
            given += paths
            why[rule] = f"taken as published at the depth {depth}"
        elif rule in TAKEN[depth] and rule in MODEL:
            why[rule] = f"not published, and no model runs at the depth {depth}"
        elif rule not in NEVER:
            wanted += paths
    if "run_model" in why and not [path for path in given if rule_of(path) == "run_model"]:
        if depth == RESCORE:
            raise UserError(
                "there are no answers to score again", expected="published responses",
                hint="verify against the folder or the archive; a manifest alone has digests only",
            )  # fmt: skip
        why |= dict.fromkeys(AFTER_ANSWERS, "the answers were not published")
        wanted = [path for path in wanted if rule_of(path) not in AFTER_ANSWERS]
    made = Plan(depth, tuple(given), tuple(wanted), why)
    return made if "run_model" in why else _without_recorded(made, publication)


def recorded(publication: Publication) -> list[str]:
    """Return the models whose answers were made elsewhere, by the engine in the config."""
    engines = {
        name: str(one.get("engine"))
        for name, one in sorted(publication.manifest["config"]["models"].items())
    }
    known = registry.names("engines")
    return [
        name for name, engine in engines.items()
        if engine in known and is_recorded(registry.load("engines", engine))
    ]  # fmt: skip


def _without_recorded(whole: Plan, publication: Publication) -> Plan:
    """Return the plan with recorded answers taken as published; without them, nothing behind."""
    models = recorded(publication)
    own = [path for path in whole.wanted if rule_of(path) in MODEL and path.split("/")[1] in models]
    lost = sorted({path.split("/")[1] for path in own if not publication.file(path)})
    behind = [
        path for path in whole.wanted if rule_of(path) in AFTER_ANSWERS
        and lost and (path.split("/")[1] in lost or rule_of(path) == "summarise_scores")
    ]  # fmt: skip
    apart = {path: f"{path.split('/')[1]}: {ELSEWHERE}" for path in own}
    apart |= dict.fromkeys(behind, "recorded answers were not published")
    return replace(
        whole, given=(*whole.given, *(path for path in own if publication.file(path))),
        wanted=tuple(path for path in whole.wanted if path not in apart),
        apart=apart, taken=tuple(models),
    )  # fmt: skip
