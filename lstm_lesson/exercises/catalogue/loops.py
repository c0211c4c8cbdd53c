"""The known mistakes in a loop over the steps of a sequence, for the exercises `unroll` and `lstm`."""

from collections.abc import Iterator

from lstm_lesson.exercises.model import Edit

WORDS = {"h": "state", "c": "memory"}
TIME = "The batch comes first in (B, T, N): which dimension is time?"
RESULT = "hidden_seq"


def loop_edits(states: str) -> Iterator[Edit]:
    """The mistakes of the loop itself."""
    yield from _carried(states)
    yield from _read_and_counted()
    yield from _collected(states)
    yield from _detached(states)
    if states == "hc":
        yield from _h_and_c()


def _read_and_counted() -> Iterator[Edit]:
    for name, text, cause in (
        ("x[t]", "x[t]", f"`x[t]` is sequence t of the batch, not step t. {TIME}"),
        ("first", "x[:, 0]", "Every step reads the first input. Which index has to move?"),
        ("last", "x[:, -1]", "Every step reads the last input. Which index has to move?"),
        ("shifted", "x[:, t - 1]", "Off by one: `x[:, t - 1]` reads the step before, and the last one at t = 0."),
        ("shifted on", "x[:, (t + 1) % x.shape[1]]", "Off by one: the step after is read, and the first one at the end."),
        ("clamped back", "x[:, max(t - 1, 0)]", "Off by one: each step reads the input of the step before."),
        ("reversed", "x[:, x.shape[1] - 1 - t]", "The sequence is read from its end. Step 0 comes first."),
        ("view", "x.reshape(x.shape[1], x.shape[0], -1)[t]", "`view` or `reshape` does not swap the batch and time: it cuts the numbers anew in their old order. Use `x[:, t]` or `transpose`."),
        ("mean", "x[:, : t + 1].mean(dim=1)", "Each step reads the mean of all inputs so far. A step reads its own input, `x[:, t]`."),
        ("sum", "x[:, : t + 1].sum(dim=1)", "Each step reads the sum of all inputs so far. A step reads its own input, `x[:, t]`."),
        ("mean of all", "x.mean(dim=1)", "Every step reads the mean of all inputs. A step reads its own input, `x[:, t]`."),
        ("sum of all", "x.sum(dim=1)", "Every step reads the sum of all inputs. A step reads its own input, `x[:, t]`."),
        ("difference", "x[:, t] - x[:, t - 1]", "Each step reads the difference to the step before. A step reads its own input, `x[:, t]`."),
        ("with the step before", "x[:, t] + x[:, t - 1]", "Each step reads the input of the step before, too. A step reads its own input, `x[:, t]`."),
        ("held at the end", "x[:, min(t + 1, x.shape[1] - 1)]", "Off by one: each step reads the input of the step after."),
        ("x[:, :, t]", "x[:, :, t]", f"`x[:, :, t]` counts the inputs of a step, not the steps. {TIME}"),
        ("squeezed", "x[:, t].squeeze()", "`squeeze` drops every dimension of size 1, the batch or the inputs, too."),
        ("detached", "x[:, t].detach()", "The values are right, but `x` is detached: no gradient reaches the input."),
    ):  # fmt: skip
        yield Edit(f"x_t: {name}", {"x_t": text}, cause)
    for name, text, cause in (
        ("from 1", "range(1, x.shape[1])", "The loop starts at step 1: the first step is left out. Python counts from 0."),
        ("early", "range(x.shape[1] - 1)", "The last step is missing: how many turns does your loop make?"),
        ("first alone", "range(1)", "That is the first step alone. In which line does the loop end, and where does `return` stand?"),
        ("B", "range(len(x))", "Your loop makes B steps: `len(x)` and `x.shape[0]` count the sequences. Which size counts the steps?"),
        ("N", "range(x.shape[2])", "Your loop makes N steps: `x.shape[2]` counts the inputs of a step. Which size counts the steps?"),
        ("backwards", "range(x.shape[1] - 1, -1, -1)", "The loop runs from the last step to the first. Step 0 comes first."),
        ("every second", "range(0, x.shape[1], 2)", "Every second step is left out."),
    ):  # fmt: skip
        yield Edit(f"steps: {name}", {"steps": text}, cause)
    over_rows = {"steps": "range(len(x))", "x_t": "x[t]"}
    yield Edit("for x_t in x", over_rows, f"`for … in x` goes through the sequences of the batch. {TIME}")


