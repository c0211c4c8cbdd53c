"""`examine(MyLSTM)`: whether a class that says it is an LSTM is one, and which of its tensors is which weight.

`subject` makes an instance, finds out how it is called, and runs it. A form of the LSTM is the model answer to the
exercise `lstm` with other lines; so are its known mistakes.

To find which entry of the instance's tensors is which entry of the weights, one entry is changed at a time: where a
change of an entry and one of a weight's entry in the equations change the outputs in the same way, they are the same.
It takes two rounds: with all weights zero the candidate is zero, and the input gate does not matter. So the candidate's
weights are found first. With those set, all others show. Where that shows too little, the names and shapes of the
tensors say what they may be. Then values and gradients are compared, and what is found is said in plain English.
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
from lstm_lesson.exercises.subject import LARGEST, Subject, by_name, carries, find_form, instances
from lstm_lesson.kernel import stacked_weights

KNOWN = read_table("examination")
CHANGE = 0.7
FIRST = ("W_xc", "b_c")
ORDERS = ("ifco", "ifoc")  # of stacked blocks, the most frequent first
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
class Kind:
    """A form of the LSTM: its name, the lines that differ from the plain one, and the weights that it reads."""

    name: str
    lines: tuple[tuple[str, str], ...]
    absent: str  # gates that it does not have
    peepholes: str = ""  # "diagonal" or "full"

    def shapes(self, N: int, H: int) -> dict[str, tuple[int, ...]]:
        """The shape of every weight, by name."""
        form = {"x": (N, H), "h": (H, H), "c": (H,) if self.peepholes == "diagonal" else (H, H)}
        names = NAMES if self.peepholes else NAMES[:12]
        return {name: (H,) if name[0] == "b" else form[name[2]] for name in names}

    def size(self, N: int, H: int) -> int:
        """The number of entries of all weights."""
        return sum(math.prod(shape) for shape in self.shapes(N, H).values())


PEEPHOLES, MEMORIES = KNOWN["peepholes"], KNOWN["memories"]
KINDS = [Kind(name, tuple((PEEPHOLES[p] | MEMORIES[m]).items()), absent, p) for name, absent, p, m in KNOWN["kinds"]]


def torch_lstm(x, h_0, c_0, weights, outputs: tuple[str, ...], states: bool, bias: bool):
    """What `nn.LSTM` calls, as an answer to the exercise. No gradient reaches states or biases that there are not."""
    h_0, c_0 = (s[None] if states else s[None].detach() for s in (h_0, c_0))
    W, U, b = stacked_weights(weights)
    b = b if bias else b.detach()
    sequence, h, c = torch.lstm(x, (h_0, c_0), (W.T, U.T, b, 0 * b), True, 1, 0.0, False, False, True)
    returned = tuple({"hidden_seq": sequence, "h_T": h[0], "c_T": c[0]}[name] for name in outputs)
    return returned if len(returned) > 1 else returned[0]


@cache
def question(kind: Kind, outputs: tuple[str, ...], states: bool, N: int, H: int, bias: bool = True) -> Exercise:
    """The exercise `lstm` in another form, whose answer is a module of this kind. Its reference is a function."""
    plain = exercises()["lstm"]
    source = plain.model.replace("return hidden_seq, h_T, c_T", f"return {', '.join(outputs)}")
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
        inputs=lambda draw: _inputs(draw, kind, states, N, H, bias),
        reference=(lambda *given: asked.model_answer.run(given)) if kind.lines else of_torch,
    )  # fmt: skip
    return asked


def _inputs(draw: Inputs, kind: Kind, states: bool, N: int, H: int, bias: bool) -> dict:
    """The arguments of `lstm` for a module with these sizes. With `draw.reach` its memory grows with every step."""
    draw.sizes |= {"N": N, "H": H}
    given = {"x": draw("B T N"), "h_0": draw("B H"), "c_0": draw.unbounded("B H")}
    if not states:
        given |= {name: given[name] * 0 for name in ("h_0", "c_0")}
    letters = {(N, H): "N H", (H, H): "H H", (H,): "H"}
    weights = {k: draw(letters[shape], 0.7 * draw.scale) for k, shape in kind.shapes(N, H).items()}
    if draw.reach:  # the gates stand open
        given["x"] = given["x"].abs() + 1
        weights |= {k: weights[k].abs() + 5 for k in ("W_xi", "W_xf", "W_xc")}
    return given | {"weights": {k: w if bias or k[0] != "b" else w * 0 for k, w in weights.items()}}


@dataclass(frozen=True)
class Places:
    """For every entry of the module, in one vector: the number of the weight's entry; −1 for one without effect."""

    kind: Kind
    edits: tuple[Edit, ...]
    places: Tensor
    rest: Tensor  # values of the entries without effect
    numbers: dict[str, Tensor]  # of each weight's entries

    def values(self, weights: dict[str, Tensor]) -> Tensor:
        """The module's entries for these weights; gradients pass. Where two biases are added, each gets one half."""
        vector = torch.cat([weights[name].double().reshape(-1) for name in self.numbers])
        return torch.where(self.places < 0, self.rest, vector[self.places.clamp(min=0)] * shares(self.places))


