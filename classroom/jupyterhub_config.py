"""One server for a class: every learner has a system account, and systemd enforces limits.

README.md explains what to do before the first start. trial_config.py loads this file and changes some settings for a
trial.
"""

import grp
import os
import pwd
import shutil
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - JupyterHub provides it
HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".venv"
STATE = Path(os.environ.get("CLASSROOM_STATE", VENV / "classroom" / "hub"))  # database, cookie secret, proxy's pid
STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
BOARD = Path(os.environ.get("CLASSROOM_BOARD", VENV / "classroom" / "board"))  # the records for the teachers' board
TEACHERS = os.environ.get("CLASSROOM_TEACHERS", "teachers")  # the group that reads them
sys.path.insert(0, str(HERE))
from guard import GuardedProxy  # noqa: E402


def home(spawner):
    """The learner's own folder."""
    return pwd.getpwnam(spawner.user.name).pw_dir


def close_home(spawner):
    """Let nobody but the learner into her folder."""
    Path(home(spawner)).chmod(0o700)


def record_folder(spawner):
    """Where the learner's kernels put a copy of her progress file for the board."""
    return str(BOARD / spawner.user.name / "record")


def before_start(spawner):
    """Close the learner's folder, and make one for her record if she is none of the teachers."""
    close_home(spawner)
    try:
        make_record_folder(pwd.getpwnam(spawner.user.name), grp.getgrnam(TEACHERS))
    except (KeyError, OSError) as error:  # the lesson goes on without the board
        spawner.log.warning("The board will not have the record of %s: %s", spawner.user.name, error)


def make_record_folder(learner, teachers):
    """A folder that the learner writes to and the teachers read. Other learners can open neither it nor BOARD.

    The record lies one folder deeper: its writes then change no time that other learners can see. Nothing is changed in
    a folder that a learner owns already, because root would follow a link that she has put there.
    """
    BOARD.mkdir(mode=0o711, parents=True, exist_ok=True)
    os.chown(BOARD, 0, teachers.gr_gid)
    BOARD.chmod(0o751)
    own, part = BOARD / learner.pw_name, BOARD / f".{learner.pw_name}"
    if learner.pw_gid == teachers.gr_gid or learner.pw_name in teachers.gr_mem:
        return
    if own.is_dir() and own.stat().st_uid == learner.pw_uid:
        return
    for folder in (own, part):  # of an account that is gone, or not finished
        if folder.exists():
            shutil.rmtree(folder)
    (part / "record").mkdir(mode=0o700, parents=True)
    for folder in (part / "record", part):
        os.chown(folder, learner.pw_uid, teachers.gr_gid)
        folder.chmod(0o2750)  # files in it belong to the group, too
    part.rename(own)


# Sign-in: the server's own accounts and passwords. Only these two groups may sign in.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"learners", TEACHERS}
c.PAMAuthenticator.admin_groups = {TEACHERS}  # may open, stop and start the servers of learners

# Only this machine can reach the hub. A web server with a certificate passes requests on to it (README.md).
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.proxy_class = GuardedProxy
c.ConfigurableHTTPProxy.command = [str(VENV / "classroom" / "node_modules" / ".bin" / "configurable-http-proxy")]
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{STATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.JupyterHub.cleanup_servers = False  # learners can go on working while the hub restarts

# systemd runs on almost every Linux server and needs no images. Each learner's server is a unit with its own limits:
# if it uses more memory than allowed, only this server ends.
c.JupyterHub.spawner_class = "systemd"
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_limit = 1.0
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.isolate_devices = True
c.SystemdSpawner.disable_user_sudo = True
c.SystemdSpawner.unit_extra_properties = {"TasksMax": "256"}  # processes and threads

# The package is in this .venv, and one folder has the data for all. Learners can read both and write to neither.
c.Spawner.cmd = [str(VENV / "bin" / "jupyterhub-singleuser")]
c.Spawner.environment = {
    "LSTM_LESSON_CACHE": os.environ.get("LSTM_LESSON_CACHE", str(VENV / "classroom" / "cache")),
    "JUPYTER_CONFIG_PATH": str(HERE),  # jupyter_server_config.py: explorers respond faster
    "JUPYTER_RUNTIME_DIR": lambda spawner: (
        f"{home(spawner)}/.run"
    ),  # short: the path of a socket may have 107 characters
    "LSTM_LESSON_BOARD": record_folder,
    "OMP_NUM_THREADS": "1",  # as in the notebooks; all learners share the cores
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "MALLOC_ARENA_MAX": "1",  # the default, eight for each core, keeps memory that is not used
}
if "LSTM_LESSON_DATA" in os.environ:
    c.Spawner.environment["LSTM_LESSON_DATA"] = os.environ["LSTM_LESSON_DATA"]
c.Spawner.args = [
    "--KernelManager.transport=ipc",  # kernels listen on sockets in the learner's own folder, not on ports
    "--MappingKernelManager.cull_idle_timeout=3600",  # seconds; an idle kernel ends after an hour
    "--ServerApp.shutdown_no_activity_timeout=3600",  # and the server ends an hour after its last kernel
    "--LabApp.extension_manager=readonly",
    "--LanguageServerManager.autodetect=False",
]

# A whole class signs in at the same time: two cores start about twenty servers in two minutes.
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
c.Spawner.poll_interval = 10  # seconds until a server that died is noticed
c.Spawner.pre_spawn_hook = before_start
