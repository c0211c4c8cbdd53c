"""The classroom for trying out, on loopback: any name signs in, and all learners run as the one who started it.

So the learners are not kept apart, and the memory and CPU limits are told to them but enforced by nobody: accounts and
systemd do both on a real server. The password keeps other people on this machine out; it is new at every start.
"""

import os
import secrets
from pathlib import Path

HERE = Path(__file__).resolve().parent
load_subconfig(str(HERE / "jupyterhub_config.py"))  # noqa: F821 - JupyterHub provides it
c = get_config()  # noqa: F821
state = Path(os.environ.get("CLASSROOM_STATE", HERE.parent / ".venv" / "classroom" / "hub"))
password = os.environ.get("CLASSROOM_PASSWORD") or secrets.token_urlsafe(6)

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = password
c.Authenticator.allow_all = True

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(state / "homes" / "{username}")
c.Spawner.pre_spawn_hook = None
c.JupyterHub.cleanup_servers = True  # Ctrl-C ends everything
c.JupyterHub.log_level = "WARN"
if os.geteuid() == 0:
    print("You are root, so whoever has the password is root: take another account where others can sign in.")
    c.Spawner.args.append("--allow-root")


# Other than on a real server, homes may stand deep in folders, too deep for the name of a kernel's socket. Then kernels
# listen on ports of loopback, where a key keeps strangers out.
c.Spawner.environment["JUPYTER_RUNTIME_DIR"] = lambda spawner: str(state / "homes" / spawner.user.name / ".run")
if len(str(state)) > 30:
    c.Spawner.args.remove("--KernelManager.transport=ipc")

print(f"The classroom: {c.JupyterHub.bind_url}  any name, password {password}  (Ctrl-C ends it)", flush=True)
