"""The index of the search page: for each lesson its sections, with their headings and words. No code, no formulas."""

import json
import re

from bs4 import BeautifulSoup
from lessons import Lesson, read, rendered


def index(lessons: list[Lesson]) -> str:
    """The index as a script, which a page that lies on a disk may load, too."""
    entries = [[lesson.page, f"{lesson.number} · {lesson.title}", sections(lesson)] for lesson in lessons]
    return f"const INDEX = {json.dumps(entries, ensure_ascii=False, separators=(',', ':'))};\n"


def sections(lesson: Lesson) -> list[list[str]]:
    """[anchor, heading, words] of each part of a lesson. The answers to questions are left out: nobody asked yet."""
    found = []
    for cell in read(lesson.path).cells:
        if cell.cell_type != "markdown":
            continue
        soup = BeautifulSoup(rendered(re.sub(r"!\[[^]]*\]\([^)]*\)", "", cell.source)), "html.parser")  # no pictures
        for fold in soup.select("details"):
            if fold.summary.get_text(strip=True) == "Answer":
                fold.decompose()
        for part in soup.select("math, pre, .anchor-link, .button"):
            part.decompose()
        for block in list(soup.children):
            words = " ".join(block.get_text(" ").split())
            if block.name in ("h1", "h2", "h3"):
                found.append([block["id"], words, ""])
            elif words and found:
                found[-1][2] = f"{found[-1][2]} {words}".strip()
    return found
