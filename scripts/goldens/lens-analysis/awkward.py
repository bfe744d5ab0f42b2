"""Prints src/engine/analysis/awkward.golden.json: what the lens says of matrices that are hard for a Gram matrix.

    /usr/bin/python3 scripts/goldens/lens-analysis/awkward.py > src/engine/analysis/awkward.golden.json

By float64 LAPACK, on float32 matrices that src/engine/analysis/awkward.test.ts builds to the bit. The largest has the shape
of a rationale of 60 tokens in 24 layers of 896 features.
"""
import json
import os
import sys

import numpy as np
import scipy.linalg

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../kernels"))
from svd import matrix, pack  # noqa: E402

SHARES = (0.8, 0.9, 0.95, 0.99)


def awkward(kind, m, n, seed):
    if kind == "deficient":  # seven rows, repeated
        return matrix("decay", m, n, seed)[np.arange(m) % 7]
    if kind == "constant":
        return np.full((m, n), 0.1, dtype=np.float32)
    if kind == "ill-scaled":  # features between 1 and 2^-40
        scale = np.exp2(-(np.arange(n) % 41).astype(np.float64))
        return (matrix("white", m, n, seed).astype(np.float64) * scale).astype(np.float32)
    return matrix(kind, m, n, seed)


CASES = [
    ("deficient", 301, 97, 1),
    ("deficient", 97, 301, 2),
    ("constant", 193, 61, 0),
    ("constant", 1, 5, 0),
    ("ill-scaled", 301, 97, 3),
    ("ill-scaled", 67, 131, 4),
    ("steep", 133, 61, 5),
    ("decay", 1440, 896, 6),
]

if __name__ == "__main__":
    cases = []
    for kind, m, n, seed in CASES:
        a = awkward(kind, m, n, seed).astype(np.float64)
        s = scipy.linalg.svd(a, compute_uv=False)
        # What lies below float64's own resolution is rounding.
        s[s < 1e-13 * s[0]] = 0
        energy = np.cumsum(s**2) / np.sum(s**2)
        p = s[s > 0] / s.sum()
        cases.append({
            "kind": kind, "m": m, "n": n, "seed": seed,
            "checksum": float(np.abs(a).sum()),
            "sigma": pack(s, "<f4"),
            "energyRanks": [int(np.argmax(energy >= share) + 1) for share in SHARES],
            "effectiveRank": float(np.exp(-np.sum(p * np.log(p)))),
            "stableRank": float(np.sum(s**2) / s[0] ** 2),
            # How near the cumulative energy comes to any of the shares.
            "margin": float(min(np.abs(energy - share).min() for share in SHARES)),
        })
    print(json.dumps({"by": "scipy.linalg.svd, float64", "encoding": "base64 of little-endian float32", "cases": cases}, indent=1))
