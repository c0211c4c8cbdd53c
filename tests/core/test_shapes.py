"""`@checked` reads the shapes of a signature, and the function stays a plain function for Python and for torch."""

import copy
import inspect
import pickle

import pytest
import torch
from often import one_in
from torch import nn

from lstm_lesson import CustomLSTM, LSTMCell, RNNCell, backward, cells, equations, layers
from lstm_lesson.shapes import Shape, check_shapes, checked


@checked
def weighted(
    x: Shape["B N"], W: Shape["N H"], c: Shape["B H"] | None = None, p: Shape["H H"] | Shape["H"] | None = None
):
    """A sum with two optional arguments."""
    return x @ W if c is None else x @ W + equations.peephole(c, p)


x, W, c = torch.randn(2, 3), torch.randn(3, 4), torch.randn(2, 4)


def test_positional_and_keyword_arguments_are_checked_alike():
    assert torch.equal(weighted(x, W), weighted(W=W, x=x))
    for call in (lambda: weighted(x, W.t()), lambda: weighted(x, W=W.t()), lambda: weighted(W=W.t(), x=x)):
        with pytest.raises(ValueError, match=r"^W has shape \(4, 3\); it needs \(N, H\) with N = 3, as in x$"):
            call()


def test_an_optional_argument_that_is_none_is_not_checked():
    assert torch.equal(weighted(x, W, None, None), x @ W)
    assert torch.equal(weighted(x, W, c), x @ W)
    with pytest.raises(ValueError, match=r"^x is NoneType; it needs"):
        weighted(None, W)


def test_an_optional_argument_needs_the_optional_one_before_it():
    with pytest.raises(ValueError, match=r"^c is None; p was given, so it needs a torch.Tensor of shape \(B, H\)"):
        weighted(x, W, p=torch.randn(4))


def test_one_of_two_shapes_is_chosen_by_the_number_of_dimensions():
    weighted(x, W, c, torch.randn(4))
    weighted(x, W, c, torch.randn(4, 4))
    with pytest.raises(ValueError, match=r"^p has shape \(4, 5\); it needs \(H, H\) with H = 4, as in W"):
        weighted(x, W, c, torch.randn(4, 5))
    with pytest.raises(ValueError, match=r"^p has shape \(5,\); it needs \(H,\) with H = 4, as in W"):
        weighted(x, W, c, torch.randn(5))
    with pytest.raises(ValueError, match=r"^p has shape \(1, 1, 4\); it needs \(H,\)"):
        weighted(x, W, c, torch.randn(1, 1, 4))


@pytest.mark.parametrize("arguments", [(), (x,), (x, W, c, None, c)])
def test_a_wrong_number_of_arguments_is_pythons_own_error(arguments):
    with pytest.raises(TypeError, match=r"weighted\(\)"):
        weighted(*arguments)


def test_the_size_of_4h_is_four_times_that_of_h():
    h, stacked = torch.zeros(2, 4), torch.zeros(3, 16)
    assert check_shapes(h=(h, "B H"), W=(stacked, "N 4H")) == {"B": 2, "H": 4, "N": 3, "4H": 16}
    with pytest.raises(ValueError, match=r"^W has shape \(3, 15\); it needs \(N, 4H\) with 4H = 16$"):
        check_shapes(h=(h, "B H"), W=(stacked[:, :15], "N 4H"))


def test_signature_source_docstring_and_name_are_those_of_the_function():
    gate = equations.forget_gate
    assert list(inspect.signature(gate).parameters) == ["x_t", "h_prev", "W_xf", "W_hf", "b_f", "c_prev", "W_cf"]
    assert str(inspect.signature(gate).parameters["x_t"].annotation) == "typing.Annotated[torch.Tensor, 'B N']"
    assert inspect.getsource(gate).startswith("@checked\ndef forget_gate(")
    assert gate.__name__ == "forget_gate" and gate.__doc__.startswith("How much of each memory cell")


def test_a_checked_function_can_be_pickled_and_copied():
    gate = equations.forget_gate
    assert pickle.loads(pickle.dumps(gate)) is gate and copy.deepcopy(gate) is gate


def test_the_function_without_its_checks_computes_the_same_and_checks_nothing():
    given = x, c, W, torch.randn(4, 4), torch.randn(4)
    assert torch.equal(equations.input_gate.__wrapped__(*given), equations.input_gate(*given))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        equations.input_gate.__wrapped__(x, c, W.t(), *given[3:])


def test_vmap_sees_the_shapes_of_one_entry():
    batch = torch.randn(5, 2, 3)
    assert torch.equal(torch.func.vmap(weighted, in_dims=(0, None))(batch, W), batch @ W)
    with pytest.raises(ValueError, match=r"^x has shape \(5, 2, 3\); it needs \(B, N\)"):
        torch.func.vmap(weighted, in_dims=(0, None))(batch[None], W)


h, U, b = torch.randn(2, 4), torch.randn(4, 4), torch.randn(4)
SEQUENCE, WEIGHTS = torch.randn(2, 2, 3), {name: weight.detach() for name, weight in LSTMCell(3, 4).weights.items()}
COMPILED = {
    "an equation": (equations.rnn_step, (x, h, W, U, b)),
    "an equation with a peephole": (equations.output_gate, (x, h, W, U, b, c, b)),
    "a step": (cells.lstm_step, (x, h, c, WEIGHTS)),
    "an RNN cell": (RNNCell(3, 4), (x,)),
    "unroll": (layers.unroll, (SEQUENCE, h, W, U, b)),
    "masked_step": (layers.masked_step, (h, c, torch.tensor([True, False]))),
    "a layer": (CustomLSTM(3, 4), (SEQUENCE, (h, c))),
    "a stack with peepholes": (CustomLSTM(3, 4, 2, bidirectional=True, peephole="full"), (SEQUENCE,)),
    "accumulate": (backward.accumulate, (SEQUENCE, h, torch.randn(2, 2, 4), torch.randn(2, 2, 4))),
    "a sequence backward": (backward.lstm_backward, (torch.randn(2, 2, 4), h, c, SEQUENCE, h, c, WEIGHTS)),
}


def flat(result):
    if isinstance(result, dict):
        result = tuple(result.values())
    return [result] if isinstance(result, torch.Tensor) else [tensor for part in result for tensor in flat(part)]


@pytest.mark.parametrize("name", one_in(2, COMPILED))
def test_a_compiler_takes_checked_functions_as_one_graph(name):
    function, arguments = COMPILED[name]
    torch.compiler.reset()
    found = torch.compile(function, fullgraph=True, backend="eager")(*arguments)
    for own, expected in zip(flat(found), flat(function(*arguments)), strict=True):
        assert torch.allclose(own, expected, atol=1e-6)


def test_a_compiled_function_still_names_what_does_not_fit():
    torch.compiler.reset()
    with pytest.raises(Exception, match=r"W_xh has shape \(4, 3\); it needs \(N, H\)"):
        torch.compile(equations.rnn_step, backend="eager")(x, h, W.t(), U, b)


def test_per_sample_gradients_pass_through_the_checks():
    cell = nn.ModuleList([RNNCell(3, 4)])[0]
    weights = {name: weight.detach() for name, weight in cell.named_parameters()}

    def loss(weights, x_t):
        return torch.func.functional_call(cell, weights, (x_t[None],)).sum()

    grads = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, x)
    assert grads["W_xh"].shape == (2, 3, 4)
