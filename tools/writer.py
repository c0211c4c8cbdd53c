"""Train the stored character model of notebook 16: `make writer` writes lstm_lesson/text/writer.pt.

The same model, batches and training steps as in the notebook; more units and more updates.
"""

import argparse
import datetime
import hashlib
import platform
import re
import time

import torch
import torch.nn.functional as F
from tracked import ROOT

from lstm_lesson.text import characters
from lstm_lesson.text.writing import next_character_batches
from lstm_lesson.training import ProgressLine, bits_on, stream_steps


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    ids = {part: characters.encode(characters.python_source(part)) for part in characters.PARTS}
    model = with_dropout(characters.CharacterModel(options.hidden, options.embedding), options.dropout)
    batches, order = [], torch.Generator().manual_seed(options.seed)
    while len(batches) < options.updates:  # each pass over the text cuts it at other places
        start = int(torch.randint(options.streams * options.steps, (), generator=order))
        batches += next_character_batches(ids["train"][start:], options.streams, options.steps)
    batches, curve, start = batches[: options.updates], [], time.perf_counter()
    line = ProgressLine("writer", True, steps=len(batches))
    for k, loss in enumerate(stream_steps(model, batches, lr=options.lr), start=1):
        line.step(f"update {k} of {len(batches)} · {loss:.3f} bits a character")
        if k % options.every == 0 or k == len(batches):
            curve.append((k * options.streams * options.steps, round(bits_on(model, ids["validation"]), 4)))
    save(model, ids, options, curve, time.perf_counter() - start)
    line.last(f"{curve[-1][1]:.3f} bits a character on the validation modules")


def with_dropout(model, share):
    """The model with dropout: hooks set this share of its LSTM's inputs and outputs to 0 while it trains."""
    model.embedding.register_forward_hook(lambda layer, _, x: F.dropout(x, share, layer.training))
    model.linear.register_forward_pre_hook(lambda layer, inputs: F.dropout(inputs[0], share, layer.training))
    return model


def save(model, ids, options, curve, seconds):
    """Store the weights in half precision, with what they come from, and the checksum of the file in the package."""
    weights = {name: weight.detach().half() for name, weight in model.state_dict().items()}
    stored = characters.CharacterModel(options.hidden, options.embedding)
    stored.load_state_dict({name: weight.float() for name, weight in weights.items()})
    about = vars(options) | {"python": platform.python_version(), "torch": torch.__version__.split("+")[0]}
    about |= {"date": datetime.date.today().isoformat(), "seconds": round(seconds), "curve": curve}
    about |= {"corpus": "the standard library of that Python", "trained on": len(ids["train"])}
    about["test bits"] = round(bits_on(stored, ids["test"]), 4)
    torch.save({"characters": characters.CHARACTERS, "about": about, "weights": weights}, characters.STORED)
    path = ROOT / "lstm_lesson" / "text" / "characters.py"
    digest = hashlib.sha256(characters.STORED.read_bytes()).hexdigest()
    path.write_text(
        re.sub(r'SHA256 = "\w*"', f'SHA256 = "{digest}"', path.read_text(encoding="utf-8")), encoding="utf-8"
    )


def main():
    parser = argparse.ArgumentParser(description="Train the stored character model of notebook 16.")
    parser.add_argument("--hidden", type=int, default=320, help="units of the LSTM (default: 320)")
    parser.add_argument("--embedding", type=int, default=64, help="size of the embedding (default: 64)")
    parser.add_argument("--updates", type=int, default=8000, help="updates (default: 8000)")
    parser.add_argument("--dropout", type=float, default=0.2, help="share of inputs and outputs dropped (default: 0.2)")
    parser.add_argument("--streams", type=int, default=64, help="streams of a batch, B (default: 64)")
    parser.add_argument("--steps", type=int, default=128, help="steps of a batch, T (default: 128)")
    parser.add_argument("--lr", type=float, default=0.005, help="the first learning rate (default: 0.005)")
    parser.add_argument("--every", type=int, default=250, help="updates between two points of the curve (default: 250)")
    parser.add_argument("--seed", type=int, default=0, help="seed (default: 0)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default: 1)")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
