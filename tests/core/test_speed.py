"""Every implementation computes the same, forward and backward, and `CustomLSTM` runs the kernel where it can."""

import importlib
import subprocess
import sys

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from repository import ROOT
from torch import nn

from lstm_lesson import CustomLSTM, LSTMCell, kernel, layers, speed
from lstm_lesson.backward import lstm_backward
from lstm_lesson.layers import lstm

EXACT = 1e-12
sys.path.append(str(ROOT / "benchmarks"))  # `plain` is measured, and no lesson needs it
plain = importlib.import_module("plain")
ALL = speed.IMPLEMENTATIONS | {"plain": plain.plain}
size = st.integers(1, 5)


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def leaves(B=3, T=5, N=4, H=2):
    """x, h_0, c_0 and the weights by name, all of which need gradients."""
    states = [double(B, T, N).requires_grad_(), double(B, H).requires_grad_(), double(B, H).requires_grad_()]
    return states, {name: w.detach().double().requires_grad_() for name, w in LSTMCell(N, H).weights.items()}


def apart(got, expected):
    assert [g.shape for g in got] == [e.shape for e in expected]
    return max((g - e).abs().max().item() for g, e in zip(got, expected, strict=True))


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=15, deadline=None)
@given(B=size, T=size, N=size, H=size, seed=st.integers(0, 10_000))
@example(B=1, T=1, N=1, H=1, seed=0)
def test_every_implementation_equals_the_equations_in_values_and_gradients(name, B, T, N, H, seed):
    torch.manual_seed(seed)
    states, weights = leaves(B, T, N, H)
    expected, got = lstm(*states, weights), ALL[name](*states, weights)
    assert apart(got, expected) <= EXACT
    upstream = [torch.randn_like(e) for e in expected]
    everything = [*states, *weights.values()]
    assert apart(*(torch.autograd.grad(out, everything, upstream) for out in (got, expected))) <= EXACT


