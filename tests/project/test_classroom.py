"""The classroom: its files agree, and on a real hub a learner cannot reach another learner's files, server or kernel.

The tests on a hub need `make classroom-setup`, and those with accounts need root; without them they are skipped.
"""

import asyncio
import contextlib
import doctest
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml
from repository import ADDRESS, NOTEBOOKS, ROOT
from tornado.httpclient import HTTPClientError

try:
    import grp
    import pwd
except ImportError:  # Windows has no such accounts
    grp = pwd = None

CLASSROOM = ROOT / "classroom"
sys.path.insert(0, str(CLASSROOM))
import board as boards  # noqa: E402
import hub as hubs  # noqa: E402
import learner as learners  # noqa: E402
import links  # noqa: E402
import load  # noqa: E402

VALUES = yaml.safe_load((CLASSROOM / "values.yaml").read_text(encoding="utf-8"))
REAL = CLASSROOM / "jupyterhub_config.py"
needs_hub = pytest.mark.skipif(
    not (ROOT / ".venv" / "classroom" / "ready").is_file(), reason="no hub here: make classroom-setup installs it"
)
# The real configuration without the passwords of accounts and systemd, which a test cannot use.
WITH_ACCOUNTS = """
load_subconfig({real!r})
c = get_config()
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {password!r}
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "localprocess"
c.JupyterHub.cleanup_servers = True
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser"]
c.Spawner.environment["LSTM_LESSON_CACHE"] = {cache!r}
c.Spawner.environment["JUPYTER_CONFIG_PATH"] += ":{venv}/etc/jupyter"
c.Spawner.environment["JUPYTER_PATH"] = "{venv}/share/jupyter"
c.Spawner.environment["JUPYTERLAB_DIR"] = "{venv}/share/jupyter/lab"
"""
TRY = """
for path in {paths!r}:
    try:
        with open(path, {mode!r}) as file:
            print("open", path)
    except OSError as error:
        print(type(error).__name__)
"""


# The files


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_link_fetches_the_repository_and_opens_the_notebook(path):
    link = links.link("https://hub.example.org/", path.name)
    place, fetched = urlsplit(link).path, parse_qs(urlsplit(link).query)
    assert place == "/hub/user-redirect/git-pull"
    assert fetched["repo"] == [ADDRESS]
    folder, _, notebook = fetched["urlpath"][0].removeprefix("lab/tree/").partition("/")
    assert [folder] == fetched["targetpath"]
    assert ROOT / notebook == path


def test_the_links_are_printed_for_every_notebook():
    command = [sys.executable, CLASSROOM / "links.py", "https://hub.example.org"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"(?m)^(\d\S+)$", printed) == [path.stem for path in NOTEBOOKS]
    assert all(links.link("https://hub.example.org", path.name) in printed for path in NOTEBOOKS)


@pytest.mark.parametrize(("folder", "place"), [(".", ""), ("notebooks", "notebooks/"), ("./a/b/", "a/b/")])
def test_a_link_fetches_a_classs_own_copies(folder, place):
    where = ["--repository", "https://git.example.org/school/class.git", "--branch", "autumn", "--folder", folder]
    command = [sys.executable, CLASSROOM / "links.py", "https://hub.example.org", *where]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    fetched = parse_qs(urlsplit(printed.splitlines()[1].strip()).query)
    assert fetched["repo"] == ["https://git.example.org/school/class.git"]
    assert (fetched["branch"], fetched["targetpath"]) == (["autumn"], ["class"])
    assert fetched["urlpath"] == [f"lab/tree/class/{place}{NOTEBOOKS[0].name}"]


@pytest.mark.parametrize("words", [[], ["hub.example.org"], ["https://a.example", "https://b.example"]])
def test_links_without_an_address_say_what_is_missing(words):
    done = subprocess.run([sys.executable, CLASSROOM / "links.py", *words], capture_output=True, text=True)
    assert done.returncode == 1
    assert "https://hub.example.org" in done.stderr


