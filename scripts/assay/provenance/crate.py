"""A publication as a Provenance Run Crate: what was run, by which tool, with what result.

Standards: RO-Crate 1.1, Workflow RO-Crate 1.0, and the Workflow Run RO-Crate profiles 0.5
(https://www.researchobject.org/workflow-run-crate/): process, workflow and provenance run crate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}  # beside RO-Crate's own
SNAKEMAKE = {"@id": "https://snakemake.readthedocs.io"}
DONE = {"@id": "http://schema.org/CompletedActionStatus"}
MAIN = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
KINDS = {
    ".parquet": "application/x-parquet", ".json": "application/json", ".txt": "text/plain",
    ".yaml": "application/yaml", ".sqlite": "application/vnd.sqlite3",
}  # fmt: skip
# Rule -> the rules whose results it reads. tests/provenance compares it with the workflow's own.
READS: dict[str, tuple[str, ...]] = {
    "build_image": (), "fetch_source": (), "fetch_model": (),
    "extract_units": ("fetch_source",),
    "record_behaviour": ("extract_units", "fetch_source"),
    "synthesise_tasks": ("extract_units", "fetch_source", "record_behaviour"),
    "select_tasks": ("synthesise_tasks",),
    "write_batch": ("select_tasks",),
    "run_model": ("fetch_model", "select_tasks", "write_batch"),
    "score_answers": ("fetch_source", "run_model", "select_tasks"),
    "inspect_api": ("extract_units", "fetch_source"),
    "index_api": ("fetch_source", "inspect_api"),
    "check_names": ("index_api", "run_model", "select_tasks"),
    "summarise_scores": ("check_names", "run_model", "score_answers", "select_tasks"),
    "pack_manifest": (
        "check_names", "extract_units", "fetch_model", "fetch_source", "index_api",
        "record_behaviour", "run_model", "score_answers", "select_tasks", "summarise_scores",
        "write_batch",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One execution of a rule: the part of the paths behind the rule's name, and its results."""

    rule: str
    part: str
    results: tuple[str, ...]

    @property
    def words(self) -> set[str]:
        """Return the wildcards' values: names of models and targets."""
        return set(self.part.split("/")) - {""}


def crate(
    manifest: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]],
    workflow: str, licence: str, published: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Return the content of ro-crate-metadata.json.

    files:    path in the publication -> {"sha256", "size"} of every file that is there
    workflow: the Snakefile's among them
    """
    made = ROCrate(version="1.1")
    made.metadata.extra_terms.update(TERMS)
    for path in sorted(files):
        kind = {"@type": MAIN} if path == workflow else {}
        made.add_file(dest_path=path, properties={**_file(path, files[path]), **kind})
    root = made.root_dataset
    root.datePublished = published
    root["name"] = f"Assay run {manifest['run']}"
    root["description"] = (
        "Tasks made from a code base and proven by execution, the answers of models, and verdicts; "
        "`make verify` of Assay rebuilds it."
    )
    root["license"] = licence
    root["conformsTo"] = [
        made.add(ContextEntity(made, url, {"@type": "CreativeWork", "name": name, "version": v}))
        for url, name, v in PROFILES
    ]
    jobs = list(_jobs(manifest, files))
    _run(made, manifest, jobs, workflow)
    found: dict[str, Any] = made.metadata.generate()
    return found


def _file(path: str, known: Mapping[str, Any]) -> dict[str, Any]:
    kind = KINDS.get(PurePosixPath(path).suffix, "text/plain")
    return {
        "name": path, "contentSize": str(known["size"]), "sha256": known["sha256"],
        "encodingFormat": kind,
    }  # fmt: skip


def _jobs(manifest: Mapping[str, Any], files: Mapping[str, Any]) -> Iterator[Job]:
    """Yield the run's jobs of which a result was published, in the order of the data."""
    found: dict[tuple[str, str], list[str]] = {}
    for entry in manifest["files"]:
        path = f"results/{entry['path']}"
        rule, _, rest = entry["path"].partition("/")
        part = rest.rpartition("/")[0] or (rest if rule == "build_image" else "")
        if path in files:
            found.setdefault((rule, part), []).append(path)
    order = list(READS)
    for rule, part in sorted(found, key=lambda job: (order.index(job[0]), job[1])):
        yield Job(rule, part, tuple(sorted(found[rule, part])))
    yield Job("pack_manifest", "", ("results/pack_manifest/manifest.json",))


