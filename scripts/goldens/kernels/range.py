"""Prints goldens of the projection and the losses at the limits of their range: float64 numpy, from the definitions.

    /usr/bin/python3 scripts/goldens/kernels/range.py > src/engine/kernels/shared/range.golden.json

M up to 2000, R = rL * rH up to 512, L up to 36, H up to 2048. Inputs are not stored: they are the white matrices of
svd.py, flattened, with the seed of each name in SEEDS. Of long results every n-th entry is stored.
"""
import base64
import json

import numpy as np

from svd import matrix

SEEDS = dict(x=1, uL=2, uH=3, dg=4, g=5, muT=6, cT=7, h=8, target=9, layerScale=10)
MAX_STORED = 1200


def values(name, *shape):
    return matrix("white", 1, int(np.prod(shape)), SEEDS[name]).reshape(shape).astype(np.float64)


def sampled(a):
    flat = np.ravel(a)
    # Odd, so that the entries do not all fall into the same columns.
    every = 1 if len(flat) <= MAX_STORED else len(flat) // MOST | 1
    return dict(every=every, values=base64.b64encode(flat[::every].astype("<f4").tobytes()).decode())


def projection(b, m, l, h, rl, rh):
    x, ul, uh, dg = values("x", b, m, l, h), values("uL", l, rl), values("uH", h, rh), values("dg", b, m, rl * rh)
    g = np.einsum("bmlh,hc->bmlc", x, uh)
    g = np.einsum("bmlc,la->bmac", g, ul)
    back = np.einsum("bmac,la->bmlc", dg.reshape(b, m, rl, rh), ul)
    shape = dict(batch=b, rows=m, layers=l, hidden=h, rankL=rl, rankH=rh, perSample=False)
    return dict(shape=shape, g=sampled(g), dx=sampled(np.einsum("bmlc,hc->bmlh", back, uh)))


def moments(b, m, r):
    g = values("g", b, m, r)
    return dict(shape=dict(batch=b, rows=m, rank=r), mu=sampled(g.mean(1)), c=sampled(g.transpose(0, 2, 1) @ g / m))


def momentloss(b, k, r, w_mu, w_c):
    g, mu_t, c_t = values("g", b, k, r), values("muT", b, r), values("cT", b, r, r)
    # Symmetric as a covariance is: the upper triangle, mirrored.
    c_t = np.triu(c_t) + np.triu(c_t, 1).transpose(0, 2, 1)
    d, delta = g.transpose(0, 2, 1) @ g / k - c_t, g.mean(1) - mu_t
    loss = w_c * (d**2).sum((1, 2)) + w_mu * (delta**2).sum(1)
    dg = (4 * w_c * g @ d + 2 * w_mu * delta[:, None]) / (k * b)
    return dict(shape=dict(batch=b, steps=k, rank=r), weights=dict(mu=w_mu, c=w_c), loss=sampled(loss), dg=sampled(dg))


def anchorloss(b, l, h, r):
    hs, target, uh = values("h", b, l, h), values("target", b, l, r), values("uH", h, r)
    scale = (values("layerScale", l) + 1).astype(np.float32).astype(np.float64)
    e = (hs / scale[:, None]) @ uh - target
    dh = 2 * (e @ uh.T) / (l * b * scale[:, None])
    return dict(shape=dict(batch=b, layers=l, hidden=h, rank=r), loss=sampled((e**2).sum(2).mean(1)), dh=sampled(dh))


if __name__ == "__main__":
    print(json.dumps({
        "by": f"numpy {np.__version__}, float64", "encoding": "base64 of little-endian float32, every n-th entry",
        "seeds": SEEDS,
        "projection": [projection(1, 2000, 2, 9, 2, 3), projection(1, 2, 36, 2048, 4, 8), projection(1, 2, 2, 520, 1, 512)],
        "moments": [moments(1, 2000, 13), moments(1, 3, 512)],
        "momentloss": [momentloss(1, 2000, 13, 0.7, 1.3), momentloss(1, 3, 512, 0.7, 1.3)],
        "anchorloss": [anchorloss(1, 36, 2048, 4), anchorloss(1, 1, 520, 512)],
    }, indent=1))
