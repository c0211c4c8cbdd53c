"""The index of the search page: for each lesson its sections, with their headings and words. No code."""

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
        for part in soup.select("pre, .anchor-link, .button"):
            part.decompose()
        for math in soup.select("math"):
            math.replace_with(linear(math))
        for part in soup.select("p, li, td, th, summary, br"):
            part.insert_after(" ")
        for block in list(soup.children):
            words = " ".join(block.get_text().split())
            words = re.sub("[●○]{3}", lambda marks: f"difficulty {marks[0].count('●')} of 3", words)
            if block.name in ("h1", "h2", "h3"):
                found.append([block["id"], words, ""])
            elif words and found:
                found[-1][2] = f"{found[-1][2]} {words}".strip()
    return found


def linear(math) -> str:
    """A formula in MathML as one line of text, much as one types it: c_t = f_t ⊙ c_{t−1}, ∂L/∂W_hh, √2."""
    parts = [linear(child) if child.name else str(child).strip("\u2061 \n") for child in math.children]
    parts = [part for part in parts if part] if math.name in ("math", "mrow") else parts
    match math.name, parts:
        case (("munder" | "mover"), [body, "⏟" | "⏞"]):
            return body
        case (("msub" | "munder"), [body, low]):
            return f"{body}_{_script(low)}"
        case (("msup" | "mover"), [body, high]):
            return f"{body}^{_script(high)}"
        case (("msubsup" | "munderover"), [body, low, high]):
            return f"{body}_{_script(low)}^{_script(high)}"
        case "mfrac", [above, below]:
            return f"{_whole(above)}/{_whole(below)}"
        case "msqrt", _:
            return f"√{_whole(''.join(parts))}"
        case "mo", [","]:
            return ", "
        case "mo", ["=" | "≈" | "≤" | "≥" | "<" | ">" | "⊙" | "+" | "−" | "·" | "∈" | "→" | "≠"]:
            return f" {parts[0]} "
        case (("mtr" | "mspace"), _):
            return " ".join(["", *parts, ""])
    return re.sub(" +", " ", "".join(_apart(parts)))


def _apart(parts: list[str]) -> list[str]:
    """Two factors with a blank between them: x_t W_xh."""
    return [f"{part} " if re.search(r"[_^]|^ ?[a-z]{2,}$", part) and re.match(r"\w", after) else part
            for part, after in zip(parts, [*parts[1:], ""], strict=False)]  # fmt: skip


def _script(text: str) -> str:
    """An index or a power, in braces unless it is a word."""
    tight = text.replace(" ", "")
    return tight if re.fullmatch(r"\w+|.", tight) else f"{{{tight}}}"


def _whole(text: str) -> str:
    """A part of a fraction, in brackets unless it is a single name or number."""
    return text if re.fullmatch(r"√?[\w.∂]+(_\{.*\})?", text) else f"({text.strip()})"
