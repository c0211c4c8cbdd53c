"""The exercises of notebook 13: the correlation of units with the label, and the gradient of the input."""

import torch

from lstm_lesson.exercises.exercise import Exercise, Mistake
from lstm_lesson.text.saliency import input_gradient, unit_correlation


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


def _centred(values, labels):
    y = labels.to(values)
    return values - values.mean(dim=0), y - y.mean()


def _covariance(values, labels):
    v, y = _centred(values, labels)
    return y @ v / len(y)


def _covariance_of_a_sample(values, labels):
    v, y = _centred(values, labels)
    return y @ v / (len(y) - 1)


def _sum_of_products(values, labels):
    v, y = _centred(values, labels)
    return y @ v


def _labels_along_the_units(values, labels):
    v, y = _centred(values, labels)
    return (v * y).sum(dim=0) / (v.norm(dim=0) * y.norm())


def _labels_in_float32(values, labels):
    v, y = values - values.mean(dim=0), labels.float() - labels.float().mean()
    return y @ v / (v.norm(dim=0) * y.norm())


def _one_mean(values, labels):
    v, y = values - values.mean(), _centred(values, labels)[1]
    return y @ v / (v.norm(dim=0) * y.norm())


def _one_length(values, labels):
    v, y = _centred(values, labels)
    return y @ v / (v.norm() * y.norm())


def _one_mean_and_length(values, labels):
    v, y = values - values.mean(), _centred(values, labels)[1]
    return y @ v / (v.norm() * y.norm())


def _one_spread(values, labels):
    v, y = _centred(values, labels)
    return y @ v / len(y) / (values.std(correction=0) * y.std(correction=0))


def _uncentred(values, labels):
    y = labels.to(values)
    return y @ values / (values.norm(dim=0) * y.norm())


def _labels_uncentred(values, labels):
    v, y = values - values.mean(dim=0), labels.to(values)
    return y @ v / (v.norm(dim=0) * y.norm())


def _values_uncentred(values, labels):
    y = labels.to(values) - labels.to(values).mean()
    return y @ values / (values.norm(dim=0) * y.norm())


def _mixed_divisors(values, labels):
    v, y = _centred(values, labels)
    return (y @ v / len(y)) / (values.std(dim=0) * labels.to(values).std())


def _other_mixed_divisors(values, labels):
    v, y = _centred(values, labels)
    return (y @ v / (len(y) - 1)) / (values.std(dim=0, correction=0) * labels.to(values).std(correction=0))


def _not_rooted(values, labels):
    v, y = _centred(values, labels)
    return y @ v / (v.square().sum(dim=0) * y.square().sum())


def _over_units(values, labels):
    y = labels.to(values)
    v = values - values.mean(dim=1, keepdim=True)
    return (y - y.mean()) @ v / (v.norm(dim=0) * (y - y.mean()).norm())


def _difference(values, labels):
    return values[labels == 1].mean(dim=0) - values[labels == 0].mean(dim=0)


