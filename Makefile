# Assay. `make run` and `make test` do all their own set-up; `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CORES ?= $(shell nproc)
CONFIG ?=
BIN := .venv/bin
DEV := .venv-dev/bin
SNAKEMAKE = $(BIN)/snakemake --cores $(CORES) --resources gpu=1 $(if $(CONFIG),--configfile $(CONFIG))
RUN_NAME = $(shell sed -n 's/^run: *\([^ ]*\).*/\1/p' $(if $(CONFIG),$(CONFIG),config/config.yaml))

include envs/setup.mk

AGAINST ?=
DEPTH ?=
TO ?= published
LEAN ?=
WORK ?=
KEEP ?=
ENGINE ?= ollama
MODEL ?=
FILE ?=
GPU_LAYERS ?= 0
# The model that an engine is tested with in its image.
TESTED = $(or $(MODEL),$(if $(filter vllm,$(ENGINE)),smollm2-135m-vllm,smollm2-135m))
TESTED_READY = $(SNAKEMAKE) --quiet all --config run=engine-test 'models=["$(TESTED)"]' -- \
	build_images results/engine-test/fetch_model/$(TESTED)/receipt.json
ARCHIVE ?=
URL ?=
COMMIT ?=
NAME ?=
MINUTES ?= 60
FUZZ ?=
FAULTS ?=
THREADS ?= 2 1 3
SET ?=
FROM ?=
KEY ?=
DATE ?=
TAR =
BUILD =
LOCKS = host
# All is taken from there, and no network is asked: by set-up and by every step.
BUNDLE =
export ASSAY_BUNDLE = $(BUNDLE)
COVER = PYTHONPATH=scripts $(BIN)/python -m assay.bundling.cover --bundle "$(BUNDLE)"

.PHONY: help run smoke target bundle airgap test test-quick fuzz check doctor twice twice-killed attacks faults revalidate rescore-ten publish verify provenance attested renew-published sample-tasks engine-test conformance passes pin crosscheck images-twice bench overhead names clean

help:            ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile envs/setup.mk | expand -t 24

run: setup       ## the whole evaluation of config/config.yaml (or CONFIG=FILE), and a report
	@$(if $(BUNDLE),$(COVER) $(if $(CONFIG),--config "$(CONFIG)") $(if $(BUILD),--build))
	@if compgen -G '.snakemake/locks/*' > /dev/null; then $(SNAKEMAKE) --unlock > /dev/null; fi
	@$(SNAKEMAKE)
	@cat results/$(RUN_NAME)/telemetry/render_report/table.txt
	@PYTHONPATH=scripts $(BIN)/python -m assay.reporting.steps results/$(RUN_NAME)/telemetry
	@echo "report: $(CURDIR)/results/$(RUN_NAME)/telemetry/render_report/report.html"

smoke:           ## the same with three tasks a category and short answers
	@$(MAKE) --no-print-directory run CONFIG=config/smoke.yaml

check: setup-dev ## formatting, lint, types, the workflow's lint, the sandbox's layers
	$(DEV)/ruff format --check scripts tests envs benchmarks
	$(DEV)/ruff check scripts tests envs benchmarks
	$(DEV)/snakefmt --check -l 100 Snakefile rules
	cd scripts && ../$(DEV)/mypy --config-file ../pyproject.toml assay
	$(DEV)/python tests/workflow/lint.py
	PYTHONPATH=scripts $(DEV)/python -m assay.sandbox.doctor

doctor: setup     ## what this machine gives the sandbox, and what to do where that is too little
	@PYTHONPATH=scripts $(BIN)/python -m assay.sandbox.doctor

test: setup-dev setup-images ## every test that fits into a quarter of an hour
	$(DEV)/pytest -n $(CORES) --dist loadgroup --durations 25

test-quick: setup-dev ## the tests that need no image and no model
	$(DEV)/pytest -n $(CORES) -m "not slow"

fuzz: setup-dev  ## fuzz all that reads hostile text, each target MINUTES long (60); FUZZ="answers codec" names some
	@PYTHONPATH=scripts:tests/fuzz $(DEV)/python -m fuzzing --minutes $(MINUTES) $(FUZZ)

twice: setup-dev setup-images ## the smoke run in two folders that differ in all that must not matter
	$(DEV)/python tests/workflow/twice.py