def test_on_kubernetes_each_learner_has_the_limits_of_the_one_server():
    one_server = REAL.read_text(encoding="utf-8")
    assert VALUES["singleuser"]["memory"]["limit"] == re.search(r'mem_limit = "(.+)"', one_server)[1]
    assert VALUES["singleuser"]["cpu"]["limit"] == float(re.search(r"cpu_limit = (.+)", one_server)[1])


def test_on_kubernetes_nobody_signs_in_without_a_password_and_servers_are_apart():
    assert VALUES["hub"]["config"]["JupyterHub"]["authenticator_class"] == "native"
    assert VALUES["hub"]["config"]["NativeAuthenticator"]["open_signup"] is False
    assert VALUES["singleuser"]["networkPolicy"]["enabled"] is True


def test_on_kubernetes_the_data_are_shared_and_read_only():
    storage = VALUES["singleuser"]["storage"]
    (volume,), (mount,) = storage["extraVolumes"], storage["extraVolumeMounts"]
    assert volume["name"] == mount["name"]
    assert volume["persistentVolumeClaim"]["readOnly"] is mount["readOnly"] is True
    assert VALUES["singleuser"]["extraEnv"]["LSTM_LESSON_DATA"] == mount["mountPath"]


def test_on_kubernetes_the_notebooks_come_from_where_the_links_fetch_them():
    command = VALUES["singleuser"]["lifecycleHooks"]["postStart"]["exec"]["command"]
    assert command[-1].startswith(f"gitpuller {links.REPOSITORY} main {links.FOLDER} ")


def test_the_build_of_an_image_checks_the_set_up():
    post_build = ROOT / "postBuild"
    assert os.access(post_build, os.X_OK)
    assert "python -m lstm_lesson\n" in post_build.read_text(encoding="utf-8")


# The trial sign-in


@pytest.fixture
def folder():
    """A folder that other accounts may enter; its name is short because the path of a socket is limited."""
    with tempfile.TemporaryDirectory(prefix="lstm-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@needs_hub
def test_the_examples_of_on_loopback_hold():
    import guard

    assert doctest.testmod(guard).attempted == 2
    assert doctest.testmod(guard).failed == 0


REACHABLE = {
    "every address": ["--JupyterHub.bind_url=http://:{port}"],
    "another address": ["--JupyterHub.bind_url=http://0.0.0.0:{port}"],
    "the hub itself": ["--JupyterHub.hub_ip=0.0.0.0"],
    "the hub's own address": ["--JupyterHub.hub_bind_url=http://[::]:{port}"],
    "the proxy's API": ["--ConfigurableHTTPProxy.api_url=http://0.0.0.0:{port}"],
    "a public name": ["--JupyterHub.public_url=https://hub.example.org"],
    "a proxy started elsewhere": ["--ConfigurableHTTPProxy.should_start=False"],
    "a proxy with options": ["--ConfigurableHTTPProxy.command=proxy", "--ConfigurableHTTPProxy.command=--ip=0.0.0.0"],
}


@needs_hub
@pytest.mark.parametrize("sign_in", ["shared-password", "dummy"])
@pytest.mark.parametrize("options", REACHABLE.values(), ids=REACHABLE)
def test_the_trial_sign_in_does_not_start_on(options, sign_in, folder):
    (port,) = hubs.free_ports(1)
    config = hubs.TRIAL if sign_in == "shared-password" else REAL  # a command line can choose the other sign-in
    options = [option.format(port=port) for option in options]
    hub = hubs.Hub(folder, config, (f"--JupyterHub.authenticator_class={sign_in}", *options))
    hub.launch()
    try:
        assert hub.process.wait(60) != 0
    finally:
        hub.stop()
    assert "The trial sign-in" in hub.log() and "It does not start" in hub.log()


@needs_hub
def test_on_loopback_it_starts_and_requires_its_password(folder):
    async def visit(password):
        async with learners.Learner(hub.address, "ada", password) as ada:
            await ada.sign_in()

    with hubs.Hub(folder) as hub:
        asyncio.run(visit(hub.password))
        with pytest.raises(PermissionError, match="ada may not sign in"):
            asyncio.run(visit("a guess"))
    assert hub.processes() == []


# Two learners on one hub


class Two:
    """Two learners with accounts, servers and kernels on one hub; `run` waits for one step of a learner."""

    def __init__(self, hub, ada, bob, run):
        self.hub, self.ada, self.bob, self.run = hub, ada, bob, run
        self.home = {learner: Path(f"~{learner.name}").expanduser() for learner in (ada, bob)}

    def output(self, learner, code):
        """What `code` prints in the learner's kernel."""
        return "".join(output.get("text", "") for output in self.run(learner.run(code)))

    def tries(self, learner, paths, mode="r"):
        """How opening each path ends in the learner's kernel: "open …" or the name of an error."""
        return self.output(learner, TRY.format(paths=[str(path) for path in paths], mode=mode)).splitlines()

    def processes(self, learner):
        return self.hub.processes(learner.name)


@pytest.fixture(scope="module")
def two():
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("making accounts needs root")
    if not (ROOT / ".venv" / "classroom" / "ready").is_file():
        pytest.skip("no hub here: make classroom-setup installs it")
    names = [f"lesson-{secrets.token_hex(3)}-{name}" for name in ("ada", "bob")]
    os.environ["CLASSROOM_TEACHERS"] = teachers = f"lesson-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix="lstm-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o755)
        python = python_for_all(Path(scratch))
        hub = hub_with_accounts(Path(scratch), python)
        try:
            subprocess.run(["groupadd", teachers], check=True)
            for name in names:
                subprocess.run(["useradd", "--create-home", name], check=True)
                Path(f"~{name}").expanduser().chmod(0o755)  # open, as some systems make it
            with hub, asyncio.Runner() as runner:
                ada, bob = [learners.Learner(hub.address, name, hub.password) for name in names]
                runner.run(arrive(ada, bob))
                yield Two(hub, ada, bob, runner.run)
                runner.run(leave(ada, bob))
        finally:
            for name in names:
                subprocess.run(["userdel", "--remove", "--force", name], check=False, capture_output=True)
            subprocess.run(["groupdel", os.environ.pop("CLASSROOM_TEACHERS")], check=False, capture_output=True)


