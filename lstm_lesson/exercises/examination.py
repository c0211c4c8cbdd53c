"""`examine(MyLSTM)`: whether a class that says it is an LSTM is one, and which of its tensors is which weight.

`subject` makes an instance, finds out how it is called, and runs it. A form of the LSTM is the model answer to the
exercise `lstm` with other lines; so are its known mistakes. An entry of the instance's tensors is an entry of a weight
if a change of either changes the outputs in the same way. This takes two rounds: the candidate's weights are found with
all weights zero, and all others with those set. Where that shows too little, the names and shapes of the tensors say
what they may be. Then values and gradients are compared.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from os.path import commonprefix

import torch
from torch import Tensor, nn

from lstm_lesson.cells import GATES, NAMES
from lstm_lesson.exercises.answer import Answer, Trial, agrees
from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.compare import ROUNDING, Problem, format_number, input_gradients, join_names, match
from lstm_lesson.exercises.diagnosis import describe
from lstm_lesson.exercises.edits import find_edits, find_gradient_edits
from lstm_lesson.exercises.exercise import Exercise, Inputs, exercises
from lstm_lesson.exercises.grading import format_message, gradients_differ, printable
from lstm_lesson.exercises.model import Edit
from lstm_lesson.exercises.sandbox import Sandbox, TimeUp, name_error
from lstm_lesson.exercises.subject import NotUnderstood, Subject, by_name, carries, find_form, instances, same
from lstm_lesson.kernel import stacked_weights

KNOWN = read_table("examination")
CHANGE = 0.7
SECONDS = 4.0  # for all calls of the module together
NO_LSTM, NOT_CALLED = "not an LSTM", "cannot be called"
SAYS = KNOWN["verdicts"]
SETS = ((3, 5, 0.7), (1, 4, 1.0), (4, 1, 1.0), (1, 1, 1.0), (2, 2, 2.0), (2, 11, 1.0))  # B, T, scale
LONG = [(2, 60, 0.5)]  # here the memory is large
WORK = 80_000  # entries of weights, in all edits that are tried as the only mistake
LARGEST = 1000  # entries of all weights together


@dataclass(frozen=True)
class Kind:
    """A form of the LSTM: its name, the lines that differ from the plain one, and the weights that it reads."""

    name: str
    lines: tuple[tuple[str, str], ...]
    absent: str  # gates that it does not have
    peepholes: str = ""  # "diagonal" or "full"

    def numbers(self, N: int, H: int) -> dict[str, Tensor]:
        """For every weight by name, in its shape, the numbers of its entries in one vector of all."""
        form = {"x": (N, H), "h": (H, H), "c": (H,) if self.peepholes == "diagonal" else (H, H)}
        names = NAMES if self.peepholes else NAMES[:12]
        shapes = {name: (H,) if name[0] == "b" else form[name[2]] for name in names}
        return by_name(torch.arange(sum(map(math.prod, shapes.values()))), shapes)


PEEPHOLES, MEMORIES = KNOWN["peepholes"], KNOWN["memories"]
KINDS = [Kind(name, tuple((PEEPHOLES[p] | MEMORIES[m]).items()), absent, p) for name, absent, p, m in KNOWN["kinds"]]


def torch_lstm(x, h_0, c_0, weights, outputs: tuple[str, ...], states: bool, bias: bool):
    """What `nn.LSTM` calls, as an answer to the exercise. No gradient reaches states or biases that there are not."""
    h_0, c_0 = (s[None] if states else torch.zeros_like(s[None]) for s in (h_0, c_0))
    W, U, b = stacked_weights(weights)
    four = W.T, U.T, b if bias else torch.zeros_like(b), torch.zeros_like(b)
    sequence, h, c = torch.lstm(x, (h_0, c_0), four, True, 1, 0.0, False, False, True)
    return tuple({"hidden_seq": sequence, "h_T": h[0], "c_T": c[0]}[name] for name in outputs)


@cache
def question(kind: Kind, outputs: tuple[str, ...], states: bool, N: int, H: int, bias: bool = True) -> Exercise:
    """The exercise `lstm` in another form, whose answer is a module of this kind. Its reference is a function."""
    plain = exercises()["lstm"]
    source = plain.model.replace("return hidden_seq, h_T, c_T", f"return {', '.join(outputs)},")
    for place, text in kind.lines:
        source = re.sub(rf"(?m)^( +{place} =) .*$", lambda line, text=text: f"{line[1]} {text}", source)
    if not states:
        source = re.sub(r"(first_.) = (._0)", r"\1 = torch.zeros_like(\2)", source)
    if not bias:
        source = re.sub(r"(bias_\w =) b_\w( \+)?", lambda line: f"{line[1]}{'' if line[2] else ' 0.0'}", source)
    edits = plain.edits
    if kind.peepholes:
        reads_old = PEEPHOLES[kind.peepholes]["bias_o"].replace("c_t", "c_prev")
        edits = (Edit("o: peephole on c_prev", {"bias_o": reads_old}, SAYS["old_memory"]), *edits)
    of_torch = partial(torch_lstm, outputs=outputs, states=states, bias=bias)
    asked = replace(
        plain, model=source, edits=edits, returns={name: plain.returns[name] for name in outputs}, dtype="float",
        inputs=lambda draw: _inputs(draw, kind, N, H),
        reference=(lambda *given: asked.model_answer.run(given)) if kind.lines else of_torch,
    )  # fmt: skip
    return asked


def _inputs(draw: Inputs, kind: Kind, N: int, H: int) -> dict:
    """The arguments of `lstm` for a module with these sizes. With `draw.reach` its memory grows with every step."""
    draw.sizes |= {"N": N, "H": H}
    given = {"x": draw("B T N"), "h_0": draw("B H"), "c_0": draw.unbounded("B H")}
    peephole = "H" if kind.peepholes == "diagonal" else "H H"
    weights = draw.weights(**dict.fromkeys(NAMES[12:] if kind.peepholes else (), peephole))
    if draw.reach:  # the gates stand open
        given["x"] = given["x"].abs() + 1
        weights |= {k: weights[k].abs() + 5 for k in ("W_xi", "W_xf", "W_xc")}
    return given | {"weights": weights}


@dataclass(frozen=True)
class Places:
    """For every entry of the module, in one vector: the number of the weight's entry; −1 for one without effect."""

    kind: Kind
    edits: tuple[Edit, ...]
    places: Tensor
    rest: Tensor  # values of the entries without effect
    numbers: dict[str, Tensor]  # of each weight's entries

    def values(self, weights: dict[str, Tensor]) -> Tensor:
        """The module's entries for these weights; gradients pass."""
        vector = torch.cat([weights[name].double().reshape(-1) for name in self.numbers])
        return spread(self.places, vector, self.rest)


