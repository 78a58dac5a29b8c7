"""One run of the workflow: its settings, paths, lock and environment.

Made once, when the Snakefile is parsed; knows nothing of Snakemake.
"""

from __future__ import annotations

import fcntl
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from assay.core import digests, registry
from assay.core import settings as config_settings
from assay.core.errors import UserError
from assay.core.files import canonical_json, sweep
from assay.core.locks import open_lock
from assay.core.weights import digest_of, place_of
from assay.engines.base import is_recorded, is_remote, wants_cards
from assay.images.names import image_name, read_lock
from assay.images.store import cache_root, container_path, verify_image
from assay.workflow.code import code_digest
from assay.workflow.environment import set_environment
from assay.workflow.known import Known
from assay.workflow.outside import Outside

REFERENCE_IMAGE = "tools"


@dataclass(frozen=True)
class Run:
    """The checked settings and every path of one run. All paths are relative to `work`."""

    repository: Path
    work: Path
    settings: config_settings.Settings
    _held: list[IO[bytes]] = field(default_factory=list, compare=False)

    @property
    def name(self) -> str:
        """Return the run's name."""
        return str(self.settings.config["run"])

    def result(self, rule: str, *parts: str) -> str:
        """Return the path of a deterministic output."""
        return "/".join(("results", self.name, rule, *parts))

    def telemetry(self, rule: str, *parts: str) -> str:
        """Return the path of a measured output."""
        return "/".join(("results", self.name, "telemetry", rule, *parts))

    def log(self, rule: str, *parts: str) -> str:
        """Return the path of a step's log."""
        return self.telemetry("logs", rule, "/".join(parts or (rule,)) + ".log")

    def benchmark(self, rule: str, *parts: str) -> str:
        """Return the path of what Snakemake measures of a job: seconds, memory."""
        return self.telemetry("steps", rule, "/".join(parts or (rule,)) + ".tsv")

    @property
    def lock(self) -> str:
        """Return the lock file that the workflow's main process holds while it lives."""
        return f"results/.{self.name}.lock"

    def settings_of(self, *names: str, target: str = "", model: str = "") -> str:
        """Return the part of the settings that a step gets, as canonical JSON."""
        part: dict[str, Any] = self.settings.part(*names)
        if target:
            part["target"] = self.settings.targets[target]
        if model:
            # A price decides no answer: a new one must not ask a model again.
            described = self.settings.models[model].items()
            part["model"] = {name: value for name, value in described if name != "prices"}
        return canonical_json(part)

    def code(self, rule: str, *data: str, **plugins: list[str]) -> str:
        """Return the digest of the code (and data files) that a rule's program uses."""
        files = [self.repository / path for path in data]
        return code_digest(self.repository / "scripts", rule, plugins, files)

    @cached_property
    def images(self) -> dict[str, str]:
        """Return recipe -> image name, for all images that this run needs."""
        targets = [f"testbed-{name}" for name in self.settings.targets]
        engines = [self.engine_image(model) for model in self.settings.models]
        recipes = sorted({REFERENCE_IMAGE, *filter(None, engines), *targets})
        return {recipe: image_name(recipe, self.repository) for recipe in recipes}

    def require_images(self) -> None:
        """Raise UserError if an image that this run needs has no lock, or one that is too old."""
        _ = self.images

    def engine_image(self, model: str) -> str | None:
        """Return the recipe of the image that a model's engine runs in; None: on the host."""
        recipe = str(self.settings.models[model].get("image", REFERENCE_IMAGE))
        return None if is_remote(self._engine(model)) else recipe

    @property
    def root(self) -> str:
        """Return the folder of this run's results."""
        return f"results/{self.name}"

    def manifest_settings(self, rules: Iterable[str]) -> str:
        """Return all that the results are a function of: config, and code by rule."""
        code = {rule: self.code(rule) for rule in sorted(rules) if self._program(rule).is_file()}
        return canonical_json({"recorded": self.settings.recorded(), "code": code})

    def _program(self, rule: str) -> Path:
        return self.repository / "scripts" / f"{rule}.py"

    def report_settings(self) -> str:
        """Return what the report is told of the config: run, tasks, and prices if there are any."""
        prices = {m: one["prices"] for m, one in self.settings.models.items() if "prices" in one}
        more = {"prices": prices} if prices else {}
        return canonical_json({**self.settings.part("run", "tasks"), **more})

    def _engine(self, model: str) -> ModuleType:
        return registry.load("engines", self.settings.models[model]["engine"])

    def needs_keys(self, model: str) -> bool:
        """Tell whether a model is a reference solver, which answers from the keys."""
        return bool(self._engine(model).NEEDS_KEYS)

    def gpus(self, model: str) -> int:
        """Return how many GPUs a model may take: none if it answers from keys or a file."""
        engine = self._engine(model)
        return 0 if engine.NEEDS_KEYS or is_recorded(engine) else 1

    @property
    def outside(self) -> Outside:
        """Return what is known of models whose answers this run does not make itself."""
        return Outside(self.settings, self.work)

    @property
    def known(self) -> Known:
        """Return what the response cache knows of this run's models."""
        return Known(self.settings, self.work)

    def optional_flags(self, model: str, keys: Sequence[str]) -> str:
        """Return the flags that only some get: weights, keys, published answers, a batch."""
        flags = ["--keys", *keys] if keys else []
        against = self.settings.config["execution"]["against"]
        published = Path(against or "", "run_model", model, "responses.parquet")
        if against and (self.work / published).is_file():
            flags += ["--against", str(published)]
        flags += self.outside.flags(model)
        weights = self.settings.models[model].get("weights")
        if weights:
            flags += ["--weights", str(place_of(cache_root(), digest_of(weights)))]
        return " ".join([*flags, *self.known.flags(model)])

    def threads(self, model: str) -> int:
        """Return the processor threads that a model's engine is told to use."""
        return int(self.settings.models[model].get("parameters", {}).get("threads", 1))

    @property
    def cache(self) -> str:
        """Return the cache, an execution setting."""
        return str(cache_root())

    def container(self, recipe: str) -> str:
        """Return the file (or unpacked folder) that Apptainer runs for a recipe."""
        return str(container_path(cache_root(), self.images[recipe]))

    def verify_images(self) -> None:
        """Check the images in the cache against their locks, so that nothing runs in a damaged one.

        The receipt of an image that has left the cache is dropped: Snakemake builds it again.
        """
        for recipe, image in self.images.items():
            if container_path(cache_root(), image).exists():
                verify_image(cache_root(), image, read_lock(self.repository, recipe))
            else:
                receipt = self.work / self.result("build_image", f"{image}.json")
                receipt.unlink(missing_ok=True)

    def verify_results(self) -> None:
        """Remove what a kill left half-written; check finished results against their digests.

        Snakemake runs no step whose outputs are there, so no step would look at them. The run's
        lock is held: nobody writes there now.
        """
        sweep(self.work / self.root)
        if late := digests.mend_times(self.work / self.root):
            sys.stderr.write(f"{len(late)} results were written by a clock ahead of this one\n")
        digests.check_all(self.work / self.root)

    def hold_lock(self) -> None:
        """Take the run's lock for the life of this process; raise UserError if it is taken."""
        path = self.work / self.lock
        handle = open_lock(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.close()
            raise UserError(
                f"another process works on the run {self.name}", where=path,
                hint="wait until it has ended, or give this run another name (`run:`)",
            ) from error  # fmt: skip
        self._held.append(handle)


def prepare(
    repository: Path, work: Path, overrides: Mapping[str, Any], *, main_process: bool
) -> Run:
    """Check the config and the work folder, take the lock, set the environment."""
    if re.search(r"[:\s]", f"{work}{cache_root()}"):
        raise UserError(
            "the work folder and the cache must have no colon or white space in their paths",
            given=f"{work} and {cache_root()}", expected="a path that Apptainer can bind",
            hint="clone into another folder, or set ASSAY_CACHE",
        )  # fmt: skip
    run = Run(repository, work, config_settings.load(repository / "config", overrides))
    run.require_images()
    cache_root().mkdir(parents=True, exist_ok=True)
    if main_process:
        run.hold_lock()
        run.verify_images()
        run.verify_results()
        run.known.keep()
    set_environment(cards=any(map(wants_cards, run.settings.models.values())))
    return run