def _read(job: Job, jobs: Sequence[Job], rules: frozenset[str] | None = None) -> list[str]:
    """Return the published files that a job read: those of the same models and targets.

    What is not published (the source, the shards) is followed to what it was made of.
    """
    wanted = frozenset(READS[job.rule]) if rules is None else rules
    there = {one.rule for one in jobs}
    hidden = wanted - there
    found = [
        path for one in jobs for path in one.results
        if one.rule in wanted and (not job.words or not one.words or job.words & one.words)
    ]  # fmt: skip
    further = frozenset(name for rule in hidden for name in READS[rule])
    return sorted({*found, *(_read(job, jobs, further) if further else ())})


def _run(
    made: ROCrate, manifest: Mapping[str, Any], jobs: Sequence[Job], workflow: str
) -> None:  # fmt: skip
    """Add the workflow, its tools and steps, and what of it was executed."""
    rules = sorted({job.rule for job in jobs}, key=list(READS).index)
    tools = {
        rule: _add(made, f"#tool/{rule}", "SoftwareApplication", name=f"scripts/{rule}.py",
                   version=manifest["code"].get(rule, ""))
        for rule in rules
    }  # fmt: skip
    steps = {
        rule: _add(made, f"#step/{rule}", "HowToStep", name=rule, position=str(number),
                   workExample=tools[rule])
        for number, rule in enumerate(rules)
    }  # fmt: skip
    main = made.get(workflow)
    main["name"], main["version"] = "Assay", str(manifest["format"])
    main["programmingLanguage"] = _add(
        made, "https://w3id.org/workflowhub/workflow-ro-crate#snakemake", "ComputerLanguage",
        name="Snakemake", identifier=SNAKEMAKE, url=SNAKEMAKE,
    )  # fmt: skip
    main["hasPart"], main["step"] = list(tools.values()), list(steps.values())
    made.mainEntity = main
    given, summary = made.get("config.json"), made.get("results/summarise_scores/summary.json")
    main["input"] = given["exampleOfWork"] = _parameter(made, "config")
    main["output"] = summary["exampleOfWork"] = _parameter(made, "summary")
    whole = _add(made, "#run", "CreateAction", name=f"run {manifest['run']}", instrument=main,
                 object=given, actionStatus=DONE,
                 result=[summary, made.get("results/pack_manifest/manifest.json")])  # fmt: skip
    controls = [_control(made, job, jobs, tools[job.rule], steps[job.rule]) for job in jobs]
    engine = _add(made, "#snakemake", "SoftwareApplication", name="Snakemake",
                  url=SNAKEMAKE)  # fmt: skip
    _add(made, "#organised", "OrganizeAction", name="Snakemake's run of the workflow",
         instrument=engine, object=controls, result=whole, actionStatus=DONE)  # fmt: skip
    made.root_dataset["mentions"] = [whole]


def _parameter(made: ROCrate, name: str) -> ContextEntity:
    profile = {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"}
    return _add(made, f"#param/{name}", "FormalParameter", additionalType="File", name=name,
                conformsTo=profile)  # fmt: skip


def _control(
    made: ROCrate, job: Job, jobs: Sequence[Job], tool: ContextEntity, step: ContextEntity
) -> ContextEntity:  # fmt: skip
    name = f"{job.rule}/{job.part}".rstrip("/")
    action = _add(
        made, f"#job/{name}", "CreateAction", name=name, instrument=tool, actionStatus=DONE,
        object=[made.get(path) for path in _read(job, jobs) or ["config.json"]],
        result=[made.get(path) for path in job.results],
    )  # fmt: skip
    return _add(made, f"#control/{name}", "ControlAction", name=f"step {name}", instrument=step,
                object=action, actionStatus=DONE)  # fmt: skip


def _add(made: ROCrate, identity: str, kind: str, **properties: Any) -> ContextEntity:
    entity = made.add(ContextEntity(made, identity, {"@type": kind}))
    for name, value in properties.items():
        entity[name] = value
    return entity
