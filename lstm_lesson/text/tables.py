"""A table of one's own as a data set: `load_csv` reads it, splits it, and counts each row that it leaves out."""

import csv
import io
import re
import tomllib
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from numbers import Real
from os import PathLike
from pathlib import Path
from reprlib import repr as shortened
from unicodedata import normalize

import torch

from lstm_lesson.shapes import check_size
from lstm_lesson.text.news import Split, tokenize

SAYS = tomllib.loads((files("lstm_lesson.text") / "tables.toml").read_text(encoding="utf-8"))
PARTS = ("train", "val", "test")
NAMES = {part: part for part in PARTS} | {"valid": "val", "validation": "val", "dev": "val"}  # name in a file -> part
FILE = "(file)"  # the column that says from which of several files a row came
SPARE = r"[\s\u200b\ufeff]|^\+?(-?)0*(?=\d)(\d*(\.\d*[1-9])?)\.?0*$", r"\1\2"  # in a label: blanks, a plus, zeros
OTHERS = {"excel": rb"PK\x03\x04|\xd0\xcf\x11\xe0", "parquet": b"PAR1", "json": rb'\s*(\[\s*)?\{\s*"'}  # first bytes


class OwnData(dict):
    """{"train", "val", "test"}, each a Split(texts, labels), as `load_csv` returns it. It is shown as its report.

    `classes` has the names of the labels 0, 1, …; `rows` the table of each part with all its columns; `read` how many
    rows there were, and `left_out` how many of them were left out for which reason; `notes` says what else is odd.
    """

    def __missing__(self, part):
        raise KeyError(f"{part!r} is no part of the data; it needs one of {list(self)}")

    def __repr__(self) -> str:
        from lstm_lesson.plots import table

        lines = [f"{self.title}: {self.read} rows read, {sum(len(split.texts) for split in self.values())} kept"]
        lines += [f"  left out: {n} {why}" for why, n in self.left_out.items()] + [f"  {note}" for note in self.notes]
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
    at least two: numbers first, then words, sorted. Of 1, 1.0, "1" and "01" the last is its own; True is also TRUE.
    split: the column that says train, val (valid, validation, dev) or test. Val and test, where nothing says what they
    are, get their `shares` of each class of train, drawn by `seed`, one row at least.
    Left out are rows without text, label or part; texts that have different labels, all of them; and repetitions of a
    text, of which the first in test stays, else in train, else in val. Equal are texts of the same words (`tokenize`).
    Warns of words taken for missing, labels that differ only in case, blanks or zeros, classes that a part lacks, texts
    of one word, and unknown words. Raises ValueError that names the file, the line and what is needed.
    """
    import pandas

    columns, decimal = [*text] if isinstance(text, (list, tuple)) else [text], read_csv.get("decimal", ".")
    sources, keys = (path, [*path]) if isinstance(path, Mapping) else ({None: path}, None)
    names = [*columns, *(name for name in (label, split) if name is not None)]
    alone, parts = label is None, {str(key).lower().removesuffix("ing") for key in keys or PARTS} <= {*NAMES}
    paths = [Path(s).resolve() if isinstance(s, (str, PathLike)) else id(s) for s in sources.values()]
    title = " and ".join(p.name if isinstance(p, Path) else "DataFrame" for p in paths)
    wanted = [_class(str(name), decimal) for name in labels] if hasattr(labels, "__getitem__") else []
    truths = {str(name) for name in labels if not isinstance(name, str)} & {"True", "False"} if wanted else ()
    wrong = {
        "empty": keys == [], "same file": len({*paths}) < len(paths),
        "column": not columns or not all(isinstance(name, (str, int)) for name in names),
        "own": len({*map(repr, names)}) < len(names), "label": alone and keys is None, "parts": alone and parts,
        "keys": not alone and not parts, "split": split is not None and keys and parts,
        "labels": labels is not None and (isinstance(labels, (str, Mapping)) or len({*wanted}) < max(2, len(wanted))),
        "shares": len(shares) != 3 or not all(isinstance(s, Real) and s > 0 for s in shares)
            or abs(sum(shares) - 1) > 1e-6,
    }  # fmt: skip
    for name in filter(wrong.get, wrong):
        raise ValueError(SAYS[name].format(**locals()))
    label, split = (FILE, split) if alone else (label, split if keys is None else FILE)
    needed = dict.fromkeys(columns, "text") | {label: "label", split: "split"}
    odd: list[str] = []
    tables = [_table(source, needed, read_csv, odd).assign(**{FILE: key}) for key, source in sources.items()]
    table = pandas.concat(tables, ignore_index=True)
    named = ["train"] * len(table) if split is None else [w.lower().removesuffix("ing") for w in _words(table[split])]
    if unknown := sorted({*named} - {"", *NAMES}):
        raise ValueError(f"{title}: split has {shortened(unknown)} in its column; it needs {', '.join(NAMES)}")
    rows = pandas.DataFrame({
        "text": [" ".join(filter(None, row)) for row in zip(*(_words(table[c]) for c in columns), strict=True)],
        "label": [_class(w.title() if w.title() in truths else w, decimal) for w in _words(table[label])],
        "part": [NAMES.get(word, "") for word in named],
    }, index=table.index, dtype=object)  # fmt: skip
    rows["words"] = [" ".join(tokenize(text)) or text for text in rows["text"]]
    found = sorted(rows["label"].dropna().unique(), key=lambda name: (isinstance(name, str), name))
    texts = sorted({*rows["text"]} - {""})
    rows, left_out = _kept(rows, wanted)
    kept = "; ".join([f"{title}: {len(rows)} of {len(table)} rows kept, left out: {left_out or 'none'}", *odd])
    has = set(rows["label"])
    classes = wanted or [name for name in found if name in has]
    if not has.issuperset(classes) or not 2 <= len(classes) <= max(2, len(rows) / 2):
        kept += SAYS["lacks" if wanted else "classes"].format(label, len(found), shortened(found), labels)
        kept += SAYS["swap"].format(text, shortened(texts)) * (1 < len(texts) < len(found) / 2)
        raise ValueError(kept)
    if drawn := _draw(rows, shares, seed, kept):
        title += f" ({' and '.join(drawn)} drawn from train by seed {seed})"
    groups = {part: rows[rows["part"] == part] for part in PARTS}
    data = OwnData({p: Split([*g["text"]], torch.tensor([*map(classes.index, g["label"])])) for p, g in groups.items()})
    data.classes, data.read, data.left_out, data.title = classes, len(table), left_out, title
    data.rows = {p: table.loc[g.index].drop(columns=FILE).reset_index(drop=True) for p, g in groups.items()}
    labels = table[label].astype("string").dropna().drop_duplicates()
    plain = labels.map(lambda word: re.sub(*SPARE, normalize("NFKC", word).strip().casefold().replace(decimal, ".")))
    if not truths and (same := [group.tolist() for _, group in labels.groupby(plain) if len(group) > 1]):
        odd.append(SAYS["spelled"].format(shortened(same)))
    data.notes = _notes(groups, data, odd)
    return data


def _notes(groups: dict, data: OwnData, odd: list[str]) -> list[str]:
    """What the report says of the words, then all that is odd, which it warns of."""
    train, test = groups["train"]["words"], [words.split() for words in groups["test"]["words"]]
    seen, lengths = Counter(word for words in train for word in words.split()), sorted(map(len, test))
    unknown, median = sum(seen[word] < 2 for words in test for word in words) / sum(lengths), lengths[len(lengths) // 2]
    note = f"words in a text of test: {median} (median); {unknown:.1%} of all are <unk>, not twice in train"
    empty = sum(not any(map(str.isalnum, text)) for group in groups.values() for text in group["text"])
    note += f"; {empty} texts without a word" * (empty > 0)
    begin = {" ".join(words.split()[:64]) for words in train}
    if same := sum(" ".join(words[:64]) in begin for words in test):
        odd.append(f"{same} texts of test begin with the same 64 words as one of train; models read no more by default")
    for part, group in groups.items():
        if none := [name for name in data.classes if name not in {*group["label"]}]:
            odd.append(f"{part} has no text of {shortened(none)}; a score on {part} says nothing about them")
    if few := median < 2 or unknown > 0.8:
        note += ". A model learns little from them. A language without blanks? words.split = list reads letters"
    for warning in [note] * few + odd:
        warnings.warn(f"{data.title}: {warning}", stacklevel=3)
    return [note, *odd]


def _table(path, needed: dict, read: dict, odd: list[str]):
    """One table as pandas reads it, with the columns that are needed; `odd` gets words in them taken for missing."""
    import pandas

    is_file = isinstance(path, (str, PathLike))
    if not is_file and (read or not isinstance(path, pandas.DataFrame)):
        raise ValueError(SAYS["path"].format(type(path).__name__, list(read)))
    asked = {"dtype": str} | read | {"index_col": False, "chunksize": None, "iterator": False}
    asked |= {"on_bad_lines": "warn"} if read.get("on_bad_lines") == "skip" else {}  # pandas names the lines
    needed = {column: argument for column, argument in needed.items() if column not in (None, FILE)}
    table, hint = _read(path, needed, asked) if is_file else (path, "")
    table = table.rename(columns=lambda name: name.replace("\ufeff", "").strip() if isinstance(name, str) else name)
    for column, argument in needed.items():
        if (count := list(table.columns).count(column)) != 1:
            near = {str(name).casefold(): name for name in table.columns}
            if match := get_close_matches(str(column).casefold(), near, 1):
                hint = hint or f"; is it {near[match[0]]!r}?"
            elif is_file and "names" not in read:
                hint = hint or SAYS["numbered" if "header" in read else "unnamed"]
            place, has = path if is_file else "the DataFrame", repr(list(table.columns))
            raise ValueError(SAYS["name"].format(argument, column, place, count, has, "" if count else hint))
    told = {"keep_default_na", "na_values", "na_filter"} & {*read}
    if is_file and not told and table[[*needed]].isna().any(axis=None):
        written = pandas.read_csv(path, **asked | {"dtype": str, "keep_default_na": False})
        written.columns = table.columns
        if lost := Counter(word for column in needed for word in _words(written[column][table[column].isna()]) if word):
            odd.append(f"pandas takes words for missing: {dict(lost)} in {[*needed]}; keep_default_na=False keeps them")
    return table.loc[:, ~table.columns.duplicated()]


def _read(path, needed: dict, asked: dict) -> tuple:
    """The table in a file, and a question if the names of its columns seem to stand elsewhere."""
    import pandas

    header, starts, hint = [], {}, ""
    try:
        header, starts, hint = _first_row(path, needed, asked)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", ".*loss of data")  # a row has more fields than the header
            table = pandas.read_csv(path, **asked)
    except Exception as error:  # pandas, gzip, zipfile and the system answer damage with many kinds
        says = str(getattr(error, "strerror", None) or error).strip()
        says = re.sub(r"(?<=fields in line )\d+", lambda row: str(starts.get(int(row[0]), row[0])), says)
        if isinstance(error, (UnicodeError, LookupError)):
            hint = SAYS["encoding"]
        elif re.search("ields in line|Length of header", says):
            hint = hint or SAYS["fields"]
        raise ValueError(f"{path}: {says}{hint}") from error
    if len(header) == len(table.columns):  # pandas numbers equal names: text, text.1
        table.columns = [a if str(b).startswith(f"{a}.") else b for a, b in zip(header, table.columns, strict=True)]
    return table, hint


def _first_row(path, needed: dict, read: dict) -> tuple[list[str], dict[int, int], str]:
    """The first row of a file; number of a row -> the line where it starts; a hint. All empty if csv can't read it."""
    from pandas.io.common import get_handle

    with get_handle(path, "rb", compression=read.get("compression", "infer"), is_text=False) as opened:
        content, encoding = opened.handle.read(), read.get("encoding") or "utf-8"
    if kind := next((kind for kind, start in OTHERS.items() if re.match(start, content)), None):
        raise ValueError(f"{content[:12]!r} begins no CSV; read it with pandas.read_{kind} and hand over the DataFrame")
    text = content.decode(encoding, read.get("encoding_errors") or "surrogateescape").removeprefix("\ufeff")
    if wrong := re.search("[\0\udc80-\udcff]", text):  # NUL, or what surrogateescape makes of a wrong byte
        line = len(re.findall("\r\n?|\n", text[: wrong.start()])) + 1
        raise UnicodeError(f"line {line} has the byte \\x{ord(wrong[0]) % 256:02x}, no text in {encoding}")
    delimiter = read.get("sep", read.get("delimiter", ","))
    if not isinstance(delimiter, str) or len(delimiter) != 1 or {"comment", "dialect"} & {*read}:
        return [], {}, ""
    form = {k: read[k] for k in read.keys() & {"quotechar", "escapechar", "doublequote", "skipinitialspace", "quoting"}}
    csv.field_size_limit(2**31 - 1)
    lines = list(io.StringIO(text, newline=""))
    above = sum(n for n in (read.get("skiprows"), read.get("header")) if isinstance(n, int))  # lines over the header
    rows = csv.reader(lines, strict=True, delimiter=delimiter, **form)
    header, starts, at = [], {1: 1}, 0
    while rows.line_num < len(lines):
        line = starts[len(starts)]
        try:
            row = next(rows, [])
            if row and not header and line > above:
                header, at = row, line
        except csv.Error as error:  # within one line pandas can go on
            if rows.line_num > line or "end of data" in str(error) or '\\"' in lines[line - 1]:
                raise ValueError(SAYS["quote"].format(line)) from error
        starts[len(starts) + 1] = rows.line_num + 1
    names = [name.casefold() for name in needed if isinstance(name, str) and not {"header", "names"} & {*read}]
    places = (k for k, row in enumerate(lines[:30]) if names and all(name in row.casefold() for name in names))
    place = next(places, at - 1)
    sign = next((sign for sign in f"{delimiter};\t|," if at and sign in lines[place]), delimiter)
    found = {f"is the delimiter {sign!r}": f"sep={sign!r}"} if sign != delimiter else {}
    found |= {f"are the names in line {place + 1}": f"skiprows={place}"} if place != at - 1 else {}
    found |= {"is ï»¿ a byte order mark": 'encoding="utf-8-sig"'} if text[:3] == "ï»¿" and content[0] == 0xEF else {}
    return header, starts, f"; {' and '.join(found)}? Pass {' and '.join(found.values())}" * bool(found)


