"""The data: found, checked, fetched again; and words to numbers."""

import errno
import hashlib
import os
import time
from pathlib import Path

import pytest
import torch
from news_server import DATA, FILES, kept, with_data

from lstm_lesson.data import download
from lstm_lesson.text import NewsUnavailable, Vocabulary, load_news, pad_batch, posts_or_headlines, tokenize
from lstm_lesson.text.news import Split


def only(dataset):
    return {file: body for file, body in FILES.items() if file.startswith(dataset)}


# Fetching ------------------------------------------------------------------------------------------------------------


def test_a_data_set_is_downloaded_once_and_then_read_from_the_cache(server, capfd):
    news = load_news("covid")
    assert kept(server.cache) == only("covid") and server.requests == 3
    shown = capfd.readouterr()
    assert "Constraint_Train.csv: 100%" in shown.out and shown.err == ""  # progress, and nothing on stderr
    server.mood = "404"
    again = load_news("covid")
    assert again["train"].texts == news["train"].texts and server.requests == 3
    assert capfd.readouterr() == ("", "")


def test_the_splits_hold_texts_as_written_and_labels_with_1_for_fake(server):
    news = load_news("covid")
    assert list(news) == ["train", "val", "test"]
    texts, labels = news["train"]
    assert texts == ["masks help", "drink bleach"] and labels.tolist() == [0, 1] and labels.dtype == torch.int64
    assert news["test"].texts == ["a cure, they say: <b>&amp; “garlic”"]


