"""The weights of a classifier as they travel in the inspector's page, which reads typed text with them."""

import base64
import decimal

import torch
from torch import Tensor, nn

from lstm_lesson.explorers.traced_text import MOST, kind_of
from lstm_lesson.layers import CustomLSTM
from lstm_lesson.plots.numbers import significant
from lstm_lesson.recurrent import undisturbed
from lstm_lesson.text.characters import as_words
from lstm_lesson.text.classifiers import TextClassifier
from lstm_lesson.text.news import Vocabulary, tokenize

CUTS = {tokenize: "words", as_words: "characters", str.split: "blanks"}  # what inspector_model.js can do, too
EXACT, MANY = 2**16, 2**18  # up to so many numbers travel as 32-bit floats, up to so many with 16 bits, others with 8
LARGEST = 1_000_000  # bytes of the weights in a page
FAR = 0.2  # a difference of probabilities that rounding does not make


@torch.no_grad()
def page_model(classifier: TextClassifier, vocabulary: Vocabulary, follows: bool = False) -> tuple[dict | None, str]:
    """The classifier for inspector_model.js, and how exact it is there; or None, and why the page cannot have it.

    The second is a sentence, with the difference that rounding makes for 200 random texts. `follows`: see `trace_text`.
    """
    lstm, linear, no = classifier.lstm, classifier.linear, "The page reads no other text: "
    if lstm.num_layers > 1:
        return None, f"{no}the LSTM has {lstm.num_layers} layers, and the page can do one."
    if vocabulary.split not in CUTS or vocabulary.other_split():
        return None, f"{no}the vocabulary cuts a text with a function of its own."
    try:
        cell = (CustomLSTM.from_torch(lstm) if isinstance(lstm, nn.LSTM) else lstm).cells[0]
    except ValueError as error:
        return None, f"{no}{error}."
    words, units, classes = classifier.embedding.weight, cell.hidden_size, linear.out_features
    weights = {f"lstm.cells.0.{name}": weight for name, weight in cell.weights.items()}
    weights |= {"linear.weight": linear.weight, "linear.bias": linear.weight.new_zeros(classes)}
    weights |= {} if linear.bias is None else {"linear.bias": linear.bias}
    count = sum(weight.numel() for weight in weights.values())
    bits = 32 if count <= EXACT else 16 if count <= MANY else 8
    packed = {name: packed_values(w, bits if w.ndim > 1 else max(bits, 16)) for name, w in weights.items()}
    packed["embedding.weight"] = packed_values(words, 8 if words.numel() > EXACT else 32)
    texts = {name: text for name, (text, _) in packed.items()}
    size = sum(len(part["data"]) for part in texts.values())
    if size > LARGEST:
        return None, f"{no}the weights take {size:,} bytes, and a page has at most {LARGEST:,}."
    plain = TextClassifier(*words.shape, units, classes, lstm=CustomLSTM(words.shape[1], units, peephole=cell.peephole))
    plain.load_state_dict({name: rounded for name, (_, rounded) in packed.items()})
    ids = torch.randint(1, len(words), (200, 20), generator=torch.Generator().manual_seed(0))
    with undisturbed(classifier):
        logits = torch.stack([plain.eval()(ids), classifier(ids.to(words.device)).float().cpu()])  # (2, 200, classes)
    logits = logits if classes > 1 else torch.cat([torch.zeros_like(logits), logits], dim=2)
    ours, theirs = logits.softmax(dim=2)
    if not (far := (ours - theirs).abs().max().item()) < FAR:
        return None, f"{no}the classifier is more than an embedding, an LSTM and a linear layer."
    changed = (ours.argmax(dim=1) != theirs.argmax(dim=1)).sum().item()
    above = decimal.Context(2, decimal.ROUND_CEILING).create_decimal_from_float(far)
    said = f"at most {significant(float(above), 2)}" if far >= 1e-5 else "less than 0.00001"
    data = {"split": CUTS[vocabulary.split], "tokens": vocabulary.tokens[2:], "inputs": cell.input_size, "units": units,
            "classes": classes, "most": MOST, "follows": follows, "weights": texts}  # fmt: skip
    said = f"its probabilities differ from PyTorch's by {said}, and {changed} of its 200 answers differ."
    kind = kind_of(vocabulary.tokens[2:])
    return data, f"This page computes the LSTM itself, for up to {MOST} {kind}s of a text. On 200 random texts {said}"


def packed_values(values: Tensor, bits: int = 16) -> tuple[dict, Tensor]:
    """Values in base64, and as they are when they are read again.

    16 bits: whole numbers times a scale, four decimals of a gate in a third of the space of its digits. 8 bits: with a
    scale for each row of a matrix. 32 bits: floats.
    """
    values, most = values.detach().float().cpu(), 2 ** (bits - 1) - 1
    if bits == 32:
        return {"bits": bits, "data": _base64(values, "<f4")}, values
    scale = (values.abs().amax(dim=1, keepdim=True) if bits == 8 else values.abs().max()).clamp_min(1e-9) / most
    whole = (values / scale).round().clamp(-most, most)
    scales = {"scales": _base64(scale, "<f4")} if bits == 8 else {"scale": scale.item()}
    return scales | {"bits": bits, "data": _base64(whole, f"<i{bits // 8}")}, whole * scale


def _base64(values: Tensor, kind: str) -> str:
    return base64.b64encode(values.contiguous().numpy().astype(kind).tobytes()).decode()
