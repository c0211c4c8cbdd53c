"""The lines of notebook 12 that read word vectors from a file, as they stand there."""

import json
import re

import pytest
import torch
from repository import ROOT
from torch import nn

from lstm_lesson.text import Vocabulary


@pytest.fixture(scope="module")
def word_vectors():
    cells = json.loads((ROOT / "notebooks/12_fake_news.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    code = next(c for c in re.findall(r"```python\n(.*?)```", prose, re.S) if "from_pretrained" in c)
    assert len(code.splitlines()) <= 12
    names = {"nn": nn, "torch": torch, "re": re}
    exec(code, names)
    return names["word_vectors"]


WORDS = Vocabulary([["the", "cat", "at", "unknown", "300"]] * 2)
GLOVE = "the 0.5 -1.25 3e-05\ncat 1 2 3\n. . . 0.1 0.2 0.3\nat name@domain.com 7 7 7\n300 4.5 5.5 6.5\n\x85 1 1 1\n"


def rows(embedding, *words):
    return embedding(torch.tensor([WORDS.ids[word] for word in words])).tolist()


@pytest.mark.parametrize("form", ["GloVe", "word2vec", "word2vec, blanks at the ends", "Windows"])
def test_the_rows_of_the_words_are_read(word_vectors, tmp_path, form):
    content = GLOVE if form in ("GloVe", "Windows") else f"6 3\n{GLOVE}"
    content = {
        "word2vec, blanks at the ends": content.replace("\n", " \n"),
        "Windows": content.replace("\n", "\r\n"),
    }.get(form, content)
    (tmp_path / "vectors.txt").write_bytes(content.encode())
    torch.manual_seed(0)
    embedding = word_vectors(tmp_path / "vectors.txt", WORDS, 3)
    expected = [[0.5, -1.25, 3e-05], [1, 2, 3], [4.5, 5.5, 6.5]]
    assert torch.allclose(torch.tensor(rows(embedding, "the", "cat", "300")), torch.tensor(expected))
    torch.manual_seed(0)
    drawn = nn.Embedding(len(WORDS), 3, padding_idx=0)
    assert rows(embedding, "at", "unknown") == rows(drawn, "at", "unknown")  # "at name@domain.com" is another word
    assert embedding.weight.requires_grad and embedding.padding_idx == 0 and not embedding.weight[0].any()


@pytest.mark.parametrize("line", ["dog 1 2", "dog", "", "dog 1.0 2.0 3.0 4.0", "dog 0.5 -1.0e-3 2.0 3.0 4.0"])
@pytest.mark.parametrize("counts", ["", "7 3\n"])
def test_a_line_of_another_length_is_named(word_vectors, tmp_path, line, counts):
    (tmp_path / "vectors.txt").write_text(f"{counts}{GLOVE}{line}\ncat 1 2 3\n", encoding="utf-8")
    number = 7 + bool(counts)
    with pytest.raises(ValueError, match=rf"vectors\.txt, line {number} has .* numbers; it needs 3"):
        word_vectors(tmp_path / "vectors.txt", WORDS, 3)


def test_another_size_than_the_files_is_named(word_vectors, tmp_path):
    (tmp_path / "vectors.txt").write_text(GLOVE, encoding="utf-8")
    for size in (2, 50):
        with pytest.raises(ValueError, match=rf"line 1 has 3 numbers; it needs {size}"):
            word_vectors(tmp_path / "vectors.txt", WORDS, size)
