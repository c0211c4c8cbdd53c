"""`python -m lstm_lesson` checks the set-up; with `examine`, `inspect` or `report` it looks at a model in your file."""

import argparse
import importlib.util
import pickle
import runpy
import sys
import tomllib
import traceback
from importlib.resources import files
from pathlib import Path

COMMANDS = tomllib.loads((files("lstm_lesson") / "commands.toml").read_text(encoding="utf-8"))


def main(argv: list[str]) -> int:
    """Run a command. Returns 0; 1 if something is missing or no LSTM; 2 after an error, one line on stderr."""
    if not argv:
        from lstm_lesson.setup_check import report

        print(found := report())
        return 0 if found.complete else 1
    parser = argparse.ArgumentParser("python -m lstm_lesson", description="Without a command: check the set-up.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in COMMANDS.items():
        form = {"description": about["help"], "formatter_class": argparse.RawDescriptionHelpFormatter}
        command = commands.add_parser(name, help=about["help"], epilog=about["epilog"], **form)
        for argument, options in about["arguments"].items():
            command.add_argument(*argument.split(), **options)
    given = parser.parse_args(argv)
    file = Path(given.target.rpartition(":")[0]).resolve()
    try:
        return _run(given, file)
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if Path(frame.filename) == file]
        ours = isinstance(error, ValueError) and str(Path(__file__).parent) in frames[-1].filename
        text = " ".join(f"{'' if ours else f'{type(error).__name__}: '}{error}".split())
        place = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
        print(f"python -m lstm_lesson {given.command}: {text}{place}", file=sys.stderr)
        return 2


def _run(given, file: Path) -> int:
    """One command, on a Python file; raises what goes wrong."""
    if given.command == "board":
        board = Path(__file__).parents[1] / "classroom" / "board.py"
        if not board.is_file():
            raise ValueError("board needs the folder `classroom` of the project beside the package; it is not there")
        return runpy.run_path(str(board))["run"](given)
    if file.suffix != ".py" or not file.is_file():
        raise ValueError(f"{given.target} names no Python file that exists; it needs FILE.py:NAME")
    output = Path(getattr(given, "output", ""))
    if output.name and ((output.exists() and not given.force) or not output.parent.is_dir()):
        raise ValueError(
            f"{output} {'exists; --force replaces it' if output.exists() else 'is in no folder that exists'}"
        )
    sys.path.insert(0, str(file.parent))  # as for `python FILE.py`
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def named(name):
        if not callable(getattr(module, name, None)):
            raise ValueError(f"{file} has no function or class {name!r}; `{given.command} --help` says what it needs")
        return getattr(module, name)

    thing = named(given.target.rpartition(":")[2])
    if given.command == "examine":
        from lstm_lesson.exercises.examination import examine

        found = examine(thing)
        if found.kind == "cannot be called":
            raise ValueError(found.message)
        print(found)
        return 0 if found.passed or found.kind.startswith("LSTM ") else 1
    import torch

    model, weights = thing(), _stored(given.weights)
    if isinstance(weights, dict):
        weights = weights.get("state_dict", weights.get("model_state_dict", weights))
    model.eval().load_state_dict(weights)
    if given.command == "inspect":
        from lstm_lesson.explorers import GateInspector
        from lstm_lesson.tracing import record

        x, tokens = named("encode")(given.text)
        trace = record(model, x, tokens=[tokens], layer=int(given.layer), name=given.name)  # one sequence
        with torch.no_grad():
            score = named(given.score)(model, x) if given.score else None
        page = GateInspector(trace, score=score, score_name=given.score or "score")
    else:
        from lstm_lesson.report import gate_report

        data = _stored(given.data) if Path(given.data).suffix in (".pt", ".pth", ".npy") else named(given.data)()
        if given.data.endswith(".npy") and data.is_floating_point():
            data = data.to(next(model.parameters()).dtype)
        functions = {key: named(value) for key in ("prepare", "loss") if (value := getattr(given, key))}
        page = gate_report(model, data, name=given.name, **functions)
    print(page.to_html(output))
    return 0


def _stored(file: str):
    """What a file of tensors has. Nothing but tensors and plain values is loaded."""
    import torch

    if file.endswith(".npy"):
        import numpy as np

        return torch.from_numpy(np.load(file))
    if file.endswith(".safetensors"):
        return importlib.import_module("safetensors.torch").load_file(file)  # another package, which may be missing
    try:
        return torch.load(file, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        needs = "it needs a file of tensors, such as torch.save(model.state_dict(), file) writes"
        raise ValueError(f"{file} cannot be read as tensors alone; {needs}") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
