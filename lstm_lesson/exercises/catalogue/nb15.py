"""The exercises of notebook 15: all gates from one sum, and the input's part of it for all steps at once."""

import torch

from lstm_lesson.exercises.exercise import Exercise, Mistake

S, TANH = torch.sigmoid, torch.tanh


def _gates(order="ifgo", around=(S, S, TANH, S), sums=lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h + b):
    """`fused_gates` with another order of the blocks, other functions around them, or another sum."""

    def answer(*given):
        blocks = dict(zip(order, sums(*given).chunk(4, dim=1), strict=True))
        return tuple(function(blocks[gate]) for gate, function in zip("ifgo", around, strict=True))

    return answer


def _interleaved(x, h, W_x, W_h, b):
    z = x @ W_x + h @ W_h + b
    return tuple(function(z[:, k::4]) for k, function in enumerate((S, S, TANH, S)))


FUSED_MISTAKES = (
    Mistake(_gates("ifog"), "The last two blocks are swapped. The weights stand in the order i, f, c, o: the candidate's are third."),
    Mistake(_gates("figo"), "The first two blocks are swapped. The weights stand in the order i, f, c, o."),
    Mistake(_gates("igfo"), "The blocks in the middle are swapped. The weights stand in the order i, f, c, o."),
    Mistake(_gates(around=(S, S, S, S)), "A sigmoid stands around all four blocks. One of them is no gate."),
    Mistake(_gates(around=(TANH,) * 4), "A tanh stands around all four blocks. Three of them are gates."),
    Mistake(_gates(around=(S, S, TANH, TANH)), "A tanh stands around the output gate. Only one block is no gate."),
    Mistake(_gates(around=(S, S, S, TANH)), "The tanh stands around the last block. Which block makes the candidate?"),
    Mistake(_gates(around=(lambda z: z,) * 4), "These are the sums alone. Which functions are around them in the equations?"),
    Mistake(_interleaved, "Every fourth column is taken. A gate's columns stand together, H of them side by side."),
    Mistake(_gates(sums=lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h), "The bias is missing from the sum."),
    Mistake(_gates(sums=lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h + 2 * b), "The bias is added twice."),
    Mistake(_gates(sums=lambda x, h, W_x, W_h, b: x @ W_x + b), "The term with `h_prev` is missing from the sum."),
    Mistake(_gates(sums=lambda x, h, W_x, W_h, b: h @ W_h + b), "The term with `x_t` is missing from the sum."),
)

HOIST_MISTAKES = (
    Mistake(lambda x, W_x, b: x @ W_x, "The bias is missing. It waits for no step either, so it belongs in here."),
    Mistake(lambda x, W_x, b: x @ W_x - b, "The bias is subtracted. Look at its sign."),
    Mistake(lambda x, W_x, b: x @ W_x + 2 * b, "The bias is added twice."),
    Mistake(lambda x, W_x, b: (x @ W_x + b).transpose(0, 1), "Steps stand first. Here the batch does, as it does in x."),
    Mistake(lambda x, W_x, b: x[:, -1] @ W_x + b, "Only the last step is here. The loop will ask for every one."),
    Mistake(lambda x, W_x, b: x[:, 0] @ W_x + b, "Only the first step is here. The loop will ask for every one."),
    Mistake(lambda x, W_x, b: (x @ W_x + b).sum(dim=1), "The steps are added up. Each keeps a sum of its own."),
    Mistake(lambda x, W_x, b: torch.sigmoid(x @ W_x + b), "A sigmoid is taken too early: what the hidden state adds is still missing from this sum."),
    Mistake(lambda x, W_x, b: x.flip(1) @ W_x + b, "The steps come from the end. Leave them in the order in which they stand in x."),
)

EXERCISES = [
    Exercise(
        name="fused_gates",
        notebook="15_faster",
        minutes=6,
        difficulty=2,
        reference="speed.implementations.fused_gates",
        inputs=lambda draw: dict(x_t=draw("B N"), h_prev=draw("B H"), W_x=draw("N 4H"), W_h=draw("H 4H"), b=draw("4H")),
        returns={"i_t": "B H", "f_t": "B H", "g_t": "B H", "o_t": "B H"},
        mistakes=FUSED_MISTAKES,
        hints=(
            "One sum makes all four: its shape is (B, 4H), because the weights stand side by side.",
            "`chunk(4, dim=1)` cuts it into four blocks of H columns, in the order i, f, c, o.",
            "The gates are sigmoids of their blocks; the candidate, from the block of c, is a tanh.",
        ),
    ),
    Exercise(
        name="hoist_inputs",
        notebook="15_faster",
        minutes=3,
        difficulty=1,
        reference="speed.implementations.hoist_inputs",
        inputs=lambda draw: dict(x=draw("B T N"), W_x=draw("N 4H"), b=draw("4H")),
        returns={"z": "B T 4H"},
        at_once=True,
        mistakes=HOIST_MISTAKES,
        hints=(
            "Which terms of the sum do not wait for the hidden state of the step before?",
            "A matrix on the right of `@` is applied to every row, whatever dimensions stand before: (B, T, N) works.",
            "`x @ W_x` is (B, T, 4H); a vector (4H,) is added to each of its rows.",
        ),
    ),
]