class Matcher:
    """Compares what changes do to the outputs of a module and of the equations."""

    def __init__(self, subject: Subject):
        self.subject, self.tolerance = subject, 1e-9 if subject.dtype == torch.float64 else 1e-4
        draw = torch.Generator().manual_seed(7)
        sizes = (2, 3, subject.N), (2, subject.H), (2, subject.H)
        self.inputs = [torch.randn(*s, generator=draw, dtype=torch.float64) for s in sizes]
        if not subject.form.states:
            self.inputs[1:] = [0 * state for state in self.inputs[1:]]
        self.seen = {}
        self.random = torch.randn(100_000, generator=draw, dtype=torch.float64)

    def find(self, kind: Kind, edits: tuple[Edit, ...] = ()) -> Places | None:
        """The mapping if the module is this form of the LSTM, with these mistakes in it; else None."""
        sizes = self.subject.N, self.subject.H
        self.model = question(kind, self.subject.outputs, True, *sizes).model_answer
        shapes, weights = kind.shapes(*sizes), torch.zeros(kind.size(*sizes), dtype=torch.float64)
        places = self._match(torch.zeros(self.subject.size, dtype=torch.float64), weights, shapes, edits)
        if places is None:
            return None
        numbers = by_name(torch.arange(len(weights)), shapes)
        first = torch.cat([numbers[name].flatten() for name in FIRST])
        found = first[torch.isin(first, places)]
        weights[found] = self.random[found]
        base = torch.where(places >= 0, weights[places.clamp(min=0)] * shares(places), 0.0)
        second = self._match(base, weights, shapes, edits)
        if second is None or not (second >= 0).any():
            return None
        places = torch.where(second < 0, places, second)
        rest = torch.where(places < 0, self.random[: len(places)], 0.0)
        return Places(kind, edits, places, rest, numbers)

    def _match(self, values: Tensor, weights: Tensor, shapes, edits) -> Tensor | None:
        """For each entry of the module the weight's entry that does the same; None if one has no equal."""
        key = tuple(values.tolist())
        if key not in self.seen:
            start, changed = self._module(values), values + CHANGE * torch.eye(len(values), dtype=torch.float64)
            self.seen[key] = start, torch.stack([self._module(row) - start for row in changed])
        start, got = self.seen[key]
        try:
            expected = self._equations(weights, shapes, edits)
            if start.shape != expected.shape or not torch.allclose(start, expected, rtol=0, atol=self.tolerance):
                return None
            run = torch.func.vmap(lambda w: self._equations(w, shapes, edits), randomness="different")
            changes = run(weights + CHANGE * torch.eye(len(weights), dtype=torch.float64)) - expected
        except Exception:  # an edit that does not fit these sizes
            return None
        return equal_rows(got, changes, self.tolerance)

    def _equations(self, weights: Tensor, shapes, edits) -> Tensor:
        value = self.model.run((*self.inputs, by_name(weights, shapes)), edits)
        return torch.cat([v.reshape(-1) for v in (value if isinstance(value, tuple) else (value,))])

    def _module(self, values: Tensor) -> Tensor:
        self.subject.set(values)
        got = self.subject(*self.inputs)
        return torch.cat([got[name].double().reshape(-1) for name in self.subject.outputs])


def shares(places: Tensor) -> Tensor:
    """One over the number of entries that stand for the same weight's entry."""
    return 1.0 / (places[:, None] == places).sum(dim=1)


def equal_rows(rows: Tensor, others: Tensor, tolerance: float) -> Tensor | None:
    """For each row the number of an equal row in `others`; −1 for a row of zeros; None if a row has no equal."""
    direction = torch.linspace(0.3, 1.7, rows.shape[1], dtype=torch.float64) ** 3
    line, order = (others @ direction).sort()
    at = torch.searchsorted(line, rows @ direction)
    near = order[torch.stack([(at + k).clamp(0, len(order) - 1) for k in (-1, 0)])]  # (2, rows)
    distance = (others[near] - rows).abs().amax(dim=2)
    least, which = distance.min(dim=0)
    silent = rows.abs().amax(dim=1) <= tolerance
    if (~silent & ~(least <= tolerance)).any():
        return None
    return torch.where(silent, -1, near.gather(0, which[None])[0])


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
    if len(entries) == size:
        return ":"
    step = entries[1] - entries[0] if len(entries) > 1 else 1
    return str(entries[0]) if len(entries) == 1 else f"{entries[0]}:{entries[-1] + 1}{f':{step}' if step > 1 else ''}"


