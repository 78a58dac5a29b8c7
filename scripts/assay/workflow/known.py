"""The response cache's side of a run: when it is used, and what is put into it (decision 0011)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.core.settings import Settings
from assay.core.weights import digest_of
from assay.engines._cache import FILE, keep, response_folder
from assay.images.store import cache_root


@dataclass(frozen=True)
class Known:
    """Answers of earlier runs, for models whose weights are known by their digest."""

    settings: Settings
    work: Path

    @property
    def used(self) -> bool:
        """Tell whether answers may come from the response cache; published ones are asked anew."""
        execution = self.settings.config["execution"]
        return bool(execution["response_cache"]) and not execution["against"]

    def flags(self, model: str) -> list[str]:
        """Return the flags that tell `run_model` where a model's known answers are."""
        folder = self._folder(model)
        return ["--known", str(folder)] if folder else []

    def keep(self) -> None:
        """Put the answers of finished models into the cache."""
        for model in self.settings.models:
            told = f"results/{self.settings.config['run']}/telemetry/run_model/{model}/{FILE}"
            folder = self._folder(model)
            if folder and (self.work / told).is_file():
                keep(self.work / told, folder)

    def _folder(self, model: str) -> Path | None:
        weights = self.settings.models[model].get("weights")
        return response_folder(cache_root(), digest_of(weights)) if self.used and weights else None
