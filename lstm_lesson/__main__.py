"""`python -m lstm_lesson` checks the set-up; its commands stand in `commands.toml`."""

import argparse
import importlib.util
import runpy
import sys
import tomllib
import traceback
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from types import FunctionType

COMMANDS = tomllib.loads((files("lstm_lesson") / "commands.toml").read_text(encoding="utf-8"))
ERRORS = COMMANDS.pop("errors")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}; --help says more\n")


def main(argv: list[str]) -> int:
    """Run a command. Returns 0; 1 if something is missing or no LSTM; 2 after an error, one line on stderr."""
    if not argv:
        from lstm_lesson.setup_check import report

        print(found := report())
        return 0 if found.complete else 1
    parser = _Parser("python -m lstm_lesson", description="Without a command: check the set-up.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in COMMANDS.items():
        form = {"description": about["help"], "formatter_class": argparse.RawDescriptionHelpFormatter}
        command = commands.add_parser(name, help=about["help"], epilog=about["epilog"], **form)
        for argument, options in about["arguments"].items():
            command.add_argument(*argument.split(), **options | ({"type": int} if "type" in options else {}))
    given = parser.parse_args(argv)
    place, _, name = given.target.rpartition(":")
    place, name = (given.target, "") if name.endswith(".py") else (place, name)
    file = Path(place).resolve()
    try:
        return _run(given, file, name)
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in traceback.extract_tb((error.__cause__ or error).__traceback__) if Path(f.filename) == file]
        ours = isinstance(error, ValueError) and str(Path(__file__).parent) in frames[-1].filename
        text = " ".join(f"{'' if ours else f'{type(error).__name__}: '}{error}".split())
        place = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
        print(f"python -m lstm_lesson {given.command}: {text}{place}", file=sys.stderr)
        return 2


def _run(given, file: Path, name: str) -> int:
    """One command, on a name in a Python file; raises what goes wrong."""
    if given.command == "board":
        board = Path(__file__).parents[1] / "classroom" / "board.py"
        if not board.is_file():
            raise ValueError(ERRORS["board"])
        return runpy.run_path(str(board))["run"](given)
    if file.suffix != ".py" or not file.is_file():
        raise ValueError(ERRORS["file"].format(given.target))
    output = Path(getattr(given, "output", ""))
    if output.name and ((output.exists() and not given.force) or not output.parent.is_dir()):
        raise ValueError(ERRORS["exists" if output.exists() else "folder"].format(output))
    if output.name and output.resolve() in (
        file,
        *(Path(getattr(given, k, "")).resolve() for k in ("weights", "data")),
    ):
        raise ValueError(ERRORS["input"].format(output))
    sys.path.insert(0, str(file.parent))  # as for `python FILE.py`
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def named(name):
        if not callable(getattr(module, name, None)):
            kinds = type if given.command == "examine" else (type, FunctionType)
            found = {key: value for key, value in vars(module).items() if isinstance(value, kinds)}
            own = [key for key, value in found.items() if getattr(value, "__module__", "") == spec.name]
            raise ValueError(ERRORS["name" if name else "no_name"].format(file, name, ", ".join(own) or "none"))
        return getattr(module, name)

    thing = named(name)
    if given.command == "examine":
        from lstm_lesson.exercises.examination import examine

        found = examine(thing)
        if found.kind == "cannot be called":
            raise ValueError(found.message)
        print(found)
        return 0 if found.passed or found.kind.startswith("LSTM ") else 1
    page = (_inspected if given.command == "inspect" else _reported)(given, thing, named)
    print(page.to_html(output))
    return 0


def _inspected(given, make_model: Callable, named: Callable):
    """The page of `inspect`."""
    import torch

    from lstm_lesson.explorers import GateInspector
    from lstm_lesson.tracing import record

    if not given.text.strip():
        raise ValueError(ERRORS["text"])
    model, encoded = _model(given, make_model), named("encode")(given.text)
    x, words = encoded if type(encoded) is tuple and len(encoded) == 2 else (encoded, None)
    if not isinstance(x, (torch.Tensor, tuple)):
        raise ValueError(ERRORS["encode"].format(type(x).__name__))
    where = {key: getattr(given, key) for key in ("layer", "reverse", "call", "name")}
    trace = record(model, x, tokens=None if words is None else [words], **where)
    if len(trace.h) != 1:
        raise ValueError(ERRORS["sequences"].format(len(trace.h)))
    with torch.no_grad():
        score = named(given.score)(model, x) if given.score else None
    return GateInspector(trace, score=score, score_name=given.score or "score")


def _reported(given, make_model: Callable, named: Callable):
    """The page of `report`."""
    from lstm_lesson.report import gate_report

    model, suffix = _model(given, make_model), Path(given.data).suffix
    if suffix not in ("", ".pt", ".pth", ".npy", ".safetensors"):
        raise ValueError(ERRORS["data"].format(given.data))
    data = _stored(given.data, next(model.parameters()).dtype) if suffix else named(given.data)()
    options = {key: named(value) for key in ("prepare", "loss", "lengths") if (value := getattr(given, key))}
    options |= {key: getattr(given, key) for key in ("name", "call", "reverse", "batches")}
    return gate_report(model, data, **options)


def _model(given, make_model: Callable):
    """The model in evaluation mode, with the weights of the file; they may lie in a dict, their names have a prefix."""
    from torch import nn

    if isinstance(make_model, nn.Module):
        raise ValueError(ERRORS["instance"].format(given.target))
    model, weights = make_model(), _stored(given.weights)
    if not isinstance(weights, Mapping):
        raise ValueError(ERRORS["weights"].format(given.weights))
    if not isinstance(model, nn.Module):
        raise ValueError(ERRORS["model"].format(given.target, type(model).__name__))
    own = [*model.state_dict()]
    inner = [weights.get(key) for key in ("state_dict", "model_state_dict", "model")]
    weights = next((part for part in inner if isinstance(part, Mapping)), weights)
    places = [key.removesuffix(own[0]) for key in weights if own and key.endswith(own[0])]
    places = [place for place in places if all(place + key in weights for key in own)]
    if len(places) == 1 and places != [""]:
        weights = {key.removeprefix(places[0]): w for key, w in weights.items() if key.startswith(places[0])}
    model.eval().load_state_dict(weights)
    return model


def _stored(file: str, dtype=None):
    """What a file of tensors has. Nothing but tensors and plain values is loaded. Of NumPy, floats become `dtype`."""
    import torch

    if file.endswith(".npy"):
        import numpy as np

        data = torch.from_numpy(np.load(file))
        return data.to(dtype) if data.is_floating_point() else data
    if file.endswith(".safetensors"):
        return importlib.import_module("safetensors.torch").load_file(file)  # another package, which may be missing
    try:
        return torch.load(file, weights_only=True, map_location="cpu")
    except OSError:
        raise
    except Exception as error:  # a file of another kind may raise anything
        raise ValueError(ERRORS["weights"].format(file)) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
