"""The progress line of a training."""

import sys
import time


class ProgressLine:
    """One line that shows the progress of a training and the time left; a stored notebook keeps only its last state.

    `label` stands at its start; `on` False prints nothing; `steps` is the number of calls of `step` to come.
    """

    def __init__(self, label: str, on: bool, steps: int):
        self.label, self.on, self.steps = f"{label} · " if label else "", on, steps
        self.done, self.shown, self.start, self.handle = 0, 0.0, time.perf_counter(), None
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if on and getattr(shell, "kernel", None) is not None:  # in a notebook
            from IPython.display import display

            self.handle = display({"text/plain": f"{self.label}…"}, raw=True, display_id=True)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def step(self, text: str) -> None:
        """Count one step; show `text` and the time left, at most twice a second."""
        self.done += 1
        if self.on and self.seconds - self.shown > 0.5:
            self.shown = self.seconds
            left = self.seconds / self.done * (self.steps - self.done)
            self._write(f"{text} · about {left:.0f} s left", end="")

    def last(self, text: str) -> None:
        """Show `text` as the final state."""
        if self.on:
            self._write(text, end="\n")

    def _write(self, text: str, end: str) -> None:
        if self.handle is not None:
            self.handle.update({"text/plain": self.label + text}, raw=True)
        else:
            print(f"\r{self.label}{text:<72}", end=end, flush=True)
