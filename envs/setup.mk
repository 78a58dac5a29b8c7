# Set-up: the environment, Apptainer, the locks. Included by the Makefile.
PYTHON ?= python3
UV = $(shell $(PYTHON) envs/bootstrap.py --lock dev --no-apptainer)/bin/uv
COMPILE = $(UV) pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header
FOR_HOST = --universal --python-version 3.11
FOR_IMAGE = --python-version 3.11 --python-platform x86_64-manylinux_2_34 --only-binary :all:
# Builds of torch for the processor lie where pip is told to look beside its index.
FIND_LINKS = $(shell $(PYTHON) -m pip config list | sed -n "s/^[^=]*find-links='\(.*\)'$$/\1/p" | head -n 1)
TARGETS = $(patsubst envs/targets/%.in,%,$(sort $(wildcard envs/targets/*.in)))

.PHONY: setup setup-dev setup-apptainer setup-from-nothing relock relock-wheels relock-images images-twice

setup: ## make the environment and Apptainer (nothing to do if both are there)
	@environment="$$($(PYTHON) envs/bootstrap.py)" && ln -sfn "$$environment" .venv

setup-dev: ## the same with what tests and checks need
	@environment="$$($(PYTHON) envs/bootstrap.py --lock dev)" && ln -sfn "$$environment" .venv-dev

setup-apptainer: ## find Apptainer, or set up a private one
	@$(PYTHON) envs/bootstrap.py > /dev/null
	@PYTHONPATH=scripts $$($(PYTHON) envs/bootstrap.py)/bin/python -m assay.images.apptainer

# Given by hand, and not the default that other targets have.
ONE = $(if $(filter command environment,$(firstword $(origin ENGINE))),$(ENGINE))

relock: $(if $(ONE),,relock-wheels) relock-images ## resolve all locks anew, or that of ENGINE= (a recipe) alone; needs the network

relock-wheels:
	$(COMPILE) $(FOR_HOST) envs/host.in -o envs/host.txt
	$(COMPILE) $(FOR_HOST) -c envs/host.txt envs/provenance.in -o envs/provenance.txt
	$(COMPILE) $(FOR_HOST) -c envs/host.txt -c envs/provenance.txt envs/dev.in -o envs/dev.txt
	$(COMPILE) $(FOR_HOST) envs/bench.in -o envs/bench.txt
	$(COMPILE) $(FOR_HOST) --no-deps envs/bench-evalplus.in -o envs/bench-evalplus.txt
	$(COMPILE) $(FOR_IMAGE) -c envs/host.txt envs/runtime.in -o envs/runtime.txt
	$(COMPILE) $(FOR_IMAGE) -c envs/runtime.txt --no-emit-package pyyaml envs/tools.in -o envs/tools.txt
	$(COMPILE) $(FOR_IMAGE) -c envs/runtime.txt envs/engine-llamacpp.in -o envs/engine-llamacpp.txt
	$(COMPILE) $(FOR_IMAGE) $(FIND_LINKS:%=--find-links %) --override envs/engine-vllm.overrides envs/engine-vllm.in -o envs/engine-vllm.txt
	$(MAKE) --no-print-directory $(TARGETS:%=relock-of-%)

relock-of-%: ## the requirements of one target alone, such as relock-of-cerberus
	$(COMPILE) $(FOR_IMAGE) envs/targets/$*.in -o envs/targets/$*.txt

relock-images: ## IMAGES="tools testbed-cerberus" names some; all otherwise
	PYTHONPATH=scripts $$($(PYTHON) envs/bootstrap.py)/bin/python -m assay.images.relock $(or $(ONE),$(IMAGES))

images-twice: ## build every image twice from nothing, in other conditions: equal bytes
	PYTHONPATH=scripts $$($(PYTHON) envs/bootstrap.py)/bin/python -m assay.images.twice $(IMAGES)

setup-from-nothing: ## set up with an empty HOME and cache, without the tools a bare machine lacks
	tests/images/setup_from_nothing.sh
