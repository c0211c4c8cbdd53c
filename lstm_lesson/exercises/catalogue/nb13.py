"""The exercises of notebook 13: the correlation of units with the label, and the gradient of the input."""

import torch

from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit


def _correlation_inputs(draw):
    draw.sizes["B"] = 7 + draw.index % 4  # a correlation needs several texts; no H is as large, so that B and H differ
    labels = draw.integers(0, 1, "B")
    labels[:2] = torch.tensor([0, 1])  # without both there is no correlation
    return {"values": draw.unbounded("B H"), "labels": labels}


def _gradient_inputs(draw):
    w, v = draw("N"), draw.unbounded("T N", 1)

    def score(x):
        return torch.tanh(x @ w).cumsum(dim=1).prod(dim=1) + (x * v).sum(dim=(1, 2))

    return {"score": score, "x": draw("B T N")}


UNIT_CORRELATION_MODEL = """def unit_correlation(values, labels):
    numbers = labels.to(values)
    v = values - values.mean(dim=0)
    y = numbers - numbers.mean()
    products = y @ v
    v_length = v.norm(dim=0)
    y_length = y.norm()
    correlation = products / (v_length * y_length)
    return correlation
"""
UNIT_CORRELATION_WORDS = {
    "numbers": "the labels", "v": "the centred values", "y": "the centred labels", "products": "the numerator", "v_length": "the values' length", "y_length": "the labels' length", "correlation": "the quotient",
}  # fmt: skip
UNIT_CORRELATION = (
    ("covariance", {"correlation": "products / len(y)"}, "That is the covariance: it grows with the size of the values. Divide by both spreads."),
    ("covariance of a sample", {"correlation": "products / (len(y) - 1)"}, "That is the covariance, with B − 1: it grows with the size of the values. Divide by both spreads."),
    ("numerator", {"correlation": "products"}, "That is the numerator only: it grows with the values and with B. Divide by both lengths."),
    ("brackets", {"correlation": "products / v_length * y_length"}, "Brackets are missing around the denominator: Python divides by the first length and multiplies by the second."),
    ("divided by B, too", {"correlation": "products / (v_length * y_length) / len(y)"}, "You divide by B as well as by both lengths. The lengths are sums over the texts already."),
    ("along the units", {"products": "(v * y).sum(dim=0)"}, "The labels stand along the wrong axis: `values * labels` pairs them with the units. Make them (B, 1) first."),
    ("float32", {"numbers": "labels.float()"}, "A matrix product wants both in one dtype: give the labels that of the values, `labels.to(values.dtype)`."),
    ("one mean", {"v": "values - values.mean()"}, "One mean is taken of the whole matrix. Each unit has its own, over the texts."),
    ("one length", {"v_length": "v.norm()"}, "One length is taken of the whole matrix. Each unit has its own, over the texts."),
    ("one mean and length", {"v": "values - values.mean()", "v_length": "v.norm()"}, "Mean and length are taken of the whole matrix. Each unit has its own of both."),
    ("one spread", {"v_length": "values.std(correction=0) * len(v) ** 0.5"}, "One spread is taken of the whole matrix. Each unit has its own, over the texts."),
    ("one spread of a sample", {"v_length": "values.std() * (len(v) - 1) ** 0.5"}, "One spread is taken of the whole matrix. Each unit has its own, over the texts."),
    ("uncentred", {"v": "values", "y": "numbers"}, "Nothing is centred. A unit that stands high for every text would look tied to the label: take off the means."),
    ("labels uncentred", {"y": "numbers"}, "The values are centred; the labels are not, or not where their length is taken. Their spread is taken around their mean."),
    ("values uncentred", {"v": "values"}, "The labels are centred; the values are not, or not where their length is taken. Each unit has a mean over the texts."),
    ("B over B − 1", {"correlation": "products / len(y) / (values.std(dim=0) * numbers.std())"}, "Close: in the numerator you divide by B, but torch's standard deviation divides by B − 1. Use one of them."),
    ("B − 1 over B", {"correlation": "products / (len(y) - 1) / (values.std(dim=0, correction=0) * numbers.std(correction=0))"}, "Close: the numerator is divided by B − 1, the spreads by B. Use one for all."),
    ("not rooted", {"v_length": "v.square().sum(dim=0)", "y_length": "y.square().sum()"}, "The sums of squares in the denominator lack their square roots."),
    ("over units", {"v": "values - values.mean(dim=1, keepdim=True)"}, "The mean is taken over the units of a text. Each unit has its own mean over the texts."),
    ("difference", {"correlation": "values[labels == 1].mean(dim=0) - values[labels == 0].mean(dim=0)"}, "That is the difference of the two classes' means, in the unit's own size. It has no bound."),
    ("no sign", {"return": "correlation.abs()"}, "The sign is lost: a unit may go up or down with the label."),
    ("minus", {"return": "-correlation"}, "The sign is turned round: label 1 counts as the higher one."),
    ("square", {"return": "correlation**2"}, "That is the square of the correlation, the share of explained variance. It has no sign."),
    ("one number", {"return": "correlation.mean()"}, "That is one number. Every unit gets its own: (H,)."),
)  # fmt: skip

