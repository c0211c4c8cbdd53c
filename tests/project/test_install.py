"""What `make setup` installs: PyTorch's small CPU build on a Linux without an NVIDIA driver, and as usual elsewhere.

Stand-ins for pip, uv and nvidia-smi write down how they are called; nothing is downloaded or installed.
"""

import json
import os
import sys

import install
import pytest
from repository import ROOT, requirements

TORCH = f"torch=={requirements()['torch']}"
PIP_LINES = [["--requirement", "requirements.txt"], ["--no-deps", "--no-build-isolation", "--editable", "."]]
# writes its name and words into a file, and fails if the file `fails` has its name in a line
RECORD = """
import json, os, pathlib, sys
here = pathlib.Path(os.environ["RECORDS"])
limits = {name: os.environ.get(name) for name in ("UV_HTTP_RETRIES", "UV_HTTP_TIMEOUT")}
with open(here / "calls", "a") as calls:
    calls.write(json.dumps([NAME, sys.argv[1:], limits]) + "\\n")
words = " ".join([NAME, *sys.argv[1:]])
wrong = (here / "fails").read_text().split("\\n")
status = int(any(line and line in words for line in wrong))
if status:
    print("trouble", file=sys.stderr)
"""
PIP = """
if "--target" in sys.argv and not status:
    place = pathlib.Path(sys.argv[sys.argv.index("--target") + 1], "bin", "uv")
    place.parent.mkdir()
    place.write_text((here / "uv-to-fetch").read_text())
    place.chmod(0o755)
"""