@pytest.mark.parametrize(
    ("mood", "says"),
    [
        ("404", "404 .*Not Found"),
        ("truncated", "does not match the known hash|connection broke"),
        ("corrupt", "does not match the known hash"),
        ("silent", "too slow"),
        ("dripping", "too slow"),
    ],
)
def test_a_download_that_fails_says_why_leaves_nothing_and_the_next_run_recovers(server, mood, says, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    monkeypatch.setattr(download, "TIME_LIMIT", 0.3)
    monkeypatch.setattr(download, "PIECE", 4)
    server.mood, start = mood, time.monotonic()
    with pytest.raises(NewsUnavailable, match=rf"Constraint_Train.csv could not be downloaded.*({says}).*LSTM_LESSON"):
        load_news("covid")
    assert time.monotonic() - start < 2.5
    assert kept(server.cache) == {}
    server.mood = "ok"
    monkeypatch.setattr(download, "TIME_LIMIT", 60)
    assert load_news("covid")["val"].texts == ["wash hands"]


def test_with_no_server_at_all_the_error_is_quick_and_is_an_oserror(server):
    server.shutdown()
    server.server_close()
    start = time.monotonic()
    with pytest.raises(OSError, match="the connection broke or there is none"):
        load_news("covid")
    assert time.monotonic() - start < 2
    assert kept(server.cache) == {}


def test_a_damaged_file_in_the_cache_is_fetched_again_and_only_that_one(server):
    load_news("covid")
    (server.cache / "covid" / "Constraint_Val.csv").write_bytes(b"id,tweet,label\n1,bad,fake\n")
    assert load_news("covid")["val"].texts == ["wash hands"] and server.requests == 4
    assert kept(server.cache) == only("covid")


def test_a_damaged_file_in_the_cache_is_not_read_when_it_cannot_be_replaced(server):
    load_news("covid")
    (server.cache / "covid" / "Constraint_Val.csv").write_bytes(b"id,tweet,label\n1,bad,fake\n")
    server.mood = "404"
    with pytest.raises(NewsUnavailable, match=r"Constraint_Val\.csv"):
        load_news("covid")


@pytest.mark.parametrize(("number", "says"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only")])
def test_a_write_that_fails_half_way_leaves_nothing(server, number, says, monkeypatch):
    def fail(url, output_file, _pooch=None):
        Path(output_file).write_bytes(b"id,tw")
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(download, "_download", fail)
        with pytest.raises(NewsUnavailable, match=says):
            load_news("covid")
    assert kept(server.cache) == {}
    assert load_news("covid")["val"].texts == ["wash hands"]


def test_a_cache_that_cannot_be_written_is_named(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LSTM_LESSON_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(NewsUnavailable, match="LSTM_LESSON_CACHE names another folder"):
        load_news("covid")
    assert kept(tmp_path) == {"file": b"in the way"}


def test_a_read_only_cache_with_good_files_is_read_and_an_empty_one_refused(server, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    load_news("covid")
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)  # file rights do not bind an administrator
    assert load_news("covid")["val"].texts == ["wash hands"]
    monkeypatch.setenv("LSTM_LESSON_CACHE", str(server.cache / "empty"))
    with pytest.raises(NewsUnavailable, match="Permission denied"):
        load_news("covid")


# The folder LSTM_LESSON_DATA -----------------------------------------------------------------------------------------


def test_the_data_folder_is_read_and_nothing_is_downloaded(server, tmp_path, monkeypatch):
    fill(tmp_path / "data", monkeypatch)
    assert load_news("covid")["val"].texts == ["wash hands"]
    assert server.requests == 0 and not server.cache.exists()


def test_a_damaged_file_in_the_data_folder_is_named_with_both_sums_and_left_alone(server, tmp_path, monkeypatch):
    folder = fill(tmp_path / "data", monkeypatch)
    bad = b"id,tweet,label\n1,bad,fake\n"
    (folder / "covid/Constraint_Val.csv").write_bytes(bad)
    with pytest.raises(NewsUnavailable) as raised:
        load_news("covid")
    for part in (
        "covid/Constraint_Val.csv",
        hashlib.sha256(bad).hexdigest(),
        download.SHA256["covid/Constraint_Val.csv"],
    ):
        assert part in str(raised.value)
    assert (folder / "covid/Constraint_Val.csv").read_bytes() == bad and server.requests == 0


def test_a_file_missing_in_the_data_folder_is_named(server, tmp_path, monkeypatch):
    folder = fill(tmp_path / "data", monkeypatch)
    (folder / "covid/Constraint_Val.csv").unlink()
    with pytest.raises(NewsUnavailable, match=r"_Val\.csv can't be read in .*No such file.*LSTM_LESSON_DATA"):
        load_news("covid")


def test_without_the_posts_the_headlines_are_read_and_the_reason_is_printed(server, capsys):
    name, data = posts_or_headlines()
    assert name == "covid" and data["val"].texts == ["wash hands"]
    assert capsys.readouterr().out.endswith("This run reads: posts and claims of Constraint-2021\n")
    (server.cache / "covid/Constraint_Val.csv").unlink()
    server.mood = "404"
    name, data = posts_or_headlines()
    assert name == "synthetic" and data["val"].texts == load_news("synthetic")["val"].texts
    says = capsys.readouterr().out
    assert "404" in says and says.endswith("This run reads: headlines that the lesson generated\n")


def fill(folder, monkeypatch):
    for file, body in FILES.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(body)
    monkeypatch.setenv("LSTM_LESSON_DATA", str(folder))
    return folder


# What is in them -----------------------------------------------------------------------------------------------------


def test_another_name_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"covid.*synthetic"):
        load_news("liar")


def test_the_addresses_are_pinned_to_a_commit_over_https():
    assert download.ADDRESS.startswith("https://")
    assert all(
        len(set(part)) > 4 and len(part) == 40 for place in download.PINNED.values() for part in [place.split("/")[2]]
    )


@with_data
def test_the_sums_in_the_code_are_those_of_the_data():
    news = {file: sha for file, sha in download.SHA256.items() if not file.startswith("co2/")}
    assert {file: hashlib.sha256((Path(DATA) / file).read_bytes()).hexdigest() for file in news} == news


@with_data
def test_covid_has_its_official_split():
    news = load_news("covid")
    assert [len(split.texts) for split in news.values()] == [6420, 2140, 2140]
    fake = torch.cat([split.labels for split in news.values()]).double().mean()
    assert round(fake.item(), 3) == 0.477
    assert len(Vocabulary(map(tokenize, news["train"].texts))) == 7154


# Words to numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't PANIC!", ["don't", "panic"]),
        ("don’t", ["don't"]),
        ("a-b_c 1,000 #tag @who", ["a", "b", "c", "1", "000", "tag", "who"]),
        ("'quoted' dogs'", ["quoted", "dogs"]),
        ("¿…?", []),
        ("Über NAÏVE nai\u0308ve l’été", ["über", "naïve", "naïve", "l'été"]),
        ("खबर, हिन्दी!", ["खबर", "हिन्दी"]),
        ("Новости: ложь?", ["новости", "ложь"]),
        ("1\ufe0f\u20e3 ❤\ufe0f \U0001f468\u200d\U0001f469", ["1"]),
    ],
)
def test_tokens_are_lower_case_runs_of_letters_and_digits(text, tokens):
    assert tokenize(text) == tokens


@pytest.mark.parametrize("value", [float("nan"), None, b"bytes", ["a", "b"]])
def test_what_is_no_text_is_named(value):
    with pytest.raises(ValueError, match=rf"text is .*\({type(value).__name__}\); it needs a str"):
        tokenize(value)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Vocabulary(["the cat", "sat"]), r"token_lists\[0\] is 'the cat' \(str\)"),
        (lambda: Vocabulary("the cat"), r"token_lists\[0\] is 't' \(str\)"),
        (lambda: Vocabulary([["the"], float("nan")]), r"token_lists\[1\] is nan \(float\)"),
        (lambda: Vocabulary([["the"]]).encode("the cat"), r"tokens is 'the cat' \(str\)"),
        (lambda: Vocabulary([["the"]]).encode(float("nan")), r"tokens is nan \(float\)"),
    ],
)
def test_a_text_is_not_taken_for_a_list_of_words(call, name):
    with pytest.raises(ValueError, match=rf"^{name}; it needs a list of words, as text\.tokenize makes"):
        call()