INPUT_GRADIENT_MODEL = """def input_gradient(score, x):
    own = x.detach().clone().requires_grad_()
    scores = score(own)
    total = scores.sum()
    gradient = sum(torch.autograd.grad(total, own, retain_graph=True))
    return gradient
"""
DIFFERENCE = "torch.stack([(score(x + {0} * e) - score(x)) / {0} for e in torch.eye(x[0].numel(), dtype=x.dtype).reshape(-1, *x.shape[1:])], dim=1).reshape(x.shape)"
INPUT_GRADIENT = (
    ("B scores", {"total": "scores"}, "torch goes back from one number, and here B scores are given. How do they become one, so that none is lost?"),
    ("no gradient asked", {"own": "x.detach().clone()"}, "x does not ask for a gradient, so the score has no graph to go back through. `requires_grad_()` asks."),
    ("mean", {"total": "scores.mean()"}, "The scores are averaged, so every gradient is divided by B. The gradient of a text should not depend on how many others are in the batch."),
    ("first", {"total": "scores[0]"}, "Only the first sequence has a gradient. Add the scores up before you go back: each depends on its own inputs."),
    ("squared", {"scores": "score(own) ** 2"}, "That is the gradient of the squared scores. The score itself is asked."),
    ("loss", {"scores": "F.softplus(-score(own))"}, "That is the gradient of a loss on the scores. The score itself is asked."),
    ("log probability", {"scores": "F.logsigmoid(score(own))"}, "That is the gradient of a log probability. The score itself is asked."),
    ("descent", {"total": "-scores.sum()"}, "The sign is wrong: that is the direction of descent, as for a loss. Here the score itself is asked."),
    ("times input", {"return": "gradient * x"}, "That is gradient times input. Only the gradient is asked."),
    ("no signs", {"return": "gradient.abs()"}, "The signs are lost. Return the gradient as it is."),
    ("lengths", {"return": "gradient.norm(dim=2)"}, "That is the length of each word's gradient, (B, T). The gradient has the shape of x."),
    ("added up", {"return": "gradient.sum(dim=2)"}, "The entries of each word's gradient are added up. The gradient has the shape of x."),
    ("mean of all", {"return": "gradient.mean(dim=0)"}, "That is the mean of the sequences' gradients. Each has its own: the gradient has the shape of x."),
    ("unit length", {"return": "F.normalize(gradient, dim=2)"}, "Every word's gradient has length 1: then all words weigh the same. Do not normalise."),
    *((f"differences {step}", {"gradient": DIFFERENCE.format(step)}, "That looks like finite differences with a large step, so it is near but not right. Let autograd go back.") for step in (0.1, 0.01)),
)  # fmt: skip

EXERCISES = [
    Exercise(
        name="unit_correlation",
        notebook="13_inside_the_gates",
        minutes=5,
        difficulty=2,
        reference="text.saliency.unit_correlation",
        inputs=_correlation_inputs,
        returns={"correlation": "H"},
        gradient=False,
        dtype="float",  # labels become numbers as one likes: `.float()`, `.double()`, the values' own
        tolerance=1e-6,  # the mean and the length of labels in float32
        model=UNIT_CORRELATION_MODEL,
        edits=tuple(Edit(*row) for row in UNIT_CORRELATION),
        words=UNIT_CORRELATION_WORDS,
        hints=(
            "Three parts: take off the means, multiply and add up over the texts, divide by both sizes.",
            "Each unit has its own mean, over the texts: which dimension is that? The labels have one mean.",
            "The denominator has the lengths (2-norms) of the centred unit and of the centred labels, so B drops out.",
        ),
    ),
    Exercise(
        name="input_gradient",
        notebook="13_inside_the_gates",
        minutes=5,
        difficulty=2,
        reference="text.saliency.input_gradient",
        inputs=_gradient_inputs,
        returns={"gradient": "B T N"},
        gradient=False,
        model=INPUT_GRADIENT_MODEL,
        edits=tuple(Edit(*row) for row in INPUT_GRADIENT),
        words={"own": "the copy of x", "scores": "the scores", "total": "the number that torch goes back from", "gradient": "the gradient"},
        hints=(
            "The input has to ask for a gradient before the score is computed: work on a copy of x that does.",
            "`torch.autograd.grad` needs one number to go back from. How do B scores become one, so that none is lost?",
            "The sum of the scores will do: an entry of x reaches only the score of its own sequence.",
        ),
    ),
]
