# Sources and units.
# In:  config/targets/<target>.yaml
# Out: fetch_source/<target>/source.tar, source.json; extract_units/<target>/units.parquet


rule fetch_source:
    output:
        source=RUN.result("fetch_source", "{target}", "source.tar"),
        record=RUN.result("fetch_source", "{target}", "source.json"),
    log:
        RUN.log("fetch_source", "{target}"),
    benchmark:
        RUN.benchmark("fetch_source", "{target}")
    params:
        settings=settings_of(),
        code=RUN.code("fetch_source"),
        cache=RUN.cache,
    shell:
        command("fetch_source", "target", outputs="source record", params="cache", image="")


rule extract_units:
    input:
        source=rules.fetch_source.output.source,
        image=receipt("tools"),
    output:
        units=RUN.result("extract_units", "{target}", "units.parquet"),
    log:
        RUN.log("extract_units", "{target}"),
    benchmark:
        RUN.benchmark("extract_units", "{target}")
    container:
        RUN.container("tools")
    params:
        settings=settings_of(),
        code=RUN.code("extract_units", "config/extraction"),
        rules="config/extraction",
    shell:
        command("extract_units", "target", "source", "units", "rules", TOOLS)
