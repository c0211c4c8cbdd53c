"""What is true of a text by Python's tokenizer, and how well units tell it."""

import re
import tokenize

import pytest
import torch
from torch import nn

from lstm_lesson import CustomLSTM
from lstm_lesson.text.characters import CharacterModel, encode, python_source
from lstm_lesson.text.units import cell_states, knowledge, set_each, truth
from lstm_lesson.tracing import record

# Under each line: S where a string goes on after this character, C for a comment, digits for open brackets
MARKED = '''
x = "it's" + 'say "no"'  # not "here"
    SSSSS    SSSSSSSSS   CCCCCCCCCCCC
f(a[1], {2: "(["})  # )]
 11221112222SSS21   CCCC
y = rb'\\'' + """a "b" # c
      SSS    SSSSSSSSSSSSSSSS
""'d
SSSSS
e""" + u"" + "#"
SSS     S    SS
z = f"{x} {y[0]!r:>{w}} 'a'" + F"""{
     SSSSSSSSSSSSSSSSSSSSSS     SSSSS
z}#""" "b"
SSSSS  SS
call(
    1
    a,  # (
11111111CCC1
    [b]
11112211
)
.
'''.removeprefix("\n")


def marked():
    """The source, and for each of its characters the mark under it; a new line in a string or bracket goes on."""
    rows = MARKED.splitlines()
    source, marks = "", ""
    for line, below in zip(rows[::2], rows[1::2], strict=True):
        source, below = f"{source}{line}\n", below.replace(".", " ").ljust(len(line))
        marks += below[: len(line)] + (below[len(line) :] or (below[-1] if below[-1] in "S1" else " "))[:1]
    return source, marks


def test_strings_comments_and_brackets_are_as_marked_by_hand():
    source, marks = marked()
    found = truth(source)
    assert len(source) == len(marks)
    shown = ["S" if s else "C" if c else str(b) if b else " " for s, c, b in
             zip(*(found[name].tolist() for name in ("string", "comment", "brackets")), strict=True)]  # fmt: skip
    rows = zip(source, shown, marks, strict=True)
    assert "".join(shown) == marks, "".join(f"{c!r} {a!r} {b!r}\n" for c, a, b in rows if a != b)


def test_quoted_strings_are_those_that_begin_with_one_quote():
    source = "a = 'b' + \"\" + \"c\" + rb'd' + f'{e}' + 'f' 'g'\n\"\"\"h\"\"\"\ni = f\"\"\"{j}\"\"\" + r'''k''' + 'l'\n"
    found = truth(source)
    within = {name: {c for c, inside in zip(source, found[name].tolist(), strict=True) if inside and c.isalpha()}
              for name in ("quoted", "string")}  # fmt: skip
    assert within == {"quoted": set("bcdefgl"), "string": set("bcdefghjkl")}
    assert not (found["quoted"] & ~found["string"]).any()


def test_blocks_and_columns_are_counted():
    source = "if a:\n    b\n    if c:\n        d\n\n    # e\n    f\ng\n"
    found = truth(source)
    blocks = {character: found["indentation"][k].item() for k, character in enumerate(source) if character.isalpha()}
    assert [blocks[name] for name in "abcdefg"[:4] + "g"] == [0, 1, 1, 2, 0]
    assert found["indentation"][source.index("    f") + 4] == 1
    assert found["indentation"][source.index("    b")] == 0  # a block begins at its first word
    columns = [k + 1 for line in source.splitlines(keepends=True) for k in range(len(line))]
    assert found["column"].tolist() == [0 if c == "\n" else k for c, k in zip(source, columns, strict=True)]


def test_there_is_a_value_for_each_character_that_is_encoded():
    source = python_source("validation")[:40_000].rpartition("\ndef ")[0] + "\n"
    for part in (source, "é = 'é—'\n\tif\n"[:8], "# no new line at the end", ""):
        assert all(len(values) == len(encode(part)) for values in truth(part).values())


@pytest.mark.parametrize("part", ["validation", "test"])
def test_the_source_of_this_python_is_read_to_its_end(part):
    found = truth(python_source(part))
    assert 0.2 < found["string"].double().mean() < 0.6 and 0.02 < found["comment"].double().mean() < 0.2
    assert found["brackets"][-1] == found["brackets"].min() == found["indentation"].min() == 0
    assert not (found["string"] & found["comment"]).any()


def test_a_source_that_cannot_be_read_is_an_error():
    with pytest.raises((tokenize.TokenError, SyntaxError)):
        truth("f(\n")


