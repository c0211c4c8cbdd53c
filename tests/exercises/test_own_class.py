"""The weights of a learner's class, read into a CustomLSTM."""

import pytest
import torch
from answer_cells import CLASS, wrong_answers
from torch import nn

from lstm_lesson.exercises.own_class import MyLSTM, as_custom_lstm

LOOP = """
    def forward(self, x, init_states=None):
        h, c = init_states or (x.new_zeros(len(x), self.H),) * 2
        hidden_seq = []
        for x_t in x.unbind(1):
            i, f, g, o = self.gates(x_t, h)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            hidden_seq.append(h)
        return torch.stack(hidden_seq, dim=1), (h, c)
"""
HEAD = "class MyLSTM(nn.Module):\n    def __init__(self, N, H):\n        super().__init__()\n        self.H = H\n"
OWN = {
    "one stack": CLASS,
    "h and x in one Linear": f"""{HEAD}        self.all = nn.Linear(H + N, 4 * H)
    def gates(self, x, h):
        return self.all(torch.cat([h, x], dim=1)).chunk(4, dim=1)
{LOOP}""",
    "two biases, another order": f"""{HEAD}        self.x, self.h = nn.Linear(N, 4 * H), nn.Linear(H, 4 * H)
    def gates(self, x, h):
        o, g, i, f = (self.x(x) + self.h(h)).chunk(4, dim=1)
        return i, f, g, o
{LOOP}""",
    "a Linear for each gate": f"""{HEAD}        self.parts = nn.ModuleList(nn.Linear(N + H, H) for _ in range(4))
    def gates(self, x, h):
        return [part(torch.cat([x, h], dim=1)) for part in self.parts]
{LOOP}""",
    "the gate first": f"""{HEAD}        self.W = nn.Parameter(torch.randn(4, N + H, H))
        self.b = nn.Parameter(torch.randn(4, 1, H))
    def gates(self, x, h):
        return torch.cat([x, h], dim=1) @ self.W + self.b
{LOOP}""",
    "the gate last": f"""{HEAD}        self.W = nn.Parameter(torch.randn(N + H, 4 * H))
        self.b = nn.Parameter(torch.randn(4 * H))
    def gates(self, x, h):
        return (torch.cat([x, h], dim=1) @ self.W + self.b).unflatten(1, (self.H, 4)).unbind(2)
{LOOP}""",
}


def made(source, *sizes):
    space = {"torch": torch, "nn": nn}
    exec(source, space)
    return space["MyLSTM"](*sizes)


@pytest.mark.parametrize("kind", [*OWN, "the package's"])
@pytest.mark.parametrize("sizes", [(32, 32), (5, 7)])
def test_the_weights_of_a_class_are_found_at_every_size(kind, sizes):
    layer = MyLSTM(*sizes) if kind == "the package's" else made(OWN[kind], *sizes)
    own, x = as_custom_lstm(layer, *sizes), torch.randn(3, 20, sizes[0])
    assert torch.allclose(own(x)[0], layer(x)[0], atol=1e-5)


def test_a_class_that_is_no_lstm_is_refused():
    with pytest.raises(ValueError, match=r"layer is no LSTM that `examine` passes: .*tanh"):
        as_custom_lstm(made(wrong_answers()["MyLSTM"], 4, 4), 4, 4)


def test_a_layer_that_computes_something_else_than_its_class_says_is_refused():
    layer = made(CLASS, 4, 4)
    layer.forward = lambda x: (torch.zeros(2, 5, 4), None)
    with pytest.raises(ValueError, match="layer is MyLSTM; its weights could not be read"):
        as_custom_lstm(layer, 4, 4)
