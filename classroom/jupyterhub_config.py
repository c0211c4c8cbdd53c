"""One server for a class: every learner has her own system account, and limits that systemd enforces.

README.md says what to do before the first start. trial_config.py takes all of this over and changes what trying out
needs.
"""

import os
import pwd
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - JupyterHub provides it
HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".venv"
STATE = Path(os.environ.get("CLASSROOM_STATE", VENV / "classroom" / "hub"))  # database, cookie secret, proxy's pid
STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
sys.path.insert(0, str(HERE))
from guard import GuardedProxy  # noqa: E402


def home(spawner):
    """The learner's own folder."""
    return pwd.getpwnam(spawner.user.name).pw_dir


def close_home(spawner):
    """Nobody but the learner enters her folder, however the account was made."""
    Path(home(spawner)).chmod(0o700)


# Sign-in: the server's own accounts and passwords; those in the group `learners` may come in.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"learners", "teachers"}
c.PAMAuthenticator.admin_groups = {"teachers"}  # may open, stop and start the servers of learners

# Only this machine reaches the hub; a web server with a certificate stands in front of it (README.md).
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.proxy_class = GuardedProxy
c.ConfigurableHTTPProxy.command = [str(VENV / "classroom" / "node_modules" / ".bin" / "configurable-http-proxy")]
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{STATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.JupyterHub.cleanup_servers = False  # learners work on while the hub restarts

# systemd: on every Linux server already, and it needs no images to build and to keep. Each server is a unit with its
# own limits; what runs over the memory limit is ended and takes nobody else with it.
c.JupyterHub.spawner_class = "systemd"
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_limit = 1.0
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.isolate_devices = True
c.SystemdSpawner.disable_user_sudo = True
c.SystemdSpawner.unit_extra_properties = {"TasksMax": "256"}  # processes and threads

# The package is the one in this .venv, the data one folder for all: learners can read both and write neither.
c.Spawner.cmd = [str(VENV / "bin" / "jupyterhub-singleuser")]
c.Spawner.environment = {
    "LSTM_LESSON_CACHE": os.environ.get("LSTM_LESSON_CACHE", str(VENV / "classroom" / "cache")),
    "JUPYTER_CONFIG_PATH": str(HERE),  # jupyter_server_config.py: pictures follow their sliders at once
    "JUPYTER_RUNTIME_DIR": lambda spawner: f"{home(spawner)}/.run",  # short: a socket's name has 107 characters
    "OMP_NUM_THREADS": "1",  # as the notebooks ask of torch; twenty learners share the cores
    # No debugger, whose port would stand open to every learner; and nothing that only the hub itself needs: memory.
    "PYTHONPATH": str(HERE / "without"),
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "MALLOC_ARENA_MAX": "1",  # glibc's default of eight a core holds memory that nobody uses
}
if "LSTM_LESSON_DATA" in os.environ:
    c.Spawner.environment["LSTM_LESSON_DATA"] = os.environ["LSTM_LESSON_DATA"]
c.Spawner.args = [
    "--KernelManager.transport=ipc",  # kernels listen on sockets in the learner's own folder, not on ports
    "--MappingKernelManager.cull_idle_timeout=3600",  # seconds; a kernel nobody looks at for an hour goes
    "--ServerApp.shutdown_no_activity_timeout=3600",  # and then the server with it
    "--LabApp.extension_manager=readonly",
    "--LanguageServerManager.autodetect=False",
]

# A class arrives all at once: two cores start some twenty servers in about two minutes.
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
c.Spawner.poll_interval = 10  # seconds until a server that died is noticed
c.Spawner.pre_spawn_hook = close_home
