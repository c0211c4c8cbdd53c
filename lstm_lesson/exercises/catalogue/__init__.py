"""The exercises with their known wrong answers; `nbNN.toml` holds those of notebook NN."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def read_table(name: str) -> dict:
    """What a file of this folder holds: "shared_edits" for `shared_edits.toml`."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))
