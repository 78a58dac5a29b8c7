# Functions that all stages share: settings, paths, images. No rules here.
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(workflow.basedir, "scripts"))

from assay.core.errors import UserError
from assay.workflow.run import prepare

try:
    RUN = prepare(
        repository=Path(workflow.basedir),
        work=Path.cwd(),
        overrides=config,
        main_process=workflow.is_main_process and not workflow.dryrun,
    )
except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)

TARGETS, MODELS = list(RUN.settings.targets), list(RUN.settings.models)
SHARDS = RUN.settings.config["execution"]["shards"]


def command(rule, wildcards="", inputs="", outputs="", params="", image="{params.image}"):
    """The command line of a step: its flags are named after its inputs, outputs and params.

    A final underscore (`keys_`, since Snakemake reserves `keys`) is no part of the flag; an output
    with an input's name gets the flag `--out-<name>`.
    """
    flags = [f"--{name} {{wildcards.{name}}}" for name in wildcards.split()]
    flags += [f"--{name.rstrip('_')} {{input.{name}}}" for name in inputs.split()]
    taken = set(inputs.split())
    for name in outputs.split():
        prefix = "out-" if name in taken else ""
        flags.append(f"--{prefix}{name.rstrip('_')} {{output.{name}}}")
    flags += [f"--{name} {{params.{name}}}" for name in params.split()]
    flags += [f"--image={image}"] if image else []
    flags += ["--settings {params.settings:q}", "--log {log}", f"--run-lock {RUN.lock}"]
    flags += ["--read {input}", "--made {output}"]
    return " ".join([f"python3 scripts/{rule}.py", *flags])


TOOLS = RUN.images["tools"]


def receipt(recipe):
    """The receipt that says that an image is built and verified."""
    return RUN.result("build_image", f"{RUN.images[recipe]}.json")


def testbed(wildcards):
    return RUN.container(f"testbed-{wildcards.target}")


def testbed_receipt(wildcards):
    return receipt(f"testbed-{wildcards.target}")


def testbed_image(wildcards):
    return RUN.images[f"testbed-{wildcards.target}"]


def engine_image(wildcards):
    """The image that a model's engine runs in; empty: on the host, to reach a running server."""
    recipe = RUN.engine_image(wildcards.model)
    return RUN.images[recipe] if recipe else ""


def engine_container(wildcards):
    recipe = RUN.engine_image(wildcards.model)
    return RUN.container(recipe) if recipe else None


def engine_receipt(wildcards):
    recipe = RUN.engine_image(wildcards.model)
    return receipt(recipe) if recipe else []


def engine(wildcards):
    return RUN.settings.models[wildcards.model]["engine"]


def settings_of(*names):
    """Params function: the part of the settings that a step gets, by its wildcards."""

    def part(wildcards):
        found = dict(wildcards.items())
        chosen = {kind: found[kind] for kind in ("target", "model") if kind in found}
        return RUN.settings_of(*names, **chosen)

    return part


def shard_tables(rule):
    """The tables of one shard, which are merged and then deleted."""
    names = {"tasks": "tasks", "keys_": "keys", "rejected": "rejected"}
    folder = ("{target}", "{shard}-of-{shards}")
    return {
        flag: temp(RUN.result(rule, *folder, f"{name}.parquet")) for flag, name in names.items()
    }


def shards_of(rule, name):
    """Input function: one file of every shard of a target."""
    path = RUN.result(rule, "{{target}}", "{shard}-of-{shards}", f"{name}.parquet")
    return expand(path, shard=range(SHARDS), shards=SHARDS)


def all_results(wildcards):
    """Input function: whatever the manifest lists, so that a deleted file is made again."""
    return rules.pack_manifest.input.files


def keys_for(wildcards):
    """Input function: keys of all targets for a reference solver; nothing for a model."""
    known = expand(rules.select_tasks.output.keys_, target=TARGETS)
    return known if RUN.needs_keys(wildcards.model) else []
