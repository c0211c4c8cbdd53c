"""Judge an instance: find its weights, compare it with the equations, and say in plain English what is found."""

import itertools
import re
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from lstm_lesson.cells import GATES
from lstm_lesson.exercises.answer import Answer, Trial, agrees
from lstm_lesson.exercises.compare import ROUNDING, Problem, format_number, input_gradients, join_names, match
from lstm_lesson.exercises.diagnosis import describe
from lstm_lesson.exercises.edits import find_edits, find_gradient_edits
from lstm_lesson.exercises.examination import matching
from lstm_lesson.exercises.examination.matching import KINDS, KNOWN, Mapping, Matcher, question
from lstm_lesson.exercises.examination.subject import LARGEST, Subject, carries, find_form, instances
from lstm_lesson.exercises.exercise import Inputs
from lstm_lesson.exercises.grading import format_message, gradients_differ
from lstm_lesson.exercises.model import Edit
from lstm_lesson.exercises.result import printable
from lstm_lesson.exercises.sandbox import Sandbox, TimeUp, name_error

SECONDS = 4.0  # for all calls of the module together
TOO_LONG = f"its calls take more than {SECONDS:g} seconds together. Does a loop never end?"
NO_LSTM, NOT_CALLED = "not an LSTM", "cannot be called"
SAYS = KNOWN["verdicts"]
SETS = ((3, 5, 0.7), (1, 4, 1.0), (4, 1, 1.0), (1, 1, 1.0), (2, 2, 2.0), (2, 11, 1.0))  # B, T, scale
LONG = [(2, 60, 0.5)]  # here the memory is large
WORK = 80_000  # entries of weights, in all edits that are tried as the only mistake
GUESSES = 2  # at the weights
ORDERS_OF_STATES = ((False, False), (False, True), (True, True), (True, False), (False, False))  # the last one stays


@dataclass(frozen=True)
class Examination:
    """What `examine` found.

    `.kind` is "LSTM", a variant such as "LSTM with peepholes", "not an LSTM" or "cannot be called"; `.passed` says
    whether the module is equal to `nn.LSTM`; `.message` says what was found. `.weights` maps W_xi … b_o to the code
    that reads them out of the module; `.order` is the order of stacked blocks, "ifgo" in PyTorch, or "". `.differences`
    has the largest absolute difference for each output and gradient. `.edits` are the identifiers of the mistakes that
    the message names, as in `Result.edits`.
    """

    kind: str
    message: str
    passed: bool = False
    weights: AnyMapping[str, str] = field(default_factory=dict)
    order: str = ""
    differences: AnyMapping[str, float] = field(default_factory=dict)
    edits: tuple[str, ...] = ()

    def __repr__(self) -> str:
        mark = "✅ " if self.passed else "❌ " if self.kind in (NO_LSTM, NOT_CALLED, "LSTM") else ""
        return printable(f"{mark}{self.message}")

    def _repr_markdown_(self) -> str:
        return repr(self).replace("\n", "  \n")


def examine(module) -> Examination:
    """Say whether a class, or an instance, is an LSTM: which of its tensors is which weight, or what differs.

    A class is made with an input size and a hidden size, under whatever names, and called with a sequence, batch first
    or time first, or step by step, with states where it takes them. An instance is copied: it keeps its parameters, its
    mode and its gradients. Whatever the module does, `examine` returns an Examination and never raises.

    >>> from torch import nn
    >>> examine(nn.LSTM).order
    'ifgo'
    """
    with Sandbox(SECONDS).isolated() as sandbox:
        try:
            found = find_subject(module, sandbox)
            result = found if isinstance(found, Examination) else judge(found)
            if not sandbox.timed_out:
                return result
            what = TOO_LONG
        except BaseException as error:  # SystemExit, too: what a class raises must not end the notebook
            what = TOO_LONG if isinstance(error, TimeUp) else f"it raises {name_error(error)}"
    return Examination(NOT_CALLED, f"It cannot be examined: {what}")


