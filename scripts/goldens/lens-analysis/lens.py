"""Prints goldens of the lens: numpy and scipy in float64, written out from the definitions.

    /usr/bin/python3 scripts/goldens/lens-analysis/lens.py > src/engine/analysis/lens.golden.json
"""
import base64
import itertools
import json

import numpy as np
import scipy.linalg

rng = np.random.default_rng(11)
L, H = 4, 20
CHOSEN = [0, 2, 3]  # layers 1, 3 and 4
TOKENS = [5, 9, 2, 1]


def pack(a):
    return base64.b64encode(np.ascontiguousarray(a, dtype="<f4").tobytes()).decode()


def states(n, rank, mix):
    """Low rank plus noise, layers of different scale, not centred; float32 values."""
    x = np.einsum("nr,lr,hr->nlh", rng.standard_normal((n, rank)) + 0.5, rng.standard_normal((L, rank)), mix)
    x = x + 0.2 * rng.standard_normal((n, L, H)) + 0.3
    return (x * (1.0 + np.arange(L))[None, :, None]).astype(np.float32).astype(np.float64)


def unfolded(x, mode):
    return np.moveaxis(x, mode, 0).reshape(x.shape[mode], -1)


def less_mean(x):
    return x - x.reshape(-1, H).mean(0)


def tucker(x):
    """Energy of the core, and the error of every truncation, reconstructed and compared with x."""
    ul, sl, _ = scipy.linalg.svd(unfolded(x, 1), full_matrices=False)
    uh, sh, _ = scipy.linalg.svd(unfolded(x, 2), full_matrices=False)
    g = np.einsum("mlh,li,hj->mij", x, ul, uh)
    error = np.zeros((ul.shape[1], uh.shape[1]))
    for i, j in itertools.product(*map(range, error.shape)):
        back = np.einsum("mij,li,hj->mlh", g[:, : i + 1, : j + 1], ul[:, : i + 1], uh[:, : j + 1])
        error[i, j] = np.linalg.norm(x - back) / np.linalg.norm(x)
    return dict(layerSigma=list(sl), hiddenSigma=list(sh), energy=((g**2).sum(0) / (x**2).sum()).ravel().tolist(), error=error.ravel().tolist())


def signed(v):
    """Columns with signs such that the entry of largest magnitude is positive."""
    return v * np.sign(v[np.abs(v).argmax(0), np.arange(v.shape[1])])


def axes(rows, centred):
    rows = rows - rows.mean(0) if centred else rows
    _, s, vt = scipy.linalg.svd(rows, full_matrices=False)
    v = signed(vt[:3].T)
    return dict(shares=(s[:3] ** 2 / (s**2).sum()).tolist(), xyz=pack(rows @ v))


def right(rows, r):
    return scipy.linalg.svd(rows, full_matrices=False)[2][:r].T


def layer(samples, l, centred):
    rows = np.concatenate([s[:, l] for s in samples])
    return rows - rows.mean(0) if centred else rows


def effective(x):
    s = scipy.linalg.svd(x, compute_uv=False)
    p = s[s > 0] / s.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def cosine(x):
    n = x / np.linalg.norm(x, axis=1, keepdims=True)
    return float(np.mean([n[i] @ n[j] for i, j in itertools.combinations(range(len(n)), 2)]))


def sigmas(matrices):
    return [scipy.linalg.svd(m, compute_uv=False).tolist() for m in matrices]


if __name__ == "__main__":
    mix = rng.standard_normal((H, 3))
    first = [states(n, 3, mix) for n in TOKENS]
    # Shares some of the first one's directions.
    second = [states(n, 3, mix + 0.3 * rng.standard_normal((H, 3))) for n in TOKENS]
    a, b = ([s[:, CHOSEN] for s in model] for model in (first, second))
    whole = np.concatenate(a)
    both = np.concatenate([s.reshape(-1, H) for s in a + b])
    stacks = {
        "sample": [s.reshape(-1, H) for s in a],
        "layer": [whole[:, p] for p in range(len(CHOSEN))],
        "token": [np.concatenate([s[t] for s in a if len(s) > t]) for t in range(max(TOKENS))],
        "all": [whole.reshape(-1, H)],
    }
    print(json.dumps({
        "by": "numpy and scipy, float64", "layers": L, "hidden": H, "tokens": TOKENS, "chosen": [c + 1 for c in CHOSEN],
        "first": [pack(s) for s in first], "second": [pack(s) for s in second],
        "stacks": {name: dict(plain=sigmas(m), centred=sigmas([x - x.mean(0) for x in m])) for name, m in stacks.items()},
        "tucker": tucker(whole), "tuckerCentred": tucker(less_mean(whole)),
        "axes": dict(tucker=axes(both, False), pca=axes(both, True)),
        "angles": {name: [sorted(scipy.linalg.subspace_angles(right(layer(first, c, name == "centred"), 4), right(layer(second, c, name == "centred"), 4)).tolist()) for c in CHOSEN] for name in ("plain", "centred")},
        "collapse": dict(
            cosine=[float(np.mean([cosine(s[:, c]) for s in first if len(s) > 1])) for c in CHOSEN],
            effectiveRank=[float(np.mean([effective(s[:, c]) for s in first])) for c in CHOSEN],
        ),
    }, indent=1))
