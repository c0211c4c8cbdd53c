"""Find the cause of a wrong answer: a known mistake, or what often leads to a problem of its kind.

`edits` looks for known mistakes. Each other function that `catalogue/causes.toml` lists looks for one cause: it returns
a sentence or two for the learner, or nothing. The first ones look at what an answer returned or raised. Those from
`reads_notebook` on run it again, on fresh inputs, and name a cause only if it holds on all of them.
"""

import difflib
import functools
import inspect
import itertools
import re
import types
from dataclasses import replace

import torch

from lstm_lesson.exercises import compare
from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.compare import Problem, allclose, gradient_problem, input_gradients, join_names
from lstm_lesson.exercises.edits import Returned, find_edits
from lstm_lesson.exercises.exercise import exercises, input_sets, named
from lstm_lesson.exercises.model import Edit

TABLES = read_table("causes")
SAYS = TABLES["says"]


def diagnose(answer: Answer, trials: list[Trial], problem: Problem) -> tuple[str, tuple[str, ...]]:
    """The first cause that is found, in one or two sentences, and the identifiers of the edits that it names.

    The sentence is "" if no cause is found. The problem itself is not repeated. Once a function was stopped, no cause
    is looked for: a call that ran out of time proves nothing.
    """
    lists = TABLES["looked_for"] | (TABLES["looked_for_in_a_loop"] if answer.exercise.step else {})
    for name in itertools.chain.from_iterable(lists.get(name, [name]) for name in lists.get(problem.kind, ())):
        cause = not answer.sandbox.timed_out and named(f"exercises.{name}")(answer, trials)
        if cause and not answer.sandbox.timed_out:
            return (cause, ()) if isinstance(cause, str) else (describe(cause), tuple(edit.id for edit in cause))
    return "", ()


def describe(edits: tuple[Edit, ...]) -> str:
    """The causes of one or two edits."""
    if len(edits) == 1:
        return edits[0].cause
    first, second = (re.sub("[Tt]he values are right, but ", "", edit.cause) for edit in edits)
    return f"Two mistakes. First: {first}\nSecond: {second}"


def known_error(answer: Answer, trials: list[Trial], when: str = "after_edits") -> str | None:
    """A cause that the text of a problem of this kind tells."""
    problem = next(trial.problem for trial in trials if trial.problem)
    for pattern, cause in TABLES[when].get(problem.kind, ()):
        if found := re.search(pattern, problem.text):
            return found.expand(cause)


early_error = functools.partial(known_error, when="before_edits")


def unsolved_exercise(answer: Answer, trials: list[Trial]) -> str | None:
    """A run of the answer calls another exercise that is still a stub. It may catch the exception of that."""
    for name, stub in answer.code.stubs.items():
        exercise = exercises().get(name)
        if exercise and (caller := answer.caller_of(name)) and Answer(exercise, stub, answer.sandbox).is_stub():
            calls = "you call" if caller == answer.exercise.name or "<" in caller else f"your `{caller}` calls"
            return SAYS["still open"].format(name, calls, exercise.reference)


def all_turned_round(answer: Answer, trials: list[Trial]) -> str | None:
    """`.T` of an argument with three dimensions, in the line that raised."""
    trial = next(trial for trial in trials if trial.problem)
    for name, value in trial.arguments.items():
        if getattr(value, "ndim", 0) == 3 and re.search(rf"\b{name}[.]T\b", trial.problem.text):
            return f"`{name}.T` turns round all three dimensions, the batch as well: `.mT` swaps the last two."


def missing_entry(answer: Answer, trials: list[Trial]) -> str | None:
    """A name that a dictionary among the arguments does not have."""
    trial = next(trial for trial in trials if trial.problem)
    key = str(trial.error.args[0]) if isinstance(trial.error, KeyError) and trial.error.args else None
    for name, value in trial.arguments.items():
        if key is not None and isinstance(value, dict) and key not in value:
            close = [k for k in value if sorted(k) == sorted(key)] or difflib.get_close_matches(key, value, n=1)
            hint = f"Did you mean `{close[0]}`?" if close else ""
            hint = compare.CANDIDATE if re.fullmatch(r"(W_x|W_h|b_)g", key) else hint
            own = TABLES["missing"].get(answer.exercise.name, ())
            hint = next((cause for pattern, cause in own if re.fullmatch(pattern, key)), hint)
            return f"`{name}` has no entry `{key}`. {hint}".strip()


