"""Stands in front of the real debugpy on a learner's path: a kernel that can't import it does without a debugger."""

raise ImportError("the classroom does without a debugger")
