"""Stands in front of the real alembic, with which the hub alters its database: a learner's server has none.

jupyterhub imports these names there, too, and never calls them.
"""

import sys

for name in ("command", "config", "script"):
    sys.modules[f"alembic.{name}"] = sys.modules[__name__]
ScriptDirectory = None
