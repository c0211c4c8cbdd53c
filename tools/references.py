"""The sources that the series names, and their entries in docs/references.md: prints what does not fit.

With `--write` it brings up to date where each source is named.
"""

import argparse
import calendar
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from tracked import ROOT, ours

LIST = ROOT / "docs" / "references.md"
NO_AUTHORS = {*calendar.month_name, "In", "Since", "After", "Before", "By", "Until", "From", "The", "Computation"}
NAME = r"[A-ZÀ-Þ][\w’'-]*[a-zß-ÿ][\w’'-]*"
SOURCE = re.compile(
    rf"({NAME}(?:,\s+{NAME})*)(?:,?\s+(?:&|and)\s+({NAME})|\s+(et\s+al)\.)?"  # the authors
    r"(?:,\s+\*[^*]+\*)?,?\s+\(?((?:19|20)\d\d)\b(?!-)"  # a title between commas may stand before the year
)


class Source(NamedTuple):
    """The authors of a source, in their order, and its year. `more` stands for "et al."."""

    authors: tuple[str, ...]
    year: str
    more: bool

    def __str__(self):
        *first, last = self.authors
        names = f"{', '.join(first)} & {last}" if first else last
        return f"{names}{' et al.' if self.more else ''} {self.year}"

    def fits(self, entry: "Source") -> bool:
        """Whether this mention can mean the entry."""
        if self.year != entry.year or self.authors[0] != entry.authors[0]:
            return False
        several = len(entry.authors) > 2 or entry.more
        return several if self.more or entry.more else self.authors == entry.authors


def sources(text: str) -> Iterator[Source]:
    """Every "Name 1990", "Name & Name (1990)" and "Name et al. 1990" of a text."""
    for names, last, more, year in SOURCE.findall(text):
        authors = [*re.split(r",\s+", names), *([last] if last else [])]
        authors = authors[-1:] if more else authors
        if authors[-1] not in NO_AUTHORS:
            yield Source(tuple(authors), year, bool(more))


def pages() -> Iterator[tuple[str, str]]:
    """(what the list calls it, text) of each notebook, document and file of the package."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if ours(path):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            yield path.name[:2], "\n\n".join("".join(cell["source"]) for cell in cells)
    package = (path for path in sorted((ROOT / "lstm_lesson").rglob("*.*")) if path.suffix in (".py", ".toml"))
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *package]:
        if ours(path) and path != LIST:
            yield f"`{path.relative_to(ROOT).as_posix()}`", path.read_text(encoding="utf-8")


def entries(text: str) -> dict[str, list[Source]]:
    """line -> the names of the source, of the lines of the list that are entries."""
    lines = re.findall(r"(?m)^- \*\*.*", text)
    return {line: [each for key in re.findall(r"\*\*(.*?)\*\*", line) for each in sources(key)] for line in lines}


def compare(text: str, mentions: list[tuple[str, str]]) -> tuple[dict[str, list[str]], list[str]]:
    """Where each entry of the list is named, and the mentions that have no entry."""
    known, places, missing = entries(text), defaultdict(list), []
    for place, page in mentions:
        for mention in sources(page):
            found = [line for line, names in known.items() if any(mention.fits(name) for name in names)]
            for line in found:
                places[line] += [] if place in places[line] else [place]
            if not found:
                missing.append(f"{place}: {mention}")
    return {line: places[line] for line in known}, missing


def written(text: str, places: dict[str, list[str]]) -> str:
    """The list with the places of each entry."""
    for line, named in places.items():
        text = text.replace(line, re.sub(r"In: .*\.$", f"In: {', '.join(named)}.", line))
    return text


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--write", action="store_true", help="write into the list where each source is named")
    arguments = options.parse_args()
    text = LIST.read_text(encoding="utf-8")
    places, missing = compare(text, list(pages()))
    for mention in missing:
        print(f"{mention} has no entry in docs/references.md")
    for line, named in places.items():
        if not named:
            print(f"named nowhere: {line[:80]}")
    if arguments.write:
        LIST.write_text(written(text, places), encoding="utf-8")


if __name__ == "__main__":
    main()
