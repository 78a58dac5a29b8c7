# The page, the table for the terminal, and the manifest.
# In:  summary.json, all tables, telemetry
# Out: telemetry/render_report/report.html, table.txt; pack_manifest/manifest.json

FINGERPRINTS = expand(rules.run_model.output.fingerprint, model=MODELS)
TELEMETRY = expand(rules.run_model.output.telemetry, model=MODELS)
MEMORY = expand(rules.fetch_model.output.memory, model=MODELS)
REPORTED = "summary tasks keys_ rejected responses verdicts telemetry fingerprints memory"


rule render_report:
    input:
        summary=rules.summarise_scores.output.summary,
        tasks=TASKS,
        keys_=KEYS,
        rejected=REJECTED,
        responses=RESPONSES,
        verdicts=VERDICTS,
        telemetry=TELEMETRY,
        fingerprints=FINGERPRINTS,
        memory=MEMORY,
        image=receipt("tools"),
    output:
        report=RUN.telemetry("render_report", "report.html"),
        table=RUN.telemetry("render_report", "table.txt"),
    log:
        RUN.log("render_report"),
    benchmark:
        RUN.benchmark("render_report")
    container:
        RUN.container("tools")
    params:
        settings=RUN.report_settings(),
        code=RUN.code("render_report"),
    shell:
        command("render_report", inputs=REPORTED, outputs="report table", image=TOOLS)


rule pack_manifest:
    input:
        files=[
            *rules.summarise_scores.output,
            *expand(rules.fetch_source.output, target=TARGETS),
            *expand(rules.extract_units.output, target=TARGETS),
            *expand(rules.record_behaviour.output, target=TARGETS),
            *TASKS + KEYS + REJECTED + RESPONSES + VERDICTS + INDEXES + NAMES,
            *expand(rules.fetch_model.output.receipt, model=MODELS),
            *expand(rules.write_batch.output, model=RUN.outside.models),
            *[receipt(recipe) for recipe in RUN.images],
        ],
        telemetry=[*TELEMETRY, *FINGERPRINTS, *MEMORY, *rules.render_report.output],
    output:
        manifest=RUN.result("pack_manifest", "manifest.json"),
        measured=RUN.telemetry("pack_manifest", "measured.json"),
    log:
        RUN.log("pack_manifest"),
    benchmark:
        RUN.benchmark("pack_manifest")
    container:
        RUN.container("tools")
    params:
        settings=RUN.manifest_settings([rule.name for rule in workflow.rules]),
        code=RUN.code("pack_manifest"),
        root=lambda w, output: Path(output.manifest).parents[1],
    shell:
        command("pack_manifest", "", "files telemetry", "manifest measured", "root", TOOLS)
