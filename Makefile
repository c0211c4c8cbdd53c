# The commands of the project. Each command first installs what it needs.
PYTHON ?= python3
OLDEST_PYTHON ?= python3.11
LAB_ARGS ?=
BENCH_ARGS ?=
HUB_ARGS ?=
SLIDES_ARGS ?=
STUDENT_ARGS ?=
WRITER_ARGS ?=
SCHEDULER ?=
# the numbered notebooks that git tracks, so not a learner's own copies; without git, all numbered notebooks
NOTEBOOKS ?= $(or $(shell git ls-files 'notebooks/[0-9]*.ipynb' 2>/dev/null),$(wildcard notebooks/[0-9]*.ipynb))
N ?= 20

# Some machines forbid Python to keep what it compiles. The tests start dozens of Pythons, and each would compile torch.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := .venv/$(BIN)/python
OLDEST := .venv/oldest/$(BIN)/python
NEWEST := .venv/newest/$(BIN)/python
READY := .venv/ready
HUB := .venv/classroom/ready

.PHONY: help setup lab update test test-full oldest newest colab classroom classroom-setup classroom-load classroom-test notebooks slides student instructor sheet html bench sweep writer successors

help:
	@echo "make lab        install the packages once, check them, open the lessons in JupyterLab"
	@echo "                (make lab LAB_ARGS='--no-browser --port 9999' gives JupyterLab more arguments)"
	@echo "make test       unit tests, doctests, rules for notebooks, every notebook, and the explorers in a browser"
	@echo "make test-full  the tests that take longest and that make test leaves out"
	@echo "make oldest     unit tests and doctests with the lowest versions that pyproject.toml allows, in .venv/oldest"
	@echo "                (make oldest OLDEST_PYTHON=python3.12 if there is no python3.11)"
	@echo "make newest     make test without the browser, with the newest versions of all packages, in .venv/newest"
	@echo "make colab      every notebook on a stand-in for Colab, some on one for Kaggle, both built once in .venv"
	@echo "make classroom  a JupyterHub on this machine for a trial (classroom/README.md describes the real one)"
	@echo "make classroom-load N=20    a class of simulated learners on such a hub, with a crash half-way"
	@echo "make classroom-test         tests on a real hub that learners cannot reach each other, and a class of two"
	@echo "make setup      only a .venv with requirements.txt and the package"
	@echo "                (make setup PYTHON=python3.13 uses another Python, 3.11 or newer)"
	@echo "make update     the newest lessons; what you changed in a notebook is first copied to notebooks/mine"
	@echo "make notebooks  run all notebooks again, in place"
	@echo "                (make notebooks NOTEBOOKS=notebooks/05_forget_gate.ipynb runs this one)"
	@echo "make slides     slides of each notebook for a projector, in build/slides (NOTEBOOKS as above)"
	@echo "                (make slides SLIDES_ARGS=--large runs them and draws figures with larger letters;"
	@echo "                SLIDES_ARGS='--lesson \"Lesson 3\"' makes one deck of a lesson of docs/teaching.md)"
	@echo "make student    copies for a class without outputs and answers, in build/student; docs/teaching.md has the STUDENT_ARGS"
	@echo "make instructor the same cells with solutions, usual mistakes and the plan, in build/instructor"
	@echo "make sheet      one printed sheet, A4 and Letter, in build/sheet"
	@echo "make html       the lessons as a static site in site/, which needs neither a kernel nor a network"
	@echo "make bench      the benchmark tables (make bench BENCH_ARGS=--help lists the options)"
	@echo "make sweep      the trainings that lstm_lesson/experiments/results.csv does not have yet; delete it to run all again"
	@echo "                (make sweep SCHEDULER=tcp://HOST:PORT runs them on a Dask cluster that has the package)"
	@echo "make writer     train the stored character model of notebook 16 again: about 40 minutes on one core"
	@echo "                (make writer WRITER_ARGS=--help lists the options)"
	@echo "make successors the table of notebook 17, on this machine: lstm_lesson/experiments/successors.csv"

# .venv/ready is written last and contains the folder's path. So make repeats a set-up that was interrupted, and
# a set-up whose folder was moved or whose Python was removed.
ifneq ($(shell test -x $(PY) && test "$$(cat $(READY) 2>/dev/null)" = "$$(pwd -P)" && echo yes),yes)
.PHONY: $(READY)
endif

setup: $(READY)