def spread(places: Tensor, vector: Tensor, rest: Tensor | float = 0.0) -> Tensor:
    """The module's entries for all entries of the weights. Where two biases are added, each gets one half."""
    share = 1.0 / (places[:, None] == places).sum(dim=1)
    return torch.where(places < 0, rest, vector[places.clamp(min=0)] * share)


class Matcher:
    """Compares what changes do to the outputs of a module and of the equations."""

    def __init__(self, subject: Subject):
        self.subject, self.tolerance = subject, 1e-9 if subject.dtype == torch.float64 else 1e-4
        self.inputs, self.seen = subject.random_inputs(2, 3), {}
        self.random = torch.randn(100_000, generator=torch.Generator().manual_seed(7), dtype=torch.float64)

    def find(self, kind: Kind, edits: tuple[Edit, ...] = ()) -> Places | None:
        """The mapping if the module is this form of the LSTM, with these mistakes in it; else None."""
        self.model = question(kind, self.subject.outputs, True, self.subject.N, self.subject.H).model_answer
        numbers = kind.numbers(self.subject.N, self.subject.H)
        weights = torch.zeros(sum(n.numel() for n in numbers.values())).double()
        places = torch.full((self.subject.size,), -1)
        for names in ((), ("W_xc", "b_c")):  # without the candidate's weights nothing else has an effect
            known = [n for name in names for n in numbers[name].flatten().tolist() if n in places]
            weights[known] = self.random[known]
            found = self._match(spread(places, weights), weights, numbers, edits)
            if found is None:
                return None
            places = torch.where(found < 0, places, found)
        rest = torch.where(places < 0, self.random[: len(places)], 0.0)
        mapping = Places(kind, edits, places, rest, numbers)
        values = mapping.values({name: self.random[n] for name, n in numbers.items()})
        return mapping if torch.equal(self._module(values), self._module(values - rest)) else None  # rest has no effect

    def _match(self, values: Tensor, weights: Tensor, numbers, edits) -> Tensor | None:
        """For each entry of the module the weight's entry that does the same; None if one has no equal."""
        key = tuple(values.tolist())
        if key not in self.seen:
            start, changed = self._module(values), values + CHANGE * torch.eye(len(values), dtype=torch.float64)
            self.seen[key] = start, torch.stack([self._module(row) - start for row in changed])
        start, got = self.seen[key]

        def equations(weights: Tensor) -> Tensor:
            returned = self.model.run((*self.inputs, {name: weights[n] for name, n in numbers.items()}), edits)
            return torch.cat([value.reshape(-1) for value in returned])

        try:
            expected = equations(weights)
            if start.shape != expected.shape or not torch.allclose(start, expected, rtol=0, atol=self.tolerance):
                return None
            run = torch.func.vmap(equations, randomness="different")
            changes = run(weights + CHANGE * torch.eye(len(weights), dtype=torch.float64)) - expected
        except Exception:  # an edit that does not fit these sizes
            return None
        nearest = torch.cdist(got, changes, compute_mode="donot_use_mm_for_euclid_dist").argmin(dim=1)
        silent, equal = ((got - other).abs().amax(dim=1) <= self.tolerance for other in (0, changes[nearest]))
        return torch.where(silent, -1, nearest) if (silent | equal).all() else None

    def _module(self, values: Tensor) -> Tensor:
        self.subject.set(values)
        got = self.subject(*self.inputs)
        return torch.cat([got[name].double().reshape(-1) for name in self.subject.outputs])


