"""The known mistakes in a loop over the steps of a sequence, for the exercises `unroll` and `lstm`."""

from collections.abc import Iterator

from lstm_lesson.exercises.exercise import shared_edits
from lstm_lesson.exercises.model import Edit

WORDS = {"h": "state", "c": "memory"}


def loop_edits(states: str) -> Iterator[Edit]:
    """The mistakes of a loop that carries these states: "h" or "hc"."""
    for s in states:
        words = {"s": s, "word": WORDS[s], "first": f"first_{s}", "prev": f"{s}_prev", "next": f"next_{s}"}
        yield from shared_edits("loop_carried", **words)
    for table in (f"carried_{states}", "read", "collected", f"detached_{states}", "detached"):
        yield from shared_edits(f"loop_{table}")
    if states == "hc":
        yield from shared_edits("loop_h_and_c")
