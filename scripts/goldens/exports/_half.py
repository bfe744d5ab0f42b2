"""Products of float16 on the CPU, which torch 1.13 does not have: the exporter runs what it records. They are computed by
numpy in float32 and rounded; the exporter records the operation, not how it is computed."""
import contextlib
import warnings

import numpy as np
import torch


def computed(of):
    """A kernel that applies `of` to arrays of float32."""

    def kernel(*args, **_):
        arrays = [x.detach().numpy().astype(np.float32) for x in args]
        return torch.from_numpy(np.ascontiguousarray(of(*arrays))).to(args[0].dtype)

    return kernel


KERNELS = {
    "mm": lambda a, b: a @ b,
    "bmm": lambda a, b: a @ b,
    "addmm": lambda c, a, b: c + a @ b,
    "silu": lambda x: x / (1 + np.exp(-x)),
}


@contextlib.contextmanager
def half_products():
    """Within it, these operations are available in float16."""
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are kernels already
        for name, of in KERNELS.items():
            library.impl(name, computed(of), "CPU")
    try:
        yield
    finally:
        del library