twice-killed: setup-dev setup-images ## the same, one of the runs killed with SIGKILL in run_model and resumed
	$(DEV)/python tests/workflow/twice.py --killed

attacks: setup-dev setup-images ## every hostile answer, as root and as an ordinary user, on the host and in the container
	@$(DEV)/python tests/attacks/everywhere.py

faults: setup-dev setup-images ## kill a small run, fill its disk, flip its bits, start it twice: equal bytes or an error (FAULTS= picks)
	@$(DEV)/python tests/faults/everywhere.py $(if $(FAULTS),--only $(FAULTS))

rescore-ten: setup-dev setup ## score a finished run's answers ten times, idle and loaded: equal bytes
	@$(DEV)/python tests/workflow/rescore.py $(if $(CONFIG),--config $(CONFIG))

publish: setup   ## pack the finished run (of CONFIG) as TO/<run>/ and TO/<run>.tar; LEAN=1: small
	@$(BIN)/python scripts/publish_run.py --run results/$(RUN_NAME) --to "$(TO)" $(if $(LEAN),--lean)

verify: setup    ## check AGAINST=folder, archive or manifest.json by DEPTH=rescore, rebuild or rerun
	@test -n "$(AGAINST)" || { echo "error: give AGAINST=a publication's folder or archive, or a manifest.json" >&2; exit 2; }
	@$(if $(BUNDLE),$(COVER) --all)
	@case "$(AGAINST):$(DEPTH)" in \
	*.json:) $(BIN)/python scripts/verify_manifest.py --against "$(AGAINST)" ;; \
	*) $(BIN)/python scripts/verify_run.py --against "$(AGAINST)" --cores $(CORES) \
		--depth $(or $(DEPTH),rescore) $(if $(WORK),--work "$(WORK)") $(if $(KEEP),--keep) ;; \
	esac

bundle: setup    ## pack all that a run of CONFIG needs as TO/<run>/ for a machine without a network; TAR=1, LEAN=1
	@for lock in $(filter-out host,$(LOCKS)); do $(PYTHON) envs/bootstrap.py --lock $$lock --no-apptainer > /dev/null; done
	@$(BIN)/python scripts/pack_bundle.py $(if $(CONFIG),--config "$(CONFIG)") --to "$(if $(filter file,$(origin TO)),bundles,$(TO))" \
		$(LOCKS:%=--lock %) $(if $(TAR),--tar) $(if $(LEAN),--lean)

airgap: setup    ## bundle a tiny run, make it again from the bundle in an empty network, traced: equal bytes
	@$(BIN)/python tests/bundling/airgap.py $(if $(CONFIG),--config "$(CONFIG)")

provenance:      ## describe FROM=a publication's folder as RO-Crate, in-toto, Croissant, CycloneDX; KEY= signs it
	@environment="$$($(PYTHON) envs/bootstrap.py --lock provenance --no-apptainer)" && \
	PYTHONPATH=scripts "$$environment/bin/python" scripts/describe_publication.py "$(FROM)" $(if $(KEY),--key "$(KEY)") $(if $(DATE),--date "$(DATE)")

attested:        ## does KEY= (a public one) vouch for FROM=a publication that was described?
	@environment="$$($(PYTHON) envs/bootstrap.py --lock provenance --no-apptainer)" && \
	PYTHONPATH=scripts "$$environment/bin/python" scripts/check_attestation.py "$(FROM)" --key "$(KEY)"

renew-published: ## run config/reference.yaml and publish it as results/published/reference
	@$(MAKE) --no-print-directory run CONFIG=config/reference.yaml
	@$(BIN)/python scripts/publish_run.py --run results/reference --to results/published --lean --no-archive
	@git --no-pager diff --stat -- results/published
	@git --no-pager diff -- results/published/reference/digests.txt

target: setup    ## propose a target of ARCHIVE=name==version, or of URL=… COMMIT=… (NAME=…)
	@$(BIN)/python scripts/propose_target.py --archive "$(ARCHIVE)" --url "$(URL)" --commit "$(COMMIT)" --name "$(NAME)"

