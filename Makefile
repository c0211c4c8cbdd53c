# The commands of the house. Each one makes the set-up it needs.
PYTHON ?= python3
LAB_ARGS ?=
BENCH_ARGS ?=
SCHEDULER ?=

PY := .venv/bin/python
READY := .venv/ready

.PHONY: help setup lab test colab notebooks bench sweep

help:
	@echo "make lab        set up once, check the set-up, open the lessons in JupyterLab"
	@echo "                (make lab LAB_ARGS='--no-browser --port 9999' hands JupyterLab more arguments)"
	@echo "make test       unit tests, doctests, hygiene tests, every notebook, and the explorers in a browser"
	@echo "make colab      every notebook on a stand-in for Colab, built once in .venv/colab"
	@echo "make setup      only the set-up: a .venv with requirements.txt and the package"
	@echo "                (make setup PYTHON=python3.13 takes another Python, 3.11 or newer)"
	@echo "make notebooks  run all notebooks again, in place"
	@echo "make bench      the benchmark tables (make bench BENCH_ARGS=--help lists what can be chosen)"
	@echo "make sweep      what is missing of the trainings in lstm_lesson/sweep.csv; delete it to make all again"
	@echo "                (make sweep SCHEDULER=tcp://HOST:PORT runs them on a Dask cluster that has the package)"

# .venv/ready is written last and holds the folder's path: an interrupted set-up, a folder that was moved
# and a Python that has gone are all noticed and mended here.
ifneq ($(shell test -x $(PY) && test "$$(cat $(READY) 2>/dev/null)" = "$$(pwd -P)" && echo yes),yes)
.PHONY: $(READY)
endif

setup: $(READY)

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
		echo "The lessons need Python 3.11 or newer; '$(PYTHON)' is not. Name another: make setup PYTHON=python3.13"; \
		exit 1; }
	@rm -f $(READY)
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || { \
		echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu it comes with: sudo apt install python3-venv"; \
		exit 1; }
	@echo "Setting up .venv from requirements.txt: once, some minutes (PyTorch is a large download) ..."
	@$(PY) -m pip install -qq --no-compile --requirement requirements.txt
	@$(PY) -m pip install -qq --no-deps --no-build-isolation --editable .
	@pwd -P > $(READY)

lab: setup
	@$(PY) -m lstm_lesson
	$(PY) -m jupyterlab $(LAB_ARGS) notebooks/00_start_here.ipynb

test: setup
	$(PY) -m pytest

colab: setup
	$(PY) tests/colab.py .venv/colab
	$(PY) -m pytest -m colab --dist=load tests/test_colab.py

# Stops at the first error without writing that notebook. Kept: outputs, tags, slide types. Dropped: the rest.
# The exercises' progress goes to a folder that is thrown away, so that every stub is shown as not attempted.
notebooks: setup
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	LSTM_LESSON_PROGRESS="$$scratch/progress.json" PYTHONPATH=tests $(PY) -m nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.timeout=600 --ExecutePreprocessor.kernel_name=python3 \
		--ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False \
		--NotebookExporter.preprocessors="['stored_notebook.WithoutWidgetViews']" \
		--ClearMetadataPreprocessor.enabled=True \
		--ClearMetadataPreprocessor.preserve_nb_metadata_mask="{'kernelspec', ('language_info', 'name')}" \
		--ClearMetadataPreprocessor.preserve_cell_metadata_mask="{'tags', 'slideshow'}" \
		notebooks/[0-9]*.ipynb

bench: setup
	$(PY) benchmarks/run.py $(BENCH_ARGS)

sweep: setup
	$(PY) -m lstm_lesson.sweep lstm_lesson/sweep.csv $(if $(SCHEDULER),--scheduler $(SCHEDULER))