def sizes_that_meet(answer: Answer, trials: list[Trial]) -> str | None:
    """Sizes that do not fit together, by their letters: the same letters on two sets of inputs with other sizes."""
    for pattern, cause, needed in TABLES["sizes"]["crashed"]:
        tried = [(compare.size_letters(t.inputs), re.search(pattern, str(t.error))) for t in trials[:2]]
        letters = [[known.get(int(size)) for size in found.groups()] for known, found in tried if found]
        if len(letters) == 2 and letters[0] == letters[1] and None not in letters[0] and needed in ([], letters[0]):
            return cause.format(*letters[0])


def results(answer: Answer, trial: Trial) -> list[tuple]:
    """The name, the returned and the expected tensor of each result; [] if there is none or they do not match."""
    try:
        return compare.match(answer.exercise, trial.got, trial.expected) if trial.error is None else []
    except compare.WrongStructure:
        return []


def same_shapes(answer: Answer, trials: list[Trial]) -> list[tuple]:
    """The results on all sets of inputs that have the expected shape and dtype."""
    found = [pair for trial in trials for pair in results(answer, trial)]
    problems = compare.dtype_problem, compare.shape_problem
    return [pair for pair in found if not any(problem(answer.exercise, *pair) for problem in problems)]


def changed_in_place(answer: Answer, trials: list[Trial]) -> str | None:
    """The answer changes its arguments before it has read them for the last time."""
    if names := next((list(trial.changed) for trial in trials if trial.changed), None):
        return SAYS["changed"].format(join_names(names))


def one_entry(answer: Answer, trials: list[Trial]) -> str | None:
    """A tuple with a single entry in place of a tensor."""
    got = next(trial.got for trial in trials if trial.problem)
    inside = itertools.islice(got, compare.MAX_ENTRIES) if isinstance(got, (tuple, list)) else ()
    if any(isinstance(value, tuple) and len(value) == 1 for value in (got, *inside)):
        return SAYS["gradients in a tuple" if "grad" in answer.code.attributes else "a comma"]


def other_order(answer: Answer, trials: list[Trial]) -> str | None:
    """The right tensors, returned in another order."""
    names = list(answer.exercise.returns)
    if len(names) < 2 or not all(isinstance(t.got, (tuple, list)) and len(t.got) == len(names) for t in trials):
        return None
    for order in itertools.permutations(range(len(names))):
        if all(allclose([trial.got[k] for k in order], list(trial.expected)) for trial in trials):
            return f"The right tensors, in another order: expected {join_names(names)}."


def other_shape(answer: Answer, trials: list[Trial]) -> str | None:
    """The right values in another shape, or what the shape is in letters."""
    for label, got, expected in compare.match(answer.exercise, trials[0].got, trials[0].expected):
        if got.shape == expected.shape:
            continue
        if got.numel() == expected.numel() and compare.isclose(got.reshape(expected.shape), expected).all():
            return f"The values of `{label}` are right, in another shape."
        letters = []  # of the shape in two trials; None where a size has no letter
        for trial in trials[:2]:
            known, shapes = compare.size_letters(trial.inputs), {n: got.shape for n, got, _ in results(answer, trial)}
            letters.append([known.get(size) for size in shapes.get(label, ())])  # a tuple has other names
        if letters[0] and all(letters[0]) and letters[0] == letters[1]:
            return f"In letters, the shape of `{label}` is ({', '.join(letters[0])})."


def outside_range(answer: Answer, trials: list[Trial]) -> str | None:
    """A value that the result cannot have with these arguments."""
    rows = TABLES["ranges"].get(answer.exercise.name, TABLES["ranges"]["results"])
    for trial in trials:
        for (label, got, expected), (names, *bounds, why) in itertools.product(same_shapes(answer, [trial]), rows):
            if label in names:
                low, high = (eval(b, dict(trial.arguments)) if isinstance(b, str) else b for b in bounds)
                outside = (got < low - 1e-6) | (got > high + 1e-6)
                if outside.any() and ((expected >= low) & (expected <= high)).all():
                    furthest = got[outside][(got - (low + high) / 2)[outside].abs().argmax()].item()
                    return f"`{label}` has an entry of {compare.format_number(furthest, 3)}. {why}"


def nearly_right(answer: Answer, trials: list[Trial]) -> str | None:
    """Values that differ from the right ones by little, though by more than rounding."""
    trials = [trial for trial in trials if trial.inputs.dtype == torch.float64]
    pairs = same_shapes(answer, trials)
    off = [float((got - e).abs().max() / e.abs().max().clamp(min=1)) for _, got, e in pairs if e.numel()]
    kinds = [trial.problem.kind for trial in trials if trial.problem]
    if off and all(each < 1e-5 for each in off) and set(kinds) == {"value"} and 2 * len(kinds) >= len(trials):
        single = all(torch.equal(got.float().double(), got.double()) for _, got, _ in pairs)
        return SAYS["nearly right"].format(max(off), SAYS["through float32" if single else "float32 or an epsilon"])


