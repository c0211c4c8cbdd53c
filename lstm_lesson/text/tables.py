"""A table of one's own as a data set: `load_csv` reads it, splits it, and counts each row that it leaves out."""

import csv
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Real
from os import PathLike
from pathlib import Path

import torch

from lstm_lesson.shapes import check_size
from lstm_lesson.text.news import Split

PARTS = ("train", "val", "test")
NAMES = {part: part for part in PARTS} | {"valid": "val", "validation": "val", "dev": "val"}  # name in a file -> part
FILE = "(file)"  # the column that says from which of several files a row came


class OwnData(dict):
    """{"train", "val", "test"}, each a Split(texts, labels), as `load_csv` returns it. It is shown as its report.

    `classes` has the names of the labels 0, 1, …; `rows` the table of each part with all its columns; `read` how many
    rows there were, and `left_out` how many of them were left out for which reason.
    """

    def __init__(self, parts: dict[str, Split], classes: list, rows: dict, read: int, left_out: dict, title: str):
        super().__init__(parts)
        self.classes, self.rows, self.read, self.left_out, self.title = classes, rows, read, left_out, title

    def __repr__(self) -> str:
        from lstm_lesson.plots import table

        lines = [f"{self.title}: {self.read} rows read, {sum(len(split.texts) for split in self.values())} kept"]
        lines += [f"  left out: {count} {reason}" for reason, count in self.left_out.items()]
        counts = {part: split.labels.bincount(minlength=len(self.classes)).tolist() for part, split in self.items()}
        return "\n".join([*lines, repr(table({"label": range(len(self.classes)), "class": self.classes} | counts))])


def load_csv(path, text: str | Sequence[str], label: str | None = None, *, labels: Sequence | None = None,
             split: str | None = None, shares: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0,
             **read_csv) -> OwnData:  # fmt: skip
    """Texts and labels from a file that `pandas.read_csv` reads, or from a DataFrame, as train, val and test.

    path: a file, a DataFrame, or a dict of them; its keys are the labels or, if `label` is given, the parts.
    text: the column of the texts, or several, joined by a blank. label: the column of the labels. A table without a
    header has numbers for names: `header=None, text=2`. Further arguments, such as sep, encoding, decimal or quoting,
    go to `pandas.read_csv`. Cells are read as written; NA, null and more are missing, unless keep_default_na=False.
    labels: the classes in the order of their numbers 0 to K − 1; rows of other classes are left out. None takes all,
    at least two: numbers first, then words, sorted. 1, 1.0 and "1" are one class.
    split: the column that says train, val (valid, validation, dev) or test. Val and test, where nothing says what they
    are, get their `shares` of each class of train, drawn by `seed`, one row at least.
    Left out are rows without text, label or part; texts that have different labels, all of them; and repetitions of a
    text: the first in test stays, else the first in train, else in val.
    Raises ValueError that names the file, the line if there is one, and what is needed.
    """
    import pandas

    several, columns = isinstance(path, Mapping), list(text) if isinstance(text, (list, tuple)) else [text]
    names = [*columns, *(name for name in (label, split) if name is not None)]
    labelled = path and (label is None or split is None) if several else label is not None
    if not (labelled and columns and all(isinstance(name, (str, int)) for name in names)):
        has = f"text={text!r}, label={label!r} and split={split!r} with path as {type(path).__name__}"
        raise ValueError(f"{has}; it needs text and label, or a dict of files in the place of label or split")
    label, split = (FILE, split) if label is None else (label, FILE if several else split)
    needed = dict.fromkeys(columns, "text") | {label: "label", split: "split"}
    sources = path if several else {None: path}
    tables = [_table(source, needed, read_csv).assign(**{FILE: key}) for key, source in sources.items()]
    table = pandas.concat(tables, ignore_index=True)
    decimal, wanted = read_csv.get("decimal", "."), None if labels is None else [_class(str(name)) for name in labels]
    rows, left_out = _kept(pandas.DataFrame({
        "text": [" ".join(filter(None, row)) for row in zip(*(_words(table[c]) for c in columns), strict=True)],
        "label": [_class(word, decimal) for word in _words(table[label])],
        "part": "train" if split is None else _parts(_words(table[split])),
    }, index=table.index, dtype=object), wanted)  # fmt: skip
    title = " and ".join(Path(s).name if isinstance(s, (str, PathLike)) else "DataFrame" for s in sources.values())
    found = sorted(set(rows["label"]), key=lambda name: (isinstance(name, str), name))
    classes = found if wanted is None else wanted
    if len(classes) < 2 or sorted(map(str, found)) != sorted(map(str, classes)):
        has = f"{title} has the classes {found} in its column {label!r}; left out: {left_out or 'nothing'}"
        raise ValueError(f"{has}; it needs two classes or more{', each of labels ' * bool(wanted)}{wanted or ''}")
    if drawn := _draw(rows, shares, seed, title):
        title += f" ({' and '.join(drawn)} drawn from train by seed {seed})"
    places = {part: rows.index[rows["part"] == part] for part in PARTS}
    parts = {part: Split(rows.loc[at, "text"].tolist(), torch.tensor([classes.index(n) for n in rows.loc[at, "label"]]))
             for part, at in places.items()}  # fmt: skip
    tables = {part: table.loc[at].drop(columns=FILE).reset_index(drop=True) for part, at in places.items()}
    return OwnData(parts, classes, tables, len(table), left_out, title)