def find_subject(thing, sandbox: Sandbox) -> Subject | Examination:
    """An instance that runs, or why there is none."""
    tried = []
    for found in instances(thing, sandbox):
        if isinstance(found, BaseException):
            tried.append(name_error(found))
            continue
        errors = ["float"]
        for dtype in (torch.float64, torch.float32) if callable(found[0]) else ():
            if not any(re.search("dtype|float|double", error, re.I) for error in errors):
                break
            subject = Subject(*found, sandbox, dtype)
            if subject.size > LARGEST:
                text = f"It holds {subject.size} weights, and `examine` takes {LARGEST} at most: take smaller sizes."
                return Examination(NOT_CALLED, text)
            right, errors = find_form(subject) if subject.size else (False, ["it holds no tensors"])
            if right or without_head(subject):
                return subject
            tried += errors
    return not_called(thing, tried)


def without_head(subject: Subject) -> bool:
    """Whether it runs as an LSTM does once one of its Linear layers, an output layer, is left out."""
    for name, layer in subject.module.named_children() if subject.is_module else ():
        if type(layer) is nn.Linear and layer.in_features == subject.H:
            setattr(subject.module, name, nn.Identity())
            kept = subject.tensors
            subject.tensors = {k: t for k, t in kept.items() if not k.startswith(f"{name}.")}
            if subject.tensors and find_form(subject)[0]:
                subject.head = name
                return True
            setattr(subject.module, name, layer)
            subject.tensors = kept
    return False


def not_called(thing, tried: list[str]) -> Examination:
    """Why it cannot be examined, with its own error."""
    name = f"`{thing.__name__}`" if isinstance(thing, type) else f"This object of type `{type(thing).__name__}`"
    if not callable(thing):
        return Examination(NOT_CALLED, f"{name} cannot be called; `examine` needs a class, or an instance of one.")
    ran = [text for text in tried if not re.match(r"\w+(:|$)", text)]
    if ran:
        return Examination(NO_LSTM, f"{name} is no LSTM, or no LSTM of one layer: {ran[0]}{'.' * (ran[0][-1] != '?')}")
    usual = r"positional|unexpected keyword|required|multiple values"
    own = ([text for text in tried if not re.search(usual, text)] or tried)[:1]
    error = f"\nIts own error: {own[0]}" if own else ""
    return Examination(NOT_CALLED, f"{name} {SAYS['raises']}{error}")


class ModuleAnswer(Answer):
    """A module as an answer to the exercise `lstm` of its kind. Its sizes N and H are always the same."""

    def __init__(self, subject: Subject, mapping: Mapping):
        missing = {name for name, numbers in mapping.numbers.items() if not torch.isin(numbers, mapping.places).all()}
        absent = {f"bias_{name[-1]}" for name in missing if name[:3] == "W_c" and name[3] != "c"}
        lines = tuple(line for line in mapping.kind.lines if line[0] not in absent)
        mapping = replace(mapping, kind=replace(mapping.kind, lines=lines))
        self.subject, self.mapping = subject, mapping
        self.bias = not {f"b_{k}" for k in GATES if k not in mapping.kind.absent} <= missing
        asked = question(mapping.kind, subject.outputs, bool(subject.form.states), subject.N, subject.H, self.bias)

        def f(x, h_0, c_0, weights):
            subject.set(mapping.values(weights))
            got = subject(x.clone(), h_0.clone(), c_0.clone())
            returned = tuple(got[name] for name in subject.outputs)
            return returned if len(returned) > 1 else returned[0]

        super().__init__(asked, f, subject.sandbox)

    def trials(self, sets=SETS, reach: float = 0.0) -> list[Trial]:
        """What it returns on inputs of these sizes and scales."""
        inputs = [Inputs(k, dict(B=b, T=t, N=1, H=1, K=1), scale, reach=reach) for k, (b, t, scale) in enumerate(sets)]
        return [self.try_on(one) for one in inputs]


