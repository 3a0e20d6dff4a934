# make book, make test: a fresh machine needs Python >= 3.11 and make, no more.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# As many as there are cores: one more takes a tenth longer on a quiet machine.
JOBS   ?= $(shell getconf _NPROCESSORS_ONLN)
BUILT  := _build/html/index.html
MADE_OF := $(shell find _config.yml _toc.yml book notebooks dpcore -type f \
	-not -path '*/__pycache__/*' -not -path '*/.*')
# Files side by side, one thread each (conftest.py); the cells of a notebook in order.
# In this order: notebooks take longest, and what ends last should be short.
PARALLEL := -n $(JOBS) --dist loadfile --no-loadscope-reorder
TESTED := notebooks dpcore book/tools tests
LINTED := dpcore tests book/tools conftest.py

.PHONY: help install book test mutants execute links colab lint format publish-url clean

help:
	@echo "make book         build the book from the committed outputs: _build/html/index.html"
	@echo "make test         unit tests, doctests, tests of the book, every notebook"
	@echo "make mutants      faults that the unit tests should see (hours; PART=training SAMPLE=20)"
	@echo "make execute      run the notebooks again, in place (NOTEBOOKS=\"03_... 04_...\" for some)"
	@echo "make lint         ruff, imports, types (mypy, pyright); make format: let ruff rewrite"
	@echo "make links        ask every address outside that the book links to (needs the network)"
	@echo "make colab        every notebook whole, as on Colab: an empty folder, no dpcore"
	@echo "make publish-url URL=https://github.com/you/repository   (URL= takes it out again)"
	@echo "Options: PYTHON=python3.12 (for a new .venv), VENV=folder, JOBS=2 (for make test)"

# torch first and alone, so that a CPU build that is installed already stays.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	@echo "Installing into $(VENV): the first time this takes some minutes."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q "$$(grep '^torch==' requirements.txt)"
	$(BIN)/python -m pip install -q -r requirements.txt -e .
	touch $@

install: $(STAMP)

book: $(BUILT)

# What is built stays until a file that it is made of changes; a page that is taken away
# changes _toc.yml. Sphinx says each warning once: after a failed build it has to read
# every page again; and so it has to after a change of an extension in book/tools.
$(BUILT): $(STAMP) $(MADE_OF)
	$(BIN)/jupyter-book build -W -n --keep-going $(if $(filter book/tools/%,$?),--all) . \
		|| { rm -rf _build/.doctrees; exit 1; }
	@touch $@

# All parts run, so that one look shows all; any one failing fails. The book first: its
# tests look at what is built.
test: $(STAMP)
	@failed=0; \
	$(MAKE) -s book || failed=1; \
	$(BIN)/python -m pytest $(PARALLEL) --nbval-lax $(TESTED) || failed=1; \
	exit $$failed

mutants: $(STAMP)
	nice -n 19 $(BIN)/python tests/mutants.py $(addprefix --part ,$(PART)) $(addprefix --sample ,$(SAMPLE))

execute: $(STAMP)
	$(BIN)/python book/tools/execute.py $(NOTEBOOKS)

links: $(STAMP)
	$(BIN)/python book/tools/check_links.py

colab: $(STAMP)
	DPCORE_COLAB=whole $(BIN)/python -m pytest tests/test_colab.py

lint: $(STAMP)
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(STAMP)
	$(BIN)/ruff check --fix $(LINTED)
	$(BIN)/ruff format $(LINTED)

ifeq ($(origin URL),command line)
export URL
publish-url: $(STAMP)
	@$(BIN)/python book/tools/publish_url.py "$$URL"
else
publish-url:
	@echo "usage: make publish-url URL=https://github.com/you/repository   (URL= takes it out)"; exit 2
endif

clean:
	rm -rf _build
