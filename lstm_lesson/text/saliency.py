"""Which words does the answer depend on? Saliency (gradients), leave-one-out, and correlations of units with labels."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lstm_lesson.recurrent import undisturbed
from lstm_lesson.shapes import check_instance, check_shapes, describe, true_steps
from lstm_lesson.text.classifiers import TextClassifier, check_ids
from lstm_lesson.text.news import pad_batch


def input_gradient(score: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The gradient of each sequence's score with respect to its input.

    score: a function from x (B, T, N) to (B,), each entry computed from its own sequence; x is not changed.
    -> (B, T, N). Raises ValueError for an x or a score that does not fit. Source: Simonyan, Vedaldi & Zisserman 2013.
    """
    B = check_shapes(x=(x, "B T N"))["B"]
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        scores = score(x)
        if not isinstance(scores, Tensor) or scores.shape != (B,):
            raise ValueError(f"score gives {describe(scores)}; it needs (B,) = ({B},)")
        return torch.autograd.grad(scores.sum(), x)[0]


def log_odds(logits: Tensor, target: int = -1) -> Tensor:
    """Logits (B, K) -> (B,): the log odds of class `target`, the logarithm of p / (1 − p).

    With two classes it is the difference of their logits, 0 where the classifier is undecided; with one, its logit.
    """
    others = torch.arange(logits.shape[1], device=logits.device) != target % logits.shape[1]
    return logits[:, target] - (torch.logsumexp(logits[:, others], dim=1) if len(others) > 1 else 0)


def saliency(classifier: TextClassifier, ids: Tensor, lengths=None, target: int = -1) -> tuple[Tensor, Tensor]:
    """First-order effect of each word on the classifier's answer: its size and its direction.

    ids (B, T) int64, lengths (B,) -> two tensors (B, T), 0 at padding: the norm of the gradient of the log odds of
    class `target` at the last step, with respect to the word's embedding; and gradient times embedding, summed over its
    entries, which is positive where the word pushes towards `target`.
    The classifier runs in evaluation mode, unchanged. Source: Li et al. 2016; for recurrent networks Madsen 2019.
    Raises ValueError for a classifier that is no TextClassifier, and for ids or lengths that do not fit.
    """
    if not isinstance(classifier, TextClassifier):
        raise ValueError(f"classifier is {type(classifier).__name__}; it needs a TextClassifier")
    lengths = check_ids(ids, lengths, classifier.embedding.num_embeddings)
    ids, lengths = (given.to(classifier.embedding.weight.device) for given in (ids, lengths))
    padded = ~true_steps(lengths, ids.shape[1])[:, :, None]
    with undisturbed(classifier):
        x = classifier.embedding(ids).detach().masked_fill(padded, 0)  # (B, T, N)
        gradient = input_gradient(lambda x: log_odds(classifier.read(x, lengths), target), x)
    return gradient.norm(dim=2), (gradient * x).sum(dim=2)


def leave_one_out(classifier: TextClassifier, sequences: Sequence[Tensor], which: Tensor, target: int = -1) -> Tensor:
    """The absolute change of the log odds of class `target` when one word of each text is left out.

    sequences: B tensors (T_k,) int64 with T_k at least 2, which (B,): the index of the word to leave out -> (B,).
    Raises ValueError for a text of one word, or an index outside the text.
    """
    check_instance("classifier", classifier)
    shorter, device = [], next(classifier.parameters()).device
    for k, (ids, at) in enumerate(zip(sequences, which.tolist(), strict=True)):
        if len(ids) < 2 or not 0 <= at < len(ids):
            raise ValueError(f"sequences[{k}] has {len(ids)} words and which[{k}] is {at}; it needs 2 and one of them")
        shorter.append(torch.cat([ids[:at], ids[at + 1 :]]))
    with undisturbed(classifier), torch.no_grad():
        batches = [[part.to(device) for part in pad_batch(list(texts))] for texts in (sequences, shorter)]
        before, after = (log_odds(classifier(*batch), target) for batch in batches)
    return (after - before).abs()


def unit_correlation(values: Tensor, labels: Tensor) -> Tensor:
    """Pearson correlation of each unit with the label over many texts, between −1 and 1.

    values (B, H), one number for each text and unit; labels (B,), numbers -> (H,); 0 for a unit that is constant.
    Raises ValueError for values or labels that do not fit.
    """
    B = check_shapes(values=(values, "B H"))["B"]
    if not isinstance(labels, Tensor) or labels.shape != (B,):
        raise ValueError(f"labels has {describe(labels)}; it needs shape (B,) = ({B},)")
    v = values - values.mean(dim=0)  # (B, H)
    y = labels.to(values) - labels.to(values).mean()  # (B,)
    return (y @ v) / (v.norm(dim=0) * y.norm()).clamp_min(1e-12)
