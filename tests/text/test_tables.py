"""Tables of one's own: files of well-known forms, hostile files, and no row that is lost unmentioned."""

import csv
import gzip
import io
import json
import re
import warnings
import zipfile
from pathlib import Path

import numpy
import pandas
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from repository import ROOT

from lstm_lesson.layers import CustomLSTM, last_true_step
from lstm_lesson.text import Vocabulary, load_csv, load_news, pad_batch, tokenize
from lstm_lesson.training import fit


def rows(n, classes=("fake", "real"), text="Story number {k} of the day"):
    """n texts with a label each, in turn."""
    return [(text.format(k=k), classes[k % len(classes)]) for k in range(n)]


def write(path, lines, sep=",", encoding="utf-8", **form):
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=sep, **form).writerows(lines)
    return path


def sizes(data):
    return [len(split.texts) for split in data.values()]


def adds_up(data):
    return data.read == sum(sizes(data)) + sum(data.left_out.values())


# The forms of well-known files, with texts of our own ----------------------------------------------------------------


def test_kaggles_fake_news_has_an_id_a_title_an_author_a_text_and_a_number(tmp_path):
    lines = [(k, f"Title {k}", "" if k % 3 else "A. Writer", f'He said "no",\nand left {k}', k % 2) for k in range(40)]
    lines += [(40, "", "Nobody", "", 1), (41, "", "Nobody", "a text alone", 0)]
    path = write(tmp_path / "train.csv", [("id", "title", "author", "text", "label"), *lines])
    data = load_csv(path, text=["title", "text"], label="label")
    assert data.classes == [0, 1] and data.read == 42 and data.left_out == {"without text": 1} and adds_up(data)
    everything = [t for split in data.values() for t in split.texts]
    assert 'Title 7 He said "no",\nand left 7' in everything and "a text alone" in everything
    assert list(data.rows["train"]["author"].isna()).count(True) > 10


def test_isot_has_two_files_and_no_label(tmp_path):
    for name in ("True", "Fake"):
        lines = [(f"{name} title {k}", "text", "politics", "December 31, 2017 ") for k in range(20)]
        write(tmp_path / f"{name}.csv", [("title", "text", "subject", "date"), *lines])
    data = load_csv(
        {name.lower(): tmp_path / f"{name}.csv" for name in ("True", "Fake")}, text="title", labels=["true", "fake"]
    )
    assert data.classes == ["true", "fake"] and sizes(data) == [32, 4, 4] and adds_up(data)
    for texts, labels in data.values():
        assert [t.startswith("Fake") for t in texts] == labels.bool().tolist()


def test_welfake_has_a_column_of_numbers_without_a_name(tmp_path):
    path = write(tmp_path / "WELFake.csv", [("", "title", "text", "label"), *((k, t, "x", y) for k, (t, y) in
                 enumerate(rows(30, ("0", "1"))))])  # fmt: skip
    data = load_csv(path, text="title", label="label")
    assert data.classes == [0, 1] and sizes(data) == [24, 3, 3]
    assert "Unnamed: 0" in data.rows["test"].columns


SIX = ("true", "mostly-true", "half-true", "barely-true", "false", "pants-fire")