def judged_apart(answer: Answer, trials: list[Trial]) -> str:
    """Which results are right on all sets of inputs, where others are not."""
    right = {}
    for trial in trials:
        pairs = results(answer, trial)
        if not pairs and trial.error is None:
            return ""
        for pair in pairs:
            wrong = compare.result_problem(answer.exercise, [pair], trial.inputs)
            label = re.sub(r"\[\d+\](?=\[)", "[…]", pair[0])  # one for all entries of a list
            right[label] = right.get(label, True) and not wrong
    good, bad = ([label for label in right if right[label] is kind] for kind in (True, False))
    are, not_ = ("is", "are")[len(good) > 1], ("is", "are")[len(bad) > 1]
    return f"{join_names(good)} {are} right; {join_names(bad)} {not_} not." if good and bad else ""


def reads_notebook(answer: Answer, trials: list[Trial], among: set[str] | None = None) -> str | None:
    """The answer reads tensors of the notebook, or those `among` them, in place of its arguments."""
    names = [name for name in dict.fromkeys(answer.code.tensors) if among is None or name in among]
    if names := [name for name in names if answer.reads(name, trials[0].arguments)]:
        return SAYS["notebook"].format(join_names(names))


def not_repeatable(answer: Answer, trials: list[Trial]) -> str | None:
    """Second calls with the same inputs return something else, on several sets of inputs."""

    def repeats(trial: Trial) -> bool:
        calls = [answer.run(trial.arguments) for _ in range(2)]
        return all(error is None and allclose(got, trial.got) for got, error in calls)

    trials = [trial for trial in trials if trial.error is None][:3]
    return SAYS["second call"] if trials and not any(map(repeats, trials)) else None


def reads_by_order(answer: Answer, trials: list[Trial]) -> str | None:
    """The answer depends on the order in which a dictionary among its arguments holds its entries."""
    usual = answer.exercise.inputs(input_sets()[0])
    for name in (name for name, value in usual.items() if isinstance(value, dict)):
        differs = []
        for inputs in input_sets("fresh"):
            arguments = answer.exercise.inputs(inputs)
            in_order = {key: arguments[name][key] for key in usual[name]}
            orders = in_order, in_order, dict(reversed(in_order.items()))
            (got, error), (again, _), (other, _) = (answer.run(arguments | {name: order}) for order in orders)
            differs.append(error is None and allclose(got, again) and not allclose(got, other))
        if all(differs):
            return SAYS["order of entries"].format(name)


def arguments_without_effect(answer: Answer, trials: list[Trial]) -> str | None:
    """Arguments that change the result of the reference but never the result of the answer."""
    trials = [trial for trial in trials if trial.error is None and 1 not in trial.inputs.sizes.values()]
    trials = [trial for trial in trials if not Returned(trial.got).is_nan()]  # it may be NaN for many reasons
    if idle := [name for name in trials[0].arguments if not has_effect(answer, trials, name)] if trials else []:
        return SAYS["without effect"].format(join_names(idle), "does it" if len(idle) == 1 else "do they")


def has_effect(answer: Answer, trials: list[Trial], name: str) -> bool:
    """Whether some new value of the argument changes the answer; True, too, if none of them changes the reference."""
    counts = 0
    for trial, keep in itertools.product(trials, (None, True, False)):
        inputs = replace(trial.inputs, keep=keep)
        inputs.random = trial.inputs.random  # which goes on to other numbers
        arguments = {**trial.arguments, name: answer.exercise.inputs(inputs)[name]}
        try:
            counts += not allclose(answer.expected(arguments), trial.expected)
        except ValueError:  # arguments that do not fit together
            continue
        got, error = answer.run(arguments)
        if error is not None or not allclose(got, trial.got):
            return True
    return counts < 3


def right_in_part(answer: Answer, trials: list[Trial]) -> str:
    """Which results are right, where others are not, and for which of the inputs the answer is right."""
    apart, fits = judged_apart(answer, trials), [trial.problem is None for trial in trials]
    if not any(fits):
        return apart
    wrong = next(trial for trial in trials if trial.problem)
    says = f"Right for {sum(fits)} of {len(fits)} sets of inputs, not for this one{compare.format_sizes(wrong.inputs)}."
    looked_for = right_for_some_kinds, right_for_small_values, right_for_some_sizes
    return f"{apart} {next(filter(None, (find(answer, trials) for find in looked_for)), says)}".strip()


