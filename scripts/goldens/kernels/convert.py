"""Prints goldens of the conversion kernel: torch's bf16 and numpy's f16, bit for bit.

    /usr/bin/python3 scripts/goldens/kernels/convert.py > src/engine/kernels/convert/convert.golden.json

Patterns: the limits of every exponent with mantissas around 0, a half and 1, both signs, so that zeros, subnormals,
infinities and, for f16, every tie and the overflow are covered. NaN is left out: its payload is not arithmetic, and the
tests contain it literally.
"""
import base64
import json

import numpy as np
import torch


def pack(words):
    raw = np.ascontiguousarray(words).tobytes()
    return base64.b64encode(raw + b"\0" * (-len(raw) % 4)).decode()


def patterns(exponent_bits):
    """One sign after the other, an odd number of them in all."""
    width = 15 - exponent_bits
    top = 1 << width
    mantissas = sorted({m % top for m in (0, 1, top // 4 * 3, top // 2, top // 2 + 1, top - 1)})
    ordinary = [(e << width) | m for e in range(2**exponent_bits - 1) for m in mantissas]
    infinity = (2**exponent_bits - 1) << width
    return np.array([s << 15 | p for s in (0, 1) for p in ordinary + [infinity]] + [1], dtype="<u2")


def from_bf16(bits):
    return torch.tensor(bits.astype(np.int32).astype(np.int16)).view(torch.bfloat16).float()


def case(conversion, bits, out):
    return dict(conversion=conversion, count=len(bits), words=pack(bits), out=pack(out))


if __name__ == "__main__":
    b, h = patterns(8), patterns(5)
    wide = from_bf16(b).numpy()
    with np.errstate(over="ignore"):
        narrow = wide.astype("<f2")
    print(json.dumps({
        "by": f"torch {torch.__version__.split('+')[0]} (bf16), numpy {np.__version__} (f16)",
        "encoding": "base64 of little-endian words: two 16-bit values each, or one f32",
        "cases": [
            case("bf16 to f32", b, wide.astype("<f4").view("<u4")),
            case("bf16 to f16", b, narrow.view("<u2")),
            case("f16 to f32", h, h.view("<f2").astype("<f4").view("<u4")),
        ],
    }, indent=1))
