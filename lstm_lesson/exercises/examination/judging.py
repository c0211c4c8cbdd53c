"""Judge a module whose weights are known: values, gradients, and the mistake that explains what differs."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from lstm_lesson.cells import GATES
from lstm_lesson.exercises.answer import Answer, Trial, agrees
from lstm_lesson.exercises.compare import input_gradients, match
from lstm_lesson.exercises.examination.equations import KINDS, known_mistakes, question
from lstm_lesson.exercises.examination.matching import Mapping, Matcher
from lstm_lesson.exercises.examination.naming import claimed, located, order_of
from lstm_lesson.exercises.examination.subject import Subject
from lstm_lesson.exercises.exercise import Inputs

SETS = ((3, 5, 0.7), (1, 4, 1.0), (4, 1, 1.0), (1, 1, 1.0), (2, 2, 2.0), (2, 11, 1.0))  # B, T, scale
LARGE = [(2, 60, 0.5)]  # here the memory is large
WORK = 80_000  # entries of weights, in all edits that are tried as the only mistake


class Run(torch.autograd.Function):
    """A module as a function of its entries. It keeps its own tensors, and the gradients of those are passed on."""

    @staticmethod
    def forward(ctx, subject: Subject, values: Tensor, *inputs: Tensor):
        subject.set(values)
        with torch.enable_grad():
            ctx.inputs = [t.detach().clone().requires_grad_() for t in inputs]
            got = subject(*(t.clone() for t in ctx.inputs))
        ctx.subject, ctx.got = subject, [got[name] for name in subject.outputs]
        returned = tuple(t.detach().clone() for t in ctx.got)
        ctx.mark_non_differentiable(*(r for r, t in zip(returned, ctx.got, strict=True) if not t.requires_grad))
        return returned

    @staticmethod
    def backward(ctx, *gradients):
        tensors = list(ctx.subject.tensors.values())
        wanted = [t for t in (*ctx.inputs, *tensors) if t.requires_grad]
        live = [(t, g.to(t.dtype)) for t, g in zip(ctx.got, gradients, strict=True) if t.requires_grad]
        found = torch.autograd.grad([t for t, _ in live], wanted, [g for _, g in live], allow_unused=True)
        of = {id(t): g for t, g in zip(wanted, found, strict=True)}
        vector = [torch.zeros_like(t) if of.get(id(t)) is None else of[id(t)] for t in tensors]
        return None, torch.cat([g.double().reshape(-1) for g in vector]), *(of[id(t)] for t in ctx.inputs)


class ModuleAnswer(Answer):
    """A module as an answer to the exercise `lstm` of its kind. Its sizes N and H are always the same."""

    def __init__(self, subject: Subject, mapping: Mapping):
        absent = {f"bias_{name[-1]}" for name in mapping.missing if name[:3] == "W_c" and name[3] != "c"}
        lines = tuple(line for line in mapping.kind.lines if line[0] not in absent)
        mapping = replace(mapping, kind=replace(mapping.kind, lines=lines))
        self.subject, self.mapping = subject, mapping
        self.bias = not {f"b_{k}" for k in GATES if k not in mapping.kind.absent} <= mapping.missing
        asked = question(mapping.kind, subject.outputs, bool(subject.form.states), subject.N, subject.H, self.bias)

        def f(x, h_0, c_0, weights):
            got = Run.apply(subject, mapping.values(weights), x, h_0, c_0)
            return got if len(got) > 1 else got[0]

        super().__init__(asked, f, subject.sandbox)

    def trials(self, sets=SETS, reach: float = 0.0) -> list[Trial]:
        """What it returns on inputs of these sizes and scales."""
        inputs = [Inputs(k, dict(B=b, T=t, N=1, H=1, K=1), scale, reach=reach) for k, (b, t, scale) in enumerate(sets)]
        return [self.try_on(one) for one in inputs]


def differences(answer: ModuleAnswer, trials: list[Trial]) -> dict[str, float]:
    """The largest difference of each output, and of the gradients where they were computed."""
    largest: dict[str, float] = {}
    for trial in trials:
        pairs = match(answer.exercise, trial.got, trial.expected)
        right = input_gradients(answer.exercise.solve(), trial.arguments) if trial.gradients else {}
        for name in right:
            part = {"x": "x", "h_0": "the states", "c_0": "the states"}.get(name, "the weights")
            pairs.append((f"gradient of {part}", trial.gradients[name], right[name]))
        for name, a, b in pairs:
            if a is not None and b is not None:
                largest[name] = max(largest.get(name, 0.0), (a - b).abs().max().item())
    return largest


def with_mistakes(matcher: Matcher) -> Iterator[Mapping]:
    """Mappings under which the module has a known mistake."""
    subject, left = matcher.subject, WORK
    for kind in KINDS:
        if kind.absent or (kind.peepholes and subject.size <= KINDS[0].size(subject.N, subject.H)):
            continue
        for edit in known_mistakes(kind, subject.outputs):
            if (left := left - kind.size(subject.N, subject.H)) < 0:
                return
            mapping = matcher.find(kind, (edit,))
            if mapping is not None and holds(subject, mapping):
                yield mapping


def holds(subject: Subject, mapping: Mapping) -> bool:
    """Whether the module is what the mapping says on numbers that it was not found with."""
    answer = ModuleAnswer(subject, mapping)
    return agrees(answer.exercise.model_answer.function(mapping.edits), answer.trials(SETS[:1]))


def most_plausible(subject: Subject, mappings: Iterator[Mapping]) -> Mapping | None:
    """The first mapping that neither the tensors' names nor the order of the blocks contradict; else the first."""
    first = None
    for mapping in mappings:
        found = located(subject, mapping)
        says = claimed(found)
        first = first or mapping
        if order_of(found) in ("", "ifgo") and all(k == v for k, v in says.items()):
            return mapping
    return first
