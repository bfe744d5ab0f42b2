"""Prints src/engine/kernels/svd/large.golden.json: singular values and leading left vectors of larger matrices.

    /usr/bin/python3 scripts/goldens/kernels/svd_large.py > src/engine/kernels/svd/large.golden.json

By float64 LAPACK; the matrices are those of svd.py, and `repeat` repeats their first rows, so that the rank is that
number.
"""
import json

import numpy as np
import scipy.linalg
from svd import matrix, pack

CASES = [
    # kind, m, n, r, seed, repeat
    ("white", 130, 140, 8, 1, None),
    ("decay", 200, 150, 8, 2, None),
    ("offset", 140, 200, 8, 3, None),
    ("steep", 150, 133, 8, 4, None),
    ("decay", 300, 260, 16, 5, 37),
    ("decay", 270, 290, 8, 6, None),
]

if __name__ == "__main__":
    cases = []
    for kind, m, n, r, seed, repeat in CASES:
        a = matrix(kind, m, n, seed)
        if repeat:
            a = a[np.arange(m) % repeat]
        u, s, _ = scipy.linalg.svd(a.astype(np.float64), full_matrices=False)
        case = {"kind": kind, "m": m, "n": n, "r": r, "seed": seed, "repeat": repeat or m}
        case["checksum"] = float(np.abs(a.astype(np.float64)).sum())
        case["sigma"] = pack(s, "<f4")
        case["u"] = pack(u[:, :r], "<f4")
        cases.append(case)
    print(json.dumps({"by": "scipy.linalg.svd, float64", "encoding": "base64 of little-endian float32", "cases": cases}, indent=1))
