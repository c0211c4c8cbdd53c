"""The next character that a model writes after a prompt, with its probabilities."""

import ipywidgets as widgets
import torch

from lstm_lesson.explorers.base import Explorer, slider
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.style import INK, QUIET
from lstm_lesson.plots.svg import Card
from lstm_lesson.text.characters import CHARACTERS, CharacterModel, decode, encode, load_writer
from lstm_lesson.text.writing import sample

SHOWN, READ = 12, 256  # characters with a bar, and those of the prompt that are read
NAMES = {" ": "space", "\n": "new line"}


class WriterExplorer(Explorer):
    """The probabilities of the next character after a prompt (notebook 16).

    model: a `CharacterModel`; None loads the stored one. temperature from 0.1 to 3. Of the prompt the last 256
    characters are read; an empty one counts as a new line. The button draws a character and puts it behind the prompt.
    Raises ValueError naming the argument that does not fit.
    """

    def __init__(self, model: CharacterModel | None = None, prompt: str = "def ", temperature: float = 1.0):
        self.model = load_writer() if model is None else model
        if not isinstance(self.model, CharacterModel):
            raise ValueError(f"model is {type(model).__name__}; it needs a CharacterModel")
        encode(prompt)  # raises for anything but text
        self.random = torch.Generator().manual_seed(0)
        text = widgets.Textarea(prompt, description="prompt", layout={"width": "420px", "max_width": "98%"})
        controls = {"temperature": slider("temperature", "temperature", temperature, 0.1, 3.0), "prompt": text}
        super().__init__(controls, [[text], [controls["temperature"], self.button("Draw the next", self.write)]])

    def write(self) -> None:
        """Draw the next character and put it behind the prompt."""
        prompt, logits = self.values["prompt"], self.logits(self.values["prompt"])
        self.move(prompt=prompt + decode(sample(logits[None], self.values["temperature"], self.random)))

    @torch.no_grad()
    def logits(self, prompt: str) -> torch.Tensor:
        """The logits of the next character, (96,). Raises ValueError for a prompt without any of the 96 characters."""
        ids = encode(prompt or "\n")
        if not len(ids):
            raise ValueError(f"prompt is {prompt!r:.40}; it needs at least one letter, digit or sign of ASCII")
        return self.model(ids[None, -READ:])[0][0, -1]

    def draw(self, temperature, prompt) -> tuple[Picture, str]:
        """A bar for each of the likeliest characters, the likeliest first."""
        shares, ids = torch.softmax(self.logits(prompt).double() / temperature, dim=0).sort(0, True)
        names = [NAMES.get(CHARACTERS[k], CHARACTERS[k]) for k in ids[:SHOWN].tolist()]
        numbers = [f"{100 * share:.1f} %" for share in shares[:SHOWN].tolist()]
        card = Card(900, 70 + 26 * SHOWN, f"The {SHOWN} likeliest of {len(ids)} characters, and their probabilities")
        for k, (name, number) in enumerate(zip(names, numbers, strict=True)):
            card.text(110, 66 + 26 * k, name, INK, 15, "end", bold=True, formula=False)
            card.rect(124, 53 + 26 * k, 640 * shares[k].item(), 17, QUIET, corner=2)
            card.text(132 + 640 * shares[k].item(), 66 + 26 * k, number, INK, 13.5)
        end = prompt[-20:].replace("\n", "↵")
        likeliest = ", ".join(f"{name} {number}" for name, number in zip(names[:5], numbers, strict=False))
        text = f"temperature {temperature:.1f}, after “{'…' * (len(prompt) > 20)}{end}”: {likeliest}; "
        text += f"all but these {SHOWN} together {100 * shares[SHOWN:].sum().item():.1f} %"
        return card.picture(f"Bars for the likeliest next characters. {text}."), text
