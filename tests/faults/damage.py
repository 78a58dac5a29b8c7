"""One bit of one byte changed in each file that a step makes, times and size as they were."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import place as places
from outcome import Table
from place import RUN, Place

# Each step, and one that reads what it makes; the long ones last.
CONSUMERS = {
    "build_image": "extract_units", "fetch_source": "extract_units",
    "extract_units": "record_behaviour", "select_tasks": "run_model", "fetch_model": "run_model",
    "run_model": "score_answers", "score_answers": "summarise_scores",
    "check_names": "summarise_scores", "summarise_scores": "render_report",
    "render_report": "pack_manifest", "pack_manifest": "pack_manifest",
    "inspect_api": "index_api", "index_api": "check_names",
    "record_behaviour": "synthesise_tasks", "synthesise_tasks": "select_tasks",
}  # fmt: skip
# Deleted from a finished run after they were damaged, and made again.
MENDED = ("index_api/cerberus/api_index.parquet", "score_answers/oracle/cerberus/verdicts.parquet")
ALONE = 3


def as_it_is_made(table: Table, place: Place, kept: Path) -> None:
    """Damage a file of each step as soon as it is there: the next step must not compute with it.

    Where that step does not read this very file, it ends well, and the next start refuses.
    """
    fault, draw = "flipped once made", random.Random(places.SEED)
    by_step, by_start = 0, 0
    for rule, consumer in CONSUMERS.items():
        place.restore(kept)
        for name in (rule, consumer):
            for folder in (place.results / name, place.results / "telemetry" / name):
                shutil.rmtree(folder, ignore_errors=True)
        process = place.start_until(consumer)
        if not places.wait_for(lambda rule=rule: made_by(place, rule), process):
            table.wrong(fault, rule, f"no output came: {place.end(process).complaint}")
            continue
        name = draw.choice(made_by(place, rule))
        places.flip(place.results / name, draw.randrange(1 << 30))
        ended = place.end(process)
        if ended.code:
            by_step += table.refused(fault, name, ended, f"results/{RUN}/{name}")
        else:
            ended = place.run()
            by_start += table.refused(fault, name, ended, f"results/{RUN}/{name}")
        print(f"faults: {fault}: {name}: {ended.complaint}", flush=True)
    outcome = f"refused by name: {by_step} by the next step, {by_start} by the next start"
    table.add(fault, "a file of each step", len(CONSUMERS), outcome)


def made_by(place: Place, rule: str) -> list[str]:
    names = [name for name in place.recorded() if rule in Path(name).parts[:2]]
    return [name for name in names if (place.results / name).is_file()]


def at_rest(table: Table, place: Place, kept: Path) -> None:
    """Damage each file of the finished run, its record too: the next start must refuse."""
    fault, draw = "flipped at rest", random.Random(places.SEED)
    place.restore(kept)
    names = [name for name in place.recorded() if (place.results / name).is_file()]
    count = 0
    for name in draw.sample(names, ALONE):
        where = draw.randrange(1 << 30)
        places.flip(place.results / name, where)
        count += table.refused(fault, name, place.run(), f"results/{RUN}/{name}")
        places.flip(place.results / name, where)
    record, name = place.record_of(names[0]), names[0]
    places.flip(record, 5)
    count += table.refused(fault, f"record of {name}", place.run(), f"results/{RUN}/{name}")
    places.flip(record, 5)
    table.add(fault, "one file, one record", ALONE + 1, f"{count} refused by name")
    flips = {name: draw.randrange(1 << 30) for name in names}
    for name, where in flips.items():
        places.flip(place.results / name, where)
    ended = place.run()
    count = sum(table.refused(fault, name, ended, f"results/{RUN}/{name}") for name in names)
    for name, where in flips.items():
        places.flip(place.results / name, where)
    table.add(fault, "every file, at once", len(names), f"{count} named")
    equal = table.equal(fault, "flipped back", place, place.run())
    for name in MENDED:
        places.flip(place.results / name, draw.randrange(1 << 30))
        (place.results / name).unlink()
        equal += table.equal(fault, f"{name} deleted", place, place.run())
    table.add(fault, "deleted, made again", len(MENDED), f"{equal - 1} with equal bytes")


def cache(table: Table, place: Place, kept: Path) -> None:
    """Damage an image and the weights in the (private) cache: nothing may run with them."""
    fault, draw, count = "flipped: cache", random.Random(places.SEED), 0
    place.restore(kept)
    (receipt,) = (place.results / "build_image").glob("testbed-*.json")
    found = [place.cache / "images" / f"{receipt.stem}.sqfs", *(place.cache / "weights").iterdir()]
    shutil.rmtree(place.results / "run_model" / places.twice.MODEL)  # which reads the weights
    for path in found:
        real = path.with_name(f"{path.name}.real")
        path.rename(real)
        shutil.copy2(real, path)  # never written into: it is a link to the real cache's file
        places.flip(path, draw.randrange(1 << 30))
        count += table.refused(fault, path.name, place.run(), path.name)
        real.replace(path)
    equal = table.equal(fault, "put right", place, place.run())
    table.add(fault, "an image, the weights", 2,
              f"{count} refused by name; then {'equal' if equal else 'other'} bytes")  # fmt: skip
