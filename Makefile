# Every target does its own set-up; a second run finds it done. `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: demo test check faults record up clean help

BIN := .venv/bin
READY := .venv/.ready
UV := $(or $(shell command -v uv),.uv-bootstrap/bin/uv)

# uv takes a Python from 3.11 to 3.13 that is installed; it downloads none.
export UV_PYTHON_DOWNLOADS := never

# Both bring certificates of their own; a network with an authority of its own has put that into the system's.
CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt)
export UV_SYSTEM_CERTS := $(if $(CERTIFICATES),true,false)
ifneq ($(CERTIFICATES),)
export NODE_EXTRA_CA_CERTS ?= $(CERTIFICATES)
endif

demo: $(READY) ## Play a whole release; ARGS="--stay" leaves everything up to look at
	@$(BIN)/conveyor demo $(ARGS)

test: $(READY) ## Run every test; the rules in lifecycle/ must be covered to the last branch
	$(BIN)/coverage erase
	$(BIN)/pytest -q -n 2 -p tests.measured tests/lifecycle
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered
	$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not faults and not prefect" --ignore=tests/lifecycle $(ARGS)
	$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "prefect and not faults" \
		$(or $(ARGS),$$(grep -rlE 'mark\.prefect' tests --include='test_*.py'))

check: $(READY) ## Style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

faults: $(READY) ## Kill every process in every phase and compare with a run without faults
	$(BIN)/pytest -q -m faults $(ARGS)

record: $(READY) ## Record a client's cassettes anew: VENDOR=jira, gitlab or slack, see .env.example
	@test -n "$(VENDOR)" -a -d "tests/integrations/$(VENDOR)" \
		|| { echo "make record VENDOR=jira, VENDOR=gitlab or VENDOR=slack" >&2; exit 2; }
	CONVEYOR_RECORD=1 $(BIN)/pytest -q -m record tests/integrations/$(VENDOR) $(ARGS)

up: $(READY) ## Start Prefect, a worker and the gateway with your own policy and .env
	@$(BIN)/conveyor up $(ARGS)

clean: ## Remove what the set-up and the tests made; var/ with the ledger stays
	rm -rf .venv .uv-bootstrap .coverage .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## List the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

$(READY): pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

# pip's --target works where venv's ensurepip is not installed, and where the system's own Python is managed.
.uv-bootstrap/bin/uv:
	@python3 -m venv .uv-bootstrap 2>/dev/null && .uv-bootstrap/bin/python -m pip install --quiet uv \
		|| { rm -rf .uv-bootstrap && python3 -m pip install --quiet --target .uv-bootstrap uv; } \
		|| { echo "uv cannot be installed: run 'apt-get install python3-pip' first, or install uv" >&2; exit 1; }