def differences(answer: ModuleAnswer, trials: list[Trial]) -> dict[str, float]:
    """The largest difference of each output, and of the gradients where they were computed."""
    largest, parts = {}, {"x": "x", "h_0": "the states", "c_0": "the states"}
    for trial in trials:
        pairs = match(answer.exercise, trial.got, trial.expected)
        right = input_gradients(answer.exercise.solve(), trial.arguments) if trial.gradients else {}
        for name in right:
            pairs.append((f"gradient of {parts.get(name, 'the weights')}", trial.gradients[name], right[name]))
        for name, a, b in pairs:
            if a is not None and b is not None:
                largest[name] = max(largest.get(name, 0.0), (a - b).abs().max().item())
    return largest


def judge(subject: Subject) -> Examination:
    """Find the weights, compare, and say what is found."""
    matcher = Matcher(subject)
    mapping = right_form(subject, matcher) or most_plausible(subject, with_mistakes(matcher))
    if mapping is None:
        guessed = (judge_mapping(subject, guess) for guess in itertools.islice(matching.guesses(subject), GUESSES))
        return next((found for found in guessed if found.edits), None) or unexplained(subject, matcher)
    says = matching.claimed(matching.located(subject, mapping))
    if not mapping.edits and any(k != v for k, v in says.items()):
        mapping = matching.renamed(mapping, says)
    return judge_mapping(subject, mapping)


def right_form(subject: Subject, matcher: Matcher) -> Mapping | None:
    """The mapping if the module is a form of the LSTM, with h and c in any order; else None."""
    for orders in ORDERS_OF_STATES:
        subject.takes_c_first, subject.returns_c_first = orders
        matcher.seen.clear()
        if (orders[0] and not subject.form.states) or (orders[1] and not {"h_T", "c_T"} <= subject.names.keys()):
            continue
        if mapping := next(filter(None, map(matcher.find, KINDS)), None):
            return mapping
    return None


def with_mistakes(matcher: Matcher) -> Iterator[Mapping]:
    """Mappings under which the module has a known mistake."""
    subject, left = matcher.subject, WORK
    for kind in KINDS:
        if kind.absent or (kind.peepholes and subject.size <= KINDS[0].size(subject.N, subject.H)):
            continue
        for edit in question(kind, subject.outputs, True, subject.N, subject.H).edits:
            if "detach" in str(edit.changes) or "Parameter" in str(edit.changes):  # the values are right
                continue
            if (left := left - kind.size(subject.N, subject.H)) < 0:
                return
            if mapping := matcher.find(kind, (edit,)):
                answer = ModuleAnswer(subject, mapping)
                if agrees(answer.exercise.model_answer.function((edit,)), answer.trials(SETS[:1])):  # other numbers
                    yield mapping


def most_plausible(subject: Subject, mappings: Iterator[Mapping]) -> Mapping | None:
    """The first mapping that neither the tensors' names nor the order of the blocks contradict; else the first."""
    first = None
    for mapping in mappings:
        found = matching.located(subject, mapping)
        says = matching.claimed(found)
        first = first or mapping
        if matching.order_of(found) in ("", "ifgo") and all(k == v for k, v in says.items()):
            return mapping
    return first


def judge_mapping(subject: Subject, mapping: Mapping) -> Examination:
    """Compare values, values with a large memory, then gradients."""
    answer, found = ModuleAnswer(subject, mapping), matching.located(subject, mapping)
    weights = {name: " + ".join(place[1] for place in places) for name, places in found.items()}
    facts = {"weights": weights, "order": matching.order_of(found)}
    trials, large = answer.trials(), answer.trials(LONG, reach=1000.0)
    problem = next((t.problem for t in trials if t.problem), None)
    if problem is not None:
        known = mapping.edits and agrees(answer.exercise.model_answer.function(mapping.edits), trials)
        return explained(answer, mapping.edits if known else find_edits(answer, trials), problem, facts)
    if large[0].problem is not None:
        return explained(answer, SAYS["large"], large[0].problem, facts)
    problem = gradients_differ(answer, trials[:3], ROUNDING[subject.dtype])
    facts["differences"] = differences(answer, trials)
    if problem is None:
        return equal(subject, mapping, answer, facts)
    of_weights = [g for t in trials for k, g in (t.gradients or {}).items() if k.startswith("weights")]
    silent = not any(g.any() for g in of_weights if g is not None)
    cause = SAYS["no_gradient"] if silent else find_gradient_edits(answer, trials[:2])
    return explained(answer, cause, problem, facts)


