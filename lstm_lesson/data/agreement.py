"""Is or are: clauses in which the verb agrees with the first noun, whatever nouns come between. And a cell set by hand.

"the keys outside near the man there ___": the answer is `are`. The question comes from Linzen, Dupoux &
Goldberg 2016; units that keep the number were found in trained models by Lakretz et al. 2019. The grammar is our own.
"""

import random
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from lstm_lesson.shapes import check_size, check_sizes

FEATURES = ("singular noun", "plural noun", "verb", "article", "other word", "full stop")  # what a cell reads of a word
SINGULAR, PLURAL, VERB, ARTICLE, OTHER, STOP = range(6)
NOUNS = (("key", "door", "man", "letter", "lamp", "neighbour", "bridge", "poet"),
         ("keys", "doors", "men", "letters", "lamps", "neighbours", "bridges", "poets"))  # fmt: skip
PREPOSITIONS = ("near", "behind", "beside", "above", "with", "by")
ADVERBS = ("outside", "upstairs", "there", "again", "today", "abroad")
BLANK = "___"  # the verb, is or are
KINDS = {word: number for number in (SINGULAR, PLURAL) for word in NOUNS[number]}
KINDS |= dict.fromkeys(PREPOSITIONS + ADVERBS, OTHER) | dict.fromkeys((BLANK, "is", "are"), VERB)
KINDS |= {"the": ARTICLE, ".": STOP}


@dataclass(frozen=True)
class Text:
    """Some clauses, one after the other: its words, and for each verb its place and whether its subject is plural."""

    words: tuple[str, ...]
    verbs: tuple[int, ...]
    plural: tuple[bool, ...]

    def __str__(self) -> str:
        return " ".join(self.words)

    @property
    def features(self) -> Tensor:
        """(T, 6), one-hot in the order of `FEATURES`."""
        return F.one_hot(torch.tensor([KINDS[word] for word in self.words]), len(FEATURES)).float()


def texts(count: int, gap: int | tuple[int, int], clauses: int = 1, generator: Generator | None = None) -> list[Text]:
    """Draw texts of some clauses, each "the NOUN … ___ .", with `gap` words between the subject and its verb.

    A pair (low, high) draws the gap of each clause between the two. From a gap of 5 on other nouns come between; from
    13 on a clause has as many singular as plural nouns, its last noun has the subject's number in half of all cases,
    and an article stands before each noun, an adverb after it. So neither the words without their order, nor the last
    noun, nor pairs of neighbours tell the answer. Raises ValueError for a count or clauses below 1, or a gap below 0.
    """
    check_sizes(count=count, clauses=clauses)
    low, high = gap if isinstance(gap, (tuple, list)) and len(gap) == 2 else (gap, gap)
    check_size("gap", low, 0)
    check_size("gap", high, 0)
    if low > high:
        raise ValueError(f"gap is {gap!r}; it needs the smaller number first")
    rng = random.Random(torch.randint(0, 2**62, (), generator=generator).item())  # a word at a time: torch is slow
    return [_text(rng, [rng.randint(low, high) for _ in range(clauses)]) for _ in range(count)]