def _carried(states: str) -> Iterator[Edit]:
    for s in states:
        yield Edit(f"{s} not carried", {f"{s}_prev": f"first_{s}"}, f"{s} is not carried: every step starts from `{s}_0` again. Where does the new {WORDS[s]} go at the end of the loop?")
        yield Edit(f"{s} zero", {f"{s}_prev": f"torch.zeros_like({s})"}, f"Every step starts from zeros in {s}: it is not carried. Is it made inside the loop?")
        yield Edit(f"{s}_0 zero", {f"first_{s}": f"torch.zeros_like({s}_0)"}, f"`{s}_0` has no effect: the first step starts from zeros. The {WORDS[s]} before the first step is an argument.")
        yield Edit(f"{s}_0 a Parameter", {f"first_{s}": f"torch.nn.Parameter({s}_0)"}, f"The values are right, but `{s}_0` is cut off or made a Parameter of its own: its gradient is lost.")
        yield Edit(f"{s} summed", {f"next_{s}": f"{s} + {s}_t"}, f"The new {WORDS[s]} is added to the old one in the loop. The step has done that already: it returns what comes next.")
        yield Edit(f"{s} late", {f"next_{s}": f"{s}_prev"}, f"{s} is not carried: at the end of each turn the old {WORDS[s]} goes on, not the new one.")
    if states == "h":
        first = {"h_prev": "h_0 if len(hidden) == 0 else hidden[0]"}
        yield Edit("h: first state", first, "Every step starts from the state of the first one. Where does the new state go at the end of the loop?")
        yield Edit("h: two steps back", {"h_prev": "h_0 if len(hidden) < 2 else hidden[-2]"}, "A step starts from the state of two steps before. The last one is wanted.")
    if states == "hc":
        both = "Neither h nor c is carried: every step starts from"
        yield Edit("none carried", {"h_prev": "first_h", "c_prev": "first_c"}, f"{both} `h_0` and `c_0`. What does the next step begin with?")
        yield Edit("all zero", {"h_prev": "torch.zeros_like(h)", "c_prev": "torch.zeros_like(c)"}, f"{both} zeros. The states are made once, before the loop.")
        yield Edit("start zero", {"first_h": "torch.zeros_like(h_0)", "first_c": "torch.zeros_like(c_0)"}, "The first step starts from zeros. The states before the first step are arguments: `h_0` and `c_0`.")
        yield Edit("Parameters", {f"first_{s}": f"torch.nn.Parameter({s}_0)" for s in "hc"}, "The values are right, but `h_0` and `c_0` are cut off or made Parameters of their own: their gradients are lost.")


