"""Whose code runs: the learner's own answer where it passes its check, and the package's function otherwise.

Answers that passed are kept as files, `answers/NAME.py` in the folder of the progress file, so that later notebooks can
run them. A file holds the answer and what it needs from its cell: helpers, classes, imports, constants. Its first line
has a checksum; a file that was changed is set aside. No error here reaches the learner.
"""

import __future__

import ast
import builtins
import hashlib
import linecache
import math
import sys
import types
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from lstm_lesson.data.download import own_folder, replacing
from lstm_lesson.exercises.answer import global_names, stored_names, written_function
from lstm_lesson.exercises.compare import join_names
from lstm_lesson.exercises.exercise import Exercise, exercises
from lstm_lesson.exercises.grading import grade
from lstm_lesson.exercises.progress_file import set_aside
from lstm_lesson.exercises.sandbox import Sandbox, name_error

GIVEN = {"torch": torch, "nn": nn, "F": F, "math": math}  # what every kept answer may use without importing it
ANNOTATIONS_AS_TEXT = __future__.annotations.compiler_flag  # so the names in them need not exist
ALLOWED = "torch, nn, F, math, your other answers, and what the same cell defines or imports"
NONE_KEPT = "none of yours is kept yet"
UNREADABLE = "its source cannot be read: define it with `def` or `class`, at the top of a cell"
_loading: list[str] = []  # the kept answers that are being read: one may call another


class NotKept(Exception):
    """Why an answer cannot be kept or read, as the end of a sentence."""


def own_or_package(exercise: Exercise, answer: Callable | None = None) -> tuple[Callable, str]:
    """The function that runs, and a sentence that says whose it is and why.

    `answer` is what the notebook defines. Where that is None or a stub, the kept answer of another day stands for it.
    """
    package = f"`{exercise.name}`: the package's code runs here, since"
    if answer is not None:
        outcome = grade(exercise, answer).outcome
        if outcome == "correct":
            keep(exercise.name, answer)
            return answer, f"`{exercise.name}`: your own code runs here."
        if outcome != "not attempted":
            return exercise.solve(), f"{package} yours does not pass its check yet."
    try:
        return _kept_and_right(exercise), f"`{exercise.name}`: your own code runs here, as it was kept."
    except NotKept as reason:
        why = "yours is still open" if answer is not None and str(reason) == NONE_KEPT else reason
        return exercise.solve(), f"{package} {why}."


def _kept_and_right(exercise: Exercise) -> Callable:
    """The kept answer, if it still passes its check. Raises NotKept otherwise."""
    if exercise.name in _loading:
        raise NotKept(f"your kept answers call each other in a circle: {', '.join(_loading)}")
    _loading.append(exercise.name)
    try:
        answer = kept(exercise.name, lambda other: own_or_package(exercises()[other])[0])
    finally:
        _loading.pop()
    if not grade(exercise, answer).passed:
        raise NotKept("your kept answer no longer passes its check")
    return answer


def keep(name: str, answer: Callable) -> str:
    """Keep the answer to the exercise `name` -> "", or the reason why it cannot be kept. Never raises."""
    try:
        source = self_contained(name, answer)
        if _body(_path(name)) != source:
            head = f"# Your {name}, kept on {date.today()} when it passed its check. SHA-256 {_sum(source)}\n"
            _path(name).parent.mkdir(parents=True, exist_ok=True)
            with replacing(_path(name)) as part:
                part.write_text(head + source, encoding="utf-8", newline="\n")
    except NotKept as reason:
        return str(reason)
    except Exception as error:  # a full disk, a folder that cannot be written, text that is no UTF-8
        return f"its file could not be written ({name_error(error)})"
    return ""


def kept(name: str, others: Callable[[str], Callable]) -> Callable:
    """The kept answer to the exercise `name`; other answers that it calls come from `others`.

    Raises NotKept if there is none, or if its file was changed or does not run.
    """
    path = _path(name)
    if not path.exists():
        raise NotKept(NONE_KEPT)
    source = _body(path)
    if source is None:
        raise NotKept(f"its file was changed or damaged{set_aside(path, '.txt')}")
    module, why = types.ModuleType(f"kept_answer_{name}"), ""
    sys.modules[module.__name__], space = module, vars(module)  # torch.compile looks for the module of a function
    space |= GIVEN
    try:
        code = compile("\n" + source, path, "exec", ANNOTATIONS_AS_TEXT)
    except (SyntaxError, ValueError) as error:
        why = name_error(error)
    else:
        needed = set(global_names(code)) & exercises().keys() - set(stored_names(code))
        space |= {other: others(other) for other in needed}
        with Sandbox().isolated() as sandbox:
            error = sandbox(exec, code, space)[1]
        why = name_error(error) if error is not None else f"it defines no `{name}`"
    if not callable(space.get(name)):
        raise NotKept(f"its file does not run ({why}){set_aside(path, '.txt')}")
    return space[name]


def self_contained(name: str, answer: Callable) -> str:
    """The statements of the answer's cell that define it and what it needs, in their order.

    Raises NotKept if the cell cannot be read, or if the answer needs something from elsewhere.
    """
    statements = _cell(answer)
    defined_by = {bound: n for n, (_, code) in enumerate(statements) for bound in stored_names(code)}
    own_name = name if name in defined_by else getattr(answer, "__name__", "")
    if own_name not in defined_by:
        raise NotKept(UNREADABLE)
    wanted, chosen, foreign = [own_name], set(), set()
    while wanted:
        missing = wanted.pop()
        if missing in defined_by:
            for n, (_, code) in enumerate(statements):
                if missing in stored_names(code) and n not in chosen:
                    chosen.add(n)
                    wanted += global_names(code)
        elif missing not in GIVEN and missing not in exercises() and not hasattr(builtins, missing):
            foreign.add(missing)
    if foreign:
        raise NotKept(f"it uses {join_names(sorted(foreign))} from elsewhere. A kept answer may use {ALLOWED}")
    alias = [f"{name} = {own_name}"] if own_name != name else []
    return "\n\n\n".join([statements[n][0] for n in sorted(chosen)] + alias) + "\n"


def _cell(answer: Callable) -> list[tuple[str, types.CodeType]]:
    """The statements of the cell or file in which the answer is written: source and compiled code."""
    written = written_function(answer)
    if isinstance(written, type):
        written = next((f for f in vars(written).values() if isinstance(f, types.FunctionType)), None)
    file = getattr(getattr(written, "__code__", None), "co_filename", "")
    text = "".join(linecache.getlines(file))
    try:
        nodes = ast.parse(text).body
    except SyntaxError:  # the file on the disk is another one by now
        raise NotKept(UNREADABLE) from None
    found = []
    for node in nodes:
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
        source = "\n".join(text.splitlines()[first - 1 : node.end_lineno])
        found.append((source, compile(ast.Module([node], []), file, "exec", ANNOTATIONS_AS_TEXT)))
    return found


def _path(name: str) -> Path:
    return own_folder() / "answers" / f"{name}.py"


def _sum(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _body(path: Path) -> str | None:
    """The source in a file of a kept answer, without its first line; None if there is none or it was changed."""
    try:
        head, _, source = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return source if head.endswith(_sum(source)) else None