UNIT_CORRELATION_MISTAKES = (
    Mistake(_covariance, "That is the covariance: it grows with the size of the values. Divide by both spreads."),
    Mistake(_covariance_of_a_sample, "That is the covariance, with B − 1: it grows with the size of the values. Divide by both spreads."),
    Mistake(_sum_of_products, "That is the numerator only: it grows with the values and with B. Divide by both lengths."),
    Mistake(_labels_along_the_units, "The labels stand along the wrong axis: `values * labels` pairs them with the units. Make them (B, 1) first."),
    Mistake(_labels_in_float32, "A matrix product wants both in one dtype: give the labels that of the values, `labels.to(values.dtype)`."),
    Mistake(_one_mean, "One mean is taken of the whole matrix. Each unit has its own, over the texts."),
    Mistake(_one_length, "One length is taken of the whole matrix. Each unit has its own, over the texts."),
    Mistake(_one_mean_and_length, "Mean and length are taken of the whole matrix. Each unit has its own of both."),
    Mistake(_one_spread, "One spread is taken of the whole matrix. Each unit has its own, over the texts."),
    Mistake(_uncentred, "Nothing is centred. A unit that stands high for every text would look tied to the label: take off the means."),
    Mistake(_labels_uncentred, "The values are centred, the labels are not. Their spread is taken around their mean."),
    Mistake(_values_uncentred, "The labels are centred, the values are not. Each unit has a mean over the texts."),
    Mistake(_mixed_divisors, "Close: in the numerator you divide by B, but torch's standard deviation divides by B − 1. Use one of them."),
    Mistake(_other_mixed_divisors, "Close: in the numerator you divide by B − 1, in the standard deviations by B. Use one of them for all."),
    Mistake(_not_rooted, "The sums of squares in the denominator lack their square roots."),
    Mistake(_over_units, "The mean is taken over the units of a text. Each unit has its own mean over the texts."),
    Mistake(_difference, "That is the difference of the two classes' means, in the unit's own size. It has no bound."),
    Mistake(lambda values, labels: unit_correlation(values, labels).abs(), "The sign is lost: a unit may go up or down with the label."),
    Mistake(lambda values, labels: -unit_correlation(values, labels), "The sign is turned round: label 1 counts as the higher one."),
    Mistake(lambda values, labels: unit_correlation(values, labels).square(), "That is the square of the correlation, the share of explained variance. It has no sign."),
    Mistake(lambda values, labels: unit_correlation(values, labels).mean(), "That is one number. Every unit gets its own: (H,)."),
)


def _grad(scalar, score, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(scalar(score(x)), x)[0]


def _forward_difference(score, x, epsilon=0.1):
    out = torch.empty_like(x)
    for k in range(x[0].numel()):
        step = torch.zeros_like(x).flatten(1)
        step[:, k] = epsilon
        out.flatten(1)[:, k] = (score(x + step.view_as(x)) - score(x)) / epsilon
    return out


INPUT_GRADIENT_MISTAKES = (
    Mistake(lambda score, x: _grad(lambda s: s, score, x), "torch goes back from one number, and here B scores are given. How do they become one, so that none is lost?"),
    Mistake(lambda score, x: torch.autograd.grad(score(x).sum(), x)[0], "x does not ask for a gradient, so the score has no graph to go back through. `requires_grad_()` asks."),
    Mistake(lambda score, x: _grad(torch.mean, score, x), "The scores are averaged, so every gradient is divided by B. The gradient of a text should not depend on how many others are in the batch."),
    Mistake(lambda score, x: _grad(lambda s: s[0], score, x), "Only the first sequence has a gradient. Add the scores up before you go back: each depends on its own inputs."),
    Mistake(lambda score, x: _grad(lambda s: s.square().sum(), score, x), "That is the gradient of the squared scores. The score itself is asked."),
    Mistake(lambda score, x: _grad(lambda s: -s.sum(), score, x), "The sign is wrong: that is the direction of descent, as for a loss. Here the score itself is asked."),
    Mistake(lambda score, x: input_gradient(score, x) * x, "That is gradient times input. Only the gradient is asked."),
    Mistake(lambda score, x: input_gradient(score, x).abs(), "The signs are lost. Return the gradient as it is."),
    Mistake(lambda score, x: input_gradient(score, x).norm(dim=2), "That is the length of each word's gradient, (B, T). The gradient has the shape of x."),
    Mistake(lambda score, x: input_gradient(score, x).sum(dim=2), "The entries of each word's gradient are added up. The gradient has the shape of x."),
    Mistake(lambda score, x: torch.nn.functional.normalize(input_gradient(score, x), dim=2), "Every word's gradient has length 1: then all words weigh the same. Do not normalise."),
    Mistake(_forward_difference, "That looks like finite differences with a large step, so it is near but not right. Let autograd go back."),
)


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
        mistakes=UNIT_CORRELATION_MISTAKES,
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
        mistakes=INPUT_GRADIENT_MISTAKES,
        hints=(
            "The input has to ask for a gradient before the score is computed: work on a copy of x that does.",
            "`torch.autograd.grad` needs one number to go back from. How do B scores become one, so that none is lost?",
            "The sum of the scores will do: an entry of x reaches only the score of its own sequence.",
        ),
    ),
]