def agreement(batch: int, gap: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
    """A batch of clauses that end with the verb: is its subject plural?

    -> x (B, gap + 3, 6), one-hot in the order of `FEATURES`; plural (B,), 1.0 for `are` and 0.0 for `is`.
    Raises ValueError as `texts` does.
    """
    check_size("batch", batch)
    check_size("gap", gap, 0)
    drawn = texts(batch, gap, generator=generator)
    x = torch.stack([text.features[:-1] for text in drawn])  # without the full stop
    return x, torch.tensor([float(text.plural[0]) for text in drawn])


# Two LSTM units, N = 6 and H = 2, whose weights are set by hand. Unit 0 keeps the number of the subject, +1 for plural
# and −1 for singular, and says it at the verb alone. Unit 1 notes that the clause has had its subject.


def input_weights() -> tuple[Tensor, Tensor, Tensor]:
    """W_xi (6, 2), W_hi (2, 2), b_i (2,): both input gates open at the subject, and at no later noun."""
    W_x, W_h, b = torch.zeros(6, 2), torch.zeros(2, 2), torch.full((2,), -10.0)  # shut ...
    W_x[[SINGULAR, PLURAL]] = 20.0  # ... but open at a noun ...
    W_h[1] = -40.0  # ... unless unit 1 says that the clause has had its subject
    return W_x, W_h, b


def forget_weights() -> tuple[Tensor, Tensor, Tensor]:
    """W_xf (6, 2), W_hf (2, 2), b_f (2,): both units keep what they have, and forget it at the full stop."""
    W_x, W_h, b = torch.zeros(6, 2), torch.zeros(2, 2), torch.full((2,), 10.0)
    W_x[STOP] = -20.0
    return W_x, W_h, b


def candidate_weights() -> tuple[Tensor, Tensor, Tensor]:
    """W_xc (6, 2), W_hc (2, 2), b_c (2,): unit 0 writes 1 for plural, −1 for singular; unit 1 writes 1 at any noun."""
    W_x, W_h, b = torch.zeros(6, 2), torch.zeros(2, 2), torch.zeros(2)
    W_x[SINGULAR] = torch.tensor([-10.0, 10.0])
    W_x[PLURAL] = torch.tensor([10.0, 10.0])
    return W_x, W_h, b


def output_weights() -> tuple[Tensor, Tensor, Tensor]:
    """W_xo (6, 2), W_ho (2, 2), b_o (2,): unit 0 speaks at the verb alone, unit 1 at every word."""
    W_x, W_h, b = torch.zeros(6, 2), torch.zeros(2, 2), torch.tensor([-10.0, 10.0])
    W_x[VERB, 0] = 20.0
    return W_x, W_h, b


def counter_weights() -> dict[str, Tensor]:
    """Nine weights of one unit, N = 6 and H = 1, whose cell state is the number of nouns since the last full stop."""
    weights = {f"W_x{k}": torch.zeros(6, 1) for k in "ifc"} | {f"W_h{k}": torch.zeros(1, 1) for k in "ifc"}
    weights |= {"b_i": torch.tensor([-10.0]), "b_f": torch.tensor([10.0]), "b_c": torch.tensor([10.0])}
    weights["W_xi"][[SINGULAR, PLURAL]] = 20.0  # open at every noun; the candidate is always 1
    weights["W_xf"][STOP] = -20.0
    return weights


def hand_set_weights() -> dict[str, Tensor]:
    """The twelve weights of the two units, by name: W_xi (6, 2), W_hi (2, 2), b_i (2,) and so on."""
    return named({"i": input_weights(), "f": forget_weights(), "c": candidate_weights(), "o": output_weights()})


def named(parts: dict[str, tuple]) -> dict[str, Tensor]:
    """The weights of each gate, three under its letter, by the names of the equations, W_xi, W_hi ..., in float32."""
    pairs = [(f"{name}{k}", w) for k, part in parts.items() for name, w in zip(("W_x", "W_h", "b_"), part, strict=True)]
    return {name: torch.as_tensor(w).detach().float() for name, w in pairs}


def _text(rng: random.Random, gaps: list[int]) -> Text:
    words, plural = [], []
    for gap in gaps:
        numbers = _numbers(rng, gap)
        adverbs = [1 if gap else 0] * len(numbers)  # after each noun
        for _ in range(gap - sum(adverbs) - 3 * (len(numbers) - 1)):
            adverbs[rng.randrange(len(adverbs))] += 1
        for k, number in enumerate(numbers):
            words += [rng.choice(PREPOSITIONS)] * (k > 0)
            words += ["the", rng.choice(NOUNS[number]), *rng.choices(ADVERBS, k=adverbs[k])]
        words += [BLANK, "."]
        plural.append(bool(numbers[0]))
    return Text(tuple(words), tuple(k for k, word in enumerate(words) if word == BLANK), tuple(plural))


def _numbers(rng: random.Random, gap: int) -> list[int]:
    """The numbers of a clause's nouns, the subject's first; each later noun takes four words of the gap."""
    subject, last = rng.randrange(2), rng.randrange(2)
    if gap < 13:
        return [subject] if gap < 5 else [subject, last]
    middle = [SINGULAR, PLURAL] * rng.randint(2, (gap + 3) // 8)  # as many of one number as of the other
    for number in (subject, last):
        middle.remove(number)
    rng.shuffle(middle)
    return [subject, *middle, last]