def located(subject: Subject, mapping: Places) -> dict[str, list[tuple[str, str, int]]]:
    """For each weight the tensors that hold it: the tensor's name, the code that reads it there, its first entry."""
    tensors, found = subject.split(mapping.places), {}
    for weight, numbers in mapping.numbers.items():
        for name, places in tensors.items():
            here = torch.isin(places, numbers)
            if here.any():
                first = int(here.flatten().nonzero()[0])
                found.setdefault(weight, []).append((name, name + _block(places, here, numbers), first))
    return found


def _block(places: Tensor, here: Tensor, numbers: Tensor) -> str:
    """The index that reads the weight out of the tensor, with .T where it stands transposed; "" for all of it."""
    axes = [column.unique() for column in here.nonzero().T]
    block = places[torch.meshgrid(*axes, indexing="ij")] if axes else places
    index = [_range(axis.tolist(), n) for axis, n in zip(axes, places.shape, strict=True)]
    text = f"[{', '.join(index)}]".replace(", :]", "]").replace("[:]", "") if {*index} != {":"} else ""
    if torch.equal(block.squeeze(), numbers.squeeze()):
        return text
    return f"{text}.T" if torch.equal(block.squeeze(), numbers.T.squeeze()) else " (in no block)"


def _range(entries: list[int], size: int) -> str:
    """These indices as Python writes them."""
    if len(entries) in (1, size):
        return ":" if len(entries) == size else str(entries[0])
    step = entries[1] - entries[0]
    return f"{entries[0]}:{entries[-1] + 1}" + f":{step}" * (step > 1)


def order_of(found: dict) -> str:
    """The order of the blocks in a tensor with several gates, "ifgo" for PyTorch's; "" if each has its own."""
    for reads in ("W_x", "W_h"):
        blocks = sorted((name, first, k) for k in GATES for name, _, first in found.get(reads + k, ()))
        order = [k for name, _, k in blocks if name == blocks[0][0]]
        if len(order) > 1:
            return "".join(order).replace("c", "g")
    return ""


def claimed(found: dict) -> dict[str, str]:
    """What the tensors' names say that they are: our weight -> the weight of that name. Empty if they do not say."""
    says = {}
    for reads in ("W_x", "W_h", "b_"):
        names = [name for k in GATES for name, *_ in found.get(reads + k, ())]
        if len(names) == len({*names}) == len(found.keys() & {reads + k for k in GATES}) == 4:
            gates = gates_in(dict(zip(GATES, names, strict=True)))
            says |= {reads + k: reads + gate for k, gate in gates.items()}
    return says