def _table(path, needed: dict, read: dict):
    """One table as pandas reads it, with the columns that are needed."""
    import pandas

    is_file = isinstance(path, (str, PathLike))
    if not is_file and (read or not isinstance(path, pandas.DataFrame)):
        needs = "it needs the path of a file, or a DataFrame and no arguments for read_csv"
        raise ValueError(f"path is {type(path).__name__} with the arguments {list(read)}; {needs}")
    table, hint = _read(path, read) if is_file else (path, "")
    table = table.rename(columns=lambda column: column.strip() if isinstance(column, str) else column)
    for column, argument in needed.items():
        if column not in (None, FILE) and (count := list(table.columns).count(column)) != 1:
            has = f"{argument} is {column!r}; {path if is_file else 'the DataFrame'} has {count} columns of this name"
            raise ValueError(f"{has} among {list(table.columns)}; it needs one{hint}")
    return table.loc[:, ~table.columns.duplicated()]


def _read(path, read: dict) -> tuple:
    """The table in a file, and a question if the delimiter seems to be another one."""
    import pandas

    header, starts, hint = [], {}, ""
    asked = {"dtype": str, "index_col": False} | read | {"chunksize": None, "iterator": False}
    asked |= {"on_bad_lines": "warn"} if read.get("on_bad_lines") == "skip" else {}  # pandas names the lines
    try:
        header, starts = _first_row(path, read)
        if len(header) == 1 and (other := next((sign for sign in ";\t|," if sign in header[0]), None)):
            hint = f". The header is one column: is the delimiter {other!r}? Then pass sep={other!r}"
        with warnings.catch_warnings():
            warnings.filterwarnings("error", ".*loss of data")  # a row has more fields than the header
            table = pandas.read_csv(path, **asked)
    except Exception as error:  # pandas, gzip, zipfile and the system answer damage with many kinds
        says = str(getattr(error, "strerror", None) or error).strip()
        says = re.sub(r"(?<=fields in line )\d+", lambda row: str(starts.get(int(row[0]), row[0])), says)
        if isinstance(error, (UnicodeError, LookupError)):
            hint = '; it needs encoding=, for a file from Excel often "cp1252", with \\x00 often "utf-16"'
        raise ValueError(f"{path}: {says}{hint}") from error
    if len(header) == len(table.columns):  # pandas numbers equal names: text, text.1
        pairs = zip(header, table.columns, strict=True)
        table.columns = [own if str(theirs).startswith(f"{own}.") else theirs for own, theirs in pairs]
    return table, hint