def test_plain_refuses_a_second_derivative():
    torch.manual_seed(0)
    states, weights = leaves()
    (dx,) = torch.autograd.grad(plain.plain(*states, weights)[0].cos().sum(), states[:1], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        dx.sum().backward()


def test_the_gradients_of_the_kernel_equal_those_of_lstm_backward():
    torch.manual_seed(0)
    (x, h_0, c_0), weights = leaves()
    hidden_seq, _, c_n = speed.by_hand(x, h_0, c_0, weights)
    upstream = torch.randn_like(hidden_seq)
    got = torch.autograd.grad(hidden_seq, [x, h_0, c_0, *weights.values()], upstream)
    nothing = torch.zeros_like(c_n)
    dx, dh_0, dc_0, dweights = lstm_backward(upstream, nothing, nothing, x, h_0, c_0, weights)
    assert apart(got, [dx, dh_0, dc_0, *(dweights[name] for name in weights)]) <= EXACT


def test_steps_prepared_in_several_blocks_give_the_same_gradient(monkeypatch):
    torch.manual_seed(0)
    states, weights = leaves(T=11)
    B, H = states[1].shape
    monkeypatch.setattr(kernel, "IN_CACHE", 4 * 5 * B * H)  # four steps at once: 4, 4 and 3
    monkeypatch.setattr(kernel, "BLOCK", 3 * 4 * B * H)  # three steps at once: 2, 3, 3 and 3
    everything = [*states, *weights.values()]
    got, expected = (torch.autograd.grad(r(*states, weights)[0].cos().sum(), everything) for r in (speed.by_hand, lstm))
    assert apart(got, expected) <= EXACT


def test_second_derivatives_are_correct():
    torch.manual_seed(0)
    x, h_0, c_0 = double(2, 3, 2).requires_grad_(), double(2, 2).requires_grad_(), double(2, 2).requires_grad_()
    stacked = [double(2, 8).requires_grad_(), double(2, 8).requires_grad_(), double(8).requires_grad_()]
    keep = torch.tensor([[True, True, True], [True, False, False]])
    for mask in (None, keep):
        inputs = (x, h_0, c_0, *stacked, mask)
        assert torch.autograd.gradcheck(kernel.lstm_sequence, inputs)
        assert torch.autograd.gradgradcheck(kernel.lstm_sequence, inputs)


def test_the_backward_pass_can_run_again_and_leaves_everything_as_it_was():
    torch.manual_seed(0)
    states, weights = leaves()
    everything = [*states, *weights.values()]
    before = [tensor.detach().clone() for tensor in everything]
    out = speed.by_hand(*states, weights)[0].sum()
    first, second = (torch.autograd.grad(out, everything, retain_graph=True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(everything, before, strict=True))


@pytest.mark.parametrize("needed", range(6))
def test_one_input_alone_may_need_a_gradient(needed):
    torch.manual_seed(0)
    (x, h_0, c_0), weights = leaves()
    inputs = [t.detach() for t in (x, h_0, c_0, *kernel.stacked_weights(weights))]
    inputs[needed].requires_grad_()
    got, expected = (f(*inputs)[0].sum() for f in (kernel.lstm_sequence, kernel.hoisted_sequence))
    assert apart(*(torch.autograd.grad(out, inputs[needed]) for out in (got, expected))) <= EXACT


def test_large_sums_saturate_the_gates_and_stay_finite():
    torch.manual_seed(0)
    (x, h_0, c_0), weights = leaves()
    got, expected = (run(1e4 * x, h_0, 1e4 * c_0, weights) for run in (speed.by_hand, lstm))
    assert apart(got[:2], expected[:2]) <= EXACT
    assert all(g.isfinite().all() for g in torch.autograd.grad(got[0].sum(), [x, h_0, c_0, *weights.values()]))


# When CustomLSTM runs the kernel -------------------------------------------------------------------------------------


@pytest.fixture
def taken(monkeypatch):
    """How CustomLSTM ran its cells: with the kernel or step by step."""
    ways, run_cell, run_steps = [], layers.run_cell, layers.run_steps
    monkeypatch.setattr(layers, "run_cell", lambda *a: ways.append("kernel") or run_cell(*a))
    monkeypatch.setattr(layers, "run_steps", lambda *a: ways.append("steps") or run_steps(*a))
    return ways


@pytest.mark.parametrize("lengths", [None, [7, 2, 5, 1]])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_the_layer_gives_the_same_with_the_kernel_and_step_by_step(taken, num_layers, both, lengths):
    torch.manual_seed(0)
    model = CustomLSTM(3, 5, num_layers, bidirectional=both).double()
    shape = (4, 5) if model.single else (len(model.cells), 4, 5)
    inputs = [double(4, 7, 3).requires_grad_(), double(*shape).requires_grad_(), double(*shape).requires_grad_()]

    def everything(kernel):
        hidden_seq, (h_n, c_n) = model(inputs[0], inputs[1:], lengths, kernel=kernel)
        values = hidden_seq, h_n, c_n
        upstream = [torch.linspace(-1, 1, v.numel()).to(v).view_as(v) for v in values]
        return [*values, *torch.autograd.grad(values, [*inputs, *model.parameters()], upstream)]

    found = everything(kernel=None)
    assert set(taken) == {"kernel"}
    taken.clear()
    assert apart(found, everything(kernel=True)) == 0
    assert set(taken) == {"kernel"}
    taken.clear()
    assert apart(found, everything(kernel=False)) <= EXACT
    assert set(taken) == {"steps"}


def hooked():
    model = CustomLSTM(3, 4)
    model.cells[0].register_forward_pre_hook(lambda *_: None)
    return model


def other_cell():
    class Cell(LSTMCell):
        pass

    model = CustomLSTM(3, 4)
    model.cells[0] = Cell(3, 4)
    return model


def other_forward():
    model = CustomLSTM(3, 4)
    model.cells[0].forward = model.cells[0].forward
    return model


def in_vmap(model, x, kernel):
    return torch.func.vmap(lambda v: model(v, kernel=kernel)[0])(x[None])


def traced(model, x, kernel):
    model.requires_grad_(False)
    return torch.jit.trace(lambda v: model(v, kernel=kernel)[0], x, check_trace=False)


UNSUPPORTED = {  # a call, and the reason that kernel=True gives
    "peephole": (lambda x, k: CustomLSTM(3, 4, peephole="diagonal")(x, kernel=k), "peepholes"),
    "hook": (lambda x, k: hooked()(x, kernel=k), "a hook"),
    "a cell of another class": (lambda x, k: other_cell()(x, kernel=k), "an LSTMCell with its own forward"),
    "a forward of its own": (lambda x, k: other_forward()(x, kernel=k), "an LSTMCell with its own forward"),
    "bfloat16": (lambda x, k: CustomLSTM(3, 4).bfloat16()(x.bfloat16(), kernel=k), "bfloat16"),
    "float16": (lambda x, k: CustomLSTM(3, 4).half()(x.half(), kernel=k), "float16"),
    "meta device": (lambda x, k: CustomLSTM(3, 4).to("meta")(x.to("meta"), kernel=k), "meta device"),
    "autocast": (lambda x, k: torch.autocast("cpu", torch.bfloat16)(CustomLSTM(3, 4))(x, kernel=k), "autocast"),
    "vmap": (lambda x, k: in_vmap(CustomLSTM(3, 4), x, k), "torch.func"),
    "grad of torch.func": (
        lambda x, k: torch.func.grad(lambda v: CustomLSTM(3, 4)(v, kernel=k)[0].sum())(x), "torch.func"),
    "jvp of torch.func": (
        lambda x, k: torch.func.jvp(lambda v: CustomLSTM(3, 4)(v, kernel=k)[0], (x,), (x,)), "torch.func"),
    "tracing": (lambda x, k: traced(CustomLSTM(3, 4), x, k), "traced"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("case", UNSUPPORTED)
def test_where_the_kernel_is_not_supported_the_cells_run_step_by_step(taken, case):
    call, _ = UNSUPPORTED[case]
    call(torch.randn(2, 5, 3), None)
    assert set(taken) == {"steps"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("case", UNSUPPORTED)
def test_a_kernel_that_is_asked_for_and_not_supported_is_an_error_with_the_reason(case):
    call, reason = UNSUPPORTED[case]
    with pytest.raises(ValueError, match=f"^kernel is True; it needs None or False here: .*{reason}"):
        call(torch.randn(2, 5, 3), True)


def test_one_cell_that_needs_its_steps_is_enough_to_run_all_step_by_step(taken):
    model = CustomLSTM(3, 4, num_layers=2)
    model.cells[1].register_forward_hook(lambda *_: None)
    model(torch.randn(2, 5, 3))
    assert taken == ["steps", "steps"]


def test_forward_mode_gradients_run_step_by_step(taken):
    model, x, tangent = CustomLSTM(3, 4).double(), double(2, 5, 3), double(2, 5, 3)
    with torch.autograd.forward_ad.dual_level():
        out, _ = model(torch.autograd.forward_ad.make_dual(x, tangent))
        moved = torch.autograd.forward_ad.unpack_dual(out).tangent
    assert taken == ["steps"]
    expected = (model(x + 1e-6 * tangent)[0] - model(x - 1e-6 * tangent)[0]) / 2e-6
    assert (moved - expected).abs().max() < 1e-8


def test_a_global_hook_on_all_modules_sees_the_cells(taken):
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        CustomLSTM(3, 4)(torch.randn(2, 5, 3))
    finally:
        handle.remove()
    assert taken == ["steps"]


PRIVATE = [
    (nn.modules.module, "_has_any_global_hook"),
    (torch._C, "_are_functorch_transforms_active"),
    (torch.autograd.forward_ad, "_current_level"),
]


@pytest.mark.parametrize("change", ["gone", "of another kind"])
@pytest.mark.parametrize(("place", "name"), PRIVATE, ids=[name for _, name in PRIVATE])
def test_without_a_private_name_of_torch_the_cells_run_step_by_step(monkeypatch, taken, place, name, change):
    torch.manual_seed(0)
    theirs, x = nn.LSTM(3, 4, batch_first=True).double(), double(2, 5, 3)
    ours = CustomLSTM.from_torch(theirs)
    if change == "gone":
        monkeypatch.delattr(place, name)
    else:
        monkeypatch.setattr(place, name, object())  # neither a function nor a number
    assert apart([ours(x)[0]], [theirs(x)[0]]) <= EXACT
    assert taken == ["steps"]


def test_the_kernel_does_not_run_a_cell_without_the_private_attributes_of_its_hooks():
    cell, x, state = LSTMCell(3, 4), torch.randn(2, 5, 3), torch.zeros(2, 4)
    assert kernel.unsupported(cell, x, state, state) == ""
    del cell._forward_hooks
    assert "a hook" in kernel.unsupported(cell, x, state, state)


def test_the_package_can_be_imported_without_the_private_names():
    gone = "; ".join(f"del torch.{place.__name__.removeprefix('torch.')}.{name}" for place, name in PRIVATE)
    code = f"import torch; {gone}; import lstm_lesson; lstm_lesson.CustomLSTM(3, 4)(torch.randn(2, 5, 3))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_weight_that_does_not_fit_is_named():
    model = CustomLSTM(3, 4)
    model.cells[0].W_hf = nn.Parameter(torch.zeros(4, 5))
    with pytest.raises(ValueError, match=r"W_hf has shape \(4, 5\)"):
        model(torch.randn(2, 5, 3))
    with pytest.raises(ValueError, match=r"kernel is True.*W_hf has shape \(4, 5\)"):
        model(torch.randn(2, 5, 3), kernel=True)


def test_the_final_states_share_no_memory_with_the_outputs():
    model, x = CustomLSTM(3, 4), torch.randn(2, 5, 3)
    hidden_seq, (h_n, c_n) = model(x)
    loss = hidden_seq.square().sum()
    h_n.detach_()
    c_n.detach_().zero_()
    loss.backward()
    assert c_n.untyped_storage().nbytes() == c_n.numel() * 4  # a state that is kept does not keep the sequence


def test_no_gradient_is_recorded_where_none_is_needed():
    model = CustomLSTM(3, 4)
    with torch.no_grad():
        assert not model(torch.randn(2, 5, 3))[0].requires_grad
    assert model.requires_grad_(False)(torch.randn(2, 5, 3))[0].grad_fn is None


# The pieces ----------------------------------------------------------------------------------------------------------


def test_hoisted_inputs_and_fused_gates_are_those_of_the_equations():
    torch.manual_seed(0)
    (x, h_0, _), weights = leaves()
    W_x, W_h, b = kernel.stacked_weights(weights)
    z = speed.hoist_inputs(x, W_x, b)
    assert torch.equal(z[:, 2, 2:4], (x @ W_x + b)[:, 2].chunk(4, dim=1)[1])
    i, f, g, o = speed.fused_gates(x[:, 0], h_0, W_x, W_h, b)
    for gate, k, bend in (
        (i, "i", torch.sigmoid),
        (f, "f", torch.sigmoid),
        (g, "c", torch.tanh),
        (o, "o", torch.sigmoid),
    ):
        expected = bend(x[:, 0] @ weights[f"W_x{k}"] + h_0 @ weights[f"W_h{k}"] + weights[f"b_{k}"])
        assert (gate - expected).abs().max() <= EXACT


def test_local_gradients_and_the_backward_loop_are_those_of_autograd():
    torch.manual_seed(0)
    z, c_prev, c_t = double(3, 1, 8).requires_grad_(), double(3, 1, 2), double(3, 1, 2).requires_grad_()
    z_i, z_f, z_c, z_o = z.chunk(4, dim=2)
    i, f, g, o = torch.sigmoid(z_i), torch.sigmoid(z_f), torch.tanh(z_c), torch.sigmoid(z_o)
    into_c, into_z = speed.local_gradients(*(v.detach() for v in (i, f, g, o, c_t, c_prev)))
    h_t = o * torch.tanh(c_t)
    by_h, from_h = torch.autograd.grad(h_t.sum(), [c_t, z])
    (from_c,) = torch.autograd.grad((f * c_prev + i * g).sum(), [z])
    assert apart([into_c, into_z], [by_h, from_c + from_h]) <= EXACT

    _, weights = leaves(T=1)
    W_h = kernel.stacked_weights(weights)[1].detach()
    dhidden_seq, dc_T, keep = double(3, 1, 2), double(3, 2), double(3, 1, 2)
    dz, dh_0, dc_0 = speed.backward_loop(dhidden_seq, dc_T, keep, into_c, into_z, W_h)
    dc = dc_T + dhidden_seq[:, 0] * into_c[:, 0]
    expected = torch.cat([dc, dc, dc, dhidden_seq[:, 0]], dim=1) * into_z[:, 0]
    assert apart([dz[:, 0], dh_0, dc_0], [expected, expected @ W_h.T, dc * keep[:, 0]]) <= EXACT


x_t, h_t, W_x, W_h, b = torch.zeros(2, 3), torch.zeros(2, 4), torch.zeros(3, 16), torch.zeros(4, 16), torch.zeros(16)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: speed.fused_gates(x_t, h_t, W_x.T, W_h, b), r"W_x has shape \(16, 3\)"),
        (lambda: speed.fused_gates(x_t, h_t, W_x, W_h[:, :8], b), r"W_h has shape \(4, 8\); .* 4H = 16"),
        (lambda: speed.fused_gates(x_t, h_t, W_x[:, :15], W_h, b), r"W_x has shape \(3, 15\); .* 4H = 16"),
        (lambda: speed.hoist_inputs(x_t, W_x, b), r"x has shape \(2, 3\); it needs \(B, T, N\)"),
        (lambda: speed.hoist_inputs(x_t[None], W_x, b[:4]), r"b has shape \(4,\)"),
        (lambda: speed.local_gradients(*[x_t[None]] * 5, x_t), r"c_prev has shape \(2, 3\); .* \(B, T, H\)"),
        (lambda: speed.backward_loop(x_t[None], x_t[:1], *[x_t[None]] * 3, W_h), r"into_z has shape"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_path_with_a_space_is_a_reason_not_to_compile(monkeypatch):
    monkeypatch.setattr(torch, "__file__", "/some folder/torch/__init__.py")
    assert "space" in speed.no_compiler()


def test_without_a_compiler_there_is_a_reason(monkeypatch):
    monkeypatch.setattr(torch, "__file__", "/folder/torch/__init__.py")  # this one's may have a space, another reason
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "no-such-compiler" in speed.no_compiler()
    with pytest.raises(ValueError, match="no-such-compiler"):
        plain.compiled()


@pytest.mark.full  # notebook 15 compiles in every run
@pytest.mark.skipif(bool(speed.no_compiler()), reason=speed.no_compiler())
def test_the_compiled_implementation_equals_the_equations():
    torch.manual_seed(0)
    states, weights = leaves(2, 2, 3, 4)
    everything = [*states, *weights.values()]
    got, expected = (run(*states, weights)[0] for run in (plain.compiled(), lstm))
    assert apart([got], [expected]) <= EXACT
    assert apart(*(torch.autograd.grad(out.sum(), everything) for out in (got, expected))) <= EXACT
