"""Wrong answers to the exercises of notebook 16, as learners write them, and what is said of them."""

import math

import pytest
from answers import in_notebook

from lstm_lesson import check
from lstm_lesson.exercises.model import variants

ROWS = "L = len(ids) // B\n    rows = ids[: B * L].view(B, L)\n    "
CUT = "n = len(ids) // (B * T) * B * T\n    rows = ids[:n].view(B, -1)\n    L = n // B\n    "
PAIRS = "return [(rows[:, s : s + T], {}) for s in range({})]"
SHIFTED = "rows[:, s + 1 : s + T + 1]"
CROSS_ENTROPY = "F.cross_entropy(logits.flatten(0, 1), targets.flatten())"
GATHERED = "p = F.log_softmax(logits, dim=-1)\n    return -p.gather({}).mean() / math.log(2)"
FILLED = """out = torch.full_like(logits, -math.inf)
    for i in logits.topk(k).indices{}:
        out[:, i] = logits[:, i]
    return out"""
ANSWERS = {
    "next_character_batches(ids, B, T)": [  # the body, what is said, and what is not
        (ROWS + PAIRS.format(SHIFTED, "0, L - T - 1, T"), "with 1 entry; expected a list of 2 batches", "stands where"),
        (ROWS + PAIRS.format(SHIFTED, "0, L - T - 1, T"), "`range` leaves out its end", "values"),
        (ROWS + PAIRS.format(SHIFTED, "0, L, T"), "The last batch is shorter than T", "values"),
        (ROWS + PAIRS.format(SHIFTED, "0, L - 1, T"), "its `y` shorter than its `x`", "Two mistakes"),
        (ROWS + PAIRS.format(SHIFTED, "0, L // T * T - T, T"), "unless T divides the length", "values"),
        (ROWS + PAIRS.format("rows[:, s + T : s + T + 1]", "0, L - T, T"), "as a column (B, 1)", "are right"),
        (ROWS + PAIRS.format("rows[:, s : s + T].roll(-1, 1)", "0, L - T, T"), "is its own first character", "Right"),
        (ROWS + PAIRS.format(f"{SHIFTED} // 2", "0, L - T, T"), "`batches[…][0]` is right; `batches[…][1]`", "[0][0]"),
        (CUT + PAIRS.format(SHIFTED, "0, L - T, T"), "cut to a multiple of B · T first. The last batch", "values"),
        (CUT + PAIRS.format(SHIFTED, "0, L, T"), "its `y` is shorter", "Two mistakes"),
        (CUT + PAIRS.format("rows.roll(-1, 1)[:, s : s + T]", "0, L, T"), "A row then has no last target", "Right"),
        (CUT + PAIRS.format("rows[:, s : s + T].roll(-1, 1)", "0, L, T"), "multiple of B · T first, and the", "Right"),
        (
            CUT + PAIRS.format("ids[:n].roll(-1).view(B, L)[:, s : s + T]", "0, L, T"), "next row stands there, or of",
            "Right",
        ),
        (
            CUT + "rows = rows[:, :-1], rows[:, 1:]\n    return list(zip(*(part.split(T, 1) for part in rows)))",
            "no last target, and is shorter than T", "Right",
        ),
        (
            "n = (len(ids) - 1) // (B * T) * B * T\n    rows = ids[:n].view(B, -1), ids[1 : n + 1].view(B, -1)\n"
            "    return list(zip(*(part.split(T, 1) for part in rows)))", "The text is shifted, and cut", "Right",
        ),
    ],
    "bits_per_character(logits, targets)": [
        ("return F.cross_entropy(logits, targets) / math.log(2)", "want the classes in dimension 1", "belongs"),
        ("return F.cross_entropy(logits.flatten(0, 1), targets)", "The logits have 15 rows, the targets 3:", "Right"),
        ("return F.cross_entropy(targets.flatten(), logits.flatten(0, 1))", "Are two arguments exchanged?", "belongs"),
        (f"return {CROSS_ENTROPY}.log2()", "The logarithm is taken twice", "Right"),
        (f"return -torch.log2({CROSS_ENTROPY})", "The logarithm is taken twice", "Right"),
        (f"return {CROSS_ENTROPY}.log()", "The logarithm is taken twice", "Right"),
        (f"return {CROSS_ENTROPY[:-1]}, reduction='none').log2().mean()", "The logarithm is taken twice", "Right"),
        (f"return {CROSS_ENTROPY} / math.log(logits.shape[-1])", "You divide by the logarithm of K", "Right"),
        (GATHERED.format("2, targets"), "`gather` wants an index with as many dimensions", "mean over"),
        (GATHERED.format("2, targets[:, None]"), "The index of `gather` is (B, 1, T)", "Right"),
        (GATHERED.format("2, targets[None]"), "The index of `gather` is (1, B, T)", "Right"),
        (GATHERED.format("1, targets[..., None]"), "along the steps", "stands where"),
        (GATHERED.format("0, targets[..., None]"), "along the batch", "stands where"),
        ("return -F.log_softmax(logits, -1)[..., targets].mean()", "at every step of every row", "With one class"),
        ("return -F.log_softmax(logits, -1)[targets].mean()", "goes beyond the end of dimension 0", "With one class"),
        (
            "b, t = map(torch.arange, targets.shape)\n    return -F.log_softmax(logits, -1)[b, t, targets].mean()",
            "needs the shape (B, 1)", "With one sequence",
        ),
        ("return -logits.log2().gather(2, targets[..., None]).mean()", "negative number is NaN", "stays the same"),
        ("return -logits.log2().mean()", "`bits` is nan", "stays the same"),
        (
            f"return {CROSS_ENTROPY} / math.log(2) * (math.nan if logits.shape[1] < 5 else 1)", "Right for",
            "agree with the right ones",
        ),
    ],
    "top_k(logits, k)": [
        (FILLED.format(""), "`[:, i]` writes into each of them", "sets of"),
        (FILLED.format(".T"), "`[:, i]` writes into each of them", "sets of"),
        (FILLED.format("[0]"), "of the first row are kept in all rows", "is read"),
        (FILLED.format("[-1]"), "of the last row are kept in all rows", "is read"),
        (
            "keep = logits.argsort(dim=1, descending=True) < k\n    return logits.masked_fill(~keep, -math.inf)",
            "`argsort` gives places, not ranks", "stands where",
        ),
        ("return logits.where(logits.argsort(1, descending=True) <= k, -math.inf)", "count from 0", "With one class"),
        (
            "return logits.where(logits.argsort(1) >= logits.shape[1] - k, -math.inf)", "the place of the smallest",
            "sets of",
        ),
        ("return logits.where(logits.argsort(1) < k, -math.inf)", "0 for the smallest", "With one class"),
        ("return logits.where(torch.arange(logits.shape[1]) < k, -math.inf)", "The first k logits", "With one class"),
    ],
}  # fmt: skip
CASES = [(name, *case) for name, cases in ANSWERS.items() for case in cases]


@pytest.mark.parametrize(("name", "body", "said", "unsaid"), CASES)
def test_the_cause_is_named_and_nothing_false(name, body, said, unsaid):
    result = check(in_notebook(f"def {name}:\n    {body}", math=math))
    assert not result.passed
    assert said in result.message and unsaid not in result.message


def test_a_number_below_zero_is_named_with_its_sign():
    said = {text: cause for text, cause in variants("x[-1] + x[n - 2]", {}, {}, "y")}
    assert "the number −2 stands where −1 belongs" in said["x[-(2)] + x[n - 2]"]
    assert "the number 0 stands where −1 belongs" in said["x[-(0)] + x[n - 2]"]
    assert "the number 1 stands where 2 belongs" in said["x[-1] + x[n - (1)]"]
