"""Whatever a function does or returns, a check returns a result in time and changes no setting."""

import importlib
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from answers import named

import lstm_lesson
from lstm_lesson import check, equations, hint, layers, solution
from lstm_lesson.exercises import sandbox
from lstm_lesson.exercises.exercise import exercises


class Hostile:
    """An object whose attributes, comparison and name all raise."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise RuntimeError("never equal")

    __hash__ = None

    def __repr__(self):
        raise RuntimeError("no name")


class EndlessList(list):
    def __iter__(self):
        while True:
            yield 1

    def __len__(self):
        return 2


class ErrorWithoutText(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def returns(value):
    return lambda *arguments: value


def raises(error):
    def f(*arguments):
        raise error

    return f


nested = []
nested.append(nested)
RETURNED = [
    None, True, 0, 1.5, 1j, float("nan"), "", "text", b"bytes", [], (), {}, set(), [None], (None, None), [[]], nested,
    object(), object, type, ..., NotImplemented, range(3), iter([]), (k for k in range(3)), lambda: 0, print, torch,
    Hostile(), Hostile, EndlessList(), Exception("returned"), np.float64(1), np.zeros((3, 6)), np.zeros(0),
    np.array(["a"]),
    torch.tensor(0.0), torch.zeros(0), torch.zeros(3, 6), torch.zeros(3, 6, dtype=torch.float64), torch.zeros(1, 1),
    torch.full((3, 6), float("nan"), dtype=torch.float64), torch.full((3, 6), float("inf"), dtype=torch.float64),
    torch.zeros(3, 6, dtype=torch.complex128), torch.zeros(3, 6, dtype=torch.bool), torch.zeros(3, 6, dtype=torch.int8),
    torch.zeros(3, 6, dtype=torch.bfloat16), torch.zeros(3, 6, device="meta"), torch.zeros(3, 6).to_sparse(),
    torch.zeros(3, 6, dtype=torch.float64, device="meta"), torch.zeros(3, 6, dtype=torch.float64).to_sparse(),
    torch.zeros(2, 3, 4, 5, 6), torch.nn.Parameter(torch.zeros(3, 6)), torch.nn.Linear(2, 3), torch.Size([3]),
    torch.float64, torch.Generator(), [torch.zeros(3)] * 5, (torch.zeros(3, 6),) * 2, (torch.zeros(3, 6),) * 3,
    {"W_xi": None}, {1: 2}, {k: None for k in range(12)}, (torch.zeros(1), None), [np.zeros(3)] * 2,
    torch.zeros(3, 6).to(torch.float8_e5m2),
]  # fmt: skip
ACTIONS = [
    raises(e)
    for e in (
        ValueError, TypeError("a\nb\nc"), KeyError("W_xi"), SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration,
        BaseException(), MemoryError, RecursionError, NotImplementedError, ErrorWithoutText(),
        ExceptionGroup("g", [OSError()]),
        Exception("x" * 10_000), UnicodeDecodeError("utf-8", b"", 0, 1, "odd"), Warning("as error"),
    )
] + [
    lambda *a: a, lambda *a: a[0], lambda *a: a[-1], lambda *a: list(a), lambda *a: a[0].resize_(0),
    lambda *a: [t.zero_() for t in a], lambda *a: [getattr(t, "requires_grad_", int)() for t in a],
    lambda *a: a[-1].clear(), lambda *a: a[0].backward(), lambda *a: a[0].set_(), lambda *a: torch.randn(3, 6),
    lambda *a: torch.set_default_dtype(torch.float64), lambda *a: torch.set_grad_enabled(False),
    lambda *a: sys.stdout.close(),
    lambda *a: setattr(sys, "stdout", None), lambda *a: print("x" * 10**6), lambda *a: print(Hostile()),
    lambda *a: threading.Thread(target=int).start(), lambda *a: (_ for _ in ()).throw(OSError), lambda *a: eval("1 +"),
    lambda *a: torch.zeros(10**12), lambda *a: check(a), lambda *a: a[0].to("cuda"), lambda *a: a[0].view(7, -1),
    lambda *a: a[0] @ a[0] @ a[0], lambda *a: torch.autograd.grad(a[0].sum(), a[0]), lambda *a: torch.manual_seed(3),
]  # fmt: skip


FUNCTIONS = [returns(value) for value in RETURNED] + ACTIONS


# One exercise of each kind of result
KINDS = {
    "input_gate": "a tensor",
    "half_life": "a tensor of any shape",
    "lstm_step": "a tuple",
    "from_torch_weights": "a dictionary",
    "lstm_backward_step": "a tuple with a dictionary",
    "truncate": "what came in, a tensor or a tuple",
    "clip_by_norm": "a list",
    "pad_batch": "integers",
    "masked_accuracy": "a single number",
    "free_run": "made with a function that is an argument",
}
SHARES = {name: FUNCTIONS[k :: len(KINDS)] for k, name in enumerate(KINDS)}


@pytest.mark.parametrize("name", KINDS)
def test_a_check_survives_what_a_function_returns_or_does(name):
    """Each function once, as the answer to one of ten exercises; the test below takes all with all."""
    survives(name, SHARES[name])


@pytest.mark.full
@pytest.mark.parametrize("name", exercises())
def test_a_check_survives_whatever_a_function_returns_or_does(name):
    survives(name, FUNCTIONS)


def survives(name, functions):
    dtype, state = torch.get_default_dtype(), torch.get_rng_state()
    for k, f in enumerate(functions):
        result = check(named(name, f))
        assert result.outcome in ("wrong", "crashed", "not attempted"), (k, result)
        assert 1 <= len(repr(result).split("\n")) <= 3
        assert result._repr_markdown_()
    assert torch.get_default_dtype() == dtype
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "make",
    [
        lambda: None, lambda: 3, lambda: "no such", lambda: torch.zeros(3), Hostile, lambda: Hostile, lambda: print,
        lambda: torch.nn.Linear(2, 2), lambda: len, lambda: [], lambda: type, lambda: "input_gate", lambda: lambda: 0,
    ],
)  # fmt: skip
def test_any_object_in_place_of_a_function_gets_a_result(make):
    thing = make()
    assert check(thing).outcome == "not attempted"
    assert hint(thing).text
    assert solution(thing).text


@pytest.mark.parametrize("switched_off", [torch.no_grad, torch.inference_mode])
def test_a_check_works_where_gradients_are_switched_off(switched_off):
    with switched_off():
        right, wrong = check(layers.lstm), check(named("hadamard", lambda a, b: (a * b).detach()))
        assert torch.is_inference_mode_enabled() is (switched_off is torch.inference_mode)
        assert not torch.is_grad_enabled()
    assert right.passed
    assert "`a * b` is detached" in wrong.message
    try:
        torch.set_grad_enabled(False)
        assert check(layers.lstm).passed
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


def test_a_check_leaves_the_number_of_threads_as_it_was():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        check(layers.lstm)
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)


COMPILED = """
import torch
from torch.utils.checkpoint import checkpoint
from lstm_lesson import check, cells, layers