def _h_and_c() -> Iterator[Edit]:
    for name, changes, cause in (
        ("c, h = step", {"next_h": "c_t", "next_c": "h_t"}, "h and c change places from one step to the next: the step returns h first, then c."),
        ("c, h = step, kept", {"next_h": "c_t", "next_c": "h_t", "kept": "c_t"}, "The step's results are taken in the wrong order: it returns h first, then c."),
        ("step(x, c, h)", {"h_prev": "c", "c_prev": "h"}, "h and c are handed to the step in the wrong order: it takes h first, then c."),
        ("step(x, c_0, h_0)", {"h_prev": "c_0", "c_prev": "h_0"}, "`c_0` and `h_0` are handed to every step, in the wrong order. The step takes h first, then c, and what comes out goes on."),
        ("step(x, h, h)", {"c_prev": "h"}, "The step is handed h twice, and never the memory c."),
        ("step(x, c, c)", {"h_prev": "c"}, "The step is handed c twice, and never the state h."),
        ("starts swapped", {"first_h": "c_0", "first_c": "h_0"}, "`h_0` and `c_0` have changed places at the start."),
        ("c_0 = h_0", {"first_c": "h_0"}, "The memory starts from `h_0`. It has a start of its own, `c_0`."),
        ("h_0 = c_0", {"first_h": "c_0"}, "The state starts from `c_0`. It has a start of its own, `h_0`."),
        ("memories kept", {"kept": "c_t"}, "`hidden_seq` holds the memories. It is the hidden states that the next layer sees."),
        ("c_T is h", {"c_T": "h"}, "`c_T` is the hidden state. The memory is wanted."),
        ("h_T is c", {"h_T": "c"}, "`h_T` is the memory. The hidden state is wanted."),
        ("ends swapped", {"h_T": "c", "c_T": "h"}, "`h_T` and `c_T` have changed places. Look at your `return`."),
        ("starts returned", {"h_T": "h_0", "c_T": "c_0"}, "`h_0` and `c_0` come back unchanged as the last states. Where do the new ones go?"),
        ("h_0 returned", {"h_T": "h_0"}, "`h_0` comes back unchanged as the last state. Where does the new one go?"),
        ("c_0 returned", {"c_T": "c_0"}, "`c_0` comes back unchanged as the last memory. Where does the new one go?"),
        ("h_T of the batch", {"h_T": "hidden_seq[-1]"}, "`h_T` is the last sequence of the batch: `[-1]` counts the batch, which comes first. Which dimension is time?"),
        ("first step returned", {"h_T": "hidden[0]"}, "`h_T` comes from the first step. It is what the last step leaves."),
        ("one before the last", {"h_T": "h_prev", "c_T": "c_prev"}, "`h_T` and `c_T` are the states before the last step. They are what the last step leaves."),
        ("h before the last", {"h_T": "h_prev"}, "`h_T` is the state before the last step. It is what the last step leaves."),
        ("c before the last", {"c_T": "c_prev"}, "`c_T` is the memory before the last step. It is what the last step leaves."),
        ("all h", {"h_T": "hidden_seq"}, "`h_T` holds the states of all steps. The last one is wanted."),
        ("layers", {"h_T": "h[None]", "c_T": "c[None]"}, "`h_T` and `c_T` have a layer dimension, as PyTorch's h_n and c_n. Here they are (B, H)."),
        ("a pair", {"return": "hidden_seq, (h_T, c_T)"}, "`h_T` and `c_T` come back as a pair, as from `nn.LSTM`. Here three tensors stand side by side."),
        ("order", {"return": "h_T, c_T, hidden_seq"}, "The right tensors, in another order: expected `hidden_seq`, `h_T` and `c_T`."),
    ):  # fmt: skip
        yield Edit(name, changes, cause)


