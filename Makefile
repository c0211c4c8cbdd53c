# The commands of the house. Each one makes the set-up it needs.
PYTHON ?= python3
OLDEST_PYTHON ?= python3.11
LAB_ARGS ?=
BENCH_ARGS ?=
HUB_ARGS ?=
SLIDES_ARGS ?=
SCHEDULER ?=
# git's list leaves a learner's own copies alone; without git, every numbered notebook
NOTEBOOKS ?= $(or $(shell git ls-files 'notebooks/[0-9]*.ipynb' 2>/dev/null),$(wildcard notebooks/[0-9]*.ipynb))
N ?= 20

BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := .venv/$(BIN)/python
OLDEST := .venv/oldest/$(BIN)/python
NEWEST := .venv/newest/$(BIN)/python
READY := .venv/ready
HUB := .venv/classroom/ready

.PHONY: help setup lab test oldest newest colab classroom classroom-setup classroom-load classroom-test notebooks slides html bench sweep

help:
	@echo "make lab        set up once, check the set-up, open the lessons in JupyterLab"
	@echo "                (make lab LAB_ARGS='--no-browser --port 9999' hands JupyterLab more arguments)"
	@echo "make test       unit tests, doctests, hygiene tests, every notebook, and the explorers in a browser"
	@echo "make oldest     unit tests and doctests with the lowest versions that pyproject.toml allows, in .venv/oldest"
	@echo "                (make oldest OLDEST_PYTHON=python3.12 if there is no python3.11)"
	@echo "make newest     make test without the browser, with the newest versions that can be had, in .venv/newest"
	@echo "make colab      every notebook on a stand-in for Colab, built once in .venv/colab"
	@echo "make classroom  a JupyterHub on this machine, for trying out (classroom/README.md has the real one)"
	@echo "make classroom-load N=20    a class of simulated learners on such a hub, with a crash half-way"
	@echo "make classroom-test         what keeps learners apart, on a real hub, and a class of two"
	@echo "make setup      only the set-up: a .venv with requirements.txt and the package"
	@echo "                (make setup PYTHON=python3.13 takes another Python, 3.11 or newer)"
	@echo "make notebooks  run all notebooks again, in place"
	@echo "                (make notebooks NOTEBOOKS=notebooks/05_forget_gate.ipynb runs this one)"
	@echo "make slides     a deck of slides of each notebook, in build/slides"
	@echo "                (NOTEBOOKS as above; SLIDES_ARGS hands nbconvert more arguments, see docs/teaching.md)"
	@echo "make html       the lessons as a static site in site/: read without a kernel or a network"
	@echo "make bench      the benchmark tables (make bench BENCH_ARGS=--help lists what can be chosen)"
	@echo "make sweep      what is missing of the trainings in lstm_lesson/experiments/results.csv; delete it to make all again"
	@echo "                (make sweep SCHEDULER=tcp://HOST:PORT runs them on a Dask cluster that has the package)"

# .venv/ready is written last and holds the folder's path: an interrupted set-up, a folder that was moved
# and a Python that has gone are all noticed and mended here.
ifneq ($(shell test -x $(PY) && test "$$(cat $(READY) 2>/dev/null)" = "$$(pwd -P)" && echo yes),yes)
.PHONY: $(READY)
endif

setup: $(READY)

