"""Install the packages of requirements.txt and the lessons into the Python that runs this: `python tools/install.py`.

PyTorch comes from the package index with gigabytes of CUDA on Linux. Without an NVIDIA driver nothing uses them, so uv
fetches PyTorch's CPU build of the same version first: it knows where that is. Where it cannot, pip does as usual.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DRIVER = Path("/proc/driver/nvidia")
UV = "uv==0.13.9"
PATIENCE = 10  # seconds that a server may be silent
BRIEF = 60  # seconds for what takes a few: fetching uv, and finding the CPU build without downloading it
SMALL = "This Linux has no NVIDIA driver, so the small build of PyTorch was installed, which runs on the CPU only."
NOT_REACHED = "The small CPU build of PyTorch cannot be reached from here; pip takes the build that the index has."


def pinned() -> str:
    """The line of requirements.txt that pins torch."""
    return re.search(r"(?m)^torch==\S+", (ROOT / "requirements.txt").read_text(encoding="utf-8"))[0]


def installed(name: str) -> str:
    """The version of an installed package without its build, as in 2.13.0 for 2.13.0+cpu; empty if it is missing."""
    try:
        return metadata.version(name).split("+")[0]
    except metadata.PackageNotFoundError:
        return ""


def wants_cpu_build() -> bool:
    """Whether this is a Linux without an NVIDIA driver that does not have the pinned torch yet."""
    driver = shutil.which("nvidia-smi") or DRIVER.exists()
    known = platform.system() == "Linux" and platform.machine() in ("x86_64", "aarch64")
    return known and not driver and installed("torch") != pinned().split("==")[1]


def fetch_cpu_build() -> bool:
    """Install the CPU build of the pinned torch with uv, and say whether that worked. uv leaves no other trace.

    A uv that is here may be too old to know CPU builds: if it does not find this one, the pinned uv is fetched to try.
    """
    with tempfile.TemporaryDirectory() as folder:
        fetched = f"{folder}/bin/uv"
        fetch = [*pip("install"), "--retries=0", f"--timeout={PATIENCE}", "--target", folder, UV]
        for uv in filter(None, (shutil.which("uv"), fetched)):
            command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
            command += ["--no-deps", "--torch-backend", "cpu", pinned()]
            found = uv != fetched or runs(fetch, BRIEF)
            if found and runs([*command, "--dry-run"], BRIEF, UV_HTTP_RETRIES="0", UV_HTTP_TIMEOUT=str(PATIENCE)):
                return runs(command)
    return False


def runs(command: list[str], limit: float | None = None, **environment: str) -> bool:
    """Run a command silently, for at most `limit` seconds: whether it succeeded."""
    try:
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, timeout=limit, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def pip(*words: str) -> list[str]:
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", *words, "-qq", "--no-compile"]


def main() -> int:
    """The exit status of pip."""
    if wants_cpu_build():
        print(SMALL if fetch_cpu_build() else NOT_REACHED, flush=True)
    for words in (["--requirement", "requirements.txt"], ["--no-deps", "--no-build-isolation", "--editable", "."]):
        if code := subprocess.run([*pip("install"), *words], cwd=ROOT, check=False).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
