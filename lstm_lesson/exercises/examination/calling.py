"""Find out how a module is called: the order of the dimensions, and whether and where it takes states."""

import contextlib
import inspect
import itertools
import re

import torch
from torch import Tensor

from lstm_lesson.exercises.examination.subject import Form, NotUnderstood, Subject
from lstm_lesson.exercises.sandbox import name_error

INPUTS = ("BTN", "TBN", "BN", "TN", "NBT", "NTB", "NT", "N", "TN1", "N1", "NB")
STATES = ("BH", "1BH", "H", "1H", "H1", "HB")
H_NAMES = r"^(h|ht|hidden|hidden_?state|prev_?h|last_h|a_prev|h_?(0|t|tm1|t_1|prev|old|pre|n|in|x|state))$"
C_NAMES = r"^(c|ct|cell|mem|memory|cell_?state|prev_?c|last_c|c_?(0|t|tm1|t_1|prev|old|pre|n|in|x|state))$"
PAIR_NAMES = r"state|hx|hid|init|hc|carry|prev"
IGNORED = "the states that it is given have no effect"
UNSTEADY = "a second call with the same input returns something else: is a state kept, or is it random?"


def forms(module) -> list[Form]:
    """Every form of a call that is tried, the usual ones first."""
    try:
        signature = inspect.signature(getattr(module, "forward", module))
        names = [p.name for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    except (TypeError, ValueError):
        signature, names = None, []
    h, c = (next((k for k in names if re.search(pattern, k)), None) for pattern in (H_NAMES, C_NAMES))
    pair = next((k for k in names if re.search(PAIR_NAMES, k) and k not in (h, c)), None if c else h)
    x = next((k for k in names if k not in (h, c, pair)), None)
    places = [f"apart:{x},{h},{c}"] if x and h and c else []
    places += [f"pair:{x},{pair}"] if x and pair else []
    places += ["pair", "apart", "apart first", "pair first"]
    given = [Form(x, s, p) for x in INPUTS for s in STATES for p in places if ("B" in x) == ("B" in s)]
    return [form for form in (*given, *(Form(x) for x in INPUTS if "T" in x)) if _takes(signature, form)]


def _takes(signature: inspect.Signature | None, form: Form) -> bool:
    """Whether a call in this form fits the signature."""
    ordered, named = form.arguments(0, 0, 0)
    with contextlib.suppress(TypeError):
        return signature is None or bool(signature.bind(*ordered, **named))
    return False


def find_form(subject: Subject) -> tuple[bool, list[str]]:
    """Use the first form in which the module runs, its sequences are independent, and states that are given count.

    Returns whether there is one, and if not, what each attempt ended with.
    """
    draw, errors, still = torch.Generator().manual_seed(3), {}, None
    taken = {1, subject.N, subject.H, subject.N + subject.H, 4 * subject.H}
    B, T = itertools.islice((n for n in (4, 3, 5, 7, 6, 9) if n not in taken), 2)
    shapes = (B, T, subject.N), (B, subject.H), (B, subject.H)
    inputs = [torch.randn(*shape, generator=draw, dtype=torch.float64) for shape in shapes]
    subject.set(torch.randn(subject.size, generator=draw, dtype=torch.float64) * 0.5)
    for form in forms(subject.module):
        subject.use(form)
        try:
            check_form(subject, *inputs)
            if carries(subject, *inputs):
                subject.ignores_states = IGNORED in errors and not form.states
                return True, []
            still = still or form  # no step reads what another one left: there may be a better form
        except Exception as error:
            errors.setdefault(str(error) if isinstance(error, NotUnderstood) else name_error(error))
    if still is not None:
        subject.use(still)
        subject(*inputs)
    return still is not None, list(errors)


def check_form(subject: Subject, x: Tensor, h: Tensor, c: Tensor) -> None:
    """Raise NotUnderstood unless the module returns what an LSTM returns, for each sequence from its own input."""
    got = subject(x, h, c)
    if not got:
        returned = ", ".join(map(str, subject.unknown)) or "no tensor"
        needs = f"{(*x.shape[:2], subject.H)} or {(len(x), subject.H)}"
        sizes = f"B = {len(x)}, T = {x.shape[1]}, H = {subject.H}"
        raise NotUnderstood(f"it returns {returned}; an LSTM returns {needs} ({sizes})")
    if not all(value.isfinite().all() for value in got.values()):
        raise NotUnderstood("it returns NaN or infinite numbers")
    if not same(got, subject(x, h, c)):
        raise NotUnderstood(UNSTEADY)
    one, first = torch.zeros_like(h), torch.zeros_like(x)
    one[0], first[0, 0] = 1, 1
    moved = [subject(x, h + one, c), subject(x, h, c + one)] if subject.form.states else []
    if not all(same(got, other, slice(1, None)) for other in (*moved, subject(x + first, h, c))):
        raise NotUnderstood("it mixes the sequences of a batch")
    if moved and all(same(got, other) for other in moved):
        raise NotUnderstood(IGNORED)


def same(one: dict[str, Tensor], other: dict[str, Tensor], rows=slice(None)) -> bool:
    """Whether two calls returned the same, in these sequences of the batch."""
    return all(torch.equal(one[k][rows], other[k][rows]) for k in one)


def carries(subject: Subject, x: Tensor, h: Tensor, c: Tensor) -> bool:
    """Whether a step reads what the steps before it left."""
    other = x.clone()
    other[:, 0] += 1
    got, moved = ({k: v if v.ndim == 2 else v[:, 1:] for k, v in subject(y, h, c).items()} for y in (x, other))
    return not same(got, moved)
