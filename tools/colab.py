"""Stand-ins for Colab and Kaggle: the versions and the mark of the place, the lesson's wheel and no checkout.

`python tools/colab.py FOLDER` builds Colab's once; a second call updates only what has changed. `python tools/colab.py
FOLDER kaggle` builds Kaggle's. Versions: tools/colab.txt, and for Kaggle tools/kaggle.txt over it. Colab is known by a
module `google.colab`, Kaggle by an environment variable. Three things differ from both: Python and torch are those
that run this, torch shared by links, and there is no GPU.
"""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = {"colab": ["colab.txt"], "kaggle": ["colab.txt", "kaggle.txt"]}
MARK = {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}  # in every kernel on Kaggle
# Runs in every kernel before its first cell. The true `%pip` fetches the package from GitHub. Here `%pip` writes its
# arguments to a file, which the tests read, and installs the wheel instead of the address.
STARTUP = """
import fcntl, os, pathlib, shlex, subprocess, sys
from IPython.core.magic import register_line_magic

@register_line_magic
def pip(line):
    here = pathlib.Path(sys.prefix)
    with open(os.environ["COLAB_PIP_LINES"], "a") as lines:
        lines.write(line + "\\n")
    wheel = str(next((here / "wheels").glob("*.whl")))
    words = [wheel if word.startswith("git+https:") else word for word in shlex.split(line)]
    with open(here / "lock", "w") as lock:  # two notebooks may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *words], check=True)
"""


def build(folder, place="colab"):
    """Build the environment of a place in `folder`, or bring its wheel up to date, and return the folder."""
    folder, lists = Path(folder).resolve(), [ROOT / "tools" / name for name in VERSIONS[place]]
    stamp, wanted = (
        folder / "ready",
        "\n".join([str(folder), sys.version, *(path.read_text("utf-8") for path in lists)]),
    )
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        venv.create(folder, clear=True, with_pip=True)
        for path in lists:
            _pip(folder, "install", "-qqq", "--no-compile", "--no-deps", "--requirement", path)
        _share_torch(folder)
        _pretend_to_be(place, folder)
        stamp.write_text(wanted, encoding="utf-8")
    _add_wheel(folder)
    return folder


def environment(folder, scratch):
    """The environment variables with which Jupyter finds and starts a kernel of `folder`."""
    path = os.pathsep.join([str(Path(folder) / "jupyter"), os.environ.get("JUPYTER_PATH", "")])
    own = {"JUPYTER_PATH": path, "IPYTHONDIR": str(Path(folder) / "ipython"), "PYTHONNOUSERSITE": "1", "PYTHONPATH": ""}
    return os.environ | own | {"COLAB_PIP_LINES": str(Path(scratch) / "pip-lines.txt")}


def python(folder):
    return Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _pip(folder, *words):
    subprocess.run([python(folder), "-m", "pip", "--disable-pip-version-check", *map(str, words)], check=True)


def _packages(folder):
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.run([python(folder), "-c", code], capture_output=True, text=True, check=True).stdout.strip())


def _share_torch(folder):
    """Link torch and the packages that it needs from the running Python, because they are large."""
    shared = folder / "shared"
    shared.mkdir()
    # packages of CUDA lie together in one folder
    tops = {Path(f).parts[0]: found for found in _with_needs("torch") for f in found.files}
    for top in tops.keys() - {"..", "__pycache__"}:
        (shared / top).symlink_to(Path(tops[top].locate_file(top)).resolve())
    (_packages(folder) / "shared.pth").write_text(f"{shared}\n", encoding="utf-8")


def _with_needs(name, found=None):
    """The installed distribution `name` and, recursively, those it needs."""
    found = {} if found is None else found
    if name not in found:
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            return found.values()
        for need in map(Requirement, found[name].requires or []):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                _with_needs(re.sub(r"[-_.]+", "-", need.name).lower(), found)
    return found.values()


def _pretend_to_be(place, folder):
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "pip.py").write_text(STARTUP, encoding="utf-8")
    if place == "colab":
        module = _packages(folder) / "google" / "colab"
        module.mkdir(parents=True)
        (module / "__init__.py").write_text('"""Stands for Colab\'s own module."""\n', encoding="utf-8")
        (startup / "colab.py").write_text("import google.colab\n", encoding="utf-8")
    kernel = folder / "jupyter" / "kernels" / place
    kernel.mkdir(parents=True)
    command = [str(python(folder)), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": place, "language": "python", "env": MARK if place == "kaggle" else {}}
    kernel.joinpath("kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _add_wheel(folder):
    """Build the wheel from a copy of the package, so that it contains no build folder of the checkout."""
    shutil.rmtree(folder / "wheels", ignore_errors=True)
    with tempfile.TemporaryDirectory() as copy:
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, copy)
        shutil.copytree(ROOT / "lstm_lesson", Path(copy) / "lstm_lesson", ignore=shutil.ignore_patterns("__pycache__"))
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-qq", "--no-deps"]
        subprocess.run([*command, "--no-build-isolation", "--wheel-dir", str(folder / "wheels"), copy], check=True)
    _pip(folder, "uninstall", "-qqq", "--yes", "lstm-lesson")


if __name__ == "__main__":
    print(f"The stand-in is ready in {build(*sys.argv[1:])}")