def _collected(states: str) -> Iterator[Edit]:
    for name, changes, cause in (
        ("h_0 collected", {"first_hidden": "[h_0]"}, "There is one state too many: `h_0` comes before the first step and is not collected."),
        ("state before", {"kept": "h_prev"}, "Off by one: you collect the state before each step. Collect the one that comes out."),
        ("input", {"kept": "x_t"}, "You collect the inputs. Collect the state that comes out of each step."),
        ("start", {"kept": "h_0"}, "You collect `h_0` at every step. Collect the state that comes out."),
        ("T first", {RESULT: "torch.stack(hidden)"}, "Time stands first: `hidden_seq` is (T, B, H). The states are stacked along the wrong dimension."),
        ("T last", {RESULT: "torch.stack(hidden, dim=2)"}, "Time stands last: `hidden_seq` is (B, H, T). The states are stacked along the wrong dimension."),
        ("one row", {RESULT: "torch.cat(hidden, dim=1)"}, "`hidden_seq` is one long row, (B, T·H). Time needs a dimension of its own."),
        ("piled up", {RESULT: "torch.cat(hidden)"}, "The states are piled up as (T·B, H). Time needs a dimension of its own."),
        ("view", {RESULT: "torch.stack(hidden).reshape(h_0.shape[0], len(hidden), -1)"}, "`view` or `reshape` does not swap time and the batch: it cuts the numbers anew in their old order. `transpose` swaps."),
        ("turned", {RESULT: "torch.stack(hidden[::-1], dim=1)"}, "The states stand in reverse order. The first step's state comes first."),
        ("last alone", {RESULT: "hidden[-1]"}, "That is the last state alone. Every step's state is wanted: collect them."),
        ("last repeated", {RESULT: "torch.stack([hidden[-1]] * len(hidden), dim=1)"}, "`hidden_seq` holds the last state T times: your list has one tensor T times, which is overwritten in place."),
        ("first missing", {RESULT: "torch.stack(hidden[1:], dim=1)"}, "The first state is missing from `hidden_seq`."),
        ("last missing", {RESULT: "torch.stack(hidden[:-1], dim=1)"}, "The last state is missing from `hidden_seq`."),
        ("shifted", {RESULT: "torch.stack([h_0, *hidden[:-1]], dim=1)"}, "Off by one: `hidden_seq` begins with `h_0`, and the last state is missing."),
        ("rolled back", {RESULT: "torch.stack(hidden, dim=1).roll(-1, dims=1)"}, "The states are shifted by one step, and the first one stands last."),
        ("summed up", {RESULT: "torch.stack(hidden, dim=1).cumsum(dim=1)"}, "The states are summed up over the steps. Each step's own state is wanted."),
        ("batch reversed", {RESULT: "torch.stack(hidden, dim=1).flip(0)"}, "The sequences stand in reverse order in `hidden_seq`."),
        ("units reversed", {RESULT: "torch.stack(hidden, dim=1).flip(2)"}, "The units stand in reverse order in `hidden_seq`."),
        ("mean", {RESULT: "torch.stack(hidden, dim=1).mean(dim=1)"}, "That is the mean over the steps. Every step's state is wanted."),
        ("summed", {RESULT: "torch.stack(hidden, dim=1).sum(dim=1)"}, "That is the sum over the steps. Every step's state is wanted."),
        ("rolled", {RESULT: "torch.stack(hidden, dim=1).roll(1, dims=1)"}, "The states are shifted by one step, and the last one stands first."),
        ("a list", {RESULT: "hidden"}, "You return the list itself. `torch.stack` makes one tensor of it."),
    ):  # fmt: skip
        yield Edit(f"hidden_seq: {name}", changes, cause)
    rows = {"steps": "range(len(x))", "x_t": "x[t]", RESULT: "torch.stack(hidden)"}
    yield Edit("for x_t in x, T first", rows, "`for … in x` goes through the batch, and the states are stacked along the wrong dimension. Where is time?")


def _detached(states: str) -> Iterator[Edit]:
    for cut in {"h": ("h",), "hc": ("h", "c", "hc")}[states]:
        what = "h and c are" if cut == "hc" else f"{cut} is"
        none = "no gradient travels from step to step"
        yield Edit(f"{cut} detached before a step", {f"{s}_prev": f"{s}.detach()" for s in cut}, f"The values are right, but {what} detached at every step: {none}.")
        yield Edit(f"{cut} detached after a step", {f"{s}_prev": f"{s} if t == steps[0] else {s}.detach()" for s in cut}, f"The values are right, but {what} detached after each step: {none}.")
        if states == "hc":
            yield Edit(f"{cut} detached for good", {f"next_{s}": f"{s}_t.detach()" for s in cut}, f"The values are right, but {what} detached after each step, the last one included: {none}.")
    results = {f"next_{s}": f"{s}_t.detach()" for s in states} | {"kept": "h_t.detach()"}
    yield Edit("results detached", results, "The values are right, but what a step returns is detached: no gradient travels from step to step, and a loss reaches no weight.")
    yield Edit("kept detached", {"kept": "h_t.detach()"}, "The values are right, but `hidden_seq` is made of detached states: a loss on them reaches no weight.")
    yield Edit("hidden_seq detached", {RESULT: "torch.stack(hidden, dim=1).detach()"}, "The values are right, but `hidden_seq` is detached: a loss on it reaches no weight.")
