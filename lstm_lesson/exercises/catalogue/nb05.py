"""The exercises of notebook 05: the forget gate, and the half-life of a memory."""

from lstm_lesson.exercises import designs
from lstm_lesson.exercises.catalogue.affine import affine_edits, affine_model, affine_words, gate_inputs
from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit


def _half_life_inputs(draw):
    shape = ("B H", "B T H", "H", "")[draw.index % 4]
    f = draw(shape, 6).sigmoid() if draw.reach else draw.uniform(0.02, 0.999, shape)
    draw.letters_used.clear()  # f may have any shape
    return {"f": f}


HALF_LIFE_MODEL = """def half_life(f):
    log_half = math.log(0.5)
    log_f = torch.log(f)
    steps = log_half / log_f
    return steps
"""
SOLVE = "Solve f to the power k = ½ for k."
NEAR_ONE = "1 − f is near −log f only where f is near 1, so that is an approximation."
LOGS = {"ln": "math.log(0.5)", "log2": "math.log2(0.5)", "log10": "math.log10(0.5)"}, {"ln": "torch.log(f)", "log2": "torch.log2(f)", "log10": "torch.log10(f)"}
MIXED = [(a, b) for a in LOGS[0] for b in LOGS[1] if a != b]
HALF_LIFE = (
    ("log2 f", {"log_half": "1", "log_f": "torch.log2(f)", "steps": "log_f"}, "Wrong sign, and upside down: your half-life for f = 0.9 is −0.15 steps, and 0.9 is a long memory. "
     "log₂ f is minus the number of halvings per step; you want steps per halving."),
    ("upside down", {"steps": "log_f / log_half"}, "Upside down: that is the number of halvings per step. You want steps per halving."),
    ("wrong sign", {"steps": "-log_half / log_f"}, "Wrong sign: the logarithm of a number below 1 is negative, that of f and that of ½."),
    ("1/e", {"log_half": "-1"}, "That is the time until 1/e, about 37 %, is left. The half-life asks when one half is left."),
    ("1 / log f", {"log_half": "1"}, "Two things: the sign is wrong, and one half is missing. Start from f to the power k = ½."),
    ("1/10", {"log_half": "math.log(0.1)"}, "That is the time until a tenth is left. The half-life asks when one half is left."),
    ("1 / (1 − f)", {"steps": "1 / (1 - f)"}, f"1 / (1 − f) is a rule of thumb for the mean life, good near f = 1. {SOLVE}"),
    ("1 − f for −log f", {"log_f": "f - 1"}, f"You divide by 1 − f and by no logarithm of f. {NEAR_ONE} {SOLVE}"),
    ("½ / (1 − f)", {"steps": "0.5 / (1 - f)"}, f"½ / (1 − f) is how long it takes to lose one half if each step loses as much as the first. Each step loses a share of what is left. {SOLVE}"),
    ("1 − f for log f", {"log_f": "1 - f"}, f"You divide by 1 − f, not by a logarithm of f. {SOLVE}"),
    ("log f of 1 − f", {"log_f": "torch.log(1 - f)"}, "The logarithm is taken of 1 − f, the share that goes at each step. f is the share that stays."),
    ("−½ for log ½", {"log_half": "-0.5"}, "The logarithm of ½ is missing: −½ stands there."),
    ("f for log f", {"log_f": "f"}, "You divide by f, not by a logarithm of f: take the log on both sides."),
    ("½ for log ½", {"log_half": "0.5"}, "The logarithm of ½ is missing: ½ itself stands there."),
    ("ln 2 / f", {"steps": "-log_half / f"}, f"You divide by f, not by a logarithm of f. {SOLVE}"),
    ("½ / f", {"steps": "0.5 / f"}, "That halves once and divides by f; f acts once at every step, as a power."),
    ("1 / f", {"steps": "1 / f"}, f"You divide by f; f acts once at every step, as a power. {SOLVE}"),
    ("log(½ / f)", {"steps": "log_half - log_f"}, "The log of a quotient is not the quotient of the logs. f to the power k = ½: what divides what?"),
    ("log f", {"log_half": "1", "steps": "log_f"}, f"That is the logarithm of f alone. Where does one half come in? {SOLVE}"),
    ("−log f", {"log_half": "1", "steps": "-log_f"}, f"That is minus the logarithm of f. Where does one half come in? {SOLVE}"),
    ("product", {"steps": "log_half * log_f"}, "The two logarithms are multiplied. Solve k · log f = log ½ for k."),
    ("½ to the f", {"steps": "0.5**f"}, "That is ½ to the power f. The unknown stands in the exponent, over f: f to the power k."),
    ("root", {"steps": "f**0.5"}, "That is the square root of f. The unknown stands in the exponent: f to the power k = ½."),
    ("ceil", {"return": "torch.ceil(steps)"}, "Rounded up to whole steps. A half-life may be a fraction: leave it as it comes."),
    ("floor", {"return": "torch.floor(steps)"}, "Rounded down to whole steps. A half-life may be a fraction: leave it as it comes."),
    ("round", {"return": "torch.round(steps)"}, "Rounded to whole steps. A half-life may be a fraction: leave it as it comes."),
    ("detached", {"return": "steps.detach()"}, "The values are right, but the result is detached: no gradient reaches `f`."),
    *((f"{a} ½, {b} f", {"log_half": LOGS[0][a], "log_f": LOGS[1][b]}, "Two kinds of logarithm are mixed. Take the same one for ½ and for f; any kind will do.") for a, b in MIXED),
    *((f"minus {a} ½, {b} f", {"log_half": f"-{LOGS[0][a]}", "log_f": LOGS[1][b]}, "Two kinds of logarithm are mixed, and the sign is wrong. Take the same for ½ and for f; both are negative.") for a, b in MIXED),
)  # fmt: skip