def test_liar_has_three_files_tabs_six_labels_quotes_as_letters_and_no_header(tmp_path):
    for part, n in {"train": 60, "valid": 12, "test": 12}.items():
        lines = [f'{k}.json\t{label}\t"{text} {part}\tspeaker' for k, (text, label) in enumerate(rows(n, SIX))]
        (tmp_path / f"{part}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    paths = {part: tmp_path / f"{part}.tsv" for part in ("train", "valid", "test")}
    with pytest.raises(ValueError, match=r"train\.tsv: line 1: a quote begins a field and doesn't end it.*quoting=3"):
        load_csv(paths, text=2, label=1, sep="\t", header=None)
    data = load_csv(paths, text=2, label=1, labels=SIX, sep="\t", header=None, quoting=csv.QUOTE_NONE)
    assert sizes(data) == [60, 12, 12] and data.classes == list(SIX)
    assert data["val"].texts[0] == '"Story number 0 of the day valid'
    assert data["val"].labels[:7].tolist() == [0, 1, 2, 3, 4, 5, 0]


def test_ifnd_is_latin_1(tmp_path):
    lines = [("Statement", "Label"), *((f"Café {text}", label) for text, label in rows(20, ("TRUE", "Fake")))]
    path = write(tmp_path / "IFND.csv", lines, encoding="latin-1")
    with pytest.raises(ValueError, match=r"IFND\.csv: line 2 has the byte \\xe9, no text in utf-8; it needs enc"):
        load_csv(path, text="Statement", label="Label")
    data = load_csv(path, text="Statement", label="Label", encoding="latin-1")
    assert data.classes == ["Fake", "TRUE"] and data["train"].texts[0].startswith("Café")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig"])
def test_excel_in_a_german_locale_writes_semicolons_and_decimal_commas(tmp_path, encoding):
    lines = [("Überschrift", "Anteil", "Klasse"), *((f"Größe, {t}", "0,5", y) for t, y in rows(20, ("1,0", "2,0")))]
    path = write(tmp_path / "Mappe1.csv", lines, sep=";", encoding=encoding)
    if encoding == "cp1252":
        with pytest.raises(ValueError, match=r"line 1 has .*cp1252"):
            load_csv(path, text="Überschrift", label="Klasse", sep=";")
    with pytest.raises(ValueError, match=r"Mappe1\.csv.*is the delimiter ';'\? Pass sep=';'"):
        load_csv(path, text="Überschrift", label="Klasse", encoding=encoding)
    data = load_csv(path, text="Überschrift", label="Klasse", sep=";", encoding=encoding, decimal=",")
    assert data.classes == [1, 2] and sorted(set(data["train"].labels.tolist())) == [0, 1]


# Hostile files -------------------------------------------------------------------------------------------------------

TEN = "".join(f"{text},{label}\n" for text, label in rows(10))
HEAD = "text,label\n"
ERRORS = {  # name -> bytes, what the error says behind the name of the file
    "empty": (b"", "No columns to parse"),
    "blank lines only": (b"\n\n\r\n", "No columns to parse"),
    "header only": (b"text,label\n", r"0 of 0 rows kept.*has 0 different values: \[\]; it needs two classes"),
    "a NUL": (f"text,label\na\0b,real\n{TEN}".encode(), r"line 2 has the byte \\x00.*utf-16"),
    "utf-16": (f"text,label\n{TEN}".encode("utf-16-le"), r"line 1 has the byte \\x00.*utf-16"),
    "not utf-8": (f"text,label\n{TEN}Größe,fake\n".encode("latin-1"), r"line 12 has the byte \\xf6.*encoding="),
    "a row too long": (f"text,label\n{TEN}a,b,c\n".encode(), r"Expected 2 fields in line 12, saw 3; it needs quotes"),
    "a row too long, below lines": (f'{HEAD}"a\n\nb",real\n\n{TEN}a,b,c\n'.encode(), "in line 16, saw 3"),
    "every row too long": (b"text,label\na,fake,x\nb,real,y\nc,fake,z\n", "Length of header .* does not match"),
    "a quote that never ends": (f'text,label\n"no end,fake\n{TEN}'.encode(), "line 2: a quote begins a field"),
    "a quote that ends in another row": (f'{HEAD}{TEN}"no end,fake\nb,real\n"c",fake\n'.encode(), "line 12: a quote"),
    "a quote in the last line": (f'{HEAD}{TEN}"no end,fake'.encode(), "line 12: a quote begins a field"),
    "two columns of a name": (f"text,label,text\n{TEN}".encode(), "has 2 columns of this name"),
    "not utf-8 on an old Mac": (f"{HEAD}{TEN}é,fake\n".replace("\n", "\r").encode("latin-1"), "line 12 has the byte"),
    "two columns of a name but for a blank": (f"text,label, text\n{TEN}".encode(), "has 2 columns of this name"),
    "no such column": (f"title,label\n{TEN}".encode(), r"has 0 columns.*\['title', 'label'\]"),
    "tabs": (f"text,label\n{TEN}".replace(",", "\t").encode(), r"is the delimiter '\\t'\? Pass sep='\\t'"),
    "labels empty": (b"text,label\na,\nb,NaN\nc,nan\n", "'without a label': 3.*two classes"),
    "one label": (f"text,label\n{TEN}".replace("real", "fake").encode(), r"1 .*values: \['fake'\]; it needs two"),
    "only duplicates": (b"text,label\n" + b"same,fake\n" * 9, r"1 of 9 rows kept.*'that repeat a text': 8\}"),
    "one text, two labels": (b"text,label\n" + b"same,fake\nsame,real\n" * 9, r"0 of 18 rows.*different labels': 18\}"),
    "a class a row": ((HEAD + "".join(f"t{k},c{k}\n" for k in range(2000))).encode(), r"2000 d.*c1001', \.\..*no id"),
    "a measured number": ((HEAD + "".join(f"t{k},{k / 7}\n" for k in range(99))).encode(), "99 .*no measured number"),
    "escaped quotes": (f'{HEAD}{TEN}"He said \\"hi\\", then left",real\n'.encode(), "line 12: a quote.*escapechar"),
    "escaped quotes without a comma": (f'{HEAD}{TEN}"He said \\"hi\\" to",real\n'.encode(), "line 12: a.*escapechar"),
    "no header": (TEN.encode(), r"0 columns.*'Story number 0 of the day'.*line 1 a row of the data\? Pass header=None"),
    "a line for Excel": (f"sep=;\n{HEAD}{TEN}".replace(",", ";").encode(), "Pass sep=';' and skiprows=1"),
    "a workbook": (b"PK\x03\x04\x14\0\x06\0", "no CSV; read it with pandas.read_excel and hand over"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", "pandas.read_excel"),
    "parquet": (b"PAR1\x15\x04\x15", "pandas.read_parquet"),
    "json": (b'[{"text": "a", "label": 1},\n {"text": "b", "label": 0}]', "pandas.read_json"),
    "json lines": (b'{"text": "a", "label": 1}\n{"text": "b", "label": 0}', "pandas.read_json"),
    "a class of two rows": (f"text,label\n{TEN}a,odd\nb,odd\n".encode(), r"1 of 3.*too few.*\{'odd': 2\}; it needs 3"),
    "no gzip": (b"no gzip", "gzip"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_a_file_that_makes_no_data_set_is_named_with_its_line_and_what_it_needs(tmp_path, name):
    content, says = ERRORS[name]
    path = tmp_path / ("file.csv.gz" if name == "no gzip" else "file.csv")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"(?s)file\.csv.*({says})"):
        load_csv(path, text="text", label="label")


LONG = "word " * 40_000
TABLES = {  # name -> bytes, the classes, the rows kept
    "BOM and mixed line ends": ("\ufefftext,label\r\n" + TEN.replace("\n", "\r\n", 3), ["fake", "real"], 10),
    "old Mac line ends": (("text,label\n" + TEN).replace("\n", "\r"), ["fake", "real"], 10),
    "blanks around names and labels": (" text , label\n" + TEN.replace(",", " , "), ["fake", "real"], 10),
    "rows too short": ("text,label\n" + TEN + "alone\nalone too\n", ["fake", "real"], 10),
    "200,000 letters": (f"text,label\n{TEN}{LONG},fake\n", ["fake", "real"], 11),
    "200,000 letters in lines": (f'{HEAD}{TEN}"a\n{LONG}",fake\n', ["fake", "real"], 11),
    "True and False": ("text,label\n" + TEN.replace("fake", "True").replace("real", "False"), ["False", "True"], 10),
    "1.0 and 1": ("text,label\n" + TEN.replace("fake", "1.0", 3).replace("fake", "1").replace("real", "0"), [0, 1], 10),
    "−1 and 1": ("text,label\n" + TEN.replace("fake", "-1").replace("real", "1"), [-1, 1], 10),
    "10 after 9": ("text,label\n" + TEN.replace("fake", "10").replace("real", "9"), [9, 10], 10),
    "a text of numbers": ("text,label\n" + re.sub("Story number (.) of the day", r"00\1", TEN), ["fake", "real"], 10),
    "lines in a text": (f'{HEAD}"Story\n\n""3"", of the day",real\n{TEN}', ["fake", "real"], 11),
    "quotes within": ("text,label\n" + TEN + 'She said "hi" to,fake\n"He said "ho" to",real\n', ["fake", "real"], 12),
    "a column without a name at the end": ("text,label,\n" + TEN.replace("\n", ",\n"), ["fake", "real"], 10),
    "a delimiter at the end of each row": ("text,label\n" + TEN.replace("\n", ",\n"), ["fake", "real"], 10),
    "equal texts, equal labels": ("text,label\n" + TEN + TEN, ["fake", "real"], 10),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_an_odd_file_ends_in_the_right_table(tmp_path, name):
    content, classes, kept = TABLES[name]
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode())
    data = load_csv(path, text="text", label="label")
    assert data.classes == classes and sum(sizes(data)) == kept and adds_up(data)
    everything = [text for split in data.values() for text in split.texts]
    assert all(text == text.strip() for text in everything)
    if name == "a text of numbers":
        assert "007" in everything
    if name == "lines in a text":
        assert 'Story\n\n"3", of the day' in everything
    if "200,000 letters" in name:
        assert max(map(len, everything)) == len(LONG) + (-1 if name == "200,000 letters" else 1)


def test_packed_files_are_read_and_a_directory_or_a_missing_file_is_named(tmp_path):
    content = f"text,label\n{TEN}".encode()
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        file.writestr("b.csv", content)
    (tmp_path / "c.csv").write_bytes(content)
    texts = [load_csv(path, text="text", label="label")["train"].texts for path in sorted(tmp_path.iterdir())]
    assert len(texts) == 3 and texts[0] == texts[1] == texts[2]
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(content + "Größe,fake\n".encode("latin-1")))
    for name, says in {"d.csv.gz": "line 12 has", ".": "directory", "e.csv": "No such file"}.items():
        with pytest.raises(ValueError, match=rf"(?i){re.escape(str(tmp_path / name))}.*{says}"):
            load_csv(tmp_path / name, text="text", label="label")


def test_arguments_of_read_csv_are_handed_on(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(f"a,b\n{HEAD}{TEN}", encoding="utf-8")
    assert list(load_csv(path, text="text", label="label", skiprows=1).rows["test"].columns) == ["text", "label"]
    named = {"names": ["x", "y"], "header": 0, "skiprows": 1}
    assert load_csv(path, text="x", label="y", **named).read == 10
    path.write_text(HEAD + TEN.replace("fake", "None"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"'without a label': 5"):
        load_csv(path, text="text", label="label")
    assert load_csv(path, text="text", label="label", keep_default_na=False).classes == ["None", "real"]
    write(path, [("text", "label"), *rows(10)], sep="\t", encoding="utf-16")  # Excel calls it Unicode text
    assert load_csv(path, text="text", label="label", sep="\t", encoding="utf-16").read == 10


def test_lines_that_pandas_is_told_to_skip_are_named(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(f"text,label\n{TEN}a,b,c\n{TEN.replace('day', 'night')}a,b,c,d\n", encoding="utf-8")
    with pytest.warns(pandas.errors.ParserWarning, match=r"(?s)line 12.*line 23"):
        data = load_csv(path, text="text", label="label", on_bad_lines="skip")
    assert data.read == 20 and data.left_out == {} and adds_up(data)


# A DataFrame, and what is counted ------------------------------------------------------------------------------------


def frame(n=30, **columns):
    return pandas.DataFrame(rows(n), columns=["text", "label"]).assign(**columns)


def test_a_data_frame_is_read_as_it_is_and_not_changed():
    given_ = pandas.DataFrame({"text": [*(f"a {k}" for k in range(12)), None, float("nan")], "label": [1.0, 2.0] * 7},
                              index=[5] * 14)  # fmt: skip
    before = given_.copy()
    data = load_csv(given_, text="text", label="label")
    assert data.classes == [1, 2] and data.left_out == {"without text": 2} and sizes(data) == [8, 2, 2]
    pandas.testing.assert_frame_equal(given_, before)
    for labels in (pandas.array([True, False] * 15), pandas.Categorical(["x", "y"] * 15), [0, 1] * 15):
        assert len(load_csv(frame(label=labels), text="text", label="label").classes) == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", " ", "a", "b", "c", "a ", 'q"', "x,y", "l\nm", "NA", "é"]),
                          st.sampled_from(["", "0", "1", "1.0", "x", "NaN"])), max_size=40),
       st.sampled_from([None, "csv"]), st.integers(0, 3))  # fmt: skip
def test_no_row_is_lost_unmentioned(tmp_path_factory, drawn, kind, seed):
    sure = [*rows(12, ("0", "1", "x"))]
    table = pandas.DataFrame([*sure, *drawn], columns=["text", "label"])
    source = table
    if kind:
        source = write(tmp_path_factory.mktemp("own") / "own.csv", [table.columns, *table.itertuples(index=False)])
    else:
        table["label"] = table["label"].replace("NaN", None)  # in a file pandas takes the word for missing
    data = load_csv(source, text="text", label="label", seed=seed)
    assert data.read == len(table) and adds_up(data)
    everything = [text for split in data.values() for text in split.texts]
    assert len(set(everything)) == len(everything) and {text for text, _ in sure} <= set(everything)
    said = {}
    for text, label in drawn:
        said.setdefault(text.strip(), set()).add({"1.0": "1"}.get(label, label))
    for split in data.values():
        for text, label in zip(split.texts, split.labels.tolist(), strict=True):
            assert text in dict(sure) or str(data.classes[label]) in said[text]


def test_rows_left_out_are_counted_by_reason_and_shown():
    more = [
        ("", "fake"),
        ("x", None),
        ("Story number 0 of the day", "fake"),
        ("two", "fake"),
        ("two", "real"),
        ("y", "odd"),
    ]
    table = pandas.concat([frame(), pandas.DataFrame(more, columns=["text", "label"])])
    data = load_csv(table, text="text", label="label", labels=["real", "fake"])
    assert data.left_out == {"without text": 1, "without a label": 1, "with another label": 1,
                             "with a text that has different labels": 2, "that repeat a text": 1}  # fmt: skip
    shown = repr(data)
    assert (
        "DataFrame (val and test drawn from train by seed 0): 36 rows read, 30 kept" in shown
        and "left out: 2 with a text that has different labels" in shown
    )
    assert re.search(r"0 +real +12 +2 +1", shown) or re.search(r"0 +real +12 +1 +2", shown)


# The split -----------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(3, 60), min_size=2, max_size=5), 
       st.sampled_from([(0.8, 0.1, 0.1), (0.1, 0.1, 0.8), (0.5, 0.25, 0.25)]), st.integers(0, 5))  # fmt: skip
def test_each_class_is_in_each_part_by_its_share_give_or_take_two_rows(counts, shares, seed):
    pairs = [(f"{name} {k}", name) for name, n in enumerate(counts) for k in range(n)]
    data = load_csv(pandas.DataFrame(pairs, columns=["t", "y"]), text="t", label="y", shares=shares, seed=seed)
    for split, share in zip(data.values(), shares, strict=True):
        for has, n in zip(split.labels.bincount(minlength=len(counts)).tolist(), counts, strict=True):
            assert has >= 1 and (abs(has - share * n) < 2 or n * min(shares) < 1)
    again = load_csv(pandas.DataFrame(pairs, columns=["t", "y"]), text="t", label="y", shares=shares, seed=seed)
    assert [split.texts for split in again.values()] == [split.texts for split in data.values()]


def test_another_seed_draws_another_split():
    first, second = (load_csv(frame(100), text="text", label="label", seed=seed) for seed in (0, 1))
    assert first["test"].texts != second["test"].texts and sizes(first) == sizes(second) == [80, 10, 10]


def test_a_column_names_the_parts_and_what_it_lacks_is_drawn_from_train():
    parts = ["Train", " dev", "TEST"] * 10
    data = load_csv(frame(part=parts), text="text", label="label", split="part")
    assert sizes(data) == [10, 10, 10] and data["val"].texts[0] == "Story number 1 of the day"
    data = load_csv(frame(part=["training", "training", "test"] * 10), text="text", label="label", split="part")
    assert "DataFrame (val drawn from train by seed 0): 30 rows" in repr(data)
    assert sizes(data) == [18, 2, 10] and len(set(data["val"].texts) | set(data["train"].texts)) == 20
    with pytest.raises(ValueError, match=r"split has \['holdout'\] in its column; it needs train, val, test, valid"):
        load_csv(frame(part=["train", "val", "holdout"] * 10), text="text", label="label", split="part")
    with pytest.raises(ValueError, match=r"DataFrame: 30 of 30 rows kept.*2 of 2 classes have too few rows in train"):
        load_csv(frame(part=["val", "test"] * 15), text="text", label="label", split="part")


def test_a_row_without_a_part_is_counted():
    data = load_csv(frame(part=["train", "val", "test", None, " "] * 6), text="text", label="label", split="part")
    assert sizes(data) == [6, 6, 6] and data.left_out == {"without a part": 12} and adds_up(data)


def test_shares_hold_over_many_small_classes_and_of_what_is_left_of_train():
    many = load_csv(frame(170, label=[f"class {k}" for k in range(10)] * 17), text="text", label="label")
    assert sizes(many) == [136, 17, 17]
    data = load_csv(frame(270, part=["train", "training", "test"] * 90), text="text", label="label", split="part")
    assert sizes(data) == [160, 20, 90]


def test_a_repeated_text_is_kept_in_test_else_in_train():
    table = pandas.concat([frame(part=["train", "val", "test"] * 10), pandas.DataFrame(
        {"text": ["again"] * 3, "label": ["real"] * 3, "part": ["train", "val", "test"]})])  # fmt: skip
    data = load_csv(table, text="text", label="label", split="part")
    assert sizes(data) == [10, 10, 11] and data.left_out == {"that repeat a text": 2}
    in_val_first = table[table["part"] != "test"].iloc[::-1]
    assert "again" not in load_csv(in_val_first, text="text", label="label", split="part")["val"].texts


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"text": "words"}, r"text is 'words'; the DataFrame has 0 columns of this name among \['text', 'label'\]"),
        ({"label": "y"}, "label is 'y'; the DataFrame has 0"),
        ({"split": "part"}, "split is 'part'; the DataFrame has 0"),
        ({"text": []}, r"^text is \[\], label is 'label' and split is None; each needs the name of a column$"),
        ({"label": None}, "^label is None; it needs a column, or path as a dict of files with the labels as keys$"),
        ({"label": ["label"]}, r"label is \['label'\] and split is None; each needs the name of a column$"),
        ({"text": None}, "^text is None, .*; each needs the name of a column$"),
        ({"text": ["text", 2.5]}, "each needs the name of a column$"),
        ({"split": frame()["label"]}, "(?s)each needs the name of a column$"),
        ({"path": {}}, "^path is an empty dict; it needs a file under each key$"),
        ({"path": {}, "label": None}, "^path is an empty dict; it needs a file under each key$"),
        (
            {"path": {"train": frame(), "test": frame()}, "split": "part"},
            "^split is 'part' and path has parts as keys; it needs one of them$",
        ),
        (
            {"path": {"train": frame(), "test": frame()}, "split": 0},
            "^split is 0 and path has parts as keys; it needs one of them$",
        ),
        (
            {"path": {"real": frame(), "fake": frame()}},
            r"^path has the keys \['real', 'fake'\]; with label they need to be of train, val, test, valid",
        ),
        ({"shares": (0.9, 0.1)}, "shares is .*three numbers"),
        ({"shares": (0.9, 0.1, 0)}, r"shares is \(0.9, 0.1, 0\); it needs three numbers above 0"),
        ({"shares": "abc"}, "shares is 'abc'; it needs three numbers"),
        ({"seed": "x"}, "seed is 'x'; it needs a whole number"),
        (
            {"labels": ["real", "FAKE"]},
            r"'with another label': 15.*values: \['fake', 'real'\]; it needs each of labels as it is written, "
            r"\['real', 'FAKE'\]$",
        ),
        ({"labels": [True, False]}, r"\['fake', 'real'\]; it needs each of labels as it is written, \[True, False\]$"),
        ({"labels": ["real", "eggs"]}, r"\['fake', 'real'\]; it needs each of labels .* \['real', 'eggs'\]$"),
        ({"labels": ["real"]}, r"labels is \['real'\]; it needs a list of two classes or more, each once"),
        ({"labels": ["real", "fake", "real "]}, "labels is .* each once"),
        ({"labels": [1, 1.0, 2]}, "labels is .* each once"),
        ({"labels": {"fake", "real"}}, "labels is .* it needs a list"),
        ({"labels": {"fake": 1, "real": 0}}, "labels is .* it needs a list"),
        ({"labels": "fake"}, "labels is 'fake'; it needs a list"),
        ({"labels": 2}, "labels is 2; it needs a list"),
        (
            {"text": ["text", "label"]},
            r"^text is \['text', 'label'\], label is 'label' .*; each needs a column of its own$",
        ),
        ({"text": ["text", "text"]}, "each needs a column of its own$"),
        ({"split": "label"}, "each needs a column of its own$"),
        (
            {"path": {"Training": frame(), "test": frame()}, "label": None},
            r"^label is None and path has the parts \['Training', 'test'\] as keys; it needs a column of labels$",
        ),
        ({"path": 3}, "path is int .* needs the path of a file, or a pandas.DataFrame"),
        ({"path": io.StringIO("text,label")}, "path is StringIO .* needs the path"),
        ({"sep": ";"}, r"path is DataFrame with the arguments \['sep'\]; it needs .* no arguments for read_csv"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(arguments, says):
    with pytest.raises(ValueError, match=says):
        load_csv(**{"path": frame(), "text": "text", "label": "label", **arguments})


def test_an_argument_that_pandas_does_not_know_is_named(tmp_path):
    path = write(tmp_path / "own.csv", [("text", "label"), *rows(10)])
    with pytest.raises(ValueError, match=r"own\.csv: .*seperator"):
        load_csv(path, text="text", label="label", seperator=";")
    with pytest.raises(ValueError, match=r"own\.csv: unknown encoding: utf-99; it needs encoding="):
        load_csv(path, text="text", label="label", encoding="utf-99")
    with pytest.raises(ValueError, match=r"own\.csv: UTF-16 stream.*; it needs encoding="):
        load_csv(path, text="text", label="label", encoding="utf-16")


def test_options_that_change_the_rows_or_columns_are_counted_right(tmp_path):
    lines = [("id", "text", "label"), *((k, text, label) for k, (text, label) in enumerate(rows(20)))]
    path = write(tmp_path / "own.csv", lines)
    whole = {"chunksize": 2}, {"iterator": True}, {"index_col": 0}, {"index_col": "text"}, {"index_col": None}
    for option, read in [*((option, 20) for option in whole), ({"nrows": 10}, 10), ({"skiprows": [1, 2]}, 18)]:
        data = load_csv(path, text="text", label="label", **option)
        assert data.read == read and adds_up(data) and list(data.rows["train"].columns) == ["id", "text", "label"]
    doubled = write(
        tmp_path / "twice.csv", [("a title",), ("text", "label", "text"), *((*row, "x") for row in rows(9))]
    )
    for option in ({"skiprows": 1}, {"header": 1}):
        with pytest.raises(ValueError, match="has 2 columns of this name"):
            load_csv(doubled, text="text", label="label", **option)
    tabs = write(
        tmp_path / "tabs.csv", [("text", "label"), ('"Said', "real"), *rows(9)], sep="\t", quoting=3, quotechar="~"
    )
    data = load_csv(tabs, text="text", label="label", dialect=type("Tabs", (csv.excel_tab,), {"quoting": 3}))
    assert data.read == 10


# What is silent elsewhere --------------------------------------------------------------------------------------------


def test_the_same_file_or_the_same_rows_in_two_parts_are_named(tmp_path):
    first, second = (write(tmp_path / f"{name}.csv", [("text", "label"), *rows(30)]) for name in "ab")
    for again in (first, str(first), tmp_path / ".." / tmp_path.name / "a.csv"):
        with pytest.raises(
            ValueError, match=r"a\.csv and a\.csv for the keys \['train', 'test'\]; it needs another file"
        ):
            load_csv({"train": first, "test": again}, text="text", label="label")
    with pytest.raises(ValueError, match="path has DataFrame and DataFrame"):
        load_csv(dict.fromkeys(("real", "fake"), frame()), text="text")
    with pytest.raises(ValueError, match=r"a\.csv and b\.csv: 30 of 60 rows kept.*'that repeat a text': 30.*in train"):
        load_csv({"train": first, "test": second}, text="text", label="label")
    with pytest.raises(ValueError, match=r"0 of 60 rows kept.*'with a text that has different labels': 60"):
        load_csv({"real": first, "fake": second}, text="text")


def test_a_part_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(
        KeyError, match=r"'validation' is no part of the data; it needs one of \['train', 'val', 'test'\]"
    ):
        load_csv(frame(), text="text", label="label")["validation"]


def test_labels_that_differ_in_case_or_blanks_are_said_and_only_blanks_around_are_dropped():
    table = frame(40, label=["Real", "real ", "real", "fake"] * 10)
    with pytest.warns(UserWarning) as said:
        data = load_csv(table, text="text", label="label")
    (note,) = data.notes[1:]
    assert "differ in case, blanks or zeros alone: [['Real', 'real ', 'real']]; they stay apart, but for blanks" in note
    assert len(said) == 1 and Path(said[0].filename) == Path(__file__)
    assert str(said[0].message).startswith("DataFrame (val and") and str(said[0].message).endswith(note)
    assert data.classes == ["Real", "fake", "real"] and note in repr(data)
    for pair in (["mostly true", "mostly  true"], ["caf\u00e9", "cafe\u0301"], ["real", "real\u200b"]):
        with pytest.warns(UserWarning, match="differ in case, blanks or zeros alone"):
            assert load_csv(frame(label=pair * 15), text="text", label="label").classes == sorted(pair)


@pytest.mark.filterwarnings("error")
def test_labels_of_numbers_and_truth_values_give_the_classes_and_no_warning():
    for labels, classes in (
        ([True, False], ["False", "True"]),
        ([1.0, 0.0], [0, 1]),
        (["1.0", "0"], [0, 1]),
        (["C", "C++"], ["C", "C++"]),
        (["-1", "1"], [-1, 1]),
    ):
        data = load_csv(frame(label=labels * 15), text="text", label="label")
        assert data.classes == classes and len(data.notes) == 1
        assert load_csv(frame(label=labels * 15), text="text", label="label", labels=labels[::-1]).read == 30
    data = load_csv(frame(label=[1.0, 0.0, float("nan")] * 10), text="text", label="label")
    assert data.left_out == {"without a label": 10} and data.classes == [0, 1]


def test_unknown_words_of_test_are_counted_and_a_language_without_blanks_is_said():
    table = frame(part=["train", "val", "test"] * 10)
    data = load_csv(table, text="text", label="label", split="part")
    assert data.notes == ["words in a text of test: 6 (median); 16.7% of all are <unk>, not twice in train"]
    assert data.notes[0] in repr(data)
    draw = torch.Generator().manual_seed(0)
    letters = torch.randint(0x4E00, 0x4E40, (60, 20), generator=draw).tolist()
    table = frame(60, text=["".join(map(chr, row)) for row in letters])
    with pytest.warns(UserWarning, match=r"1 \(median\); 100\.0% .* blanks\? words\.split = list") as said:
        data = load_csv(table, text="text", label="label")
    assert (
        len(said) == 1 and Path(said[0].filename) == Path(__file__) and said[0].message.args[0].endswith(data.notes[0])
    )
    words = Vocabulary(map(list, data["train"].texts))
    words.split = list
    assert (torch.cat(words.examples(data["test"])[0]) == 1).double().mean() < 0.1
    clauses = [", ".join("".join(map(chr, row[k : k + 5])) for k in (0, 5, 10)) for row in letters]
    with pytest.warns(UserWarning, match=r"3 \(median\)"):
        load_csv(frame(60, text=clauses), text="text", label="label")


def test_a_word_that_train_has_once_is_unknown_and_texts_of_one_word_are_said():
    words = ["once upon", "twice told", "twice said"] * 4 + ["one here", "two there"] * 4
    train = [f"{text} x{k} y{k}" if k >= 3 else text for k, text in enumerate(words)]
    table = pandas.DataFrame({"text": [*train, "upon told", "said so", "told", "said"], "label": ["a", "b"] * 12,
                              "part": ["train"] * 20 + ["val", "val", "test", "test"]})  # fmt: skip
    with pytest.warns(
        UserWarning, match=r"words in a text of test: 1 \(median\); 0\.0% of all are <unk>.*A model learns"
    ):
        load_csv(table, text="text", label="label", split="part")
    table["text"] = table["text"].replace({"told": "x3 twice", "said": "y4 twice"})
    (note,) = load_csv(table, text="text", label="label", split="part").notes
    assert note.startswith("words in a text of test: 2 (median); 50.0% of all are <unk>") and "learns" not in note


def test_texts_without_a_word_are_counted():
    table = frame(text=["!!!", "\u2026 ?", *(f"a text number {k}" for k in range(28))])
    assert load_csv(table, text="text", label="label").notes[0].endswith("; 2 texts without a word")


def test_texts_of_the_same_words_are_one_text_and_counted():
    more = [
        ("STORY number 0, of the day!", "fake"),
        ("story Number 1 of the day?", "fake"),
        ("☂ ☂", "fake"),
        ("☀ ☀", "real"),
    ]
    table = pandas.concat([frame(), pandas.DataFrame(more, columns=["text", "label"])])
    data = load_csv(table, text="text", label="label")
    everything = [text for split in data.values() for text in split.texts]
    assert data.left_out == {"with a text that has different labels": 2, "that repeat the words of a text": 1}
    assert "  left out: 1 that repeat the words of a text" in repr(data) and data.read == 34 and adds_up(data)
    assert "Story number 1 of the day" not in everything and {"☂ ☂", "☀ ☀"} < set(everything)


WORDS_IN_PARTS = st.tuples(
    st.sampled_from(["a b", "A b", "a, B.", "c", "C!", "¿c?"]), st.sampled_from(["test", "train", "val"])
)


@settings(max_examples=25, deadline=None)
@given(st.lists(WORDS_IN_PARTS, max_size=20))
def test_of_texts_of_the_same_words_the_first_in_test_stays_else_in_train_else_in_val(drawn):
    sure = [(f"{text} {part}", label, part) for part in ("train", "val", "test") for text, label in rows(4)]
    table = pandas.DataFrame(
        [*sure, *((text, "real", part) for text, part in drawn)], columns=["text", "label", "part"]
    )
    data = load_csv(table, text="text", label="label", split="part")
    first = {}
    for text, part in sorted(drawn, key=lambda pair: pair[1]):  # test is first, as in the alphabet
        first.setdefault(tuple(tokenize(text)), (text, part))
    found = [(text, part) for part, split in data.items() for text in split.texts if text in dict(drawn)]
    assert sorted(found) == sorted(first.values()) and adds_up(data)


def test_texts_of_test_that_begin_as_one_of_train_are_said():
    begin = " ".join(f"word{k}" for k in range(64))
    texts = [f"{begin} and the end {k}" for k in range(6)] + [f"Story {k}" for k in range(24)]
    with pytest.warns(UserWarning, match=r": 2 texts of test begin with the same 64 words as one of train; models"):
        data = load_csv(frame(text=texts, part=["train", "val", "test"] * 10), text="text", label="label", split="part")
    assert data.left_out == {} and any("begin with the same 64 words" in note for note in data.notes)
    shorter = [text.removeprefix("word0 ") for text in texts]  # 63 words, and the next is "and"
    data = load_csv(frame(text=[f"{text} x" for text in shorter], part=["train", "val", "test"] * 10), text="text",
                    label="label", split="part")  # fmt: skip
    assert any("begin" in note for note in data.notes)
    other = [text.replace("word63", f"other{k}") for k, text in enumerate(texts)]
    data = load_csv(frame(text=other, part=["train", "val", "test"] * 10), text="text", label="label", split="part")
    assert len(data.notes) == 1


# What pandas takes for missing ---------------------------------------------------------------------------------------


def test_words_that_pandas_takes_for_missing_are_said_with_the_argument_that_keeps_them(tmp_path):
    path = tmp_path / "file.csv"
    lines = (
        HEAD + TEN.replace("fake", "None") + TEN.replace("day", "night").replace("fake", "true") + "N/A,real\n,real\n"
    )
    path.write_text(lines, encoding="utf-8")
    note = (
        r"pandas takes words for missing: {'N/A': 1, 'None': 5} in ['text', 'label']; keep_default_na=False keeps them"
    )
    with pytest.warns(UserWarning, match=re.escape(note)) as said:
        data = load_csv(path, text="text", label="label")
    assert len(said) == 1 and Path(said[0].filename) == Path(__file__)
    assert data.classes == ["real", "true"] and note in data.notes and note in repr(data)
    assert data.left_out == {"without text": 2, "without a label": 5} and adds_up(data)
    data = load_csv(path, text="text", label="label", keep_default_na=False)
    assert data.classes == ["None", "real", "true"] and data.left_out == {"without text": 1} and len(data.notes) == 1
    for told in ({"na_values": ["?"]}, {"keep_default_na": True}):  # then nothing is guessed
        assert len(load_csv(path, text="text", label="label", **told).notes) == 1


@pytest.mark.parametrize("word", ["NA", "null", "nan", "NULL", "<NA>", "n/a"])
def test_a_class_of_two_that_pandas_takes_for_missing_is_named_in_the_error(tmp_path, word):
    path = tmp_path / "file.csv"
    path.write_text(HEAD + TEN.replace("fake", word), encoding="utf-8")
    with pytest.raises(
        ValueError, match=rf"file\.csv: 5 of 10 .*missing: {{'{word}': 5}} in .*keep_default_na=False keeps"
    ):
        load_csv(path, text="text", label="label", labels=[word, "real"])
    assert load_csv(path, text="text", label="label", keep_default_na=False).classes == sorted([word, "real"])


def test_empty_cells_and_rows_that_end_early_are_no_words(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(f'{HEAD}{TEN}a text,\n"",real\nalone\n'.replace("label", "label,more"), encoding="utf-8")
    data = load_csv(path, text="text", label="label")
    assert data.left_out == {"without text": 1, "without a label": 2} and len(data.notes) == 1


# Labels as they are spelled ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelled", "classes"),
    [
        (["1.10", "1.1"], [1.1, "1.10"]),
        (["01", "1"], [1, "01"]),
        (["1.0", "1", "2"], [1, 2]),
        (["+1", "1", "-1"], [-1, 1]),
        (["0.5", "0.50"], [0.5, "0.50"]),
        (["007", "7"], [7, "007"]),
        (["1,10", "1,1"], ["1,1", "1,10"]),
    ],
)
def test_labels_that_are_one_number_are_said_and_kept_apart_unless_they_are_whole(spelled, classes):
    with pytest.warns(
        UserWarning, match=r"zeros alone: .*; they stay apart, .* 1\.0 is read as 1$" if "," not in spelled[0] else "x"
    ) as said:
        warnings.warn("x", stacklevel=1)
        data = load_csv(frame(10 * len(spelled), label=spelled * 10), text="text", label="label")
    assert data.classes == classes and adds_up(data) and data.left_out == {}
    assert len(said) == 1 + ("," not in spelled[0])


@pytest.mark.parametrize("spelled", ["True False", "TRUE FALSE", "true false", "TRUE false", "TRUE True true FALSE"])
@pytest.mark.parametrize("make", [list, numpy.array, pandas.Series], ids=lambda make: make.__name__)
def test_true_and_false_as_labels_name_them_as_pandas_reads_them(tmp_path, spelled, make):
    words = [w for w in spelled.split() for _ in range(12)]
    path = write(tmp_path / "own.csv", [("text", "label"), *((f"a text {k}", w) for k, w in enumerate(words))])
    for labels in ([True, False], [False, True]):
        data = load_csv(path, text="text", label="label", labels=make(labels))
        assert data.classes == [str(label) for label in labels] and adds_up(data) and data.left_out == {}
        number = [str(word).lower() == str(labels[1]).lower() for word in data.rows["train"]["label"]]
        assert data["train"].labels.tolist() == number and len(data.notes) == 1
    table = pandas.DataFrame({"text": [f"a text {k}" for k in range(24)], "label": [True, False] * 12})
    assert load_csv(table, text="text", label="label", labels=make([True, False])).classes == ["True", "False"]


@pytest.mark.parametrize("words", [("1", "0"), ("yes", "no"), ("T", "F"), ("1.0", "0.0")])
def test_what_true_and_false_do_not_name_is_said_beside_them(tmp_path, words):
    path = write(tmp_path / "own.csv", [("text", "label"), *rows(20, words)])
    shown = {"1": "[0, 1]", "1.0": "[0, 1]"}.get(words[0], str(sorted(words)))
    says = f"'label' has 2 different values: {shown}; it needs each of labels as it is written, [True, False]"
    with pytest.raises(ValueError, match=re.escape(says) + "$"):
        load_csv(path, text="text", label="label", labels=[True, False])


def test_the_words_true_and_false_name_themselves_alone():
    table = frame(label=["TRUE", "FALSE"] * 15)
    with pytest.raises(ValueError, match=r"\['FALSE', 'TRUE'\]; it needs .* written, \['True', 'False'\]$"):
        load_csv(table, text="text", label="label", labels=["True", "False"])


def test_a_decimal_comma_makes_numbers_of_labels(tmp_path):
    lines = [("text", "label"), *rows(20, ("1,10", "1,1", "2,0", "-0,5"))]
    path = write(tmp_path / "own.csv", lines, sep=";")
    with pytest.warns(UserWarning, match=r"zeros alone: \[\['1,10', '1,1'\]\]"):
        data = load_csv(path, text="text", label="label", sep=";", decimal=",")
    assert data.classes == [-0.5, 1.1, 2, "1,10"]


# A header that is not where it is looked for -------------------------------------------------------------------------

SEMI = (HEAD + TEN).replace(",", ";")
HEADERS = {  # name -> text of the file, arguments, what the error says at its end, arguments that read it
    "case": (HEAD.title() + TEN, {}, "; is it 'Text'?", {"text": "Text", "label": "Label"}),
    "case of the label": (HEAD.replace("l", "L") + TEN, {}, "; is it 'LabeL'?", {"label": "LabeL"}),
    "a slip": (HEAD.replace("text", "texts") + TEN, {}, "; is it 'texts'?", {"text": "texts"}),
    "a blank within": (HEAD.replace("x", " x") + TEN, {}, "; is it 'te xt'?", {"text": "te xt"}),
    "a space of no width": (HEAD.replace(",", "\u200b,") + TEN, {}, "; is it 'text\\u200b'?", {"text": "text\u200b"}),
    "sep=; for Excel, read": (f"sep=;\n{SEMI}", {"sep": ";"}, "; are the names in line 2? Pass skiprows=1",
                              {"skiprows": 1}),
    "sep=; for Excel": (f"sep=;\n{SEMI}", {}, "; is the delimiter ';' and are the names in line 2? Pass sep=';' and "
                        "skiprows=1", {"sep": ";", "skiprows": 1}),
    "a comment": (f"# from x\n{HEAD}{TEN}", {}, "; are the names in line 2? Pass skiprows=1", {"skiprows": 1}),
    "a comment of many words": (f"# from x, y, z\n{HEAD}{TEN}", {}, "; are the names in line 2? Pass skiprows=1",
                                {"skiprows": 1}),
    "a title": (f"From x\nby y\n\n{HEAD}{TEN}", {}, "; are the names in line 4? Pass skiprows=3", {"skiprows": 3}),
    "a title, names with capitals": (f"From x\n\n{HEAD.upper()}{TEN}", {}, "line 3? Pass skiprows=2", None),
    "a title and semicolons": (f"From x\n\n{SEMI}", {}, "Pass sep=';' and skiprows=2", {"sep": ";", "skiprows": 2}),
    "numbers without header=None": (f"{HEAD}12 of 10,real\n{TEN}", {"text": 2, "label": 1}, "text=0, or names=", None),
    "a title, asked for in capitals": (f"From x\n\n{HEAD}{TEN}", {"text": "TEXT"}, "line 3? Pass skiprows=2", None),
    "a mark": (f"\ufeff{HEAD}{TEN}", {"encoding": "cp1252"}, '; is ï»¿ a byte order mark? Pass encoding="utf-8-sig"',
               {"encoding": "utf-8-sig"}),
    "a mark and quotes": (f'\ufeff"text",label\n{TEN}', {"encoding": "latin-1"}, 'Pass encoding="utf-8-sig"',
                          {"encoding": "utf-8-sig"}),
    "a mark twice": (f"ï»¿{HEAD}{TEN}", {}, "; is it 'ï»¿text'?", {"text": "ï»¿text"}),
    "tabs and commas": ("text\tlabel\n" + TEN.replace(",", "\t").replace(" of", ", of"), {},
                        "; is the delimiter '\\t'? Pass sep='\\t'", {"sep": "\t"}),
    "bars": ("text|label\n" + TEN.replace(",", "|"), {}, "; is the delimiter '|'? Pass sep='|'", {"sep": "|"}),
    "commas": (HEAD + TEN, {"sep": ";"}, "; is the delimiter ','? Pass sep=','", {"sep": ","}),
    "other names, semicolons": (SEMI.replace("text", "message"), {}, "; is the delimiter ';'? Pass sep=';'",
                                {"text": "message", "sep": ";"}),
    "names that are numbers": (HEAD + TEN, {"header": None}, "; with header=None the names are numbers", {}),
    "no names": (TEN, {}, "; is line 1 a row of the data? Pass header=None and text=0, or names=",
                 {"header": None, "text": 0, "label": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_an_error_asks_for_the_argument_that_finds_the_names(tmp_path, name):
    content, given_, says, cure = HEADERS[name]
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode())
    with pytest.raises(ValueError, match=rf"(?s)file\.csv.*{re.escape(says)}$"):
        load_csv(path, **{"text": "text", "label": "label"} | given_)
    if cure is not None:
        given_ = {} if name == "names that are numbers" else given_
        assert load_csv(path, **{"text": "text", "label": "label"} | given_ | cure).read == 10


def test_a_name_of_a_data_frame_is_asked_for_too_and_a_mark_in_a_name_is_dropped(tmp_path):
    with pytest.raises(ValueError, match=r"among \['Text', 'label'\]; it needs one; is it 'Text'\?$"):
        load_csv(frame().rename(columns={"text": "Text"}), text="text", label="label")
    with pytest.raises(ValueError, match=r"among \['id', 'label'\]; it needs one$"):
        load_csv(frame().rename(columns={"text": "id"}), text="message", label="label")
    assert load_csv(frame().rename(columns={"text": "\ufeff text"}), text="text", label="label").read == 30
    path = tmp_path / "file.csv"
    path.write_bytes(f"\ufeff{HEAD}{TEN}".encode("utf-16-le"))
    assert load_csv(path, text="text", label="label", encoding="utf-16-le").read == 10


def test_text_and_label_in_each_others_place_are_asked_for_in_a_short_error(tmp_path):
    long = [(f"{k} {'word ' * 300}", "fake" if k % 2 else "real") for k in range(40)]
    table = pandas.DataFrame(long, columns=["text", "label"])
    for more in ({}, {"labels": ["fake", "real"]}):
        with pytest.raises(ValueError, match=r"'label' has \['fake', 'real'\]: swap text= and label=\?$") as error:
            load_csv(table, text="label", label="text", **more)
        assert len(str(error.value)) < 700
    with pytest.raises(ValueError, match=r"split has \['0 word .*\.\.\.\] in its column; it needs train, val") as error:
        load_csv(table.assign(part="train"), text="part", label="label", split="text")
    assert len(str(error.value)) < 500
    with pytest.raises(ValueError, match="has 30 different values") as error:  # an id is no text
        load_csv(frame(label=range(30)), text="text", label="label")
    assert "swap" not in str(error.value)


def test_a_class_that_a_part_lacks_is_said():
    table = frame(part=["train", "val", "test"] * 10).drop([2, 8, 14, 20, 26, 1])  # test has no "fake"
    with pytest.warns(
        UserWarning, match=r"DataFrame: test has no text of \['fake'\]; a score on test says nothing"
    ) as said:
        data = load_csv(table, text="text", label="label", split="part")
    assert len(said) == 1 and data.notes[1].startswith("test has no text of ['fake']")
    table["part"] = table["part"].replace({"test": "val", "val": "test"})
    with pytest.warns(UserWarning, match=r"val has no text of \['fake'\]; a score on val"):
        load_csv(table, text="text", label="label", split="part")
    table["part"] = table["part"].replace({"train": "val", "val": "train"})
    with pytest.raises(
        ValueError, match=r"1 of 2 classes have too few rows in train, \{'fake': 0\}; it needs 1 or more"
    ):
        load_csv(table, text="text", label="label", split="part")


# Ten more hostile files ----------------------------------------------------------------------------------------------

BARS = "".join(f"| Story number {k} | {('fake', 'real')[k % 2]} |\n" for k in range(10))
MORE_ERRORS = {  # name -> text of the file, what the error says behind the name of the file
    "a table of Markdown": (f"| text | label |\n|---|---|\n{BARS}", r"is the delimiter '\|'\? Pass sep='\|'$"),
    "numbers of rows, as R writes": (HEAD + "".join(f"{k},{line}\n" for k, line in enumerate(TEN.splitlines())),
                                     "or a name for each column$"),
    "single quotes": (f"{HEAD}'a, b',fake\n{TEN}", "it needs quotes around a text with the delimiter in it"),
    "the header again": (f"{HEAD}{TEN}{HEAD}{TEN.replace('day', 'night')}", r"too few rows in train, \{'label': 1\}"),
    "a row of types": (f"{HEAD}string,int\n{TEN}", r"too few rows in train, \{'int': 1\}; it needs 3"),
    "a page in place of a file": ("<!DOCTYPE html>\n<html><title>Log in, please</title>\n<p>a, b, c</p></html>\n",
                                  "line 3, saw 3"),
    "a pointer in place of a file": ("version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n",
                                     r"0 columns .*\['version https"),
    "zeros at the end": (HEAD + TEN + "\0" * 9, r"line 12 has the byte \\x00"),
}  # fmt: skip
MORE_TABLES = {  # name -> text of the file, classes, rows kept, rows left out
    "a last line of psql": (f"{HEAD}{TEN}(10 rows)\n", ["fake", "real"], 10, {"without a label": 1}),
    "lines that are none": (f"{HEAD}a\u2028b\x85c\x0bd\x0ce,fake\n{TEN}", ["fake", "real"], 11, {}),
    "old line ends in quotes": (f'{HEAD}"a\rb\r\nc",fake\n{TEN}', ["fake", "real"], 11, {}),
    "blanks that do not break": (HEAD + TEN.replace("fake", "\xa0fake\u3000"), ["fake", "real"], 10, {}),
    "names that differ in case": ("Text,text,LABEL,label\n" + re.sub(r"(?m)^(.*),(.*)$", r"x,\1,y,\2", TEN),
                                  ["fake", "real"], 10, {}),
    "texts that differ in signs": (HEAD + TEN + TEN.upper().replace("FAKE", "fake").replace("REAL", "real"),
                                   ["fake", "real"], 10, {"that repeat the words of a text": 10}),
}  # fmt: skip


@pytest.mark.parametrize("name", [*MORE_ERRORS, *MORE_TABLES])
def test_another_hostile_file_ends_in_the_right_table_or_in_an_error(tmp_path, name):
    content, *expected = MORE_ERRORS.get(name) or MORE_TABLES[name]
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode())
    if name in MORE_ERRORS:
        with pytest.raises(ValueError, match=rf"(?s)file\.csv.*{expected[0]}"):
            load_csv(path, text="text", label="label")
    else:
        data = load_csv(path, text="text", label="label")
        assert [data.classes, sum(sizes(data)), data.left_out] == expected and adds_up(data)


def test_a_package_that_is_cut_off_or_holds_two_files_is_named(tmp_path):
    content = f"{HEAD}{TEN}".encode()
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(content)[:-9])
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as file:
        file.writestr("a.csv", content)
        file.writestr("b.csv", content)
    for name, says in {"cut.csv.gz": "ended before", "two.zip": r"Only one file per ZIP: \['a\.csv'"}.items():
        with pytest.raises(ValueError, match=rf"{re.escape(name)}: .*{says}"):
            load_csv(tmp_path / name, text="text", label="label")


# To a trained model --------------------------------------------------------------------------------------------------


def test_the_five_lines_of_the_readme_train_on_a_file_that_nobody_prepared(tmp_path, monkeypatch):
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Your own data\n")[1].split("\n## ")[0]
    code = re.search(r"```python\n(.*?)```", section, re.S)[1]
    lines = [line for line in code.splitlines() if line and not line.startswith(("from ", "import "))]
    assert len(lines) <= 5
    topics = {"sport": "goal match team", "politics": "vote law party", "science": "cell gene atom"}
    table = [
        (f"{words} {k}", f"by {words.split()[k % 3]}", topic) for k in range(80) for topic, words in topics.items()
    ]
    write(tmp_path / "news.csv", [("title", "text", "label"), *table, ("", "", "sport"), ("no label", "x", "")])
    monkeypatch.chdir(tmp_path)
    names = {}
    torch.manual_seed(0)
    exec(code, names)
    assert names["data"].classes == ["politics", "science", "sport"] and names["data"].read == 242
    assert names["model"].linear.out_features == 3
    from lstm_lesson.training import evaluate

    assert evaluate(names["model"], names["words"].examples(names["data"]["test"]))[1] > 0.9


def test_the_classifier_of_notebook_12_takes_the_classes_of_a_table():
    cells = json.loads((ROOT / "notebooks/12_fake_news.ipynb").read_text(encoding="utf-8"))["cells"]
    code = next(source for cell in cells if (source := "".join(cell["source"])).startswith("class NewsReader"))
    names = {"nn": torch.nn, "last_true_step": last_true_step}
    exec(code, names)
    data = load_csv(frame(label=["a", "b", "c"] * 10), text="text", label="label")
    words = Vocabulary(map(tokenize, data["train"].texts))
    reader = names["NewsReader"](len(words), CustomLSTM(32, 32), classes=len(data.classes))
    sequences, labels = words.examples(data["train"])
    fit(reader, (sequences, labels), words.examples(data["val"]), epochs=1)
    assert reader(*pad_batch(sequences)).shape == (len(labels), 3)
    assert names["NewsReader"](len(words), CustomLSTM(32, 32)).linear.out_features == 2


def test_a_vocabulary_makes_examples_of_the_first_words():
    words = Vocabulary([["a", "b", "a", "b"]])
    data = load_csv(frame(), text="text", label="label")
    sequences, labels = Vocabulary(map(tokenize, data["train"].texts)).examples(data["train"], most=2)
    assert {len(ids) for ids in sequences} == {2} and torch.equal(labels, data["train"].labels)
    assert words.encode(["b"]).tolist() == [3]


def test_load_news_sends_other_files_to_load_csv():
    with pytest.raises(ValueError, match=r"name is 'train\.csv'.*text\.load_csv"):
        load_news("train.csv")


def test_large_whole_numbers_stay_classes_of_their_own():
    table = pandas.DataFrame({"text": [f"text {k}" for k in range(60)], "label": [2**60 + k % 3 for k in range(60)]})
    assert load_csv(table, text="text", label="label").classes == [2**60, 2**60 + 1, 2**60 + 2]


def test_labels_may_be_any_sequence_but_a_text():
    for labels in (pandas.Series(["real", "fake"]), pandas.array(["real", "fake"]), ("real", "fake")):
        assert load_csv(frame(), text="text", label="label", labels=labels).classes == ["real", "fake"]


def test_one_class_in_labels_is_not_enough():
    table = pandas.DataFrame({"text": [f"text {k}" for k in range(60)], "label": [0] * 60})
    with pytest.raises(ValueError, match="labels is \\['0'\\]; it needs a list of two classes or more"):
        load_csv(table, text="text", label="label", labels=["0"])
