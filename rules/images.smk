# Containers.
# In:  containers/, envs/ (recipes and locks)
# Out: build_image/<image>.json, a receipt; the image itself lies in the cache, named by content


rule build_image:
    output:
        receipt=RUN.result("build_image", "{image}.json"),
    log:
        RUN.log("build_image", "{image}"),
    benchmark:
        RUN.benchmark("build_image", "{image}")
    params:
        settings="{}",
        recipe=lambda w: next(r for r, image in RUN.images.items() if image == w.image),
    shell:
        command("build_image", "image", outputs="receipt", params="recipe", image="")