class Machine:
    """A machine with stand-ins, in a folder: what it has, and what was called there."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.programs = folder, folder / "programs"
        self.programs.mkdir()
        (folder / "pip").mkdir()
        (folder / "pip" / "__init__.py").touch()
        (folder / "pip" / "__main__.py").write_text(f"NAME = 'pip'{RECORD}{PIP}sys.exit(status)\n")
        # sh starts this Python, whose path may have a space; to Python the lines of sh are a text
        start = f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n"
        self.uv = f"{start}NAME = 'uv'{RECORD}sys.exit(status)\n"
        (folder / "uv-to-fetch").write_text(self.uv)
        self.fails()
        monkeypatch.setenv("PATH", str(self.programs))
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.setenv("RECORDS", str(folder))
        monkeypatch.setattr(install, "DRIVER", folder / "no driver")
        monkeypatch.setattr(install, "installed", lambda name: "")
        self.is_a("Linux", "x86_64", monkeypatch)

    def is_a(self, system, machine, monkeypatch):
        monkeypatch.setattr(install.platform, "system", lambda: system)
        monkeypatch.setattr(install.platform, "machine", lambda: machine)

    def has(self, program):
        (self.programs / program).write_text(self.uv if program == "uv" else "#!/bin/sh\n")
        (self.programs / program).chmod(0o755)

    def fails(self, *calls):
        (self.folder / "fails").write_text("\n".join(calls))

    def calls(self, program):
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(words, limits) for name, words, limits in map(json.loads, lines) if name == program]

    def installed_by_pip(self):
        """The arguments of pip that say what to install."""
        return [[word for word in words if word not in COMMON] for words, _ in self.calls("pip")]


COMMON = ("--disable-pip-version-check", "install", "-qq", "--no-compile")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    if os.name != "posix":
        pytest.skip("the stand-ins are scripts of Linux and macOS")
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_linux_without_a_driver_gets_the_cpu_build_of_the_pinned_torch(machine, architecture, monkeypatch, capsys):
    machine.is_a("Linux", architecture, monkeypatch)
    machine.has("uv")
    assert install.main() == 0
    asked = ["pip", "install", "--quiet", "--python", sys.executable, "--no-deps", "--torch-backend", "cpu", TORCH]
    (try_words, try_limits), (words, _) = machine.calls("uv")
    assert try_words == [*asked, "--dry-run"] and words == asked
    assert try_limits == {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": str(install.PATIENCE)}
    assert machine.installed_by_pip() == PIP_LINES
    assert capsys.readouterr().out.splitlines() == [install.SMALL]


def test_a_machine_without_uv_fetches_it_for_a_moment(machine, capsys):
    assert install.main() == 0
    fetch, *rest = machine.installed_by_pip()
    assert fetch[:3] == ["--retries=0", f"--timeout={install.PATIENCE}", "--target"] and fetch[4] == install.UV
    assert not os.path.exists(fetch[3])  # noqa: PTH110
    assert rest == PIP_LINES
    assert len(machine.calls("uv")) == 2
    assert capsys.readouterr().out.splitlines() == [install.SMALL]


def test_where_the_uv_that_is_here_is_too_old_the_fetched_one_is_tried(machine, capfd):
    machine.has("uv")
    (machine.programs / "uv").write_text(machine.uv.replace("NAME = 'uv'", "NAME = 'old uv'"))
    machine.fails("old uv")
    assert install.main() == 0
    assert len(machine.calls("old uv")) == 1 and len(machine.calls("uv")) == 2
    fetch, *rest = machine.installed_by_pip()
    assert fetch[-1] == install.UV and rest == PIP_LINES
    assert capfd.readouterr() == (f"{install.SMALL}\n", "")


@pytest.mark.parametrize("wrong", ["--dry-run", "--target"])
def test_where_uv_or_the_build_cannot_be_reached_pip_installs_all_and_one_line_is_said(machine, capfd, wrong):
    machine.fails(wrong)
    assert install.main() == 0
    assert machine.installed_by_pip()[-2:] == PIP_LINES
    assert capfd.readouterr() == (f"{install.NOT_REACHED}\n", "")
    assert len(machine.calls("uv")) == (wrong == "--dry-run")


def test_a_download_that_breaks_off_leaves_the_rest_to_pip(machine, capsys):
    machine.fails(f"cpu {TORCH}\n")
    machine.has("uv")
    (machine.programs / "uv").write_text(
        machine.uv.replace("status = int(", "status = '--dry-run' not in words and int(")
    )
    assert install.main() == 0
    assert len(machine.calls("uv")) == 2
    assert machine.installed_by_pip() == PIP_LINES
    assert capsys.readouterr().out.splitlines() == [install.NOT_REACHED]


def test_a_server_that_is_silent_is_left_alone_after_a_while(machine, monkeypatch, capsys):
    machine.has("uv")
    (machine.programs / "uv").write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    machine.fails("--target")
    monkeypatch.setattr(install, "BRIEF", 0.5)
    assert install.main() == 0
    assert machine.installed_by_pip()[1:] == PIP_LINES
    assert capsys.readouterr().out.splitlines() == [install.NOT_REACHED]


def with_nvidia_smi(machine, monkeypatch):
    machine.has("nvidia-smi")


def with_a_driver(machine, monkeypatch):
    install.DRIVER.mkdir()


def with_torch(machine, monkeypatch):
    monkeypatch.setattr(install, "installed", lambda name: TORCH.split("==")[1])


def on(system, architecture):
    return lambda machine, monkeypatch: machine.is_a(system, architecture, monkeypatch)


@pytest.mark.parametrize(
    "change",
    [with_nvidia_smi, with_a_driver, with_torch, on("Darwin", "arm64"), on("Windows", "AMD64"), on("Linux", "riscv64")],
)
def test_elsewhere_pip_installs_as_ever(machine, monkeypatch, capsys, change):
    machine.has("uv")
    change(machine, monkeypatch)
    assert install.main() == 0
    assert machine.calls("uv") == []
    assert machine.installed_by_pip() == PIP_LINES
    assert capsys.readouterr().out == ""


def test_an_older_torch_is_followed_by_the_cpu_build_too(machine, monkeypatch):
    monkeypatch.setattr(install, "installed", lambda name: "2.8.0")
    machine.has("uv")
    assert install.main() == 0
    assert len(machine.calls("uv")) == 2


@pytest.mark.parametrize("wrong", PIP_LINES, ids=["packages", "lessons"])
def test_what_pip_fails_at_is_passed_on(machine, wrong):
    machine.has("nvidia-smi")
    machine.fails(" ".join(wrong))
    assert install.main() == 1
    assert machine.installed_by_pip() == PIP_LINES[: PIP_LINES.index(wrong) + 1]


def test_the_build_of_an_installed_version_does_not_count(monkeypatch):
    monkeypatch.setattr(install.metadata, "version", lambda name: "2.13.0+cpu")
    assert install.installed("torch") == "2.13.0"


def test_a_missing_package_has_no_version():
    assert install.installed("no-such-package-anywhere") == ""


def test_make_sets_up_with_it():
    assert "\t@$(PY) tools/install.py\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