def python_for_all(scratch):
    """A Python that other accounts can run, with .venv's packages; the running one may be in root's home folder."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for base in (Path(sys.base_prefix) / "bin" / version, Path("/usr/bin") / version):
        place = scratch / "python"
        made = subprocess.run([base, "-m", "venv", "--clear", "--without-pip", place]) if base.exists() else None
        if made is None or made.returncode:
            continue
        code = "import site; print(site.getsitepackages()[0])"
        own, theirs = (
            subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
            for python in (place / "bin" / "python", sys.executable)
        )
        Path(own, "lessons.pth").write_text(f"import site; site.addsitedir({theirs!r})\n", encoding="utf-8")
        try_it = [place / "bin" / "python", "-c", "import jupyterhub, lstm_lesson"]
        with contextlib.suppress(PermissionError):
            if subprocess.run(try_it, user="nobody", group="nogroup", cwd="/", capture_output=True).returncode == 0:
                return place / "bin" / "python"
    pytest.skip(f"no {version} here, or no checkout, that other accounts can read")


def hub_with_accounts(scratch, python):
    hub = hubs.Hub(scratch, scratch / "config.py")
    cache = scratch / "cache" / "covid"
    cache.mkdir(parents=True)
    (cache / "tweets.csv").write_text("for all to read\n", encoding="utf-8")
    words = {
        "real": str(REAL),
        "password": hub.password,
        "python": str(python),
        "cache": str(cache.parent),
        "venv": ROOT / ".venv",
    }
    (scratch / "config.py").write_text(WITH_ACCOUNTS.format(**words), encoding="utf-8")
    return hub


async def arrive(*both):
    for learner in both:
        await learner.sign_in()
        await learner.start_server()
        await learner.open_kernel("notes.ipynb")


async def leave(*both):
    for learner in both:
        await learner.__aexit__()


def test_each_learner_has_an_account_and_a_closed_folder(two):
    for learner, home in two.home.items():
        assert home.stat().st_mode & 0o777 == 0o700
        assert len(two.processes(learner)) >= 2  # server and kernel
        assert {process.uids().effective for process in two.processes(learner)} == {home.stat().st_uid}
        assert two.output(learner, "import pathlib; print(pathlib.Path.home())").strip() == str(home)


def test_a_learner_reads_her_own_files_and_no_others(two):
    private = two.home[two.ada] / "private.txt"
    two.output(two.ada, f"open({str(private)!r}, 'w').write('mine')")
    assert two.tries(two.ada, [private]) == [f"open {private}"]
    server = two.processes(two.ada)[0].pid
    state = two.hub.folder / "state"
    others = [private, *two.home[two.ada].glob(".run/*"), f"/proc/{server}/environ"]
    hubs_own = [state / "jupyterhub.sqlite", state / "cookie_secret", state / "proxy.pid"]
    assert all(path.exists() for path in hubs_own)
    assert set(two.tries(two.bob, [*others, *hubs_own])) == {"PermissionError"}


PUSH = """
import zmq
pipe = zmq.Context.instance().socket(zmq.PUSH)
pipe.connect("tcp://127.0.0.1:{port}")
pipe.send_multipart([b"0" * 32, b"0", b"[]"])
pipe.close(linger=1000)
"""


def listening(processes):
    """The ports of loopback on which these processes listen."""
    connections = [connection for process in processes for connection in process.net_connections("inet")]
    return [connection.laddr.port for connection in connections if connection.status == "LISTEN"]


def test_others_reach_neither_the_sockets_nor_the_port_of_a_kernel(two):
    connect = "import socket\ntry:\n    socket.socket(socket.AF_UNIX).connect({path!r}); print('in')\n"
    connect += "except OSError as error:\n    print(type(error).__name__)"
    sockets = [path for path in two.home[two.ada].glob(".run/*-ipc-*") if path.is_socket()]
    assert len(sockets) >= 5
    assert two.output(two.ada, connect.format(path=str(sockets[0]))).strip() == "in"
    assert {two.output(two.bob, connect.format(path=str(path))).strip() for path in sockets} == {"PermissionError"}
    kernels = [process for process in two.processes(two.ada) if "ipykernel_launcher" in " ".join(process.cmdline())]
    (port,) = listening(kernels)  # for the output of child processes, protected by a key of 16 random bytes
    two.output(two.bob, PUSH.format(port=port))
    assert two.output(two.ada, "print('mine')") == "mine\n"


def test_kernels_have_no_debugger_because_others_could_reach_its_port(two):
    code = "import importlib.util; print(importlib.util.find_spec('debugpy'))"
    assert two.output(two.ada, code) == "None\n"


def server_port(two, learner):
    (port,) = listening(process for process in two.processes(learner) if "singleuser" in " ".join(process.cmdline()))
    return port


@pytest.mark.parametrize("way", ["through the proxy", "past the proxy"])
@pytest.mark.parametrize("path", ["contents/notes.ipynb", "kernels", "terminals", "me"])
def test_a_learner_cannot_use_the_server_of_another(two, way, path):
    def address(learner):
        base = two.hub.address if way == "through the proxy" else f"http://127.0.0.1:{server_port(two, learner)}"
        return f"{base}/user/{learner.name}/api/{path}"

    token = two.output(two.bob, "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])").strip()
    keys = {"none": {}, "a browser's": {}, "a token": {"Authorization": f"token {token}"}}
    for key, headers in keys.items():
        cookies = two.bob.http.cookies if key == "a browser's" else None
        with httpx.Client(cookies=cookies, headers=headers, trust_env=False, timeout=30) as client:
            assert client.get(address(two.ada)).status_code == 403, key
    own = httpx.get(address(two.bob), headers=keys["a token"], trust_env=False, timeout=30)
    assert own.status_code in (200, 404)  # 404: the notebook was never saved, or terminals are off


def test_a_signed_in_learner_cannot_open_the_server_of_another_in_the_browser(two):
    asked = two.bob.http.get(f"/user/{two.ada.name}/lab", follow_redirects=True)
    assert two.run(asked).status_code in (403, 404)
    two.run(two.ada.connect(two.ada.base, two.ada.kernel)).close()
    with pytest.raises(HTTPClientError, match="403"):
        two.run(two.bob.connect(two.ada.base, two.ada.kernel))


def test_a_learner_cannot_control_the_server_of_another_or_the_proxy(two):
    token = two.output(two.bob, "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])").strip()
    (api,) = [word.partition("=")[2] for word in two.hub.command if "api_url" in word]
    with httpx.Client(headers={"Authorization": f"token {token}"}, trust_env=False, timeout=30) as client:
        assert client.get(f"{two.hub.address}/hub/api/users/{two.bob.name}").status_code == 200
        for method, path in [("GET", ""), ("DELETE", "/server"), ("POST", "/tokens")]:
            url = f"{two.hub.address}/hub/api/users/{two.ada.name}{path}"
            assert client.request(method, url).status_code in (403, 404), url
        assert client.get(f"{api}/api/routes").status_code == 403


def test_package_and_data_are_shared_and_read_only(two):
    shared = two.output(
        two.bob, "import os, lstm_lesson; print(lstm_lesson.__file__, os.environ['LSTM_LESSON_CACHE'], sep=':')"
    )
    package, cache = map(Path, shared.strip().split(":"))
    assert package == ROOT / "lstm_lesson" / "__init__.py"
    data = cache / "covid" / "tweets.csv"
    assert two.tries(two.bob, [package, data]) == [f"open {package}", f"open {data}"]
    new = [package.with_name("mine.py"), cache / "mine.csv", ROOT / ".venv" / "mine.txt"]
    assert set(two.tries(two.bob, [package, data, *new], mode="a")) == {"PermissionError"}


def test_progress_is_saved_in_the_learners_own_folder(two):
    solve = """import torch