def gates_in(names: dict[str, str]) -> dict[str, str]:
    """The gate that each of four names stands for, from where they differ; empty if they do not tell."""
    words = {k: re.sub(r"\.(weight|bias)(_.h)?$", "", name).lower() for k, name in names.items()}
    start = len(commonprefix(list(words.values())))  # noqa: RUF071 (letter by letter, as it is meant here)
    end = len(commonprefix([word[start:][::-1] for word in words.values()]))  # noqa: RUF071
    initials = {k: word[start : len(word) - end][:1] for k, word in words.items()}
    lets_in = "i" if "i" in initials.values() else "u"  # u for update
    letters = {k: {"f": "f", "o": "o", lets_in: "i"}.get(letter, "c") for k, letter in initials.items()}
    return letters if sorted(letters.values()) == sorted(GATES) else {}


def renamed(mapping: Places, says: dict[str, str]) -> Places:
    """The mapping in which each tensor is what its name says."""
    places, numbers = mapping.places.clone(), mapping.numbers
    for weight, other in says.items():
        places[torch.isin(mapping.places, numbers[weight])] += numbers[other].min() - numbers[weight].min()
    return replace(mapping, places=places)


def guesses(subject: Subject) -> list[Places]:
    """The mappings that the shapes allow, the likeliest first; none if a tensor fits nowhere."""
    numbers, found = KINDS[0].numbers(subject.N, subject.H), {}
    rows = any(t.shape[-1] == subject.N != subject.H for t in subject.tensors.values())  # (H, N), as in nn.Linear
    for order, reads, turned in itertools.product(("ifco", "ifoc"), ("xh", "hx"), (rows, not rows)):
        gates = gates_by_name(subject, order)
        parts = [_places(t, gates.get(name, order), reads, turned, numbers) for name, t in subject.tensors.items()]
        if any(part is None for part in parts):
            return []
        places = torch.cat([part.reshape(-1) for part in parts])
        found[tuple(places.tolist())] = Places(KINDS[0], (), places, torch.zeros(len(places)).double(), numbers)
    return list(found.values())


def gates_by_name(subject: Subject, order: str) -> dict[str, str]:
    """The gate of every tensor that has three others of its shape: by its name, or by its place among them."""
    found, by_shape = {}, {}
    for name, t in subject.tensors.items():
        by_shape.setdefault(t.shape, []).append(name)
    for names in by_shape.values():
        for four in (names[:4], names[4:]) if len(names) in (4, 8) else ():
            gates = gates_in(dict(enumerate(four))) if four else {}
            found |= {name: (gates or order)[k] for k, name in enumerate(four)}
    return found


def _places(t: Tensor, gates: str, reads: str, turned: bool, numbers: dict[str, Tensor]) -> Tensor | None:
    """The numbers of the weights' entries in the places of this tensor; None if it fits nowhere."""
    if t.squeeze().ndim < 2:
        bias = torch.cat([numbers[f"b_{k}"] for k in gates])
        return bias if t.numel() == len(bias) else None
    for inputs in ("x", "h", reads):
        block = torch.cat([torch.cat([numbers[f"W_{r}{k}"] for r in inputs]) for k in gates], dim=1)
        if t.shape == block.T.shape and (turned or t.shape != block.shape):
            return block.T
        if t.shape == block.shape:
            return block