def right_for_some_kinds(answer: Answer, trials: list[Trial]) -> str | None:
    """Right where an argument is a tuple and wrong where it is one tensor, or the other way round."""
    for name in trials[0].arguments:
        wrong, right = kinds = set(), set()
        for trial in trials:
            kinds[trial.problem is None].add("a tuple" if isinstance(trial.arguments[name], tuple) else "one tensor")
        if len(right) == len(wrong) == 1 and right != wrong:
            return f"Right where `{name}` is {right.pop()}. Here it is {wrong.pop()}."


def right_for_small_values(answer: Answer, trials: list[Trial]) -> str | None:
    """Wrong only where the inputs are large."""
    fits = all((trial.problem is None) == (not trial.inputs.reach) for trial in trials)
    if fits and outcome(answer) == "right" and outcome(answer, scale=10.0, reach=50.0) == "wrong":
        return SAYS["small numbers"]


def right_for_some_sizes(answer: Answer, trials: list[Trial], gradient: bool = False) -> str | None:
    """The sizes for which an answer, or its gradient, is right or is not."""
    fits = [trial.problem is None for trial in trials]
    sizes = {k: [trial.inputs.sizes[k] for trial in trials] for k in sorted(trials[0].inputs.letters_used - {"4H"})}
    usual = outcome(answer, gradient)
    wrong = [letter for letter in sizes if outcome(answer, gradient, **{letter: 1}) == "wrong"]
    if usual == "right" and fits == [all(sizes[k][n] > 1 for k in wrong) for n in range(len(trials))]:
        return SAYS["squeeze"].format(" or ".join(f"{letter} = 1" for letter in wrong))
    for letter, each in sizes.items():
        good, bad = ({size for size, fit in zip(each, fits, strict=True) if fit is kind} for kind in (True, False))
        if not good or not bad or max(good) not in good - bad:
            continue
        top, least = max(good), min(bad)
        same = [name for name, number in answer.code.numbers.items() if number == top]
        constants = f" {join_names(same)} of the notebook is {top}." if same else ""
        if len(good) == 1 and usual == "wrong" and outcome(answer, gradient, **{letter: top}) == "right":
            return SAYS["one size" if top > 1 else "size 1"].format(letter, top, constants, compare.AXES[letter])
        if top < least and [outcome(answer, gradient, **{letter: n}) for n in (top, least)] == ["right", "wrong"]:
            return f"Right up to {letter} = {top}, wrong for {letter} = {least}.{constants}"


def gradients_right_for_some_sizes(answer: Answer, trials: list[Trial]) -> str | None:
    """The sizes for which the gradients are right, where they are not for others."""
    found = right_for_some_sizes(answer, [trial for trial in trials if trial.inputs.dtype == torch.float64], True)
    return found and f"The gradients are right{found.removeprefix('Right')}"


def outcome(answer: Answer, gradient: bool = False, scale=1.0, reach=0.0, **sizes: int) -> str:
    """Whether the answer is "right" on all of several fresh inputs, or "wrong" on all of them; "" if neither."""
    found = set()
    for inputs in input_sets("fresh", **sizes):
        trial = answer.try_on(replace(inputs, scale=scale, reach=reach))
        problem = trial.problem
        if gradient and problem is None:
            got, _ = answer.sandbox(input_gradients, answer.f, trial.arguments)
            problem = gradient_problem(got, input_gradients(answer.exercise.solve(), trial.arguments))
        if all(trial.inputs.sizes[letter] == size for letter, size in sizes.items()):
            found.add("wrong" if problem else "right")
    return found.pop() if len(found) == 1 else ""


def own_step(answer: Answer, trials: list[Trial]) -> str | None:
    """A loop calls the learner's own step: which of the two is wrong, found with the right step inside.

    None if the loop calls no step of the notebook, or a right one.
    """
    from lstm_lesson.exercises.grading import first_problem, run_trials  # grading asks this module for causes

    name = answer.exercise.step
    loop, step = inspect.unwrap(answer.f), getattr(answer.f, "__globals__", {}).get(name)
    if not (isinstance(loop, types.FunctionType) and isinstance(step, types.FunctionType)):
        return None
    own = Answer(exercises()[name], step, answer.sandbox)
    if name not in loop.__code__.co_names or first_problem(own, run_trials(own)) is None:
        return None
    inside = {**loop.__globals__, name: exercises()[name].solve()}
    mended = types.FunctionType(loop.__code__, inside, loop.__name__, loop.__defaults__, loop.__closure__)
    other = Answer(answer.exercise, mended, answer.sandbox)
    trials = run_trials(other)
    begin = f"`{name}`, which your loop calls, is not right yet: `check({name})` says more."
    if first_problem(other, trials) is None:
        return f"{begin} The loop is right."
    causes = " ".join(edit.cause for edit in find_edits(other, trials))
    return f"{begin} The loop is not right, either{f': {causes}' if causes else '.'}"
