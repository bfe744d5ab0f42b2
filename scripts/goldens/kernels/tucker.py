"""Prints goldens of the analysis folder: numpy float64, written out from the definitions.

    /usr/bin/python3 scripts/goldens/kernels/tucker.py > src/engine/analysis/tucker.golden.json
"""
import base64
import json

import numpy as np
import scipy.linalg

rng = np.random.default_rng(7)


def pack(a):
    return base64.b64encode(np.ascontiguousarray(a, dtype="<f4").tobytes()).decode()


def trajectory(n, l, h, rank):
    """Low rank plus noise, layers of very different scale, not centred; float32 values."""
    x = np.einsum("nr,lr,hr->nlh", rng.standard_normal((n, rank)) + 0.5, rng.standard_normal((l, rank)), rng.standard_normal((h, rank)))
    x = x + 0.2 * rng.standard_normal((n, l, h)) + 0.3
    return (x * (1.0 + 3.0 * np.arange(l))[None, :, None]).astype(np.float32).astype(np.float64)


def unfolded(x, mode):
    return np.moveaxis(x, mode, 0).reshape(x.shape[mode], -1)


def left(x, r):
    return scipy.linalg.svd(x, full_matrices=False)[0][:, :r]


def times(x, u, mode):
    return np.moveaxis(np.tensordot(u.T, x, axes=(1, mode)), 0, mode)


def tucker(x, ranks, iterations):
    u = [left(unfolded(x, k), ranks[k]) for k in range(3)]
    for _ in range(iterations):
        for k in range(3):
            y = x
            for o in range(3):
                if o != k:
                    y = times(y, u[o], o)
            u[k] = left(unfolded(y, k), ranks[k])
    core = x
    for k in range(3):
        core = times(core, u[k], k)
    return u, np.sqrt(max(0.0, 1 - (core**2).sum() / (x**2).sum()))


def teacher(samples, rl, rh, scale, per_sample):
    x = [s / scale[None, :, None] for s in samples]
    groups = [[s] for s in x] if per_sample else [x]
    mu, c, proj_l, proj_h = [], [], [], []
    factors = []
    for group in groups:
        ul = left(np.concatenate([unfolded(s, 1) for s in group], 1), rl)
        uh = left(np.concatenate([unfolded(s, 2) for s in group], 1), rh)
        factors.append((ul, uh))
        proj_l.append(ul @ ul.T)
        proj_h.append(uh @ uh.T)
    dist = []
    for b, s in enumerate(x):
        ul, uh = factors[b if per_sample else 0]
        g = np.einsum("nlh,la,hc->nac", s, ul, uh).reshape(len(s), -1)
        mu.append(np.linalg.norm(g.mean(0)))
        c.append(np.linalg.norm(g.T @ g / len(g)))
        # The signs of columns are arbitrary, but a feature's second moment is not.
        dist.append(np.diag(g.T @ g / len(g)))
    return dict(projectorL=pack(np.array(proj_l)), projectorH=pack(np.array(proj_h)), muNorm=mu, cNorm=c, cDiagonal=pack(np.array(dist)))


if __name__ == "__main__":
    l, h = 4, 24
    samples = [trajectory(n, l, h, 3) for n in (5, 9, 2)]
    stacked = np.concatenate(samples, 0)
    std = stacked.std(axis=(0, 2)).astype(np.float32).astype(np.float64)
    anchor = trajectory(6, l, h, 4)
    ua, hosvd_error = tucker(anchor, (4, 2, 5), 0)
    uo, hooi_error = tucker(anchor, (4, 2, 5), 60)
    a, b = left(rng.standard_normal((30, 6)), 6), None
    b = left(np.concatenate([a[:, :2] + 1e-4 * rng.standard_normal((30, 2)), rng.standard_normal((30, 2))], 1), 4)
    a32, b32 = a.astype(np.float32).astype(np.float64), b.astype(np.float32).astype(np.float64)
    sigma = [scipy.linalg.svd(s.reshape(-1, h), compute_uv=False) for s in samples]
    print(json.dumps({
        "by": "numpy and scipy, float64", "layers": l, "hidden": h,
        "samples": [pack(s) for s in samples], "std": pack(std), "rankL": 2, "rankH": 3,
        "shared": teacher(samples, 2, 3, std, False), "plain": teacher(samples, 2, 3, np.ones(l), False),
        "perSample": teacher(samples, 2, 3, std, True),
        "sigmaL": list(scipy.linalg.svd(np.concatenate([unfolded(s, 1) for s in samples], 1), compute_uv=False)),
        "sigma": [list(s) for s in sigma],
        "cumulative": [list(np.cumsum(s) / s.sum()) for s in sigma],
        "effectiveRank": [float(np.exp(-(p * np.log(p)).sum())) for p in (s / s.sum() for s in sigma)],
        "stableRank": [float((s**2).sum() / s[0] ** 2) for s in sigma],
        "energyRanks": [[int(np.searchsorted(np.cumsum(s**2) / (s**2).sum(), q) + 1) for q in (0.8, 0.9, 0.95, 0.99)] for s in sigma],
        "anchor": pack(anchor), "anchorRanks": [4, 2, 5],
        "hosvd": dict(error=hosvd_error, projectorH=pack(ua[2] @ ua[2].T)),
        "hooi": dict(error=hooi_error, projectorH=pack(uo[2] @ uo[2].T)),
        "angles": dict(a=pack(a32), b=pack(b32), want=sorted(scipy.linalg.subspace_angles(a32, b32).tolist())),
    }, indent=1))
