"""A ledger of predictions: `guess` keeps a choice, how sure one is, and one reason; `guesses()` shows what came of it.

The questions stand in `catalogue/predictions.toml`, the guesses in `guesses.json` beside the progress file. A guess
cannot be changed. No error reaches the learner: a guess that is not written stays in memory.
"""

from datetime import date
from difflib import get_close_matches

from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.grading import SAYS, printable
from lstm_lesson.exercises.progress_file import EntriesFile

KINDS = {"choice": (str,), "sure": (int, float), "because": (str,), "day": (str,)}  # of a kept guess
FILE = EntriesFile(
    "guesses.json", "guesses", lambda guess: all(isinstance(guess[key], kinds) for key, kinds in KINDS.items()),
    notice="The file of your guesses is damaged",
)  # fmt: skip


def questions() -> dict[str, dict]:
    """All questions by name: the question, its choices by letter, the right letter, and what was measured."""
    return read_table("predictions")


def guess(name: str, choice: str = ..., sure: float = ..., because: str = "") -> None:
    """Keep a guess: the letter of a choice, how sure you are, and one reason. It cannot be changed.

    `sure` goes from what blind guessing gives (50 % for two choices, 33 % for three) to 100 %.
    Prints what is kept, or the question and what is missing. Never raises.
    """
    print(printable(_answer(str(name), choice, sure, because)))


def _answer(name: str, choice, sure, because) -> str:
    question = questions().get(name)
    if question is None:
        near = get_close_matches(name, questions(), n=1, cutoff=0) or [""]
        return f"There is no question `{name[:60]}`. Did you mean `{near[0]}`?"
    letter, least = str(choice).strip().lower(), 100 // len(question["choices"])
    given = {"the choice": choice is not ..., "sure": sure is not ..., "because": because != ""}
    if old := FILE.entries().get(name):
        same = not any(given.values()) or (question["choices"].get(letter), sure) == (old["choice"], old["sure"])
        new = "" if same else "\nThe guess that stands in this cell now is not kept."
        return f"Your guess of {old['day']} stands: {old['choice']}; {old['sure']:g} % sure; {old['because']}{new}"
    if missing := [part for part, there in given.items() if not there]:
        choices = "\n".join(f"  {letter}) {text}" for letter, text in question["choices"].items())
        still = f" Still missing: {', '.join(missing)}." if len(missing) < len(given) else ""
        return f"`{name}` is open.{still} {question['question']}\n{choices}\n{SAYS['how to guess'].format(least)}"
    if letter not in question["choices"]:
        return f"choice is {choice!r:.60}; it needs one of {', '.join(question['choices'])}. Nothing is kept yet."
    if isinstance(sure, bool) or not isinstance(sure, int | float) or not least <= sure <= 100:
        return f"sure is {sure!r:.60}; it needs a number from {least} to 100, in per cent. Nothing is kept yet."
    if not isinstance(because, str) or not because.strip():
        return "because is empty, or no text; it needs one reason between quotes. Nothing is kept yet."
    kept = {"choice": question["choices"][letter], "sure": sure, "because": because.strip(), "day": str(date.today())}
    says = f"Kept: {kept['choice']}; {sure:g} % sure. Now run the next cell."
    try:
        FILE.change(lambda guesses: {name: kept} | guesses)  # a guess in the file stays
    except Exception as error:  # a folder that cannot be written, a full disk, another notebook that is writing
        says += f" (It could not be written, {type(error).__name__}: it is kept until this notebook ends.)"
    return says


def guesses():
    """A table of your guesses with what was measured. Prints how sure you were, and how often right."""
    from lstm_lesson import plots

    kept, rows = FILE.entries(), []
    for name, question in questions().items():
        if own := kept.get(name):
            was = "right" if own["choice"] == question["choices"][question["right"]] else "wrong"
            rows.append((question["question"], own["choice"], own["sure"], own["because"], question["measured"], was))
    if not rows:
        print("No guess yet. `guess` stands under some of the predictions.")
        return None
    columns = [list(column) for column in zip(*rows, strict=True)]
    count, right, sure = len(rows), columns[-1].count("right"), sum(columns[2]) / len(rows)
    print(f"{right} of {count} guesses were right, {100 * right / count:.0f} %. You were {sure:.0f} % sure on average.")
    print("What did you believe that was wrong? Write a sentence about it into a cell below.")
    heads = "question", "your guess", "sure, in %", "because", "measured in the stored run", "so it was"
    return plots.table(dict(zip(heads, columns, strict=True)), digits=4)
