"""Run source code as a cell of a notebook: its text can be read again, as IPython keeps it."""

import itertools
import linecache

numbers = itertools.count()


def run_cell(source: str, space: dict) -> None:
    """Run the cell in the notebook's name space."""
    file = f"<cell {next(numbers)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    exec(compile(source, file, "exec"), space)
