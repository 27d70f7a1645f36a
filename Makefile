# Vultus: `make help` lists what can be done.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# The first that is new enough makes the environment; `make PYTHON=...` names another.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$python && break; done),python3)
PY := .venv/bin/python
# The tests start dozens of processes, each of which would otherwise compile all it imports.
unexport PYTHONDONTWRITEBYTECODE
# More processes than processors, since whole stacks are waited for: make test PROCESSES=1
PROCESSES ?= 3
SIDE_BY_SIDE := --numprocesses $(PROCESSES)
# Options of `make up`, for example: make up PORT=8080 WORKERS=4
UP := $(if $(PORT),--port $(PORT)) $(if $(WORKERS),--workers $(WORKERS))

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup weights ## Recognise the sample people through the whole service, then stop it
	@$(PY) -m deploy.demo

.PHONY: up
up: setup weights ## Run the service in the foreground (PORT=8000 WORKERS=n); Ctrl-C stops it
	@$(PY) -m deploy.local up $(UP)

.PHONY: down
down: setup ## Stop a service that `make up` runs elsewhere
	@$(PY) -m deploy.local down

.PHONY: status
status: setup ## Show whether the service runs, and where
	@$(PY) -m deploy.local status

.PHONY: setup
setup: ## Create the environment in .venv, or update it after a change of the locks
	@$(PYTHON) deploy/environment.py

.PHONY: weights
weights: setup ## Fetch, check and convert the models and the sample photographs
	@$(PY) -m workers.fetch_weights --samples var/samples

.PHONY: test
test: check weights ## Run lint, types, import contracts and every test
	@$(PY) -m pytest $(SIDE_BY_SIDE)

.PHONY: test-fast
test-fast: check weights ## Run lint, types, import contracts and the unit tests
	@$(PY) -m pytest $(SIDE_BY_SIDE) tests/unit tests/architecture

.PHONY: chaos
chaos: setup weights ## Break things on purpose for a quarter of an hour, and print what held
	@$(PY) -m pytest tests/chaos --tier fast

.PHONY: chaos-full
chaos-full: setup weights ## The same at full size, for over an hour
	@$(PY) -m pytest tests/chaos --tier full

.PHONY: check
check: lint types contracts ## Run everything of `make test` except the tests

.PHONY: lint
lint: setup ## Check style and format
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

.PHONY: types
types: setup ## Check types
	@.venv/bin/mypy

.PHONY: contracts
contracts: setup ## Check who may import whom
	@.venv/bin/lint-imports

.PHONY: bench
bench: setup weights ## Measure throughput and latency: plain loop, pipeline, whole service
	@$(PY) -m tests.bench.throughput

.PHONY: bench-compreface
bench-compreface: setup weights ## Measure CompreFace's API under the load of 8 clients
	@$(PY) -m tests.bench.compreface

.PHONY: bench-search
bench-search: setup weights ## Measure the search among many faces: make bench-search FACES=100000
	@$(PY) -m tests.bench.search $(if $(FACES),--faces $(FACES)) $(if $(DIMENSION),--dimension $(DIMENSION))

.PHONY: evaluate
evaluate: setup weights ## Measure accuracy on a folder of photographs: make evaluate DATA=folder
	@$(PY) -m workers.evaluation "$(DATA)"

.PHONY: sbom
sbom: setup ## Write what is installed to var/sbom.json, in CycloneDX's form
	@mkdir -p var && .venv/bin/cyclonedx-py environment --output-file var/sbom.json $(PY)

.PHONY: audit
audit: setup ## Ask an advisory service for known vulnerabilities in what is installed
	@$(PY) -m deploy.audit

.PHONY: docker-secrets
docker-secrets: ## Write the passwords that docker-compose.yml refers to
	@$(PYTHON) -m deploy.docker_secrets

.PHONY: openapi
openapi: setup ## Write the description of the API to app/docs/openapi.json
	@$(PY) -m app.cli openapi app/docs/openapi.json

.PHONY: lock
lock: setup ## Compile the lock files from deploy/requirements/*.in
	@deploy/lock.sh
