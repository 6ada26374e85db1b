# make demo | test | soak | lint | bench | test-peers | clean        make test PYTHON=python3.13
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
ifeq ($(VERSION),)
$(error $(PYTHON) does not run; name one with make PYTHON=python3.12)
endif
# One stamp for each set of extras. Another PYTHON means a new $(VENV), and with it new stamps.
CREATED := $(VENV)/python-$(VERSION)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
export PIP_ROOT_USER_ACTION = ignore

.PHONY: demo test soak lint bench test-peers clean

demo: $(VENV)/with-sklearn,plot
	@$(BIN)/python examples/demo.py

test: $(VENV)/with-test
	@$(BIN)/python -m pytest -q -n 2 tests --ignore=tests/peers

# Minutes to hours: what the tests do a few times, many times.
soak: $(VENV)/with-test
	@$(BIN)/python tests/soak/kill.py
	@$(BIN)/python tests/soak/cold.py
	@$(BIN)/python tests/soak/memory.py
	@$(BIN)/python tests/soak/bounds.py
	@$(BIN)/python tests/soak/anything.py
	@$(BIN)/python tests/soak/fuzz.py

lint: $(VENV)/with-lint
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary

bench: $(VENV)/with-bench
	@$(BIN)/python -m pytest -q benchmarks --benchmark-max-time=0.3 --write
	@$(BIN)/python benchmarks/train.py --workloads all --seconds 0.5 --write
	@$(BIN)/python benchmarks/estimators.py --write
	@$(BIN)/python benchmarks/scaling.py --write
	@$(BIN)/python benchmarks/memory.py --write
	@$(BIN)/python benchmarks/outofcore.py --write
	@$(BIN)/python benchmarks/inference.py --write
	@$(BIN)/python benchmarks/calls.py --write
	@$(BIN)/python benchmarks/starting.py --runs 5 --write
	@$(BIN)/python benchmarks/custom.py --write
	@$(BIN)/python benchmarks/roofline.py

# The only place that installs PyTorch.
test-peers: $(VENV)/with-test $(VENV)/with-torch
	@$(BIN)/python -m pytest -q tests/peers

clean:
	@rm -rf $(VENV) .cache build dist *.egg-info .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	@echo "setting up $(VENV) with Python $(VERSION)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/with-torch: $(CREATED)
	@echo "installing torch==2.13.0"
	@$(INSTALL) torch==2.13.0
	@touch $@

$(VENV)/with-%: pyproject.toml $(CREATED)
	@echo "installing fcnet[$*]"
	@$(INSTALL) --editable '.[$*]'
	@touch $@
