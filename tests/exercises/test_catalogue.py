"""A mistake in a file of the catalogue is named with its file, exercise and key."""

import pytest

from lstm_lesson.exercises.catalogue.rules import shared_edits
from lstm_lesson.exercises.exercise import Inputs, read_exercises
from lstm_lesson.exercises.model import Edit

FILE = """notebook = "05_forget_gate"

[half]
minutes = 2
difficulty = 1
hints = ["How many parts?", "Two.", "Divide."]
reference = "equations.half"
inputs.x = "draw('B H')"
returns = {y = "B H"}
model = '''
def half(x):
    y = x / 2
    return y
'''
edits = [
    ["doubled", {y = "2 * x"},
     "That is twice x."],
]
"""


def read(old="", new=""):
    assert old in FILE
    return read_exercises("nb05.toml", FILE.replace(old, new, 1))


def test_an_exercise_has_what_its_file_says_and_what_a_rule_makes():
    half = read("""twice x."],""", """twice x."], "[Edit('not halved', {'y': 'x'}, 'That is x itself.')]",""")["half"]
    assert (half.name, half.notebook, half.minutes, half.words) == ("half", "05_forget_gate", 2, {})
    assert half.inputs(Inputs(0, {"B": 3, "H": 2}))["x"].shape == (3, 2)
    by_rule = Edit("not halved", {"y": "x"}, "That is x itself.")
    assert half.edits == (Edit("doubled", {"y": "2 * x"}, "That is twice x."), by_rule)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minutes = 2", "minuts = 2", r"nb05.toml, \[half\]: .* keyword argument 'minuts'"),
        ("minutes = 2", "minutes = 2\nname = 'half'", r"nb05.toml, \[half\]: .* multiple values for argument 'name'"),
        ("minutes = 2\n", "", r"nb05.toml, \[half\]: .* missing 1 required .*: 'minutes'"),
        (', "Divide."', "", r"nb05.toml, \[half\]: hints has 2 entries; it needs three"),
        ('{y = "2 * x"}', '{z = "2 * x"}', r"nb05.toml, \[half\]: edit 'doubled' changes z; the model has no"),
        ('["doubled", ', "[", r"nb05.toml, \[half\]: Edit.* missing 1 required .*: 'cause'"),
        ("y = x / 2", "y = x /", r"nb05.toml, \[half\]: invalid syntax"),
        ("[half]", "[half", "nb05.toml, .*line 3"),
        ("notebook =", "notbook =", "nb05.toml has no 'notebook'"),
        ("[half]", "minutes = 2\n[half]", r"nb05.toml, \[minutes\]: .* must be a mapping, not int"),
        ("minutes = 2", 'minutes = 2\njudge = "equations.judge"', r"nb05.toml, \[half\]: .* no attribute 'judge'"),
        ('twice x."],', 'twice x."], "halves()",', r"nb05.toml, \[half\]: name 'halves' is not defined"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_file_exercise_and_key(old, new, message):
    with pytest.raises(ValueError, match=message):
        read(old, new)


def test_the_letter_of_a_gate_is_filled_into_the_places_and_texts_of_a_shared_mistake():
    assert next(shared_edits("wrong_state", k="f")).changes == {"h_f": "c_prev @ W_hf"}