def equal(subject: Subject, mapping: Mapping, answer: ModuleAnswer, facts: dict) -> Examination:
    """The message on a module that agrees."""
    kind, largest = mapping.kind.name, format_number(max(facts["differences"].values()), 1)
    (faults, remarks), (name, place) = notes_on(subject, mapping), next(iter(facts["weights"].items()))
    same = "a variant, and not" if mapping.kind.lines else "but other things differ from" if faults else "equal to"
    text = f"It is an {kind}: {same} `nn.LSTM`."
    text += "" if answer.bias else " It has no biases, as with `bias=False`."
    text += f" Outputs{', states' if 'c_T' in subject.outputs else ''} and gradients agree to {largest}."
    names = "Your " + ", ".join(f"`{place}` is {name}" for name, place in facts["weights"].items()) + "."
    if facts["order"]:
        names = f"Your blocks stand in the order {', '.join(facts['order'])}: `{place}` is {name}."
    kind += f" {'and' if mapping.kind.lines else 'with'} an output layer" if subject.head else ""
    passed = not mapping.kind.lines and not faults
    return Examination(kind, "\n".join([text, names, *faults, *remarks]), passed, **facts)


def notes_on(subject: Subject, mapping: Mapping) -> tuple[list[str], list[str]]:
    """What makes a module another thing than `nn.LSTM`, though its values agree; and what else there is to say."""
    idle = [name for name, places in subject.split(mapping.places).items() if (places < 0).all()]
    own = [name for name, t in subject.tensors.items() if id(t) in subject.parameters]
    faults, raw = [], [name for name in subject.tensors if name not in idle + own]
    if raw and subject.is_module:
        faults.append(f"{join_names(raw)}: no `nn.Parameter` of the module. No optimizer finds it: it does not learn.")
    says = {"head": subject.head, "unknown": ", ".join(map(str, subject.unknown))}
    faults += [text.format(**says) for what, text in KNOWN["faults"].items() if getattr(subject, what)]
    without = [name for name in idle if name in own]
    remarks = [f"Without effect: {join_names(without)}."] * bool(without)
    return faults, remarks + ["It runs in float32 only."] * (subject.dtype == torch.float32)


def explained(answer: ModuleAnswer, cause: str | tuple[Edit, ...], problem: Problem, facts: dict) -> Examination:
    """The message on a module that is not right: the cause, or the edits that explain it, and what differs."""
    edits = () if isinstance(cause, str) else cause
    unknown = SAYS["sizes" if problem.kind == "crashed" else "unknown"]
    message = format_message(problem, describe(edits) if edits else cause or unknown)
    faults, remarks = notes_on(answer.subject, answer.mapping)
    ids = tuple(edit.id for edit in edits)
    return Examination(NO_LSTM, "\n".join([message, *faults, *remarks]), edits=ids, **facts)


def unexplained(subject: Subject, matcher: Matcher) -> Examination:
    """What is right and what is not, where no mapping is found."""
    texts, (N, H) = ["It is no LSTM, nor one with a known mistake."], (subject.N, subject.H)
    subject.set(matcher.random[: subject.size])
    if not carries(subject, *matcher.inputs):
        texts.append(SAYS["nothing_carried"])
    for blocks, name in ((1, "an RNN"), (3, "a GRU")):
        if subject.size in (blocks * H * (N + H + biases) for biases in (0, 1, 2)):
            texts.append(f"It has as many weights as {name}: {subject.size}.")
    return Examination(NO_LSTM, "\n".join(texts))