EXERCISES = [
    Exercise(
        name="forget_gate",
        notebook="05_forget_gate",
        minutes=3,
        difficulty=1,
        reference="equations.forget_gate",
        inputs=gate_inputs("f"),
        returns={"f_t": "B H"},
        model=affine_model("forget_gate", "f"),
        edits=tuple(affine_edits("f")),
        words=affine_words("f"),
        hints=(
            "Compare equation 2 with equation 1: only the letters change.",
            "The forget gate has weights and a bias of its own. Use those that end in f.",
            "f_t near 1 keeps, near 0 wipes: return the gate itself, not its opposite.",
        ),
    ),
    Exercise(
        name="half_life",
        notebook="05_forget_gate",
        minutes=4,
        difficulty=2,
        reference="equations.half_life",
        inputs=_half_life_inputs,
        returns={"steps": ""},
        tolerance=1e-7,  # a constant made by torch.tensor(0.5) takes its logarithm in float32
        model=HALF_LIFE_MODEL,
        edits=tuple(Edit(*row) for row in HALF_LIFE),
        words={"log_half": "the logarithm of ½", "log_f": "the logarithm of f", "math.log(0.5)": "it", "torch.log(f)": "it"},
        hints=(
            "After k steps f to the power k is left. Set that equal to one half and solve for k.",
            "A logarithm brings the exponent down: the log of f to the power k is k times the log of f.",
            "Both logarithms are negative, so their quotient is positive. Check: a gate of 0.5 gives exactly one step.",
        ),
    ),
    Exercise(
        name="forget_weights",
        notebook="05_forget_gate",
        minutes=6,
        difficulty=3,
        reference="data.agreement.forget_weights",
        inputs=lambda draw: {},
        returns={"W_xf": "N H", "W_hf": "H H", "b_f": "H"},
        judge=designs.one_part("f"),
        hints=(
            "At most words the gate has to stay open, and at one it has to shut. Which feature is that?",
            "How near to 1 must the gate stand, so that more than half is left after 200 words? This notebook turned that into a bias.",
            "A bias of 10 keeps; a weight of −20 on the full stop, for both units, wipes.",
        ),
    ),
]
