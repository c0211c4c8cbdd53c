"""Clear errors for tensors that do not fit: which argument, what it has, what it needs."""

import torch


def check_shapes(sizes: dict[str, int] | None = None, **arguments) -> dict[str, int]:
    """Hold each argument to the shape its letters spell; the first argument that uses a letter sets its size.

    Each keyword is `name=(tensor, "B N")`. Returns the size of every letter, which a later call can take as `sizes`.
    Raises ValueError for anything but a floating-point tensor, a wrong rank or size, an empty dimension,
    and for dtypes or devices that differ from the first argument's.

    >>> check_shapes(x_t=(torch.zeros(4, 3), "B N"), W_xi=(torch.zeros(3, 5), "N H"))
    {'B': 4, 'N': 3, 'H': 5}
    >>> check_shapes(x_t=(torch.zeros(4, 3), "B N"), W_xi=(torch.zeros(5, 3), "N H"))
    Traceback (most recent call last):
        ...
    ValueError: W_xi has shape (5, 3); it needs (N, H) with N = 3, as in x_t
    """
    sizes = dict(sizes or {})
    source = {}  # which argument set a letter's size
    first = None  # the argument that sets dtype and device
    for name, (tensor, letters) in arguments.items():
        letters = letters.split()
        check_float(name, tensor, spelled(letters))
        shape = tuple(tensor.shape)
        if len(shape) != len(letters) or any(
            sizes.get(s, shape[letters.index(s)]) != n for s, n in zip(letters, shape, strict=True)
        ):
            raise ValueError(f"{name} has shape {shape}; it needs {spelled(letters)}{_known(letters, sizes, source)}")
        if 0 in shape:
            raise ValueError(f"{name} has shape {shape}; every dimension of {spelled(letters)} needs at least 1 entry")
        if first is None:
            first = name, tensor
        for what in ("dtype", "device"):
            if getattr(tensor, what) != getattr(first[1], what):
                has, needs = getattr(tensor, what), getattr(first[1], what)
                raise ValueError(f"{name} has {what} {has}; it needs {needs}, as {first[0]} has")
        for letter, size in zip(letters, shape, strict=True):
            if letter not in sizes:
                sizes[letter], source[letter] = size, name
    return sizes


def check_float(name: str, tensor, needs: str) -> None:
    """Raise ValueError unless `tensor` is a floating-point torch tensor; `needs` words the shape in the message."""
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f"{name} is {type(tensor).__name__}; it needs a torch.Tensor of shape {needs}")
    if not tensor.is_floating_point():
        raise ValueError(f"{name} has dtype {tensor.dtype}; it needs a floating-point dtype such as torch.float32")


def check_size(name: str, value) -> None:
    """Raise ValueError unless `value` is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}; it needs a whole number of at least 1")


def check_lengths(lengths, batch: int, steps: int, device=None) -> torch.Tensor:
    """`lengths` as an int64 tensor (B,) on `device`; ValueError unless every length lies in 1..T."""
    try:
        given = torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"lengths is {type(lengths).__name__}; it needs (B,) = ({batch},) whole numbers") from error
    if given.dim() != 1 or given.numel() != batch:
        raise ValueError(f"lengths has shape {tuple(given.shape)}; it needs (B,) = ({batch},), one length a sequence")
    if given.is_floating_point() or given.is_complex() or given.dtype == torch.bool:
        raise ValueError(f"lengths has dtype {given.dtype}; it needs whole numbers")
    if given.min() < 1 or given.max() > steps:
        low, high = given.min().item(), given.max().item()
        raise ValueError(f"lengths has entries from {low} to {high}; it needs 1 to T = {steps}")
    return given.to(device=device, dtype=torch.int64)


def spelled(letters: list[str]) -> str:
    """The way a shape is written in the lessons: (B, N), and (H,) for a vector."""
    return f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"


def _known(letters, sizes, source) -> str:
    known = dict.fromkeys(s for s in letters if s in sizes)
    parts = [f"{s} = {sizes[s]}" + (f", as in {source[s]}" if s in source else "") for s in known]
    return f" with {' and '.join(parts)}" if parts else ""