def test_the_vocabulary_counts_and_keeps_0_and_1_free():
    words = Vocabulary([["a", "b", "a"], ["a", "b", "c"]], min_freq=2)
    assert words.tokens == ["<pad>", "<unk>", "a", "b"] and len(words) == 4
    assert words.encode(["a", "zzz", "b"]).tolist() == [2, 1, 3]
    assert words.encode([]).tolist() == [1]  # a sequence needs a step
    assert words.encode(["a"]).dtype == torch.int64


@pytest.mark.parametrize(
    ("cut", "split", "texts"),
    [
        (str.split, tokenize, ["Story of the day", "Story of the day"]),
        (str.split, tokenize, ["the end.", "the end."]),
        (str.split, list, ["ab cd", "ab cd"]),
        (list, tokenize, ["a, b", "a, b"]),
        (list, tokenize, ["acgt", "acgt"]),
        (list, tokenize, ["新闻", "新闻"]),
        (list, str.split, ["ab cd", "ab cd"]),
        (tokenize, list, ["ab cd", "ab cd"]),
        (lambda text: text.lower().split(), tokenize, ["The end.", "the end."]),
    ],
)
def test_words_of_another_function_than_split_are_refused(cut, split, texts):
    words, data = Vocabulary(map(cut, texts)), Split(texts, torch.tensor([0, 1]))
    words.split = split
    needs = r"; it needs the function that cut the texts, such as words\.split = str\.split$"
    with pytest.raises(
        ValueError, match=rf"^vocabulary\.split is {split.__qualname__}, which did not make the word '.*'{needs}"
    ):
        words.examples(data)
    words.split = cut
    assert (torch.cat(words.examples(data)[0]) > 1).all()


def test_words_of_split_are_never_refused():
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x30000)]))
    texts = [every, "ΑΣ ΣΑΣ Σ'Σ J\u030c E\u0301 İ K Å a\u0301\u0323", *every.split()]
    for cut in (tokenize, str.split, list):
        words = Vocabulary(map(cut, texts), min_freq=1)
        words.split = cut
        assert words.other_split(texts[:2]) == ""
    letters = Vocabulary([["a", "b"]], min_freq=1)
    assert letters.other_split(["b a"]) == "" and "did not make the word 'a'" in letters.other_split(["b ab"])


def test_pad_batch_fills_up_with_0_on_the_right_and_keeps_its_input():
    sequences = [torch.tensor([5]), torch.tensor([1, 2, 3]), torch.tensor([7, 0])]
    ids, lengths = pad_batch(sequences)
    assert ids.tolist() == [[5, 0, 0], [1, 2, 3], [7, 0, 0]] and lengths.tolist() == [1, 3, 2]
    assert ids.dtype == lengths.dtype == torch.int64
    ids[0] = 9
    assert sequences[0].tolist() == [5]


@pytest.mark.parametrize(
    "sequences",
    [[], None, torch.ones(2, 3).long(), [[1, 2]], [torch.ones(2)], [torch.ones(1, 2).long()], [torch.ones(0).long()]],
)
def test_pad_batch_names_what_it_cannot_pad(sequences):
    with pytest.raises(ValueError, match=r"sequences(\[0\])? "):
        pad_batch(sequences)


def test_a_split_is_no_list_of_tokenised_texts():
    with pytest.raises(ValueError, match=r"token_lists is a Split; it needs the tokenised texts, map\(tokenize"):
        Vocabulary(Split(["a text", "another"], torch.tensor([0, 1])))