def _first_row(path, read: dict) -> tuple[list[str], dict[int, int]]:
    """The first row of a file, and number of a row -> the line where it starts; both empty if csv can't read it.

    Raises UnicodeError for a byte that is not in the encoding and for a NUL, ValueError for a quote that does not end.
    """
    from pandas.io.common import get_handle

    with get_handle(path, "rb", compression=read.get("compression", "infer"), is_text=False) as opened:
        content, encoding = opened.handle.read(), read.get("encoding") or "utf-8"
    text = content.decode(encoding, read.get("encoding_errors") or "surrogateescape").removeprefix("\ufeff")
    if wrong := re.search("[\0\udc80-\udcff]", text):  # NUL, or what surrogateescape makes of a wrong byte
        line = len(re.findall("\r\n?|\n", text[: wrong.start()])) + 1
        raise UnicodeError(f"line {line} has the byte \\x{ord(wrong[0]) % 256:02x}, no text in {encoding}")
    delimiter = read.get("sep", read.get("delimiter", ","))
    if not isinstance(delimiter, str) or len(delimiter) != 1 or read.get("comment"):
        return [], {}
    shared = ("quotechar", "escapechar", "doublequote", "skipinitialspace", "quoting")
    form = {key: read[key] for key in shared if key in read}
    csv.field_size_limit(2**31 - 1)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter, **form)
    header, row, starts = [], [], {1: 1}
    while row is not None:
        line = starts[len(starts)]
        try:
            row = next(rows, None)
            header = header or row
        except csv.Error as error:  # within one line pandas can go on
            if rows.line_num > line or "end of data" in str(error):
                needs = "it needs a second one before a delimiter. quoting=3 reads quotes as letters"
                raise ValueError(f"line {line}: a quote begins a field and doesn't end it; {needs}") from error
        starts[len(starts) + 1] = rows.line_num + 1
    return header or [], starts


def _words(column) -> list[str]:
    """Each cell as text without blanks around it, "" if it is missing."""
    return column.astype("string").fillna("").str.strip().tolist()


def _class(word: str, decimal: str = ".") -> str | int | float | None:
    """The class that a label names: a number, whole if it can be, or a word; None if it is missing."""
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", number := word.strip().replace(decimal, ".")):
        return int(exact) if (exact := Decimal(number)) == exact.to_integral_value() else float(exact)
    return word.strip() or None


def _parts(words: list[str]) -> list[str]:
    """The part that each word names, "" for none. Raises ValueError for the name of no part."""
    words = [word.lower().removesuffix("ing") for word in words]
    if unknown := sorted(set(words) - {"", *NAMES}):
        raise ValueError(f"split has {unknown[:9]} in its column; it needs {', '.join(NAMES)}")
    return [NAMES.get(word, "") for word in words]


def _kept(rows, wanted: list | None) -> tuple:
    """The rows to keep, and how many of the others are left out for which reason."""
    reasons = {
        "without text": lambda: rows["text"] == "",
        "without a label": lambda: rows["label"].isna(),
        "with another label": lambda: ~rows["label"].isin(wanted or set(rows["label"])),
        "without a part": lambda: rows["part"] == "",
        "with a text that has different labels": lambda: rows.groupby("text")["label"].transform("nunique") > 1,
        "that repeat a text": lambda: rows.sort_values("part", kind="stable").duplicated("text"),  # test is first
    }
    left_out = {}
    for reason, find in reasons.items():
        out = rows.index[find().reindex(rows.index).astype(bool)]
        left_out |= {reason: len(out)} if len(out) else {}
        rows = rows.drop(out)
    return rows, left_out


def _draw(rows, shares: Sequence[float], seed: int, title: str) -> list[str]:
    """Give rows of train to val and test, if these have none, by their shares of each class; to which it gave some.

    Raises ValueError for shares or a seed that do not fit, and unless each class has a row for each of these parts.
    """
    check_size("seed", seed, 0, 2**32 - 1)
    above_0 = all(isinstance(share, Real) and share > 0 for share in shares)
    if len(shares) != 3 or not above_0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"shares is {shares!r}; it needs three numbers above 0, of train, val, test, with the sum 1")
    drawn = [part for part in ("val", "test") if not (rows["part"] == part).any()]
    train = rows["part"] == "train"
    counts = train.groupby(rows["label"], sort=False).sum()
    if few := counts[counts <= len(drawn)].to_dict():
        names = f"{dict(list(few.items())[:9])}{' and more' if len(few) > 9 else ''}"
        needs = f"it needs {len(drawn) + 1} or more of each, one for each of {', '.join(['train', *drawn])}"
        raise ValueError(f"{title} has too few rows of classes: {names}; {needs}")
    size, before = dict(zip(PARTS, shares, strict=True)), 0  # before: the rows of the classes so far
    total = sum(size[part] for part in ("train", *drawn))
    for _, group in rows[train].sample(frac=1, random_state=seed).groupby("label", sort=False):
        start, reach = 0, 0.0
        for k, part in enumerate(drawn, start=1):
            reach += size[part] / total
            end = round(reach * (before + len(group))) - round(reach * before)  # then the sums over classes fit, too
            end = min(max(end, start + 1), len(group) - 1 - len(drawn) + k)
            rows.loc[group.index[start:end], "part"], start = part, end
        before += len(group)
    return drawn
