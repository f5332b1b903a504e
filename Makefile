# Everything runs in .venv, with the exact packages that ops/requirements pins by hash.

VENV := .venv
BIN := $(VENV)/bin
REQUIREMENTS := ops/requirements
READY := $(VENV)/.ready
UV := $(BIN)/uv
IS_311 := import sys; sys.exit(sys.version_info[:2] != (3, 11))

# The first Python 3.11 on the path; another one: make PYTHON=/where/it/is
PYTHON ?= $(shell for p in python3.11 python3; do $$p -c '$(IS_311)' 2>/dev/null && command -v $$p && break; done)

# pip's mirror is uv's mirror, and slow lines get their time.
ifdef PIP_INDEX_URL
UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
export UV_DEFAULT_INDEX
endif
UV_HTTP_TIMEOUT ?= 300
export UV_HTTP_TIMEOUT

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lock

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Install everything into .venv (a second time: nothing to do)

demo: setup ## Sample calls through the whole pipeline on this machine; your own: make demo AUDIO=call.wav
	@$(BIN)/callytics demo $(if $(AUDIO),--audio "$(AUDIO)")

test: setup ## Fetch the small models, then all checks and all tests
	$(BIN)/callytics models fetch small
	$(MAKE) --no-print-directory check
	$(BIN)/pytest -n 2 --dist loadgroup

check: setup ## Lint, format, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

COMPILE = $(UV) pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--no-annotate $(if $(UPGRADE),--upgrade)

lock: setup ## Pin the packages again after a change of pyproject.toml; newer ones: make lock UPGRADE=1
	$(COMPILE) pyproject.toml --output-file $(REQUIREMENTS)/runtime.txt
	$(COMPILE) pyproject.toml --extra dev --extra embedded --extra train --extra bench \
		--constraints $(REQUIREMENTS)/runtime.txt --output-file $(REQUIREMENTS)/dev.txt
	$(COMPILE) pyproject.toml --extra peers --constraints $(REQUIREMENTS)/dev.txt \
		--output-file $(REQUIREMENTS)/peers.txt
	echo uv | $(COMPILE) - --constraints $(REQUIREMENTS)/dev.txt --output-file $(REQUIREMENTS)/uv.txt
	echo hatchling | $(COMPILE) - --constraints $(REQUIREMENTS)/dev.txt --output-file $(REQUIREMENTS)/build.txt

# Written last, so an interrupted set-up goes on where it stopped.
$(READY): $(REQUIREMENTS)/uv.txt $(REQUIREMENTS)/dev.txt pyproject.toml
	@"$(PYTHON)" -c '$(IS_311)' 2>/dev/null || { \
		echo 'Callytics needs Python 3.11: install it, or name it by make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'This Python cannot make environments: apt install python3-venv (or python3.11-venv)' >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(REQUIREMENTS)/uv.txt
	@# Compiled once here: without bytecode each process of the pipeline imports for half a minute.
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r $(REQUIREMENTS)/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