def lstm_step(x_t, h_prev, c_prev, weights):
    return cells.lstm_step(x_t, h_prev, c_prev, weights)

def lstm(x, h_0, c_0, weights):
    hidden_seq = []
    for x_t in x.unbind(1):
        h_0, c_0 = checkpoint(lstm_step, x_t, h_0, c_0, weights, use_reentrant=False)
        hidden_seq.append(h_0)
    return torch.stack(hidden_seq, dim=1), h_0, c_0

def hadamard(a, b):
    return torch.compile(lambda a, b: a * b, backend="eager")(a, b)

print(check({answer}).outcome)
"""


@pytest.mark.full
@pytest.mark.parametrize("answer", ["lstm", 'torch.compile(lstm_step, backend="eager")', "hadamard"])
def test_a_right_answer_that_loads_for_seconds_at_its_first_call_passes(answer):
    code = COMPILED.replace("{answer}", answer)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "correct\n", ran.stderr


def test_a_check_works_in_a_thread_where_there_is_no_alarm():
    found = []
    thread = threading.Thread(target=lambda: found.append(check(equations.input_gate)))
    thread.start()
    thread.join()
    assert found[0].passed


def test_check_loads_on_first_use_and_loads_no_plots_without_a_front_end():
    code = "import sys, lstm_lesson; assert 'lstm_lesson.exercises' not in sys.modules\n"
    code += "def hadamard(a, b): return a + b\nprint(repr(lstm_lesson.check(hadamard)))\n"
    code += "assert not {'matplotlib', 'IPython', 'lstm_lesson.plots'} & set(sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "❌" in ran.stdout


def test_a_name_that_the_package_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lstm_lesson.nothing  # noqa: B018


class LateAlarm(sandbox.Sandbox):
    """Its alarm rings once, while it is being turned off."""

    rung = False

    @property
    def can_stop(self):
        if self.running and not self.rung:
            self.rung = True
            self._on_alarm(None, sys._getframe(1))
        return hasattr(sandbox.signal, "setitimer")

    @can_stop.setter
    def can_stop(self, _):
        pass

    def _seconds_left(self):
        return 0.0 if self.rung else 60.0


def test_time_without_a_processor_does_not_count(monkeypatch):
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("this system has no alarms")
    waited = [0.0]
    monkeypatch.setattr(sandbox, "_seconds_without_processor", lambda: waited[0])

    def slow():
        time.sleep(0.1)
        return 3

    with sandbox.Sandbox(0.02).isolated() as box:
        assert isinstance(box(slow)[1], sandbox.TimeUp)
    with sandbox.Sandbox(0.02).isolated() as box:
        assert box(lambda: waited.__setitem__(0, 60.0) or slow()) == (3, None)


def test_a_slow_import_is_not_stopped_and_leaves_time_for_the_next_call(tmp_path, monkeypatch):
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("this system has no alarms")
    (tmp_path / "slow_to_import.py").write_text("import time\nfor _ in range(20): time.sleep(0.01)\n")
    monkeypatch.syspath_prepend(tmp_path)

    def wait():
        time.sleep(0.1)
        return 3

    with sandbox.Sandbox(0.05).isolated() as box:
        assert box(importlib.import_module, "slow_to_import")[1] is None
        assert box(wait) == (3, None)


def test_time_between_calls_does_not_count():
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("this system has no alarms")
    with sandbox.Sandbox(0.1).isolated() as box:
        assert box(int) == (0, None)
        time.sleep(0.2)
        assert box(lambda: time.sleep(0.03) or 3) == (3, None)
        assert isinstance(box(lambda: time.sleep(0.5))[1], sandbox.TimeUp)
    assert box.timed_out


def test_modules_loaded_one_after_the_other_do_not_count(tmp_path, monkeypatch):
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("this system has no alarms")
    monkeypatch.setattr(sandbox, "SECONDS", 0.1)
    monkeypatch.syspath_prepend(tmp_path)

    def load():
        for k in range(10):  # most of the time passes between two imports
            (tmp_path / f"one_of_many_{k}.py").write_text("")
            importlib.import_module(f"one_of_many_{k}")
            time.sleep(0.05)
        return 3

    with sandbox.Sandbox(0.1).isolated() as box:
        assert box(load) == (3, None)


def test_an_alarm_that_rings_when_a_call_ends_is_ignored():
    assert LateAlarm()(lambda: 3) == (3, None)
    value, error = LateAlarm()(raises(KeyError("late")))
    assert value is None
    assert isinstance(error, KeyError)


def test_the_alarm_is_off_before_its_handler_is_removed(monkeypatch):
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("this system has no alarms")
    left, handle = [], sandbox.signal.signal

    def signal(*given):
        left.append(sandbox.signal.getitimer(sandbox.signal.ITIMER_REAL)[0])
        return handle(*given)

    monkeypatch.setattr(sandbox.signal, "signal", signal)
    with sandbox.Sandbox().isolated() as box:
        box._set_alarm(5)
    assert left == [0, 0]


def test_another_alarm_of_the_notebook_still_rings_later():
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("this system has no alarms")
    old = sandbox.signal.signal(sandbox.signal.SIGALRM, lambda *_: None)
    sandbox.signal.setitimer(sandbox.signal.ITIMER_REAL, 60)
    try:
        check(layers.lstm)
        assert sandbox.signal.getitimer(sandbox.signal.ITIMER_REAL)[0] > 50
    finally:
        sandbox.signal.setitimer(sandbox.signal.ITIMER_REAL, 0)
        sandbox.signal.signal(sandbox.signal.SIGALRM, old)
