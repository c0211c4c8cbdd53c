"""Characters as numbers, Python's own source as text, and a model that writes."""

import hashlib
import re
import string
import sysconfig
from pathlib import Path

import pytest
import torch
import writer
from torch import nn

from lstm_lesson import CustomLSTM
from lstm_lesson.text import characters
from lstm_lesson.text.characters import (
    CHARACTERS,
    PARTS,
    CharacterModel,
    as_classifier,
    decode,
    encode,
    load_writer,
    python_source,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def small(hidden=7, embedding=5, lstm=None):
    return CharacterModel(hidden, embedding, lstm).eval()


# Characters -----------------------------------------------------------------------------------------------------------


def test_there_are_96_characters_each_once_the_newline_first():
    assert len(CHARACTERS) == len(set(CHARACTERS)) == 96
    assert CHARACTERS[0] == "\n" and set(CHARACTERS[1:]) == {chr(k) for k in range(32, 127)}
    assert set(CHARACTERS) == set(string.printable) - set("\t\r\x0b\x0c")


def test_every_character_is_its_own_number_and_back():
    assert encode(CHARACTERS).tolist() == list(range(96))
    assert decode(torch.arange(96)) == CHARACTERS


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", ""), ("\tif\n", "        if\n"), ("a\tb", "a       b"), ("naïve — 漢字\x0c!", "nave  !"), ("\x7f\x00~", "~")],
)
def test_a_tab_becomes_spaces_and_other_characters_are_left_out(text, kept):
    ids = encode(text)
    assert ids.dtype == torch.int64 and ids.ndim == 1
    assert decode(ids) == kept


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: encode(b"abc"), "text is b'abc' (bytes); it needs a str"),
        (lambda: decode("abc"), "ids has type str; it needs shape (n,) and torch.int64"),
        (lambda: decode(torch.zeros(2, 3, dtype=torch.int64)), "ids has shape (2, 3) and torch.int64"),
        (lambda: decode(torch.zeros(3)), "ids has shape (3,) and torch.float32"),
        (lambda: decode(torch.tensor([4, 96])), "ids has entries from 4 to 96; it needs 0 to 95"),
        (lambda: decode(torch.tensor([-1])), "ids has entries from -1 to -1"),
        (lambda: python_source("val"), "part is 'val'; it needs one of train, validation, test"),
    ],
)
def test_a_wrong_argument_is_named(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


# The corpus -----------------------------------------------------------------------------------------------------------


def test_no_module_is_in_two_parts_and_none_is_part_of_this_package():
    names = [name for part in PARTS.values() for name in part.split()]
    assert len(names) == len(set(names)) == 122


def test_the_source_is_that_of_this_python_in_the_order_of_the_list():
    text, folder = python_source("validation"), Path(sysconfig.get_path("stdlib"))
    assert set(text) <= set(CHARACTERS)
    places = [text.index(decode(encode((folder / f"{name.replace('.', '/')}.py").read_text("utf-8"))))
              for name in PARTS["validation"].split()]  # fmt: skip
    assert places[0] == 0 and places == sorted(places)


def test_the_parts_have_the_sizes_that_the_lesson_expects():
    train, validation, test = (len(python_source(part)) for part in PARTS)
    assert 4e6 < train < 6e6 and 1.5e5 < validation < 3e5 and 2.5e5 < test < 5e5


def test_a_python_without_its_source_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(characters.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"bisect\.py"):
        python_source.__wrapped__("validation")


# The model ------------------------------------------------------------------------------------------------------------


def test_there_are_logits_for_every_step_and_the_state_goes_on_where_it_ended():
    model, ids = small(), torch.randint(96, (3, 11))
    logits, (h, c) = model(ids)
    assert logits.shape == (3, 11, 96) and h.shape == c.shape == (1, 3, 7)
    first, state = model(ids[:, :4])
    second, state = model(ids[:, 4:], state)
    assert torch.allclose(torch.cat([first, second], dim=1), logits, atol=1e-6)
    assert torch.allclose(state[1], c, atol=1e-6)


def test_a_step_does_not_see_the_characters_after_it():
    model, ids = small(), torch.randint(96, (2, 9))
    other = ids.clone()
    other[:, 5:] = (ids[:, 5:] + 1) % 96
    before, after = model(ids)[0], model(other)[0]
    assert torch.equal(before[:, :5], after[:, :5])
    assert (before[:, 5:] != after[:, 5:]).any(dim=2).all()


def test_the_lessons_own_lstm_gives_what_torchs_gives():
    model = small()
    own = small(lstm=CustomLSTM.from_torch(model.lstm))
    own.embedding, own.linear = model.embedding, model.linear
    ids = torch.randint(96, (2, 6))
    (logits, state), (expected, expected_state) = own(ids), model(ids)
    assert torch.allclose(logits, expected, atol=1e-6)
    assert torch.allclose(own(ids, state)[0], model(ids, expected_state)[0], atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: small(hidden=0), "hidden is 0; it needs a whole number"),
        (lambda: small(embedding=2.5), "embedding is 2.5; it needs a whole number"),
        (lambda: small(lstm=CustomLSTM(4, 7)), "x has shape (1, 2, 5)"),
        (lambda: small(lstm=CustomLSTM(5, 6)), "lstm makes hidden states of shape (1, 2, 6); it needs (1, 2, 7)"),
        (lambda: small(lstm=nn.LSTM(5, 7, bidirectional=True)), "lstm makes hidden states of shape (1, 2, 14)"),
        (lambda: small(lstm=nn.Linear(5, 7)), "lstm makes hidden states of shape (2, 7)"),
        (lambda: small()(torch.zeros(2, 3)), "ids has shape (2, 3) and torch.float32"),
        (lambda: small()(torch.zeros(3, dtype=torch.int64)), "ids has shape (3,)"),
        (lambda: small()(torch.tensor([[96]])), "ids has entries from 96 to 96; it needs 0 to 95"),
    ],
)
def test_what_does_not_fit_the_model_is_named(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


# For the inspector ----------------------------------------------------------------------------------------------------


def test_a_character_model_as_a_classifier_of_what_comes_next():
    model, text = small(), "if a:\n    it's"
    classifier, words, labels = as_classifier(model, "'")
    assert words.split(text) == list("if␣a:↵␣␣␣␣it's")
    assert len(set(labels)) == 96 and labels[-1] == "'"
    logits = classifier(words.encode(words.split(text))[None])[0]
    right = model(encode(text)[None])[0][0, -1]
    names = words.split(CHARACTERS)
    assert torch.allclose(logits, right[[names.index(label) for label in labels]], atol=1e-6)


@pytest.mark.parametrize("peephole", [None, "full"])
def test_a_character_model_with_an_lstm_of_our_own_as_a_classifier(peephole):
    model = CharacterModel(6, 4, CustomLSTM(4, 6, peephole=peephole)).train()
    classifier, words, _ = as_classifier(model, "'")
    logits = classifier(words.encode(words.split("if a"))[None])[0]
    assert torch.allclose(logits[-1], model(encode("if a")[None])[0][0, -1, CHARACTERS.index("'")], atol=1e-6)
    assert model.lstm.training and classifier.lstm is not model.lstm


def test_a_character_model_with_another_recurrent_layer_is_named():
    with pytest.raises(ValueError, match=r"model\.lstm is GRU; it needs a torch\.nn\.LSTM or a CustomLSTM"):
        as_classifier(CharacterModel(6, 4, nn.GRU(4, 6, batch_first=True)), "'")


@pytest.mark.parametrize("character", ["", "ab", "é", 3, None])
def test_what_is_no_character_is_named(character):
    with pytest.raises(ValueError, match=re.escape(f"character is {character!r}; it needs one of the 96 characters")):
        as_classifier(small(), character)


# The stored model -----------------------------------------------------------------------------------------------------


def store(folder, monkeypatch, **changes):
    """Store a small model as `make writer` does, and let the package expect it."""
    model, path = small(), folder / "writer.pt"
    weights = {name: weight.half() for name, weight in model.state_dict().items()}
    about = {"hidden": 7, "embedding": 5, "seed": 0}
    torch.save({"characters": CHARACTERS, "about": about, "weights": weights} | changes, path)
    monkeypatch.setattr(characters, "STORED", path)
    monkeypatch.setattr(characters, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return model, path


def test_a_stored_model_is_loaded_in_evaluation_mode_with_what_it_comes_from(tmp_path, monkeypatch):
    model, _ = store(tmp_path, monkeypatch)
    loaded = load_writer()
    assert not loaded.training and loaded.about["seed"] == 0
    for name, weight in loaded.state_dict().items():
        assert weight.dtype == torch.float32 and torch.equal(weight, model.state_dict()[name].half().float())


def test_dropout_while_the_stored_model_trains_takes_inputs_and_outputs_of_its_lstm_and_nothing_later():
    model, plain, zeros = writer.with_dropout(small(), 0.3), small(), []
    plain.load_state_dict(model.state_dict())
    model.lstm.register_forward_pre_hook(lambda _, given: zeros.append((given[0] == 0).float().mean().item()))
    model.linear.register_forward_pre_hook(lambda _, given: zeros.append((given[0] == 0).float().mean().item()))
    ids = torch.randint(96, (32, 64))
    model.train()(ids)
    assert zeros == pytest.approx([0.3, 0.3], abs=0.03)
    assert torch.equal(model.eval()(ids)[0], plain.eval()(ids)[0]) and zeros[2:] == [0, 0]


def test_a_damaged_file_is_refused(tmp_path, monkeypatch):
    _, path = store(tmp_path, monkeypatch)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    with pytest.raises(ValueError, match=r"writer\.pt is not the file that this version needs"):
        load_writer()