def test_the_cell_states_are_those_of_reading_the_streams():
    torch.manual_seed(0)
    model, ids = CharacterModel(6, 4), torch.randint(96, (47,))
    got = cell_states(model, ids, B=3)
    assert got.shape == (45, 6) and not got.requires_grad
    own = CustomLSTM.from_torch(model.lstm)
    with torch.no_grad():
        c = record(own, model.embedding(ids[:45].view(3, 15))).c
    assert torch.allclose(got.view(3, 15, 6), c, atol=1e-6)
    with pytest.raises(ValueError, match="B is 48; it needs a whole number from 1 to 47"):
        cell_states(model, ids, B=48)


def test_each_unit_alone_is_set_before_the_last_character():
    torch.manual_seed(0)
    model, context, values = CharacterModel(6, 4), torch.randint(96, (5, 9)), torch.randn(6)
    got = set_each(model, context, values)
    assert got.shape == (6, 5, 96) and not got.requires_grad
    h, c = model(context[:, :-1])[1]
    c[:, :, 2] = values[2]
    assert torch.allclose(got[2], model(context[:, -1:], (h, c))[0][:, 0], atol=1e-6)
    own = model(context[:, :-1])[1][1][0, 0]  # set to what it is already, it changes nothing
    assert torch.allclose(set_each(model, context[:1], own)[:, 0], model(context)[0][0, -1].expand(6, 96), atol=1e-6)
    with pytest.raises(ValueError, match=re.escape("values has shape (5,); it needs (6,), one for each unit")):
        set_each(model, context, values[:5])
    with pytest.raises(ValueError, match="the length of context is 1; it needs a whole number of at least 2"):
        set_each(model, context[:, :1], values)


def runs(n, seed=0, length=25):
    """True and False in runs, as strings come in a text."""
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(n // length + 1, generator=draw) < 0.4).repeat_interleave(length)[:n]


def test_the_auc_is_the_share_of_pairs_in_the_right_order():
    torch.manual_seed(1)
    labels = runs(400)
    values = torch.randn(400, 5) + torch.tensor([0.0, 1, -1, 0.3, 0]) * labels[:, None]
    values[:, 4] = values[:, 4].round()  # equal ones count half
    got, _, _ = knowledge(values, labels)
    v, y = values[200:], labels[200:]
    pairs = v[y][:, None] - v[~y][None]
    share = ((pairs > 0).double() + 0.5 * (pairs == 0).double()).mean(dim=(0, 1))
    assert torch.allclose(got, torch.maximum(share, 1 - share), atol=1e-9)


def test_a_unit_that_tells_is_found_and_a_probe_tells_more_than_its_parts():
    torch.manual_seed(2)
    labels, noise = runs(4000), torch.randn(4000)
    values = torch.stack([labels + noise, noise, torch.randn(4000), -4.0 * labels + torch.randn(4000)], dim=1)
    units, probe, by_chance = knowledge(values, labels)
    assert units.argmax() == 3 and units[3] > 0.98 and units[2] < 0.56
    assert probe > 0.999 and by_chance < 0.65
    units, probe, by_chance = knowledge(values, 10 * labels.long() + 3)
    assert units.argmax() == 3 and 0.8 < units[3] < 1 and probe > 0.99 and by_chance < 0.3


def test_labels_without_a_trace_in_the_units_are_told_no_better_than_by_chance():
    torch.manual_seed(3)
    values = torch.stack([runs(6000, seed) + 0.1 * torch.randn(6000) for seed in range(1, 41)], dim=1)
    units, probe, by_chance = knowledge(values, runs(6000, 99))
    assert units.max() <= by_chance + 0.02 and probe <= by_chance
    assert by_chance > 0.55  # labels in runs: shuffled one by one they would hide how far chance goes


def test_a_constant_unit_tells_nothing():
    values = torch.stack([torch.ones(500), torch.randn(500)], dim=1)
    assert knowledge(values, runs(500))[0][0] == 0.5
    assert knowledge(values, runs(500).long())[0][0] == 0


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.zeros(49).bool(), "labels has shape (49,) and torch.bool; it needs a torch.Tensor of shape (n,)"),
        (torch.zeros(50).bool(), "labels has one value in its second half; it needs two different ones there"),
        ([True, False] * 25, "labels has type list; it needs a torch.Tensor of shape (n,) = (50,)"),
    ],
)
def test_labels_that_do_not_fit_are_named(labels, message):
    values = torch.randn(50, 3)
    with pytest.raises(ValueError, match=re.escape(message)):
        knowledge(values, labels)
    with pytest.raises(ValueError, match="values has shape"):
        knowledge(values[0], labels)


def test_a_model_of_another_kind_of_cell_state_is_read_too():
    """A layer that returns h and c without the dimension of layers."""

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(5, 7, batch_first=True)

        def forward(self, x, state=None):
            state = state and tuple(part[None] for part in state)
            hidden_seq, (h, c) = self.lstm(x, state)
            return hidden_seq, (h[0], c[0])

    model = CharacterModel(7, 5, Own())
    assert cell_states(model, torch.randint(96, (20,)), B=2).shape == (20, 7)
