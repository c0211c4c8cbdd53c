"""The exercises with their known wrong answers; `nbNN.toml` holds those of notebook NN."""

import tomllib
from functools import cache
from importlib.resources import files


@cache
def read_table(name: str) -> dict:
    """What a file of this folder holds: "shared_edits" for `shared_edits.toml`."""
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