def _words(column) -> list[str]:
    """Each cell as text without blanks around it, "" if it is missing."""
    return column.astype("string").fillna("").str.strip().tolist()


def _class(word: str, decimal: str = ".") -> str | int | float | None:
    """The class that a label names: a number, whole if it can be, or a word, as 007 and 1.10 are; None if missing."""
    number = (word := word.strip()).replace(decimal, ".")
    if re.fullmatch(r"[-+]?(?!0\d)\d+(\.0*)?", number):
        return int(number.partition(".")[0])
    return float(number) if re.fullmatch(r"-?\d+\.\d+", number) and repr(float(number)) == number else word or None


def _kept(rows, wanted: list) -> tuple:
    """The rows to keep, and how many of the others are left out for which reason."""
    reasons = {
        "without text": lambda: rows["text"] == "",
        "without a label": lambda: rows["label"].isna(),
        "with another label": lambda: ~rows["label"].isin(wanted or set(rows["label"])),
        "without a part": lambda: rows["part"] == "",
        "with a text that has different labels": lambda: rows.groupby("words")["label"].transform("nunique") > 1,
        "that repeat a text": lambda: rows.sort_values("part", kind="stable").duplicated("text"),  # test is first
        "that repeat the words of a text": lambda: rows.sort_values("part", kind="stable").duplicated("words"),
    }
    left_out = {}
    for reason, find in reasons.items():
        out = rows.index[find().reindex(rows.index).astype(bool)]
        left_out |= {reason: len(out)} if len(out) else {}
        rows = rows.drop(out)
    return rows, left_out


def _draw(rows, shares: Sequence[float], seed: int, kept: str) -> list[str]:
    """Give rows of train to val and test, if these have none, by their shares of each class; to which it gave some."""
    check_size("seed", seed, 0, 2**32 - 1)
    drawn = [part for part in ("val", "test") if not (rows["part"] == part).any()]
    train = rows["part"] == "train"
    counts = train.groupby(rows["label"], sort=False).sum()
    if few := counts[counts <= len(drawn)].to_dict():
        raise ValueError(SAYS["few"].format(kept, len(few), len(counts), str(few), len(drawn) + 1, ", ".join(drawn)))
    size, before = dict(zip(PARTS, shares, strict=True)), 0  # before: the rows of the classes so far
    for _, group in rows[train].sample(frac=1, random_state=seed).groupby("label", sort=False):
        start, reach = 0, 0.0
        for k, part in enumerate(drawn, start=1):
            reach += size[part] / sum(size[p] for p in ("train", *drawn))
            end = round(reach * (before + len(group))) - round(reach * before)  # then the sums over classes fit, too
            end = min(max(end, start + 1), len(group) - 1 - len(drawn) + k)
            rows.loc[group.index[start:end], "part"], start = part, end
        before += len(group)
    return drawn