$(READY): requirements.txt pyproject.toml classroom/jupyter_server_config.py
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
		echo "The lessons need Python 3.11 or newer; '$(PYTHON)' is not. Name another: make setup PYTHON=python3.13"; \
		exit 1; }
	@rm -f $(READY)
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $$(test ! -e .venv/pyvenv.cfg || echo --clear) .venv || { \
		echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu it comes with: sudo apt install python3-venv"; \
		exit 1; }
	@echo "Setting up .venv from requirements.txt: once, some minutes (PyTorch is a large download) ..."
	@$(PY) -m pip install -qq --no-compile --requirement requirements.txt
	@$(PY) -m pip install -qq --no-deps --no-build-isolation --editable .
	@mkdir -p .venv/etc/jupyter && cp classroom/jupyter_server_config.py .venv/etc/jupyter/
	@pwd -P > $(READY)

lab: setup
	@$(PY) -m lstm_lesson
	$(PY) tools/lab.py $(LAB_ARGS)

test: setup
	$(PY) -m pytest

# Both ends of the ranges in pyproject.toml. pip mends what is there already, so a torch put there before, without CUDA
# for one, stays if its version fits. What needs notebooks, a browser or a hub is left to the other commands.
oldest:
	@$(OLDEST) -m pip --version >/dev/null 2>&1 || $(OLDEST_PYTHON) -m venv --clear .venv/oldest || { \
		echo "The lowest versions need Python 3.11, and '$(OLDEST_PYTHON)' did not make .venv/oldest"; exit 1; }
	@echo "Setting up .venv/oldest: the first time some minutes and several gigabytes ..."
	@$(OLDEST) tools/bounds.py > .venv/oldest/lowest.txt
	@$(OLDEST) -m pip install -qq --no-compile --requirement .venv/oldest/lowest.txt
	@$(OLDEST) -m pip install -qq --no-deps --editable .
	$(OLDEST) -m pytest -m "not colab and not browser" tests lstm_lesson \
		--ignore=tests/exercises/test_solved_notebooks.py --ignore=tests/project/test_classroom.py

newest:
	@$(NEWEST) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv/newest
	@echo "Setting up .venv/newest: the first time some minutes and several gigabytes ..."
	@$(NEWEST) -m pip install -qq --no-compile --upgrade --upgrade-strategy eager --editable ".[lab,test]"
	$(NEWEST) -m pytest -m "not colab and not browser" --ignore=tests/project/test_classroom.py

colab: setup
	$(PY) tools/colab.py .venv/colab
	$(PY) -m pytest -m colab --dist=load tests/project/test_colab.py

# The hub's packages go into the same .venv, so that learners' servers find the lessons; the proxy comes from npm.
classroom-setup: $(HUB)

$(HUB): $(READY) classroom/requirements.txt classroom/package.json
	@npm --version >/dev/null 2>&1 || { echo "The hub's proxy needs npm. On Debian and Ubuntu: sudo apt install npm"; exit 1; }
	@rm -f $(HUB)
	@mkdir -p .venv/classroom
	@echo "Setting up the hub: once, a minute ..."
	@$(PY) -m pip install -qq --constraint requirements.txt --requirement classroom/requirements.txt
	@$(PY) -m pip uninstall -qq --yes debugpy  # its port would be open to every account
	@cp classroom/package.json .venv/classroom/
	@npm install --prefix .venv/classroom --no-audit --no-fund --loglevel=error
	@$(PY) -m compileall -q -j0 .venv/lib lstm_lesson >/dev/null || true  # learners can't; some templates aren't Python
	@touch $(HUB)

classroom: classroom-setup
	$(PY) -m jupyterhub -f classroom/trial_config.py $(HUB_ARGS)

classroom-load: classroom-setup
	$(PY) classroom/load.py $(N)

classroom-test: classroom-setup
	$(PY) -m pytest -n0 tests/project/test_classroom.py
	$(PY) classroom/load.py 2

# Stops at the first error without writing that notebook. Kept: outputs, tags, slide types. Dropped: the rest.
# The exercises' progress goes to a folder that is thrown away, so that every stub is shown as not attempted.
notebooks: setup
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	LSTM_LESSON_PROGRESS="$$scratch/progress.json" $(PY) -m nbconvert --to notebook --execute --inplace \
		--config tools/stored_notebook.py \
		--ExecutePreprocessor.timeout=600 --ExecutePreprocessor.kernel_name=python3 \
		--ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False \
		$(NOTEBOOKS)

# From the slide types that stand in the notebooks. A slide that is longer than the screen can be scrolled.
slides: setup
	$(PY) -m nbconvert --to slides --output-dir build/slides --log-level WARN \
		--SlidesExporter.reveal_scroll=True --SlidesExporter.reveal_number=c/t --SlidesExporter.reveal_width=1400 --SlidesExporter.reveal_height=800 \
		$(SLIDES_ARGS) $(NOTEBOOKS)

# The old site goes first: a page that is no longer made must not stay.
html: setup
	@rm -rf site
	$(PY) tools/site/build.py site
	@echo "The site is in site/. Open site/index.html, or serve it: $(PY) -m http.server --bind 127.0.0.1 --directory site"

bench: setup
	$(PY) benchmarks/run.py $(BENCH_ARGS)

sweep: setup
	$(PY) benchmarks/sweep.py lstm_lesson/experiments/results.csv $(if $(SCHEDULER),--scheduler $(SCHEDULER))
