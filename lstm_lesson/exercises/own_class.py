"""The class that a learner writes in notebook 08: how the package writes it, how it is judged, what its weights are."""

import re

import torch
from torch import nn

from lstm_lesson.exercises.answer import Answer
from lstm_lesson.exercises.compare import Problem, leaves
from lstm_lesson.exercises.examination import examine
from lstm_lesson.layers import CustomLSTM

ZEROS = ". Do your first states have B rows and the dtype of x, as `x.new_zeros(B, H)` has?"
PLACE = re.compile(r"([\w.]+?)(\[[^]]*\])?(\.T)?(?: \+ |$)")  # "gates.weight[0:3].T": a tensor, a block, turned


class MyLSTM(nn.Module):
    """An LSTM layer, written out: x (B, T, N), init_states (h_0, c_0) or None -> hidden_seq (B, T, H), (h_T, c_T)."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.hidden_size = hidden_size
        N, H, limit = input_size, hidden_size, hidden_size**-0.5
        for gate in "ifco":
            for name, shape in {"W": (N, H), "U": (H, H), "b": (H,)}.items():
                weight = nn.Parameter(torch.empty(shape).uniform_(-limit, limit))
                self.register_parameter(f"{name}_{gate}", weight)  # self.W_i, self.U_i, self.b_i, self.W_f, ...

    def forward(self, x, init_states=None):
        if init_states is None:
            h = c = x.new_zeros(len(x), self.hidden_size)
        else:
            h, c = init_states
        hidden_seq = []
        for x_t in x.unbind(dim=1):  # (B, N)
            i = torch.sigmoid(x_t @ self.W_i + h @ self.U_i + self.b_i)
            f = torch.sigmoid(x_t @ self.W_f + h @ self.U_f + self.b_f)
            g = torch.tanh(x_t @ self.W_c + h @ self.U_c + self.b_c)
            o = torch.sigmoid(x_t @ self.W_o + h @ self.U_o + self.b_o)
            c = f * c + i * g
            h = o * torch.tanh(c)
            hidden_seq.append(h)
        return torch.stack(hidden_seq, dim=1), (h, c)


def judge(answer: Answer) -> Problem | None:
    """The first problem of a class: whether it is an LSTM, can be called as the lessons do, and starts as it should."""
    made, error = answer.sandbox(answer.f, 3, 4)
    if error is None and isinstance(made, nn.Module):
        error = answer.sandbox(made, torch.randn(2, 5, 3))[1]
    if isinstance(error, NotImplementedError):
        return Problem("open", "not attempted yet. Put your answer in the place of `raise NotImplementedError`.")
    if not isinstance(made, nn.Module):
        return Problem("type", "expected a class, MyLSTM(input_size, hidden_size), that is an `nn.Module`.")
    found = examine(answer.f)
    if not found.passed:
        return Problem("value", found.message, edits=found.edits)
    if text := _called_otherwise(made, answer) or _starts_otherwise(answer):
        return Problem("type", f"It is an LSTM. But {text}")


def _called_otherwise(made: nn.Module, answer: Answer) -> str:
    """What the later cells would stumble over; "" if nothing."""
    if any(isinstance(part, nn.RNNBase | nn.RNNCellBase) for part in made.modules()):
        return "it holds PyTorch's own: write the equations out."
    for dtype in (torch.float32, torch.float64):
        made, x, states = made.to(dtype), torch.randn(2, 5, 3, dtype=dtype), torch.randn(2, 2, 4, dtype=dtype)
        calls = {"`forward(x)` with x (B, T, N)": [x], "`forward(x, init_states)` with (h_0, c_0)": [x, tuple(states)]}
        for how, given in calls.items():
            got, error = answer.sandbox(made, *given)
            if error is not None:
                asks = ZEROS if isinstance(error, RuntimeError) and len(given) == 1 else ""
                return f"{how} in {str(dtype)[6:]} raises {type(error).__name__}: {error}{asks}"
            shapes = {name: tuple(getattr(leaf, "shape", ())) for name, leaf in leaves("", got)}
            if shapes != {"[0]": (2, 5, 4), "[1][0]": (2, 4), "[1][1]": (2, 4)}:
                has = ", ".join(f"{name or 'one tensor'} of shape {shape}" for name, shape in shapes.items())
                return f"{how} has to return `hidden_seq, (h_T, c_T)` of shapes (B, T, H), (B, H), (B, H), not {has}."
    return ""


def _starts_otherwise(answer: Answer) -> str:
    """How the weights start, if not between ±1/√H; "" if they do."""
    made, error = answer.sandbox(answer.f, 16, 64)
    for name, weight in made.named_parameters() if error is None else ():
        largest, spread = weight.abs().max() * 64**0.5, weight.std() * 64**0.5
        if largest > 1.001 or (weight.ndim > 1 and not 0.5 < spread < 0.65):  # 1/√3 = 0.577 for uniform numbers
            has = f"largest entry is {largest:.2g}/√H, its standard deviation {spread:.2g}/√H; expected 1 and 0.58"
            return f"`{name}` does not start uniform between ±1/√H: its {has}."
    return ""


def as_custom_lstm(layer: nn.Module, input_size: int, hidden_size: int) -> CustomLSTM:
    """A CustomLSTM with the weights of a layer whose class a learner wrote; `examine` finds which weight is which.

    `layer` is made as MyLSTM(input_size, hidden_size) and called as layer(x) -> hidden_seq, states.
    Raises ValueError if its class is no LSTM, or if the two layers do not compute the same.
    """
    found = examine(type(layer))  # of a small instance: N = 2, H = 3
    if not found.passed:
        raise ValueError(f"layer is no LSTM that `examine` passes: {found.message}")
    own, tensors = CustomLSTM(input_size, hidden_size), dict(layer.named_parameters())
    x = torch.randn(2, 5, input_size)
    with torch.no_grad():
        try:
            for name, weight in own.cells[0].weights.items():
                here = (eval(f"tensor{_grown(index, input_size, hidden_size)}{turned}", {"tensor": tensors[k]})
                        for k, index, turned in PLACE.findall(found.weights.get(name, "")))  # fmt: skip
                weight.copy_(sum((block.reshape(weight.shape) for block in here), torch.zeros_like(weight)))
            same = torch.allclose(layer(x)[0], own(x)[0], atol=1e-4)
        except (KeyError, IndexError, RuntimeError):  # blocks that do not grow with N and H
            same = False
    if not same:
        raise ValueError(f"layer is {type(layer).__name__}; its weights could not be read by their places in it")
    return own


def _grown(index: str, N: int, H: int) -> str:
    """An index that was written where N = 2 and H = 3, for other sizes: "[3:6]" reads from H to 2 H."""

    def grown(ends: re.Match) -> str:
        return ":".join(f"{int(n) // 3 * H + (int(n) % 3 == 2) * N}" for n in ends.groups())  # 3 is H, and 5 is H + N

    index = re.sub(r"(\d+):\d+:(\d+)", r"\1::\2", index)  # every fourth column: the first one and the step stay
    return re.sub(r"(\d+):(\d+)", grown, index)
