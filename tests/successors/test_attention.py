"""Attention equals PyTorch's, and a cell with a cache computes step by step what it computes at once."""

import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from lstm_lesson.successors import CausalAttention
from lstm_lesson.text.characters import CharacterModel

EXACT = 1e-12
size = st.integers(1, 6)


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@settings(max_examples=40, deadline=None)
@given(B=size, T=size, N=size, H=size, scale=st.sampled_from([1.0, 30.0]), seed=st.integers(0, 999))
@example(B=1, T=1, N=1, H=1, scale=1.0, seed=0)
def test_attention_equals_torchs_values_and_gradients(B, T, N, H, scale, seed):
    torch.manual_seed(seed)
    model, x = CausalAttention(N, H).double(), (scale * double(B, T, N)).requires_grad_()
    ours = model(x)[0]
    theirs = F.scaled_dot_product_attention(model.q(x), model.k(x), model.v(x), is_causal=True)
    assert (ours - theirs).abs().max() <= EXACT * scale
    leaves, upstream = [x, *model.parameters()], torch.randn_like(ours)
    for mine, torchs in zip(*(torch.autograd.grad(out, leaves, upstream) for out in (ours, theirs)), strict=True):
        assert (mine - torchs).abs().max() <= EXACT * scale**3


def test_no_step_reads_a_later_one():
    torch.manual_seed(0)
    model, x = CausalAttention(3, 5).double(), double(1, 6, 3).requires_grad_()
    for t in range(6):
        (gradient,) = torch.autograd.grad(model(x)[0][:, t].sum(), x)
        assert (gradient[:, : t + 1].abs().sum(dim=2) > 0).all() and gradient[:, t + 1 :].count_nonzero() == 0


@pytest.mark.parametrize("parts", [[1] * 9, [4, 5], [1, 7, 1], [9]])
def test_with_its_cache_the_cell_goes_on_where_it_ended(parts):
    torch.manual_seed(0)
    model, x, cache, found = CausalAttention(3, 4).double(), double(2, 9, 3), None, []
    whole, (keys, values) = model(x)
    for part in x.split(parts, dim=1):
        hidden_seq, cache = model(part, cache)
        found.append(hidden_seq)
    assert (torch.cat(found, dim=1) - whole).abs().max() <= EXACT
    assert torch.allclose(cache[0], keys, atol=EXACT) and torch.allclose(cache[1], values, atol=EXACT)
    assert cache[0].shape == (2, 9, 4)


def test_a_character_model_goes_on_with_it():
    torch.manual_seed(0)
    model, ids = CharacterModel(8, 6, lstm=CausalAttention(6, 8)), torch.arange(12).view(2, 6)
    logits, cache = model(ids[:, :4])
    more, _ = model(ids[:, 4:], cache)
    assert torch.allclose(torch.cat([logits, more], dim=1), model(ids)[0], atol=1e-6)


x, q = torch.randn(2, 5, 3), torch.randn(2, 5, 4)
MODEL = CausalAttention(3, 4)
CACHE = MODEL(x)[1]
BAD = {
    "x too wide": (lambda: MODEL(q), r"x has shape \(2, 5, 4\).* N = 3"),
    "x of integers": (lambda: MODEL(x.long()), r"x has dtype torch.int64"),
    "cache of another batch": (lambda: MODEL(x[:1], CACHE), r"keys has shape \(2, 5, 4\); it needs .* B = 1, as in x"),
    "cache of two lengths": (lambda: MODEL(x, (q, q[:, :3])), r"values has shape \(2, 3, 4\); it needs .* S = 5"),
    "cache of one tensor": (lambda: MODEL(x, q), r"cache has type Tensor; it needs a pair of tensors \(keys, values\)"),
    "input_size 0": (lambda: CausalAttention(0, 4), r"input_size is 0"),
    "hidden_size NaN": (lambda: CausalAttention(3, math.nan), r"hidden_size is nan"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        call()
