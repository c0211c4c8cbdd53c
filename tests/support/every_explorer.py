"""The code that makes each explorer, for a notebook cell and for tests and benchmarks in Python."""

from lstm_lesson import explorers

START = "import torch\nfrom lstm_lesson import explorers\n"
NEEDS = {  # the arguments of those that have required ones
    "UnrolledStepper": "torch.linspace(-1, 1, 10).view(5, 2), torch.ones(2, 3) / 3, torch.eye(3) / 2, torch.zeros(3)",
    "WriterExplorer": "torch.manual_seed(0) and explorers.writer.CharacterModel(8, 4)",
}
MADE = {
    name: f"explorers.{name}({NEEDS.get(name, '')})"
    for name in explorers.__all__
    if isinstance(getattr(explorers, name), type) and name not in ("Explorer", "GateInspector")
}
INSPECTOR = """
import torch
from lstm_lesson.explorers.inspector import GateInspector
from lstm_lesson.text.classifiers import TextClassifier
from lstm_lesson.text import Vocabulary

torch.manual_seed(0)
texts, units = {texts!r}, {units}
vocabulary = Vocabulary(texts, min_freq=1)
classifier = TextClassifier(len(vocabulary), 8, units)
inspector = GateInspector(classifier, vocabulary, *texts, scores=torch.linspace(-1, 1, units))
inspector"""


def inspector_code(*texts: list[str], units: int = 5) -> str:
    """The code of a cell that shows the inspector of a classifier with random weights, for one text or two."""
    return INSPECTOR.format(texts=list(texts), units=units)


def value_of(code: str):
    """The value of the last line of a cell's code, computed in this process."""
    names = {}
    *lines, last = (START + code).splitlines()
    exec("\n".join(lines), names)
    return eval(last, names)