revalidate: setup ## prove every task of the run again, ten times, shuffled and under load
	@$(SNAKEMAKE) --forcerun revalidate_tasks -- revalidate_all
	@cat results/$(RUN_NAME)/telemetry/revalidate_tasks/*/verdicts.json

sample-tasks: setup ## write five tasks a category of a run (CONFIG=FILE) into docs/sample-tasks.md
	@PYTHONPATH=scripts $(BIN)/python -m assay.reporting.specimens results/$(RUN_NAME)/select_tasks/* > docs/sample-tasks.md

engine-test: setup-dev setup ## the engines' suite against a real one: ENGINE=ollama URL=http://127.0.0.1:11434 MODEL=name; or ENGINE=llamacpp (GPU_LAYERS=99) or vllm, in its image
	@case "$(ENGINE)" in \
	llamacpp|vllm) $(TESTED_READY); \
		test "$(ENGINE)" = llamacpp || ASSAY_REAL_VLLM=1 $(DEV)/pytest -q -r fE tests/engines/test_run_vllm.py; \
		GPU_LAYERS="$(GPU_LAYERS)" $(DEV)/python tests/engines/conformance/in_image.py suite "$(TESTED)" ;; \
	*) test -n "$(URL)" -a -n "$(MODEL)" || { echo "error: give URL=the server's address and MODEL=a name that it knows" >&2; exit 2; }; \
		ASSAY_ENGINE_TEST="$(ENGINE)" URL="$(URL)" MODEL="$(MODEL)" GPU_LAYERS="$(GPU_LAYERS)" \
			$(DEV)/pytest -q -r fE tests/engines/conformance ;; \
	esac

conformance: setup-dev ## the suite over every fake and both engines that run here; writes docs/conformance.md
	@ASSAY_ENGINE_TABLE=benchmarks/results/conformance-fakes.json $(DEV)/pytest -q tests/engines/conformance
	@for engine in llamacpp vllm; do $(MAKE) --no-print-directory engine-test ENGINE=$$engine; done
	@$(DEV)/python tests/engines/conformance/table.py benchmarks/results/conformance-{fakes,smollm2-135m,smollm2-135m-vllm}.json > docs/conformance.md

passes: setup-dev setup ## five passes of ENGINE=llamacpp or vllm (or of MODEL=) in its image, and other THREADS="2 1 3": equal bytes
	@$(TESTED_READY)
	@$(DEV)/python tests/engines/conformance/in_image.py passes "$(TESTED)" \
		"benchmarks/results/passes-$(TESTED).json" --threads "$(THREADS)" $(if $(SET),--set '$(SET)')

pin: setup       ## put sha256 and size of FILE= (of a snapshot: of each file of a folder; of kind ollama: none) into config/models/MODEL=.yaml
	@test -n "$(MODEL)" || { echo "error: give MODEL=a model file's name and FILE=its weights, a file or a folder" >&2; exit 2; }
	@PYTHONPATH=scripts $(BIN)/python -m assay.engines._pin "config/models/$(MODEL).yaml" "$(FILE)"

crosscheck: setup ## units of the whole standard library beside Python's own ast
	PYTHONPATH=scripts $(BIN)/python -m assay.mining.crosscheck

bench: setup-dev setup ## speed beside peers: mutants judged (mutmut), answers scored (EvalPlus), units extracted (ast-grep)
	@$(SNAKEMAKE) --quiet all -- results/$(RUN_NAME)/record_behaviour/cerberus/behaviour.parquet
	$(DEV)/python benchmarks/extraction.py
	$(DEV)/python benchmarks/scoring.py
	$(DEV)/python benchmarks/validation.py --run results/$(RUN_NAME)

overhead: setup-dev ## what the harness adds to the engine's own time, beside promptfoo (needs npm)
	$(DEV)/python benchmarks/overhead.py

names: setup-dev setup ## how right the check of names is: over real code, and with planted inventions
	@$(SNAKEMAKE) --quiet all -- results/$(RUN_NAME)/check_names/oracle/cerberus/hallucinations.parquet
	$(DEV)/python benchmarks/names.py --run results/$(RUN_NAME)

setup-images: setup
	@$(if $(BUNDLE),$(COVER) --all)
	@$(SNAKEMAKE) --quiet all -- build_images

clean:           ## remove the results of all runs (cache and publications stay)
	find results -mindepth 1 -maxdepth 1 -type d ! -name published -exec rm -rf {} +
	rm -rf results/.*.lock* .snakemake .twice
