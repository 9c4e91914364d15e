# One target per thing one can do here; `make` alone lists them.

PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup setup-run demo test test-unit test-kernel test-container test-other-kernel test-aarch64 fuzz bench bench-peer soak soak-saturated lint format generate dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what the program and its tests need (Debian 12+, Ubuntu 22.04+)
	@scripts/setup.sh all

setup-run: ## install only what the program needs
	@scripts/setup.sh run

demo: setup ## capture two containers talking to each other, live and replayed
	@$(PYTHON) -m scripts.demo

test: setup ## run all tests; kernel and container tests where this machine can run them
	@scripts/test.sh tests

test-unit: setup ## run the tests that need neither root nor the kernel
	@scripts/test.sh tests/unit

test-kernel: setup ## run the tests that load the probe
	@scripts/test.sh tests/kernel

test-container: setup ## run the tests that start containers
	@scripts/test.sh tests/container

test-other-kernel: setup ## run tests/kernel on older kernels, in virtual machines (6.1, 5.15, 5.10; an hour or two)
	@scripts/other_kernel.sh $(KERNEL) $(TESTS)

test-aarch64: setup ## run tests/kernel on a kernel for aarch64, in an emulated machine (some minutes)
	@scripts/other_kernel.sh debian-12-arm64 $(TESTS)

fuzz: setup ## fuzz what reads traces for ten minutes (atheris), and run the fuzz tests longer than `make test` does
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check 'atheris>=3'
	@mkdir -p build/fuzz
	@$(PYTHON) -m tests.fuzz.atheris_traces scap -max_total_time=300 -artifact_prefix=build/fuzz/
	@$(PYTHON) -m tests.fuzz.atheris_traces native -max_total_time=100 -artifact_prefix=build/fuzz/
	@$(PYTHON) -m tests.fuzz.atheris_traces records -max_total_time=200 -artifact_prefix=build/fuzz/
	@HYPOTHESIS_PROFILE=long scripts/test.sh tests/fuzz

bench: setup ## measure cost, rates, losses and sizes on this machine (some minutes)
	@$(PYTHON) -m tests.bench

bench-peer: setup ## what tracing costs next to the Falco libraries' probe, which is built first (needs apt)
	@$(PYTHON) -m tests.bench 3 peer

lint: setup ## check imports, style, types, Lua, C and shell
	@scripts/lint.sh

format: setup ## bring Python and C into the project's form
	@$(PYTHON) -m ruff check --fix --quiet . || true
	@$(PYTHON) -m ruff format --quiet .
	@scripts/lint.sh format-c

soak: setup ## a chisel under a live load for a minute: no losses, no growing cost
	@$(PYTHON) -m tests.bench.soak

soak-saturated: setup ## ten minutes of more load than can be drained: every loss is told, memory stays flat
	@$(PYTHON) -m tests.bench.saturation

generate: setup ## write the files that are derived from the schema
	@$(PYTHON) -m sysdig_py.schema.generate

dist: setup ## build the wheel and the source archive into dist/
	@$(PYTHON) -m hatchling build -d dist

clean: ## remove what the other targets made (not .venv)
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find sysdig_py tests scripts -name __pycache__ -prune -exec rm -rf {} +
