# Viva: `make up` starts everything, `make help` lists the rest. Settings are in .env (see .env.example) or the environment.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# What a target prints last is its answer, also after `make -C` (GNU make 4.4.1; an older one needs the option itself).
MAKEFLAGS += --no-print-directory

# The newest Python that every package has a build for; otherwise whatever is there, and bootstrap.py says what is wrong.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && echo $$p && exit; done; echo python3)
VENV := .venv/bin/python
RUN := PATH="$(CURDIR)/.venv/bin:$$PATH" $(VENV)
UV := .venv/bin/uv

.PHONY: help up down logs status demo superadmin migrate verify-audit dump restore lock lint test test-eventlet journey-full load histories faults load-pages screens evaluate calibration gaming two-voices pauses reliability prompts ready ready-dev

help: ## lists the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

ready:
	@$(PYTHON) scripts/bootstrap.py

ready-dev:
	@$(PYTHON) scripts/bootstrap.py --dev

up: ready ## starts everything and ends with the address (FOREGROUND=1 stays until Ctrl-C)
	@FOREGROUND=$(FOREGROUND) $(VENV) -m scripts.up

down: ## stops everything
	@if [ -x $(VENV) ]; then $(VENV) -m scripts.down; else echo "Viva is not running here."; fi

logs: ## follows what every process writes (NAME=web for one)
	@$(VENV) -m scripts.logs $(NAME)

status: ## what runs, and whether it is ready
	@$(VENV) -m scripts.status

demo: ready ## fills a demonstration campus (after `make up`)
	@$(RUN) -m scripts.seed_demo

superadmin: ## prints the one-time link for the first superadmin again
	@$(VENV) -m scripts.first_superadmin

migrate: ready ## brings the database up to date; `make up` does it too
	@$(VENV) -m scripts.migrate

prompts: ready ## renders the audio of the item bank; `make up` does it too
	@$(RUN) -m scripts.render_prompts

verify-audit: ## whether the audit log is what it was; names the first entry that is not
	@$(VENV) -m scripts.verify_audit

dump: ## writes database and recordings into backups/<time>/
	@$(VENV) -m scripts.dump $(if $(TO),--to "$(TO)")

restore: ## FILE=backups/<time>: puts a dump back, into an empty database (FORCE=1 replaces what is there)
	@$(VENV) -m scripts.restore "$(FILE)" $(if $(filter-out 0,$(FORCE)),--force)

lock: ready-dev ## makes the hashed locks from requirements*.in
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --override requirements-overrides.txt requirements.in -o requirements.txt
	@for name in dev uv eventlet cloud; do \
	  $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements-$$name.in -o requirements-$$name.txt || exit 1; done

lint: ready-dev ## ruff, mypy and the architecture's contracts
	@$(RUN) -m scripts.test --lint-only

test: ready-dev ## everything: lint, then all tests (ARGS are handed to pytest)
	@$(RUN) -m scripts.test $(ARGS)

test-eventlet: ready-dev ## a smoke test of VIVA_ASYNC_MODE=eventlet in an environment of its own
	@$(RUN) -m scripts.test_eventlet

journey-full: ready-dev ## two students sit the true short form in a browser, in real time (some 20 minutes)
	@JOURNEY=full $(RUN) -m pytest -q -p no:randomly tests/browser/test_whole_journey.py

load: ready-dev ## whole exams of CANDIDATES=500 at once, on a Viva of its own; checks the records (DURATION=192 ENGINE=rust WORKERS=2 MACHINES=2; OUTAGE=queue,objects,mail OUTAGE_S=60: those go away in the middle)
	@$(RUN) -m scripts.load $(if $(CANDIDATES),--candidates $(CANDIDATES)) $(if $(DURATION),--duration $(DURATION)) $(if $(ENGINE),--engine $(ENGINE)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(MACHINES),--machines $(MACHINES)) $(if $(FORMAT),--format $(FORMAT)) $(if $(OUTAGE),--outage $(OUTAGE)) $(if $(OUTAGE_S),--outage-s $(OUTAGE_S)) $(ARGS)

histories: ready-dev ## N=100000 random histories of the attempt engine, on its rules and memory alone; prints what broke (SEED=text)
	@$(RUN) -m scripts.histories $(or $(N),10000) $(SEED)

faults: ready-dev ## kills, power cuts, broken lines, failing disks against a Viva of its own; checks the records (FAULT=name ROUNDS=n)
	@$(RUN) -W ignore -m scripts.faults $(if $(FAULT),--fault "$(FAULT)") $(if $(ROUNDS),--rounds $(ROUNDS)) $(ARGS)

load-pages: ready-dev ## how fast pages are while two batches of 30 are being scored (after `make up`)
	@$(RUN) -m scripts.load_pages $(ARGS)

screens: ready-dev ## pictures of every page into docs/screens (after `make up demo`; ONLY=tests,monitor takes these anew)
	@$(RUN) -m scripts.screens

evaluate: ready-dev ## how well scoring agrees with experts: AUDIO=folder SCORES=file (default: the train split, cross-validated; LIMIT=300: a subset; CALIBRATION=file: one of your own)
	@$(RUN) -m scripts.evaluate_scoring $(if $(AUDIO),--audio "$(AUDIO)") $(if $(SCORES),--scores "$(SCORES)") $(if $(LIMIT),--limit $(LIMIT)) $(if $(CALIBRATION),--calibration "$(CALIBRATION)") $(ARGS)

calibration: ready-dev ## trains a calibration of your own from rated recordings: AUDIO=folder SCORES=file OUT=file; then SPEECH_CALIBRATION=file in .env
	@$(RUN) -m scripts.train_calibration $(if $(AUDIO),--data "$(AUDIO)") $(if $(SCORES),--scores "$(SCORES)") $(if $(OUT),--out "$(OUT)") $(ARGS)

gaming: ready-dev ## tries to earn credit with silence, noise, other words, other languages ...; prints a table
	@$(RUN) -m scripts.gaming

two-voices: ready-dev ## how often a second voice in an answer is found, and how often one that is not there
	@$(RUN) -m scripts.two_voices $(ARGS)

pauses: ready-dev ## what pauses and repeated sounds do to the scores of a spoken sentence
	@$(RUN) -m scripts.pauses $(ARGS)

reliability: ready-dev ## simulated candidates over the 63-item form: split-half reliability and standard error
	@$(RUN) -m scripts.simulate_reliability