@dataclass(frozen=True)
class Examination:
    """What `examine` found.

    `.kind` is "LSTM", a variant such as "LSTM with peepholes", "not an LSTM" or "cannot be called"; `.passed` says
    whether it equals `nn.LSTM`; `.message` says what was found. `.weights` maps W_xi … b_o to the code that reads them
    out of the module; `.order` is the order of stacked blocks, "ifgo" in PyTorch, or ""; `.differences` the largest
    difference of each output and gradient; `.edits` the mistakes that the message names, as in `Result.edits`.
    """

    kind: str
    message: str
    passed: bool = False
    weights: Mapping[str, str] = field(default_factory=dict)
    order: str = ""
    differences: Mapping[str, float] = field(default_factory=dict)
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
    """
    with Sandbox(SECONDS).isolated() as sandbox:
        try:
            found = find_subject(module, sandbox)
            result = found if isinstance(found, Examination) else judge(found)
            if not sandbox.timed_out:
                return result
            error = TimeUp()
        except BaseException as raised:  # SystemExit, too: what a class raises must not end the notebook
            error = raised
    what = SAYS["too_long"].format(SECONDS) if isinstance(error, TimeUp) else f"it raises {name_error(error)}"
    return Examination(NOT_CALLED, f"It cannot be examined: {what}")


def find_subject(thing, sandbox: Sandbox) -> Subject | Examination:
    """An instance that runs, or why there is none."""
    tried, other = [], ""
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
                return Examination(NOT_CALLED, SAYS["too_large"].format(subject.size, LARGEST))
            other, errors = other or alike(subject), []
            for variant in itertools.chain([subject], without_heads(subject)):
                if (ended := find_form(variant)) is None:
                    return variant
                errors += ended
            tried += errors
    return not_called(thing, tried, other)


def without_heads(subject: Subject) -> Iterator[Subject]:
    """The subject without each Linear layer in turn, in case it is an output layer; the next turn puts it back."""
    for name, layer in list(subject.module.named_children()) if subject.parts else ():
        if type(layer) is nn.Linear and layer.in_features == subject.H:
            setattr(subject.module, name, nn.Identity())
            headless = Subject(subject.module, subject.N, subject.H, subject.sandbox, subject.dtype)
            headless.head = name
            yield headless
            setattr(subject.module, name, layer)


def not_called(thing, tried: list[str], other: str) -> Examination:
    """Why it cannot be examined, with its own error, or with what else it may be."""
    name = f"`{thing.__name__}`" if isinstance(thing, type) else f"This object of type `{type(thing).__name__}`"
    if not callable(thing):
        return Examination(NOT_CALLED, f"{name} cannot be called; `examine` needs a class, or an instance of one.")
    ran = [text for text in tried if not re.match(r"\w+(:|$)", text)]
    if ran:
        text = f"{name} is no LSTM of one layer: {ran[0]}{'.' * (ran[0][-1] != '?')}"
        return Examination(NO_LSTM, f"{text}\n{other}".strip())
    usual = r"positional|unexpected keyword|required|multiple values"
    own = ([text for text in tried if not re.search(usual, text)] or tried)[:1]
    return Examination(NOT_CALLED, "\nIts own error: ".join([f"{name} {SAYS['raises']}", *own]))


class ModuleAnswer(Answer):
    """A module as an answer to the exercise `lstm` of its kind. Its sizes N and H are always the same."""

    def __init__(self, subject: Subject, mapping: Places):
        missing = {name for name, numbers in mapping.numbers.items() if not torch.isin(numbers, mapping.places).all()}
        absent = {f"bias_{name[-1]}" for name in missing if name.startswith("W_c")}
        lines = tuple(line for line in mapping.kind.lines if line[0] not in absent)
        mapping = replace(mapping, kind=replace(mapping.kind, lines=lines))
        self.subject, self.mapping = subject, mapping
        self.bias = not {f"b_{k}" for k in GATES if k not in mapping.kind.absent} <= missing
        asked = question(mapping.kind, subject.outputs, bool(subject.form.states), subject.N, subject.H, self.bias)

        def f(x, h_0, c_0, weights):
            subject.set(mapping.values(weights))
            got = subject(x.clone(), h_0.clone(), c_0.clone())
            return tuple(got[name] for name in subject.outputs)

        f.__wrapped__ = getattr(subject.module, "forward", subject.module)  # an error names a line of theirs
        super().__init__(asked, f, subject.sandbox)

    def trials(self, sets=SETS, reach: float = 0.0) -> list[Trial]:
        """What it returns on inputs of these sizes and scales."""
        inputs = [Inputs(k, dict(B=b, T=t, N=1, H=1, K=1), scale, reach=reach) for k, (b, t, scale) in enumerate(sets)]
        trials = [self.try_on(one) for one in inputs]
        for trial in trials:
            if isinstance(trial.error, NotUnderstood):
                trial.problem.text = f"For example, {trial.error}."
        return trials


def differences(answer: ModuleAnswer, trials: list[Trial]) -> dict[str, float]:
    """The largest difference of each output, and of the gradients where they were computed."""
    largest, parts = {}, {"x": "x", "h_0": "the states", "c_0": "the states"}
    for trial in trials:
        pairs = match(answer.exercise, trial.got, trial.expected)
        right = input_gradients(answer.exercise.solve(), trial.arguments) if trial.gradients else {}
        pairs += ((f"gradient of {parts.get(k, 'the weights')}", trial.gradients[k], g) for k, g in right.items())
        for name, a, b in pairs:
            if a is not None and b is not None:
                largest[name] = max(largest.get(name, 0.0), (a - b).abs().max().item())
    return largest


def judge(subject: Subject) -> Examination:
    """Find the weights, compare, and say what is found."""
    matcher = Matcher(subject)
    mapping = right_form(subject, matcher) or most_plausible(subject, with_mistakes(matcher))
    if mapping is None:
        guessed = (judge_mapping(subject, guess) for guess in guesses(subject)[:2])
        return next((found for found in guessed if found.edits), None) or unexplained(subject, matcher)
    return judge_mapping(subject, mapping if mapping.edits else renamed(mapping, claimed(located(subject, mapping))))


def right_form(subject: Subject, matcher: Matcher) -> Places | None:
    """The mapping if the module is a form of the LSTM, with h and c in any order; else None."""
    for orders in ((False, False), (False, True), (True, True), (True, False), (False, False)):  # the last one stays
        subject.takes_c_first, subject.returns_c_first = orders
        matcher.seen.clear()
        if (orders[0] and not subject.form.states) or (orders[1] and not {"h_T", "c_T"} <= subject.names.keys()):
            continue
        if mapping := next(filter(None, map(matcher.find, KINDS)), None):
            return mapping


def with_mistakes(matcher: Matcher) -> Iterator[Places]:
    """Mappings under which the module has a known mistake."""
    subject, left = matcher.subject, WORK
    for kind in KINDS:
        size = sum(n.numel() for n in kind.numbers(subject.N, subject.H).values())
        if kind.absent or (kind.peepholes and subject.size < size):
            continue
        for edit in question(kind, subject.outputs, True, subject.N, subject.H).edits:
            if "detach" in str(edit.changes) or "Parameter" in str(edit.changes):  # the values are right
                continue
            if (left := left - size) < 0:
                return
            if mapping := matcher.find(kind, (edit,)):
                answer = ModuleAnswer(subject, mapping)
                if agrees(answer.exercise.model_answer.function((edit,)), answer.trials(SETS[:1])):  # other numbers
                    yield mapping


def most_plausible(subject: Subject, mappings: Iterator[Places]) -> Places | None:
    """The first mapping that neither the tensors' names nor the order of the blocks contradict; else the first."""
    first = None
    for mapping in mappings:
        first, found = first or mapping, located(subject, mapping)
        if order_of(found) in ("", "ifgo") and all(k == v for k, v in claimed(found).items()):
            return mapping
    return first


