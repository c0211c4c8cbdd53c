"""A trial of the classroom on loopback: every name can sign in, and all servers run under the account that started it.

Learners are not separated from each other, and the limits of memory and CPU are not enforced: a real server uses
accounts and systemd for both. A new password at every start keeps other users of this machine out.
"""

import os
import secrets
from pathlib import Path

HERE = Path(__file__).resolve().parent
load_subconfig(str(HERE / "jupyterhub_config.py"))  # noqa: F821 - JupyterHub provides it
c = get_config()  # noqa: F821
state = Path(os.environ.get("CLASSROOM_STATE", HERE.parent / ".venv" / "classroom" / "hub"))
password = os.environ.get("CLASSROOM_PASSWORD") or secrets.token_urlsafe(6)


def record_folder(spawner):
    """Where a learner's kernels put a copy of her progress file for the board."""
    return Path(os.environ.get("CLASSROOM_BOARD", state / "board")) / spawner.user.name


c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = password
c.Authenticator.allow_all = True

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(state / "homes" / "{username}")
c.Spawner.pre_spawn_hook = lambda spawner: record_folder(spawner).mkdir(parents=True, exist_ok=True)
c.Spawner.environment["LSTM_LESSON_BOARD"] = lambda spawner: str(record_folder(spawner))
c.JupyterHub.cleanup_servers = True  # Ctrl-C ends everything
c.JupyterHub.log_level = "WARN"
if os.geteuid() == 0:
    print("You are root, so everybody who has the password is root. Use another account if others can sign in here.")
    c.Spawner.args.append("--allow-root")


# Here the path of a learner's folder may be too long for a kernel's socket. Then kernels listen on ports of loopback,
# protected by a key.
c.Spawner.environment["JUPYTER_RUNTIME_DIR"] = lambda spawner: str(state / "homes" / spawner.user.name / ".run")
if len(str(state)) > 30:
    c.Spawner.args.remove("--KernelManager.transport=ipc")

print(f"The classroom: {c.JupyterHub.bind_url}  any name, password {password}  (Ctrl-C ends it)", flush=True)
