"""An answer that draws at random is judged by how often it draws what."""

import math

import numpy as np
import pytest
import torch
from answers import in_notebook, named
from torch.nn import functional as F

from lstm_lesson import check
from lstm_lesson.exercises import sampling
from lstm_lesson.exercises.exercise import exercises

CELL = "def sample(logits, temperature):\n    {}"


def softmax(logits, temperature):
    return torch.softmax(logits / temperature, dim=1)


def answered(body):
    return check(in_notebook(CELL.format(body.replace("\n", "\n    "))))


def by_thresholds(logits, temperature):
    u = torch.rand(len(logits), 1, dtype=logits.dtype)
    edges = softmax(logits, temperature).cumsum(dim=1)
    return torch.searchsorted(edges / edges[:, -1:], u)[:, 0]


def by_numpy(logits, temperature):
    p = softmax(logits.double(), temperature).numpy()
    random = np.random.default_rng()
    return torch.tensor([random.choice(len(row), p=row / row.sum()) for row in p])


def row_by_row(logits, temperature):
    ids = []
    for row in logits:
        z = row / temperature
        p = torch.exp(z - z.max())
        ids.append(torch.multinomial(p, 1).item())
    return torch.tensor(ids)


RIGHT = {
    "multinomial": lambda z, t: torch.multinomial(softmax(z, t), 1)[:, 0],
    "squeezed where it may be": lambda z, t: torch.multinomial(F.softmax(z.div(t), dim=-1), 1).squeeze(1),
    "shares that do not sum to 1": lambda z, t: torch.multinomial((z - z.amax(1, True)).div(t).exp(), 1).flatten(),
    "a power of the probabilities": lambda z, t: torch.multinomial(z.double().softmax(1) ** (1 / t), 1).view(-1),
    "Gumbel": lambda z, t: (z / t - torch.log(-torch.log(torch.rand_like(z)))).argmax(dim=1),
    "exponential race": lambda z, t: (softmax(z, t) / torch.empty_like(z).exponential_()).argmax(dim=-1),
    "Categorical": lambda z, t: torch.distributions.Categorical(logits=z / t).sample(),
    "Categorical by probabilities": lambda z, t: torch.distributions.Categorical(softmax(z, t)).sample(),
    "thresholds": by_thresholds,
    "NumPy, row by row": by_numpy,
    "in a loop": row_by_row,
    "one hot": lambda z, t: torch.distributions.OneHotCategorical(logits=z / t).sample().argmax(dim=1),
    "of four draws the last, int32": lambda z, t: torch.multinomial(softmax(z, t), 4, replacement=True)[:, 3].int(),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_passes_however_it_draws(name):
    result = check(named("sample", RIGHT[name]))
    assert result.passed, result


EDITS = {edit.id: edit for edit in exercises()["sample"].edits}


def drawn_with(text):
    """An answer that draws with the probabilities of this expression."""

    def answer(logits, temperature):
        if logits.shape[1] == 1:
            return torch.zeros(len(logits), dtype=torch.int64)
        p = eval(text, {"torch": torch, "logits": logits, "temperature": temperature})
        return torch.multinomial(p / p.sum(dim=1, keepdim=True), 1)[:, 0]

    return named("sample", answer)


@pytest.mark.parametrize("id", [id for id in EDITS if id not in ("shares of the positive logits", "absolute values")])
def test_a_wrong_distribution_is_rejected_and_named(id):
    result = check(drawn_with(EDITS[id].changes["p"]))
    assert (result.outcome, result.edits) == ("wrong", (id,))
    assert EDITS[id].cause in result.message and "in" in result.message.split("\n")[1]


MULTINOMIAL = "return torch.multinomial({}, 1)[:, 0]"
WRONG = {  # as learners write it -> what the message says
    MULTINOMIAL.format("torch.softmax(logits * temperature, 1)"): "Is it multiplied?",
    MULTINOMIAL.format("torch.softmax(logits, 1) / temperature"): "Behind the softmax a factor changes nothing",
    MULTINOMIAL.format("torch.softmax(logits / temperature, 0)"): "The softmax runs over the batch.",
    MULTINOMIAL.format("F.softmax(F.softmax(logits / temperature, 1), 1)"): "The softmax is applied twice",
    "return (logits / temperature).argmax(1)": "The likeliest character comes every time.",
    "return torch.distributions.Categorical(logits=torch.softmax(logits / temperature, 1)).sample()": "applied twice",
    "return torch.randint(logits.shape[1], (len(logits),))": "Where do the logits enter?",
    "p = torch.softmax(logits / temperature, 1)\nreturn torch.multinomial(p, 1)": "a column (B, 1)",
    "p = torch.softmax(logits / temperature, 1)\nreturn torch.multinomial(p, 1).squeeze()": "`squeeze` alone drops",
    "return torch.softmax(logits / temperature, 1)": "dtype",
    "p = torch.softmax(logits / temperature, 1)\nreturn torch.multinomial(p, 1)[:, 0].tolist()": "list",
    "return torch.multinomial(logits / temperature, 1)[:, 0]": "`multinomial` takes probabilities",
    "p = torch.exp(logits / temperature)\nreturn torch.multinomial(p / p.sum(1, keepdim=True), 1)[:, 0]": "exp(125)",
    "z = logits / temperature\nz = z - z.min(dim=1, keepdim=True).values\n"
    "return torch.multinomial(torch.softmax(z, 1), 1)[:, 0]": "A logit may be −∞",
    "logits /= temperature\nreturn torch.multinomial(torch.softmax(logits, 1), 1)[:, 0]": "changes `logits` in place",
    "torch.manual_seed(0)\nreturn torch.multinomial(torch.softmax(logits / temperature, 1), 1)[:, 0]": "Is a seed set",
    "g = torch.Generator().manual_seed(1)\n"
    "return torch.multinomial(torch.softmax(logits / temperature, 1), 1, generator=g)[:, 0]": "Is a seed set",
    "p = torch.softmax(logits / temperature, 1).cumsum(1)\n"
    "return (p / p[:, -1:] < torch.rand(1, dtype=p.dtype)).sum(1)": "one number drawn for all rows?",
    "return torch.multinomial(torch.softmax(logits / temperature, 1), 1)[:, 0] + 1": "expected 0 to",
    "p = torch.softmax(logits / temperature, 1)\n"
    "return torch.multinomial(p + 0.01, 1)[:, 0]": "whose logit is −∞",
    "return torch.multinomial(torch.softmax(logits / temperature, 1), 2)[:, 1]": "",
    "return torch.multinomial(torch.softmax(logits / (temperature + 0.5), 1), 1)[:, 0]": "of 1500 draws; expected",
}  # fmt: skip


@pytest.mark.parametrize("body", WRONG)
def test_a_wrong_answer_is_rejected_with_its_cause(body):
    result = answered(body)
    assert result.outcome in ("wrong", "crashed")
    assert WRONG[body] in result.message, result


def test_a_right_answer_is_refused_once_in_a_million_checks_at_most():
    """The bound of the docstring, and that the shares of right draws stay well inside it."""
    groups = len(sampling.ROWS) * len(sampling.TEMPERATURES)
    assert groups * sampling.SETS * math.exp(-sampling.DRAWS * sampling.FAR**2 / 2) == pytest.approx(1e-6)
    right = sampling._probabilities("torch.softmax(logits / temperature, dim=1)", sampling.ROWS)
    counts = torch.distributions.Multinomial(sampling.DRAWS, right).sample((2_000,))
    assert (counts / sampling.DRAWS - right).abs().sum(dim=3).max() < sampling.FAR


def test_each_named_wrong_distribution_is_far_enough_from_the_right_one_and_from_the_others():
    """At least 2 FAR away in some group: accepted, or taken for another, once in a million checks at most."""
    rows = [sampling.ROWS, sampling.ROWS.roll(2, dims=1).flip(0)]
    texts = {"right": "torch.softmax(logits / temperature, dim=1)"}
    texts |= {id: edit.changes["p"] for id, edit in EDITS.items()}
    p = {id: [sampling._probabilities(text, each) for each in rows] for id, text in texts.items()}
    for one in p:
        for two in p:
            far = max((a - b).abs().sum(dim=2).max() for a, b in zip(p[one], p[two], strict=True))
            assert one == two or far > 2 * sampling.FAR, (one, two, far)
    for id in EDITS:
        assert (p[id][0] - p["right"][0]).abs().sum(dim=2).max() > 2 * sampling.FAR, id


def test_the_check_leaves_the_notebooks_random_numbers_alone():
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    check(named("sample", RIGHT["multinomial"]))
    assert torch.equal(torch.rand(3), expected)


def test_a_problem_without_a_known_cause_is_told_by_itself():
    text = check(named("sample", lambda logits, temperature: torch.softmax(logits / temperature, 1))).message
    assert text == "`sample`: `ids` has dtype torch.float64; expected torch.int64."
