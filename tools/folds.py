"""What is folded in the text of a notebook: `<details>` with its summary, whole or in parts."""

import re

FOLD = re.compile(r"(?s)<details[^>]*>\s*<summary>(.*?)</summary>(.*?)</details>")


def is_answer(summary: str) -> bool:
    """Whether a fold answers the question above it."""
    return summary.strip().startswith("Answer")


def is_question(summary: str) -> bool:
    """Whether the summary of a fold asks what the fold answers."""
    return summary.strip().endswith("?")


def parts(source: str) -> list[dict]:
    """The text of a cell in its order: `summary` is None outside of folds, else the fold's."""
    found, end = [], 0
    for fold in FOLD.finditer(source):
        found += [{"summary": None, "text": source[end : fold.start()]}, {"summary": fold[1], "text": fold[2]}]
        end = fold.end()
    found.append({"summary": None, "text": source[end:]})
    return [part | {"text": part["text"].strip()} for part in found if part["summary"] or part["text"].strip()]
