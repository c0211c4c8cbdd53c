"""The tests of exercises keep their own progress."""

import pytest


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    """No test writes into the user's own record."""
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path))