def judge_mapping(subject: Subject, mapping: Places) -> Examination:
    """Compare values, values with a large memory, then gradients."""
    answer, found = ModuleAnswer(subject, mapping), located(subject, mapping)
    weights = {name: " + ".join(place[1] for place in places) for name, places in found.items()}
    facts = {"weights": weights, "order": order_of(found)}
    trials, (large,) = answer.trials(), answer.trials(LONG, reach=1000.0)
    problem = next((t.problem for t in trials if t.problem), None)
    if problem is not None:
        known = mapping.edits and agrees(answer.exercise.model_answer.function(mapping.edits), trials)
        return explained(answer, mapping.edits if known else find_edits(answer, trials), problem, facts)
    if large.problem is not None:
        return explained(answer, SAYS["large"], large.problem, facts)
    problem = gradients_differ(answer, trials[:3], ROUNDING[subject.dtype])
    facts["differences"] = differences(answer, trials)
    if problem is None:
        return equal(subject, mapping, answer, facts)
    of_weights = (g for t in trials for k, g in (t.gradients or {}).items() if k.startswith("weights"))
    silent = not any(g is not None and g.any() for g in of_weights)
    cause = SAYS["no_gradient"] if silent else find_gradient_edits(answer, trials[:2])
    return explained(answer, cause, problem, facts)


