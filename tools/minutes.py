"""The minutes that a notebook asks for, by the rule in CONTRIBUTING.md: `python tools/minutes.py` prints a table.

With `--write` it puts them into the notebooks, the README and the teacher's guide, wherever these state minutes, but
not into the guide's plans: these are made by `tools/plans.py`.
"""

import argparse
import json
import re
from pathlib import Path

from tracked import ROOT, ours

WORDS, LINES, QUESTION = 200, 6, 1  # words of prose in a minute, lines of code in a minute, minutes of a question
AT_MOST = 60
SHORT_PATH = ("04", "05", "06", "07", "08")  # what the README says of two hours
NOT_PROSE = (
    r"<details>\s*<summary>For the teacher.*?</details>",
    r"(?m:^```.*?^```\s*$)",
    r"\$\$.*?\$\$",
    r"\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)",  # a badge
    r"\]\([^)]*\)|<[^>]*>",  # where a link leads; tags
)


def parts(path: Path) -> dict[str, int]:
    """What the rule counts in a notebook. Its first code cell, the set-up cell, does not count."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    setup = next(cell for cell in cells if cell["cell_type"] == "code")
    return count([("".join(cell["source"]), cell["cell_type"]) for cell in cells if cell is not setup])


def count(cells: list[tuple[str, str]]) -> dict[str, int]:
    """What the rule counts in cells, each (source, type): words, lines of code, questions, minutes of the exercises.

    Notes for the teacher, displayed formulas, badges, stubs, blank lines and comments do not count.
    A formula within a sentence is one word.
    """
    text = "\n".join(source for source, kind in cells if kind == "markdown")
    code = [source for source, kind in cells if kind == "code" and "NotImplementedError" not in source]
    lines = [line.strip() for source in code for line in source.splitlines()]
    prose = re.sub("|".join(NOT_PROSE), " ", text, flags=re.S)
    return {
        "words": len(re.findall(r"[^\W\d][\w'’-]*", re.sub(r"\$[^$\n]*\$", " formula ", prose))),
        "lines": sum(bool(line) and not line.startswith("#") for line in lines),
        "questions": len(re.findall(r"\*\*(?:Predict|Question|Quick question)\b", text)),
        "exercises": sum(map(int, re.findall(r"(?m)^#+ Your turn: .* (\d+) minutes?\b", text))),
    }


def exact(counted: dict[str, int]) -> float:
    """The minutes of what was counted."""
    reading = counted["words"] / WORDS + counted["lines"] / LINES
    return reading + QUESTION * counted["questions"] + counted["exercises"]


def minutes(path: Path) -> int:
    """The minutes of a notebook, rounded to 5."""
    return 5 * round(exact(parts(path)) / 5)


def notebooks(root: Path) -> list[Path]:
    return [path for path in sorted((root / "notebooks").glob("*.ipynb")) if ours(path)]


def write(root: Path) -> None:
    """State the minutes in every notebook, in the tables of the README and of 00, and in the guide."""
    asked = {path: minutes(path) for path in notebooks(root)}
    pages = {path: path.read_text(encoding="utf-8") for path in [*asked, root / "README.md", root / "docs/teaching.md"]}
    short = [path for path in asked if path.name[:2] in SHORT_PATH]
    whole = sum(asked[path] for path in short)
    without = whole - sum(parts(path)["exercises"] for path in short)
    for page, text in pages.items():
        if page in asked:  # the first cell, the notes for the teacher, and its own row of the table, which has no link
            row = rf"(\| {page.name[:2]} [^|\[]*\| [^|]* \| )\d+(?= \|)"
            text = re.sub(row, rf"\g<1>{asked[page]}", text)
            text = re.sub(r"\d+(?=\s+minutes\b)", str(asked[page]), text, count=1)
            text = re.sub(r"(For the teacher</summary>(?:\\n|\W)*)\d+(?= minutes)", rf"\g<1>{asked[page]}", text)
        for path, n in asked.items():
            name = re.escape(path.name)
            text = re.sub(rf"(\]\((?:notebooks/)?{name}\) \| [^|]* \| )\d+(?= \|)", rf"\g<1>{n}", text)
            text = re.sub(rf"(?m)^\d+(?= minutes\b.*\[Open it\]\(\.\./notebooks/{name}\))", str(n), text)
        text = re.sub(r"(?<=about )\d+(?= hours)", str(round(sum(asked.values()) / 60)), text)
        text = re.sub(r"\d+ minutes, and \d+(?= without)", f"{whole} minutes, and {without}", text)
        page.write_text(text, encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--write", action="store_true", help="state them in the notebooks, the README and the guide")
    print(f"{'notebook':32}{'words':>7}{'lines':>7}{'questions':>11}{'exercises':>11}{'minutes':>9}")
    for path in notebooks(ROOT):
        asked = minutes(path)
        columns = "{words:7}{lines:7}{questions:11}{exercises:11}".format(**parts(path))
        print(f"{path.stem:32}{columns}{asked:9}{' above ' + str(AT_MOST) if asked > AT_MOST else ''}")
    if options.parse_args().write:
        write(ROOT)


if __name__ == "__main__":
    main()
