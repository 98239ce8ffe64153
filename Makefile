# `make` alone lists the commands. Linux and macOS: GNU make 3.81 and a POSIX shell are enough.
# They take two settings: PYTHON=python3.12 picks the Python that makes .venv, ARGS="…" goes to what is run.

VENV   := .venv
python := $(VENV)/bin/python
ARGS   :=
# Three processes, for tests that open pages wait much; which takes what, and when, says tests/tools/scheduling.py.
parallel := -n 3 --dist loadscope

# TensorFlow and Streamlit have releases for these.
fits   := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
wanted := Python 3.11, 3.12 or 3.13

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test verify lint format lock bench scorecard false-alarms clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/installed ## start the app and say where it is; sets up .venv first
	$(call bytecode,app.py pages lessons)
	@$(python) -m streamlit run app.py $(ARGS)

test: $(VENV)/installed-dev ## run the tests; sets up .venv and a browser first
	@$(python) -m tests.tools.browser_setup
	@$(python) -m tests.tools.proxy_setup
	@$(python) -m tests.tools.public_data
	$(python) -m pytest $(parallel) $(ARGS)

verify: $(VENV)/installed-dev ## run the tests with the fuller sets, which take longer
	@$(python) -m tests.tools.browser_setup
	@$(python) -m tests.tools.proxy_setup
	@$(python) -m tests.tools.public_data
	VERIFY=1 $(python) -m pytest $(parallel) $(ARGS)

lint: $(VENV)/installed-dev ## check style, format, types and who imports whom; change nothing
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	@PYTHONPATH=. $(VENV)/bin/lint-imports --no-cache

format: $(VENV)/installed-dev ## put the code in format
	$(python) -m ruff check --select I --fix .
	$(python) -m ruff format .

lock: $(VENV)/installed-dev ## write requirements.lock: the versions in .venv, which the image gets
	@$(python) -m tests.tools.lock

bench: $(VENV)/installed-dev ## measure speed: training beside plain Keras, and the page in a browser
	@$(python) -m tests.tools.browser_setup
	$(call bytecode,app.py pages lessons)
	@$(python) -m lessons bench $(ARGS)

scorecard: $(VENV)/installed-dev ## examine the set of losses and write docs/scorecard.md
	@$(python) -m tests.tools.scorecard

false-alarms: $(VENV)/installed-dev ## let the doctor look at healthy and broken runs and write docs/false_alarms.md
	@$(python) -m tests.tools.false_alarms

clean: ## remove .venv and what the tools left
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up

# Installed again when the requirements or the Python below .venv have changed.
$(VENV)/installed: requirements.txt $(python)
	@$(python) -c '$(fits)' || \
	  { echo "$(VENV) holds `$(python) -V`; Unmasked needs $(wanted). Remove it with make clean." >&2; exit 1; }
	@echo "Installing into $(VENV); the first time this downloads about 450 MB."
	@$(python) -m ensurepip >/dev/null
	$(call install,requirements.txt)

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(call install,requirements-dev.txt)

# Byte-compiling is a step of its own: in parallel it is faster than pip's, and it must not depend on
# PYTHONDONTWRITEBYTECODE. Without it `import tensorflow` takes 6–8 s in every process. A few packages hold files
# that are no Python; -qq and `|| true` pass over those.
define install
@$(python) -m pip install --disable-pip-version-check --no-compile -r $(1)
$(call bytecode,$(VENV)/lib)
@touch $@
endef

define bytecode
@PYTHONDONTWRITEBYTECODE= $(python) -m compileall -qq -j 0 $(1) || true
endef

$(python):
	@case "`uname -sm`" in "Darwin x86_64") echo "TensorFlow 2.21 has no build for Intel Macs." >&2; exit 1;; esac
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
	  "$$python" -c '$(fits)' 2>/dev/null || continue; \
	  "$$python" -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "`$$python -V` has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	  echo "Making $(VENV) with `$$python -V`"; \
	  exec "$$python" -m venv --clear $(VENV); \
	done; \
	echo "Unmasked needs $(wanted); $(or $(PYTHON),python3) is `$(or $(PYTHON),python3) -V 2>&1 | head -n 1`." \
	  "If you have one under another name: make PYTHON=python3.13 …" >&2; exit 1
