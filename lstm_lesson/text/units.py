"""What do the units of a character model know of the text? Python's own tokenizer says what is true."""

import io
import tokenize
from itertools import accumulate
from string import ascii_letters

import torch
from torch import Tensor, nn

from lstm_lesson.shapes import check_shapes, check_size, describe
from lstm_lesson.text.characters import decode, encode

TRIPLE = ('"""', "'''")


def truth(source: str) -> dict[str, Tensor]:
    """What holds once a character was read, for each character of `encode(source)`; each (n,), bool or int64.

    "string": inside one, from the opening quote to the last character before the end; an f-string counts as a whole.
    "quoted": inside one that begins with one quote, not with three. "comment": from # on. "brackets": how many are
    open. "indentation": how many blocks. "column": characters so far.
    Raises the errors of Python's `tokenize`, TokenError and SyntaxError, for a source that is no Python.
    """
    text, inside = decode(encode(source)), 0  # how many f-strings the present token is in
    lines = text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    string, quoted, comment, brackets, blocks = change = [[0] * (len(text) + 2) for _ in range(5)]  # at each character
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind, word = tokenize.tok_name[token.type], token.string
        first, end = (starts[line - 1] + column for line, column in (token.start, token.end))
        if kind in ("STRING", "FSTRING_START", "TSTRING_START"):  # from 3.12 on an f-string is several tokens
            behind_prefix = first + len(word) - len(word.lstrip(ascii_letters))
            string[behind_prefix] += not inside
            quoted[behind_prefix] += not inside and word[-3:] not in TRIPLE
            inside += kind != "STRING"
        if kind in ("STRING", "FSTRING_END", "TSTRING_END"):
            inside -= kind != "STRING"
            string[end - 1] -= not inside
            quoted[end - 1] -= not inside and word[-3:] not in TRIPLE
        elif not inside and kind == "COMMENT":
            comment[first], comment[end] = 1, -1
        elif not inside and kind == "OP":
            brackets[first] = (word in "([{") - (word in ")]}")
        blocks[end] += (kind == "INDENT") - (kind == "DEDENT")
    string, quoted, comment, brackets, blocks = torch.tensor(change).cumsum(dim=1)[:, : len(text)]
    column = torch.tensor([k for line in lines for k in range(len(line) + 1)])[1:]
    return {"string": string > 0, "quoted": quoted > 0, "comment": comment > 0, "brackets": brackets,
            "indentation": blocks, "column": column}  # fmt: skip


@torch.no_grad()
def cell_states(model: nn.Module, ids: Tensor, B: int = 64) -> Tensor:
    """The cell state after each character of a text (n,) int64, cut into B streams of equal length: (n, H)."""
    check_size("B", B, 1, len(ids))
    state, seen = None, []
    for ids_t in ids[: len(ids) // B * B].view(B, -1).unbind(1):
        state = model(ids_t[:, None], state)[1]
        seen.append(state[1].reshape(B, -1))
    return torch.stack(seen, dim=1).flatten(0, 1)


@torch.no_grad()
def set_each(model: nn.Module, context: Tensor, values: Tensor) -> Tensor:
    """The logits of what follows each context, with the cell state of one unit set from outside: (H, B, C).

    context (B, T) int64; values (H,). In row k, unit k alone has the cell state values[k] before the last character.
    Raises ValueError for values of another shape, and contexts of fewer than two characters.
    """
    check_size("the length of context", context.shape[-1], 2)
    h, c = model(context[:, :-1])[1]
    if values.shape != c.shape[-1:]:
        raise ValueError(f"values has shape {tuple(values.shape)}; it needs ({c.shape[-1]},), one for each unit")
    one = torch.eye(len(values), dtype=torch.bool)
    return torch.stack([model(context[:, -1:], (h, torch.where(row, values, c)))[0][:, -1] for row in one])


def knowledge(values: Tensor, labels: Tensor, shuffles: int = 20, seed: int = 0) -> tuple[Tensor, float, float]:
    """How well cell states (n, H) tell the labels (n,): each unit (H,), a linear probe on all, and the best by chance.

    The AUC for bool (1 − AUC where it is larger), the absolute correlation for numbers, on the second half; the probe,
    a ridge regression, is fitted to the first. By chance: the best unit in the best of `shuffles` tries with labels
    moved along the text by a random distance, so that a string stays as long as it is.
    Raises ValueError for values or labels that do not fit.
    """
    import pandas  # loads slowly

    n, H = check_shapes(values=(values, "n H")).values()
    if not isinstance(labels, Tensor) or labels.shape != (n,):
        raise ValueError(f"labels has {describe(labels)}; it needs a torch.Tensor of shape (n,) = ({n},)")
    if len(labels[n // 2 :].unique()) < 2:
        raise ValueError("labels has one value in its second half; it needs two different ones there")
    x = (values - values.mean(dim=0)).double() / values.std(dim=0).clamp_min(1e-12)
    train, told, y = x[: n // 2], labels[: n // 2].double(), labels[n // 2 :]
    probe = torch.linalg.solve(train.T @ train + len(train) * 1e-4 * torch.eye(H), train.T @ (told - told.mean()))
    columns = torch.cat([x, (x @ probe)[:, None]], dim=1)[n // 2 :]
    if y.dtype == torch.bool:  # ranks; equal entries share the mean of theirs
        columns = torch.tensor(pandas.DataFrame(columns.detach().float().numpy()).rank().to_numpy())
    columns = columns - columns.mean(dim=0)
    lengths = columns.norm(dim=0).clamp_min(1e-300)

    def score(y: Tensor) -> Tensor:
        shared = (y.double() @ columns).abs()
        if y.dtype == torch.bool:
            return shared / y.sum() / (~y).sum() + 0.5  # the AUC, from the sum of the ranks of y
        return shared / lengths / (y - y.double().mean()).norm()

    moves = torch.randint(len(y) // 10, len(y) * 9 // 10, (shuffles,), generator=torch.Generator().manual_seed(seed))
    return score(y)[:-1], score(y)[-1].item(), max(score(y.roll(k))[:-1].max().item() for k in moves.tolist())
