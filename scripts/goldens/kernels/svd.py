"""Prints src/engine/kernels/svd/svd.golden.json: singular values and left vectors by float64 LAPACK of float32 matrices.

    /usr/bin/python3 scripts/goldens/kernels/svd.py > src/engine/kernels/svd/svd.golden.json

The matrices are not stored: `matrix` below and src/engine/kernels/svd/cases.ts build the same ones to the bit (only
+, -, *, / in float64 in the same order, then one rounding to float32).
"""
import base64
import json

import numpy as np
import scipy.linalg


def noise(count, seed):
    out = np.empty(count)
    s = seed
    for i in range(count):
        s = (s * 1664525 + 1013904223) % 2**32
        out[i] = s / 2**32 - 0.5
    return out


def mix(x):
    """Sums and differences of rows (then columns) a power of two apart, so that the grading does not follow the axes."""
    for axis in (0, 1):
        x = np.moveaxis(x, axis, 0).copy()
        step = 1
        while step < x.shape[0]:
            for i in range(x.shape[0] - step):
                if (i // step) % 2 == 0:
                    a, b = x[i].copy(), x[i + step].copy()
                    x[i], x[i + step] = (a + b) * 0.75, (a - b) * 0.75
            step *= 2
        x = np.moveaxis(x, 0, axis)
    return x


def matrix(kind, m, n, seed):
    x = noise(m * n, seed).reshape(m, n)
    i = np.arange(1, m + 1, dtype=np.float64)[:, None]
    j = np.arange(1, n + 1, dtype=np.float64)[None, :]
    if kind == "decay":  # power law, as hidden states
        x = mix(x / (i * j))
    elif kind == "offset":  # uncentred: one direction dominates
        x = mix(x / (i * j)) + 8.0
    elif kind == "steep":  # ill-conditioned, far past float32
        x = mix(x / (i * i * j * j))
    elif kind == "tiny":  # decay, scaled down to 2^-100
        x = mix(x / (i * j)) * 2.0**-100
    elif kind == "white":
        pass
    else:
        raise ValueError(kind)
    return x.astype(np.float32)


CASES = [
    # kind, m, n, r, seed, keep the vectors
    ("white", 1, 1, 1, 1, True),
    ("white", 1, 7, 1, 2, True),
    ("white", 7, 1, 1, 3, True),
    ("decay", 5, 3, 3, 4, True),
    ("offset", 3, 5, 3, 5, True),
    ("white", 17, 33, 9, 6, True),
    ("steep", 33, 17, 8, 7, True),
    ("decay", 32, 128, 16, 8, True),
    ("offset", 64, 256, 16, 9, True),
    ("decay", 160, 128, 16, 10, True),
    ("steep", 40, 128, 8, 11, True),
    ("tiny", 65, 31, 8, 12, True),
    ("decay", 8, 1031, 4, 13, True),
    ("offset", 300, 64, 8, 14, True),
    ("decay", 257, 259, 8, 15, True),
    # a long side split over many workgroups, either way round, and a k between 32 and 64
    ("offset", 8, 4099, 8, 16, True),
    ("steep", 32, 700, 12, 17, True),
    ("offset", 700, 12, 6, 18, True),
    ("steep", 50, 36, 10, 19, True),
]


def pack(a, dtype):
    return base64.b64encode(np.ascontiguousarray(a, dtype=dtype).tobytes()).decode()


if __name__ == "__main__":
    cases = []
    for kind, m, n, r, seed, vectors in CASES:
        a = matrix(kind, m, n, seed)
        u, s, _ = scipy.linalg.svd(a.astype(np.float64), full_matrices=False)
        case = {"kind": kind, "m": m, "n": n, "r": r, "seed": seed}
        case["checksum"] = float(np.abs(a.astype(np.float64)).sum())
        # float32 holds a value to 6e-8 of itself, which every gate (2e-6) leaves room for
        case["sigma"] = pack(s, "<f4")
        if vectors:
            case["u"] = pack(u[:, :r], "<f4")
        cases.append(case)
    print(json.dumps({"by": "scipy.linalg.svd, float64", "encoding": "base64 of little-endian float32", "cases": cases}, indent=1))