def equal(subject: Subject, mapping: Places, answer: ModuleAnswer, facts: dict) -> Examination:
    """The message on a module that agrees."""
    kind, largest = mapping.kind.name, format_number(max(facts["differences"].values()), 1)
    (faults, remarks), (name, place) = notes_on(subject, mapping.places), next(iter(facts["weights"].items()))
    same = "a variant, and not" if mapping.kind.lines else "in part equal to" if faults else "equal to"
    text = f"It is an {kind}: {same} `nn.LSTM`."
    text += "" if answer.bias else " It has no biases, as with `bias=False`."
    text += f" {', '.join(f'`{name}`' for name in subject.outputs)} and gradients agree to {largest}."
    names = "Your " + ", ".join(f"`{place}` is {name}" for name, place in facts["weights"].items()) + "."
    if facts["order"]:
        names = f"Your blocks stand in the order {', '.join(facts['order'])}: `{place}` is {name}."
    kind += f" {'and' if mapping.kind.lines else 'with'} an output layer" if subject.head else ""
    return Examination(kind, "\n".join([text, names, *faults, *remarks]), not (mapping.kind.lines or faults), **facts)


def notes_on(subject: Subject, places: Tensor) -> tuple[list[str], list[str]]:
    """What makes a module another thing than `nn.LSTM`, though its values agree; and what else there is to say."""
    idle = [name for name, here in subject.split(places).items() if (here < 0).all()]
    own = [name for name, t in subject.tensors.items() if id(t) in subject.parameters]
    raw = [name for name in subject.tensors if name not in idle + own] if subject.parts else []
    says = {what: getattr(subject, what, "") for what in KNOWN["faults"]}
    says |= {"unknown": ", ".join(subject.unknown), "raw": join_names(raw)}
    faults = [text.format(**says) for what, text in KNOWN["faults"].items() if says[what]]
    without = [name for name in idle if name in own]
    remarks = [f"Without effect: {join_names(without)}."] * bool(without)
    return faults, remarks + ["It runs in float32 only."] * (subject.dtype == torch.float32)


def explained(answer: ModuleAnswer, cause: str | tuple[Edit, ...], problem: Problem, facts: dict) -> Examination:
    """The message on a module that is not right: the cause, or the edits that explain it, and what differs."""
    edits = () if isinstance(cause, str) else cause
    unknown = SAYS["sizes" if problem.kind == "crashed" else "unknown"]
    message = format_message(problem, describe(edits) if edits else cause or unknown)
    faults, remarks = notes_on(answer.subject, answer.mapping.places)
    ids = tuple(edit.id for edit in edits)
    return Examination(NO_LSTM, "\n".join([message, *faults, *remarks]), edits=ids, **facts)


def unexplained(subject: Subject, matcher: Matcher) -> Examination:
    """What is right and what is not, where no mapping is found."""
    (x, h, c), steps = matcher.inputs, torch.arange(matcher.inputs[0].shape[1])
    subject.set(matcher.random[: subject.size])
    got = subject(x, h, c)
    idle = [t for t in steps.tolist() if same(got, subject(x + (steps == t)[:, None], h, c))]
    texts = [SAYS["no_lstm"], "" if carries(subject, x, h, c) else SAYS["nothing_carried"]]
    texts += [SAYS["not_read"].format(", ".join(map(str, idle)), len(steps) - 1)] * bool(idle)
    faults, remarks = notes_on(subject, torch.zeros(subject.size))
    return Examination(NO_LSTM, "\n".join(filter(None, [*texts, alike(subject), *faults, *remarks])))


def alike(subject: Subject) -> str:
    """The other recurrent networks that have as many weights, with 0 to 2 biases; "" if none has."""
    N, H, others = subject.N, subject.H, [*KNOWN["others"]]
    parts = [part for part in subject.parts if isinstance(part, nn.RNNBase)]
    sizes = {subject.size, *(sum(w.numel() for w in part.parameters()) for part in parts)}
    kinds = {part.mode[:3] for part in parts} or ({"LSTM"} if "c_T" in subject.names else {""})
    others += ([f"an LSTM with `proj_size={P}`", 4, 1.25 * P / H, 1] for P in range(1, H))
    found = [
        name for name, blocks, states, biases in others if any(kind in name for kind in kinds)
        if sizes & {round(blocks * H * (N + states * H + biases * b)) for b in (0, 1, 2)}
    ]  # fmt: skip
    found = (parts and found) or [name for name in found if "proj" not in name] or found
    return SAYS["alike"].format(" or ".join(dict.fromkeys(found))) if found else ""
