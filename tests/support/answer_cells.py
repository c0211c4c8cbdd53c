"""A learner's answers to all exercises, as sources of cells: right ones that can be kept, and wrong ones."""

import functools
import math
import re

import torch
from cells import run_cell
from torch import nn
from torch.nn import functional as F
from unusual_answers import RIGHT, WRONG

from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.exercises.kept_answers import NotKept, self_contained

SINGULAR, PLURAL, VERB, STOP = 0, 1, 2, 5  # features of a word
BY_HAND = {
    "input_weights": "W, U, b = torch.zeros(6, 2), torch.zeros(2, 2), torch.full((2,), -10.0)\n"
    "    W[:2] = 20.0\n    U[1] = -40.0\n    return W, U, b",
    "forget_weights": "W, U, b = torch.zeros(6, 2), torch.zeros(2, 2), torch.full((2,), 9.0)\n"
    "    W[5] = -20.0\n    return W, U, b",
    "candidate_weights": "W, U, b = torch.zeros(6, 2), torch.zeros(2, 2), torch.zeros(2)\n"
    "    W[0, 0] = -9.0\n    W[1, 0] = 9.0\n    b[1] = 9.0\n    return W, U, b",
    "output_weights": "W, U, b = torch.zeros(6, 2), torch.zeros(2, 2), torch.tensor([-9.0, 9.0])\n"
    "    W[2, 0] = 18.0\n    return W, U, b",
    "first_fault": "return 'c_t', 'f_t * c_prev + g_t - f_t * g_t', torch.tensor([[9.0, 0.0]])",
    "second_fault": "return 'i_t', 'torch.sigmoid(x_t @ W_xi + 2 * c_prev + b_i)', [[9.0, 0], [0, 0]]",
    "forget_text": "return 'the men' + 50 * ' again' + ' by the lamp ___ . the key ___ . the doors ___ .'",
    "lstm_test": "x = torch.tensor([[1.0, 0.0]] * 25 + [[-1.0, 0.0]] * 25)\n"
    "    w = {f'{n}{k}': torch.zeros(2, 2) for k in 'ifco' for n in ('W_x', 'W_h')}\n"
    "    w |= {'b_i': [9.0, 0.0], 'b_f': [9.0, 1.0], 'b_c': [0, 0], 'b_o': [4, 4]}\n"
    "    w['W_xc'][0], w['W_hf'][0, 1] = 2.0, -3.0\n    return x, w",
    "counter_weights": "w = {f'W_x{k}': torch.zeros(6, 1) for k in 'ifc'}\n"
    "    w |= {f'W_h{k}': torch.zeros(1, 1) for k in 'ifc'}\n"
    "    w['W_xi'][:2] = 20.0\n    w['W_xf'][5] = -20.0\n"
    "    return w | {'b_i': torch.tensor([-10.0]), 'b_f': torch.tensor([10.0]), 'b_c': torch.tensor([10.0])}",
}


CLASS = """class MyLSTM(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.W_x = nn.Parameter(torch.empty(input_size, 4 * hidden_size))
        self.W_h = nn.Parameter(torch.empty(hidden_size, 4 * hidden_size))
        self.b = nn.Parameter(torch.empty(4 * hidden_size))
        for weight in self.parameters():
            nn.init.uniform_(weight, -(hidden_size**-0.5), hidden_size**-0.5)

    def forward(self, x, init_states=None):
        h, c = init_states or (x.new_zeros(len(x), self.hidden_size),) * 2
        hidden_seq = []
        for x_t in x.unbind(1):
            i, f, g, o = (x_t @ self.W_x + h @ self.W_h + self.b).chunk(4, dim=1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            hidden_seq.append(h)
        return torch.stack(hidden_seq, dim=1), (h, c)
"""


SAMPLE = """def sample(logits, temperature=1.0):
    return torch.multinomial((logits / temperature).softmax(dim=1), 1)[:, 0]
"""

BITS = """def bits_per_character(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()) / math.log(2)
"""  # without a loop over the characters, which would make the training of notebook 16 slow


@functools.cache
def right_answers() -> dict[str, str]:
    """One right answer to each exercise; it needs nothing from another cell."""
    found = {name: f"def {name}():\n    {body}\n" for name, body in BY_HAND.items()}
    found |= {"MyLSTM": CLASS, "sample": SAMPLE, "bits_per_character": BITS}
    for name, _, source in RIGHT:
        if name not in found:
            space = {"torch": torch, "nn": nn, "F": F, "math": math, "__name__": "__main__"}
            try:
                run_cell(source, space)
                self_contained(name, space[name])
            except (NotKept, NameError):
                continue
            found[name] = source
    return {name: found[name] for name in exercises()}


@functools.cache
def wrong_answers() -> dict[str, str]:
    """One wrong answer to each exercise."""
    found = {name: f"def {name}():\n    {re.sub('20.0|9.0', '0.0', body)}\n" for name, body in BY_HAND.items()}
    found["forget_text"] = "def forget_text():\n    return 'the keys ___ .'\n"
    found |= {"MyLSTM": CLASS.replace("c.tanh()", "c"), "sample": SAMPLE.replace("/", "*")}
    for name, _, source in WRONG:
        found.setdefault(name, source)
    return {name: found[name] for name in exercises()}
