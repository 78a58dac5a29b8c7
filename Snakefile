# Assay: from a config to proven tasks, answers, verdicts and a report.
# Settings and functions are in rules/common.smk; the stages follow in the order of the data.
from snakemake.utils import min_version

min_version("9.20")


include: "rules/common.smk"


localrules:
    all,
    build_images,
    revalidate_all,


wildcard_constraints:
    target="|".join(map(re.escape, TARGETS)),
    model="|".join(map(re.escape, MODELS)),
    image="|".join(map(re.escape, RUN.images.values())),
    shard=r"\d+",
    shards=r"\d+",


onsuccess:
    RUN.known.keep()


rule all:
    input:
        RUN.result("pack_manifest", "manifest.json"),
        RUN.telemetry("render_report", "table.txt"),
        all_results,


rule build_images:
    input:
        [receipt(recipe) for recipe in RUN.images],


include: "rules/images.smk"
include: "rules/sources.smk"
include: "rules/behaviour.smk"
include: "rules/tasks.smk"
include: "rules/models.smk"
include: "rules/names.smk"
include: "rules/scores.smk"
include: "rules/report.smk"