def order_of(found: dict) -> str:
    """The order of the blocks in a tensor with several gates, "ifgo" for PyTorch's; "" if each has its own."""
    for reads in ("W_x", "W_h"):
        for name in {place[0] for k in GATES for place in found.get(reads + k, ())}:
            first = {k: place[2] for k in GATES for place in found.get(reads + k, ()) if place[0] == name}
            if len(first) > 1:
                return "".join(sorted(first, key=first.get)).replace("c", "g")
    return ""


def claimed(found: dict) -> dict[str, str]:
    """What the tensors' names say that they are: our weight -> the weight of that name. Empty if they do not say."""
    says = {}
    for reads in ("W_x", "W_h", "b_"):
        names = {k: [place[0] for place in found.get(reads + k, ())] for k in GATES}
        if all(len(own) == 1 for own in names.values()) and len({own[0] for own in names.values()}) == 4:
            gates = gates_in({k: own[0] for k, own in names.items()})
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


def guesses(subject: Subject) -> Iterator[Places]:
    """The mappings that the shapes allow, the likeliest first; none if a tensor fits nowhere."""
    sizes, seen = (subject.N, subject.H), []
    numbers = by_name(torch.arange(KINDS[0].size(*sizes)), KINDS[0].shapes(*sizes))
    rows = any(t.shape[-1] == subject.N != subject.H for t in subject.tensors.values())  # (H, N), as in nn.Linear
    for order, reads, turned in itertools.product(ORDERS, ("xh", "hx"), (rows, not rows)):
        gates = gates_by_name(subject, order)
        parts = [_places(t, gates.get(name, order), reads, turned, numbers) for name, t in subject.tensors.items()]
        if any(part is None for part in parts):
            return
        places = torch.cat([part.reshape(-1) for part in parts])
        if not any(torch.equal(places, other) for other in seen):
            seen.append(places)
            yield Places(KINDS[0], (), places, torch.zeros(len(places)).double(), numbers)


def gates_by_name(subject: Subject, order: str) -> dict[str, str]:
    """The gate of every tensor that has three others of its shape: by its name, or by its place among them."""
    found: dict[str, str] = {}
    by_shape: dict[torch.Size, list[str]] = {}
    for name, t in subject.tensors.items():
        by_shape.setdefault(t.shape, []).append(name)
    for names in by_shape.values():
        fours = [names] if len(names) == 4 else [names[:4], names[4:]] if len(names) == 8 else []
        for four in fours:
            gates = gates_in(dict(enumerate(four))) or dict(enumerate(order))
            found |= {name: gates[k] for k, name in enumerate(four)}
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
    whether the module is equal to `nn.LSTM`; `.message` says what was found. `.weights` maps W_xi … b_o to the code
    that reads them out of the module; `.order` is the order of stacked blocks, "ifgo" in PyTorch, or "". `.differences`
    has the largest absolute difference for each output and gradient. `.edits` are the identifiers of the mistakes that
    the message names, as in `Result.edits`.
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
    return Examination(NOT_CALLED, "\nIts own error: ".join([f"{name} {SAYS['raises']}", *own]))


class ModuleAnswer(Answer):
    """A module as an answer to the exercise `lstm` of its kind. Its sizes N and H are always the same."""

    def __init__(self, subject: Subject, mapping: Places):
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
        guessed = (judge_mapping(subject, guess) for guess in itertools.islice(guesses(subject), GUESSES))
        return next((found for found in guessed if found.edits), None) or unexplained(subject, matcher)
    says = claimed(located(subject, mapping))
    if not mapping.edits and any(k != v for k, v in says.items()):
        mapping = renamed(mapping, says)
    return judge_mapping(subject, mapping)


def right_form(subject: Subject, matcher: Matcher) -> Places | None:
    """The mapping if the module is a form of the LSTM, with h and c in any order; else None."""
    for orders in ORDERS_OF_STATES:
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


def most_plausible(subject: Subject, mappings: Iterator[Places]) -> Places | None:
    """The first mapping that neither the tensors' names nor the order of the blocks contradict; else the first."""
    first = None
    for mapping in mappings:
        found = located(subject, mapping)
        says = claimed(found)
        first = first or mapping
        if order_of(found) in ("", "ifgo") and all(k == v for k, v in says.items()):
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
    of_weights = [g for t in trials for k, g in (t.gradients or {}).items() if k.startswith("weights")]
    silent = not any(g.any() for g in of_weights if g is not None)
    cause = SAYS["no_gradient"] if silent else find_gradient_edits(answer, trials[:2])
    return explained(answer, cause, problem, facts)


def equal(subject: Subject, mapping: Places, answer: ModuleAnswer, facts: dict) -> Examination:
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


def notes_on(subject: Subject, mapping: Places) -> tuple[list[str], list[str]]:
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
