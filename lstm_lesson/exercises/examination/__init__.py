"""`examine(MyLSTM)`: whether a class that says it is an LSTM is one, and which of its tensors is which weight.

`building` makes an instance, `subject` finds out how it is called, and runs it; `matching` finds the weights by what
they do, or by their names; `equations` has the forms of an LSTM; `verdict` compares, and says what is found.
"""

from lstm_lesson.exercises.examination.verdict import NOT_CALLED, Examination, find_subject, judge
from lstm_lesson.exercises.sandbox import Sandbox, TimeUp, name_error

__all__ = ["Examination", "examine"]

SECONDS = 4.0  # for all calls of the module together
TOO_LONG = f"its calls take more than {SECONDS:g} seconds together. Does a loop never end?"


def examine(module) -> Examination:
    """Say whether a class, or an instance, is an LSTM: which of its tensors is which weight, or what differs.

    A class is made with an input size and a hidden size, under whatever names, and called with a sequence, batch first
    or time first, or step by step, with states where it takes them. An instance is copied: it keeps its parameters, its
    mode and its gradients. Whatever the module does, `examine` returns an Examination and never raises.

    >>> from torch import nn
    >>> examine(nn.LSTM).order
    'ifgo'
    """
    with Sandbox(SECONDS).isolated() as sandbox:
        try:
            found = find_subject(module, sandbox)
            result = found if isinstance(found, Examination) else judge(found)
            if not sandbox.timed_out:
                return result
            what = TOO_LONG
        except BaseException as error:  # SystemExit, too: what a class raises must not end the notebook
            what = TOO_LONG if isinstance(error, TimeUp) else f"it raises {name_error(error)}"
    return Examination(NOT_CALLED, f"It cannot be examined: {what}")