from lstm_lesson import check
def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
    return torch.tanh(x_t @ W_xh + h_prev @ W_hh + b_h)
print(check(rnn_step).passed)"""
    assert "True" in two.output(two.ada, solve)
    place = ".local/share/lstm-lesson/progress.json"
    assert "rnn_step" in (two.home[two.ada] / place).read_text(encoding="utf-8")
    assert not (two.home[two.bob] / place).exists()


# The records for the board

WRONG = """import torch
from lstm_lesson import check
def forget_gate(x_t, h_prev, W_xf, W_hf, b_f):
    return torch.sigmoid(x_t @ W_xf + h_prev @ W_hf.T + b_f)
print(check(forget_gate).edits)"""
MOVED = """import os
try:
    os.rename({!r}, {!r})
except OSError as error:
    print(type(error).__name__)
"""
LISTED = """import os
for folder in {folders!r}:
    try:
        print(os.listdir(folder))
    except OSError as error:
        print(type(error).__name__)
"""


def record(two, learner):
    return two.hub.board / learner.name / "record" / "progress.json"


def as_nobody(group, *command):
    """What a command prints, run under an account whose only rights are those of this group; None if it fails."""
    given = {"user": "nobody", "group": "nogroup", "extra_groups": [group] if group else [], "cwd": "/"}
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **given)
    return done.stdout if done.returncode == 0 else None


def test_a_learners_record_is_in_her_own_folder_of_the_board_after_each_attempt(two):
    assert "f: U transposed" in two.output(two.ada, WRONG)
    own = two.home[two.ada] / ".local/share/lstm-lesson/progress.json"
    assert record(two, two.ada).read_bytes() == own.read_bytes()
    assert not record(two, two.bob).exists()
    two.output(two.bob, WRONG)
    found = boards.Room(two.hub.board)
    assert found.look()
    noted = {name: entry["forget_gate"].noted for name, entry in found.records.items()}
    assert set(noted) == {two.ada.name, two.bob.name}
    assert {note[1:] for notes in noted.values() for note in notes} == {("wrong", ("f: U transposed",))}
    assert found.left_out == {}


def test_a_learner_opens_neither_the_folder_of_the_board_nor_the_record_of_another(two):
    two.output(two.ada, WRONG)
    two.output(two.bob, WRONG)
    assert two.tries(two.ada, [record(two, two.ada)]) == [f"open {record(two, two.ada)}"]
    theirs = [record(two, two.ada).parents[1], record(two, two.ada).parent]
    answers = two.output(two.bob, LISTED.format(folders=[str(each) for each in (two.hub.board, *theirs)])).split()
    assert answers == ["PermissionError"] * 3
    assert two.tries(two.bob, [record(two, two.ada)]) == ["PermissionError"]
    new = [record(two, two.ada), record(two, two.ada).with_name("x.json"), two.hub.board / "x.json", theirs[0] / "x"]
    assert set(two.tries(two.bob, new, mode="a")) == {"PermissionError"}
    for each in (two.ada, two.bob):
        places = str(two.hub.board / each.name), str(two.hub.board / "gone")
        assert two.output(two.bob, MOVED.format(*places)).strip() == "PermissionError"


def test_what_others_can_see_of_a_learners_folder_does_not_tell_when_she_worked(two):
    path = str(record(two, two.ada).parents[1])
    code = f"import os; about = os.stat({path!r}); print(about.st_mtime_ns, about.st_ctime_ns)"
    before = two.output(two.bob, code)
    two.output(two.ada, WRONG)
    assert two.output(two.bob, code) == before != ""


def test_the_teachers_group_reads_the_records_and_changes_none(two):
    two.output(two.ada, WRONG)
    group = grp.getgrnam(os.environ["CLASSROOM_TEACHERS"]).gr_gid
    assert as_nobody(group, "ls", two.hub.board).split() == sorted([two.ada.name, two.bob.name])
    assert as_nobody(group, "cat", record(two, two.ada)) == record(two, two.ada).read_text(encoding="utf-8")
    assert as_nobody(None, "ls", two.hub.board) is as_nobody(None, "cat", record(two, two.ada)) is None
    for path in (two.hub.board, record(two, two.ada).parents[1], record(two, two.ada).parent, record(two, two.ada)):
        assert as_nobody(group, "test", "-r", path) == ""
        assert as_nobody(group, "test", "-w", path) is None


def test_switched_off_a_record_leaves_the_board(two):
    two.output(two.ada, WRONG)
    assert record(two, two.ada).exists()
    two.output(two.ada, "from lstm_lesson import progress; p = progress(note=False)")
    assert not record(two, two.ada).exists()
    two.output(two.ada, "p = progress(note=True)")
    assert record(two, two.ada).exists()


# The load test's own board


@pytest.mark.parametrize(
    ("noted", "says"),
    [
        (["h: U transposed"], ""),
        (["h: U transposed", "h: no bias"], ""),  # the second is begun
        ([], "0 attempts, []; 1 were answered before"),  # lost
        (["h: U transposed", "h: no bias", ""], "3 attempts"),  # more than were begun
        (["h: no bias"], "1 attempts"),  # another mistake than she made
    ],
)
def test_the_load_test_sees_a_lost_attempt_and_one_too_many(tmp_path, noted, says):
    ada = load.Record("learner-01", wrong_answers=2, begun=2, done=1)
    assert ada.mistakes == ["h: U transposed", "h: no bias"]
    notes = [["2026-11-29T10:00:00", "wrong", id] if id else ["2026-11-29T10:00:00", "correct"] for id in noted]
    entry = {"attempts": len(notes), "solved_at": None, "noted": notes}
    (tmp_path / "board" / ada.name).mkdir(parents=True)
    text = json.dumps({"version": 1, "exercises": {load.EXERCISE: entry}})
    (tmp_path / "board" / ada.name / "progress.json").write_text(text, encoding="utf-8")
    seen = load.Board(type("Hub", (), {"board": tmp_path / "board"}), [ada])
    seen.poll()
    assert (says in seen.wrong[0]) if says else seen.wrong == []


def test_the_load_test_sees_a_stranger_and_a_damaged_record(tmp_path):
    (tmp_path / "board" / "eve").mkdir(parents=True)
    (tmp_path / "board" / "eve" / "progress.json").write_text('{"exercises": {}}', encoding="utf-8")
    (tmp_path / "board" / "bob.json").write_text("{", encoding="utf-8")
    seen = load.Board(type("Hub", (), {"board": tmp_path / "board"}), [])
    seen.poll()
    assert seen.wrong == ["bob.json is left out: it is no JSON, or ends too early; eve is no learner"]


# What root does before a server starts


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The functions of the real configuration, with a board below `tmp_path`."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("giving folders to accounts needs root")
    from traitlets.config import Config

    monkeypatch.setenv("CLASSROOM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CLASSROOM_BOARD", str(tmp_path / "board"))
    names = {"get_config": Config, "__file__": str(REAL), "__name__": "config"}
    monkeypatch.setitem(sys.modules, "guard", type(sys)("guard"))  # which needs a hub
    sys.modules["guard"].GuardedProxy = object
    exec(compile(REAL.read_text(encoding="utf-8"), REAL, "exec"), names)
    return names


LEARNER = pwd.struct_passwd(("ada", "x", 12345, 23456, "", "/nowhere", "/bin/sh")) if pwd else None
GROUP = grp.struct_group(("teachers", "x", 34567, ["eve"])) if pwd else None


def rights(path):
    about = path.lstat()
    return oct(about.st_mode & 0o7777), about.st_uid, about.st_gid


def test_the_folders_of_the_board_have_these_rights_and_no_other(config, tmp_path):
    for _ in range(2):
        config["make_record_folder"](LEARNER, GROUP)
        assert rights(tmp_path / "board") == ("0o751", 0, 34567)
        for folder in ("ada", "ada/record"):
            assert rights(tmp_path / "board" / folder) == ("0o2750", 12345, 34567)
        assert [path.name for path in (tmp_path / "board").iterdir()] == ["ada"]


def test_teachers_have_no_folder_on_the_board(config, tmp_path):
    config["make_record_folder"](pwd.struct_passwd(("eve", "x", 12346, 23456, "", "/nowhere", "/bin/sh")), GROUP)
    config["make_record_folder"](pwd.struct_passwd(("max", "x", 12347, 34567, "", "/nowhere", "/bin/sh")), GROUP)
    assert list((tmp_path / "board").iterdir()) == []


def test_root_follows_no_link_that_a_learner_has_put_into_her_folder(config, tmp_path):
    config["make_record_folder"](LEARNER, GROUP)
    (tmp_path / "secret").mkdir(mode=0o700)
    (tmp_path / "board" / "ada" / "record").rmdir()
    (tmp_path / "board" / "ada" / "record").symlink_to(tmp_path / "secret")
    config["make_record_folder"](LEARNER, GROUP)
    assert rights(tmp_path / "secret") == ("0o700", 0, 0)


def test_a_folder_of_an_earlier_account_of_this_name_and_one_half_made_are_made_anew(config, tmp_path):
    config["make_record_folder"](LEARNER, GROUP)
    (tmp_path / "board" / "ada" / "record" / "progress.json").write_text("{}")
    (tmp_path / "board" / ".ada" / "record").mkdir(parents=True)
    config["make_record_folder"](pwd.struct_passwd(("ada", "x", 12399, 23456, "", "/nowhere", "/bin/sh")), GROUP)
    assert rights(tmp_path / "board" / "ada" / "record") == ("0o2750", 12399, 34567)
    assert list((tmp_path / "board" / "ada" / "record").iterdir()) == []
    assert [path.name for path in (tmp_path / "board").iterdir()] == ["ada"]


def test_without_the_group_the_lesson_goes_on_without_a_board(config, tmp_path, monkeypatch):
    config["TEACHERS"] = "no-such-group"
    warned = []
    account = pwd.struct_passwd(("root", "x", 0, 0, "", str(tmp_path), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwnam", lambda name: account)
    log = type("Log", (), {"warning": staticmethod(lambda text, *words: warned.append(text % words))})
    spawner = type("Spawner", (), {"user": type("User", (), {"name": "root"}), "log": log})
    config["before_start"](spawner)
    assert warned == ["The board will not have the record of root: \"getgrnam(): name not found: 'no-such-group'\""]
    assert rights(tmp_path)[0] == "0o700"
