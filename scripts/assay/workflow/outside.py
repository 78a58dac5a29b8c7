"""Models that a person asks outside of the closed network: what goes out, what was brought in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from assay.core import registry
from assay.core.settings import Settings
from assay.engines.base import brought_in

# Not below results/: what was paid for outlives `make clean`.
PLACE = "batch"


@dataclass(frozen=True)
class Outside:
    """The files of such models in a run; paths are relative to its work folder."""

    settings: Settings
    work: Path

    @property
    def models(self) -> list[str]:
        """Return the models whose requests a person carries out."""
        return [model for model in self.settings.models if self._names(model)]

    @property
    def made_here(self) -> str:
        """Return a pattern of all models but those whose answers lie in the results already."""
        taken = self.settings.config["execution"]["taken"]
        names = [re.escape(model) for model in self.settings.models if model not in taken]
        return "|".join(names) or "(?!)"

    def folder(self, model: str) -> str:
        """Return the folder that a model's results are put into."""
        return f"{PLACE}/{self.settings.config['run']}/{model}"

    def requests(self, model: str) -> str:
        """Return the file that is carried out."""
        return f"results/{self.settings.config['run']}/write_batch/{model}/requests.jsonl"

    def files(self, model: str) -> list[str]:
        """Return a model's requests and those of its results that are there; else nothing.

        The step that reads them says what is missing.
        """
        names = self._names(model)
        paths = [f"{self.folder(model)}/{name}" for name in names]
        there = [path for path in paths if (self.work / path).is_file()]
        return [self.requests(model), *there] if names else []

    def flags(self, model: str) -> list[str]:
        """Return the flags that tell `run_model` where these files are."""
        if not self._names(model):
            return []
        return ["--requests", self.requests(model), "--results", self.folder(model)]

    def _names(self, model: str) -> tuple[str, ...]:
        return brought_in(registry.load("engines", self.settings.models[model]["engine"]))
