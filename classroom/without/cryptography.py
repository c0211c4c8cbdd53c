"""Stands in front of the real cryptography: the hub may encrypt with it, a learner's server has nothing to encrypt."""

raise ImportError("a learner's server does without cryptography")