$(READY): requirements.txt pyproject.toml tools/install.py classroom/jupyter_server_config.py
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
		echo "The lessons need Python 3.11 or newer; '$(PYTHON)' is not. Name another: make setup PYTHON=python3.13"; \
		exit 1; }
	@rm -f $(READY)
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $$(test ! -e .venv/pyvenv.cfg || echo --clear) .venv || { \
		echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu it comes with: sudo apt install python3-venv"; \
		exit 1; }
	@echo "Setting up .venv from requirements.txt: once, some minutes (PyTorch is a large download) ..."
	@$(PY) tools/install.py
	@mkdir -p .venv/etc/jupyter && cp classroom/jupyter_server_config.py .venv/etc/jupyter/
	@pwd -P > $(READY)

# The set-up is the one of the new Makefile.
update:
	@$(PYTHON) tools/update.py
	@$(MAKE) --no-print-directory setup

lab: setup
	@$(PY) -m lstm_lesson
	$(PY) tools/lab.py $(LAB_ARGS)

test: setup
	$(PY) -m pytest

test-full: setup
	$(PY) -m pytest -m "full and not colab"

# The lowest and the newest versions that pyproject.toml allows. pip keeps what is installed there if its version fits,
# for example a torch without CUDA. Tests that need notebooks, a browser or a hub run in the other commands.
oldest:
	@$(OLDEST) -m pip --version >/dev/null 2>&1 || $(OLDEST_PYTHON) -m venv --clear .venv/oldest || { \
		echo "The lowest versions need Python 3.11, and '$(OLDEST_PYTHON)' did not make .venv/oldest"; exit 1; }
	@echo "Setting up .venv/oldest: the first time some minutes and several gigabytes ..."
	@$(OLDEST) tools/bounds.py > .venv/oldest/lowest.txt
	@$(OLDEST) -m pip install -qq --no-compile --requirement .venv/oldest/lowest.txt
	@$(OLDEST) -m pip install -qq --no-deps --editable .
	$(OLDEST) -m pytest -m "not colab and not full and not browser" tests lstm_lesson \
		--ignore=tests/exercises/test_solved_notebooks.py --ignore=tests/project/test_classroom.py

newest:
	@$(NEWEST) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv/newest
	@echo "Setting up .venv/newest: the first time some minutes and several gigabytes ..."
	@$(NEWEST) -m pip install -qq --no-compile --upgrade --upgrade-strategy eager --editable ".[lab,test]"
	$(NEWEST) -m pytest -m "not colab and not full and not browser" --ignore=tests/project/test_classroom.py

colab: setup
	$(PY) tools/colab.py .venv/colab
	$(PY) tools/colab.py .venv/kaggle kaggle
	$(PY) -m pytest -m colab --dist=load tests/project/test_colab.py

# The hub's packages go into the same .venv, so that learners' servers find the lessons. npm installs the proxy.
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
	@$(PY) -m compileall -q -j0 .venv/lib lstm_lesson >/dev/null || true  # learners may not write there; a few files are templates
	@touch $(HUB)

classroom: classroom-setup
	$(PY) -m jupyterhub -f classroom/trial_config.py $(HUB_ARGS)

classroom-load: classroom-setup
	$(PY) classroom/load.py $(N)

classroom-test: classroom-setup
	$(PY) -m pytest -n0 tests/project/test_classroom.py
	$(PY) classroom/load.py 2

# If a notebook has an error, it is not written and make stops. Outputs, tags and slide types are kept; other metadata
# is removed. Progress is written to a temporary folder, so that every exercise is shown as not attempted.
notebooks: setup
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	LSTM_LESSON_PROGRESS="$$scratch/progress.json" $(PY) -m nbconvert --to notebook --execute --inplace \
		--config tools/stored_notebook.py \
		--ExecutePreprocessor.timeout=600 --ExecutePreprocessor.kernel_name=python3 \
		--ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False \
		$(NOTEBOOKS)

# Uses the slide types in the notebooks. A deck is one file and needs no network.
slides: setup
	$(PY) tools/slides/decks.py build/slides $(NOTEBOOKS) $(SLIDES_ARGS)

# STUDENT_ARGS chooses the same cells for both. An old folder is kept: it may be a git repository.
student: setup
	$(PY) tools/copies.py student build/student $(STUDENT_ARGS) --notebooks $(NOTEBOOKS)

instructor: setup
	$(PY) tools/copies.py instructor build/instructor $(STUDENT_ARGS) --notebooks $(NOTEBOOKS)

sheet: setup
	$(PY) tools/sheet/sheet.py build/sheet

# The old site is removed first, so that no old page stays.
html: setup
	@rm -rf site
	$(PY) tools/site/build.py site
	@echo "The site is in site/. Open site/index.html, or serve it: $(PY) -m http.server --bind 127.0.0.1 --directory site"

bench: setup
	$(PY) benchmarks/run.py $(BENCH_ARGS)

sweep: setup
	$(PY) benchmarks/sweep.py lstm_lesson/experiments/results.csv $(if $(SCHEDULER),--scheduler $(SCHEDULER))

writer: setup
	$(PY) tools/writer.py $(WRITER_ARGS)

successors: setup
	$(PY) benchmarks/successors.py lstm_lesson/experiments/successors.csv
