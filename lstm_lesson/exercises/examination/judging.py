"""Judge a module whose weights are known: values, gradients, and the mistake that explains what differs."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lstm_lesson.cells import GATES
from lstm_lesson.exercises.answer import Answer, Trial, agrees
from lstm_lesson.exercises.compare import ROUNDING, gradient_problem, input_gradients, leaves
from lstm_lesson.exercises.examination.equations import KINDS, Question, known_mistakes, question
from lstm_lesson.exercises.examination.matching import Mapping, Matcher
from lstm_lesson.exercises.examination.naming import claimed, located, order_of
from lstm_lesson.exercises.examination.subject import Subject
from lstm_lesson.exercises.exercise import Inputs

SETS = ((3, 5, 0.7), (1, 4, 1.0), (4, 1, 1.0), (1, 1, 1.0), (2, 2, 2.0), (2, 11, 1.0))  # B, T, scale
LARGE = (2, 60, 0.5)  # here the memory is large
SECONDS = 2.5  # of search for mistakes


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
        self.states = bool(subject.form.states)
        asked = question(mapping.kind, subject.outputs, self.states, subject.N, subject.H, self.bias)

        def f(x, h_0, c_0, weights):
            got = Run.apply(subject, mapping.values(weights), x, h_0, c_0)
            return got if len(got) > 1 else got[0]

        super().__init__(asked, f, subject.sandbox)

    def trials(self, sets=SETS, reach: float = 0.0) -> list[Trial]:
        """What it returns on inputs of these sizes and scales."""
        inputs = [Inputs(k, dict(B=b, T=t, N=1, H=1, K=1), scale, reach=reach) for k, (b, t, scale) in enumerate(sets)]
        return [self.try_on(one) for one in inputs]

    def reference(self) -> Callable:
        """`nn.LSTM`, or the equations of a variant."""
        return self.exercise.solve() if self.mapping.kind.lines else torch_lstm(self.exercise, self.states, self.bias)


def torch_lstm(asked: Question, states: bool, bias: bool) -> Callable:
    """`nn.LSTM` as an answer to this exercise. No gradient reaches states or biases that the module does not have."""

    def f(x, h_0, c_0, weights):
        h_0, c_0 = (s if states else s.detach() for s in (h_0, c_0))
        weights = {k: w if bias or k[0] != "b" else w.detach() for k, w in weights.items()}
        W, U, b = (torch.cat([weights[reads + k] for k in GATES], dim=-1) for reads in ("W_x", "W_h", "b_"))
        theirs = nn.LSTM(x.shape[2], h_0.shape[1], batch_first=True, dtype=torch.float64)
        values = dict(zip([name for name, _ in theirs.named_parameters()], (W.T, U.T, b, 0 * b), strict=True))
        sequence, (h, c) = functional_call(theirs, values, (x, (h_0[None], c_0[None])))
        got = {"hidden_seq": sequence, "h_T": h[0], "c_T": c[0]}
        returned = tuple(got[name] for name in asked.returns)
        return returned if len(returned) > 1 else returned[0]

    return f


def gradients(answer: ModuleAnswer, trials: list[Trial]) -> tuple[str, dict[str, float]]:
    """What is wrong with the gradients, "" if nothing, and the largest differences."""
    text, largest = "", {}
    for trial in trials:
        expected = input_gradients(answer.reference(), trial.arguments)
        trial.gradients, error = answer.sandbox(input_gradients, answer.f, trial.arguments)
        if error is not None:
            return f"the backward pass breaks: {type(error).__name__}: {str(error)[:120]}", largest
        problem = gradient_problem(trial.gradients, expected, ROUNDING[answer.subject.dtype])
        text = text or (problem.text if problem else "")
        for name, right in expected.items():
            got = (trial.gradients or {}).get(name)
            part = {"x": "x", "h_0": "the states", "c_0": "the states"}.get(name, "the weights")
            if right is not None and got is not None:
                difference = (got - right).abs().max().item()
                largest[f"gradient of {part}"] = max(largest.get(f"gradient of {part}", 0.0), difference)
    return text, largest


def differences(answer: ModuleAnswer, trials: list[Trial]) -> dict[str, float]:
    """The largest difference for each output."""
    largest: dict[str, float] = {}
    for trial in trials:
        right = answer.reference()(*trial.arguments.values())
        got, right = ([t for _, t in leaves("", value)] for value in (trial.got, right))
        for name, a, b in zip(answer.exercise.returns, got, right, strict=True):
            largest[name] = max(largest.get(name, 0.0), (a - b).abs().max().item())
    return largest


def with_mistakes(matcher: Matcher) -> Iterator[Mapping]:
    """Mappings under which the module has a known mistake."""
    subject, end = matcher.subject, time.process_time() + SECONDS
    for kind in KINDS:
        if kind.absent or (kind.peepholes and subject.size <= KINDS[0].size(subject.N, subject.H)):
            continue
        for edit in known_mistakes(kind, subject.outputs):
            if time.process_time() > end:
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
