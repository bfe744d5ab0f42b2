"""Prints goldens of the loss, projection and optimiser kernels: float64 PyTorch, gradients by autograd.

    /usr/bin/python3 scripts/goldens/kernels/losses.py > src/engine/kernels/shared/losses.golden.json

Inputs are float32 values (stored as such), arithmetic is float64.
"""
import base64
import json

import numpy as np
import torch

rng = np.random.default_rng(20260601)


def f32(*shape, scale=1.0):
    return torch.tensor((rng.standard_normal(shape) * scale).astype(np.float32).astype(np.float64))


def orth(*shape):
    q = np.linalg.qr(rng.standard_normal(shape))[0]
    return torch.tensor(q.astype(np.float32).astype(np.float64))


def pack(t):
    """float64 reference rounded to float32: 6e-8 of each value; the tests require 1e-5."""
    return base64.b64encode(t.detach().numpy().astype("<f4").tobytes()).decode()


def projection(b, m, l, h, rl, rh, per_sample):
    x = f32(b, m, l, h).requires_grad_()
    n = b if per_sample else 1
    ul, uh = orth(n, l, rl), orth(n, h, rh)
    g = torch.einsum("bmlh,bla,bhc->bmac", x, ul.expand(b, -1, -1), uh.expand(b, -1, -1)).reshape(b, m, rl * rh)
    dg = f32(*g.shape)
    (g * dg).sum().backward()
    shape = dict(batch=b, rows=m, layers=l, hidden=h, rankL=rl, rankH=rh, perSample=per_sample)
    return dict(shape=shape, x=pack(x), uL=pack(ul), uH=pack(uh), g=pack(g), dg=pack(dg), dx=pack(x.grad))


def moments(b, m, r):
    g = f32(b, m, r) + 0.5
    return dict(shape=dict(batch=b, rows=m, rank=r), g=pack(g), mu=pack(g.mean(1)), c=pack(g.transpose(1, 2) @ g / m))


def momentloss(b, k, r, w_mu, w_c):
    g = f32(b, k, r).requires_grad_()
    t = f32(b, 3 * k, r)
    mu_t = t.mean(1).float().double()
    c_t = (t.transpose(1, 2) @ t / (3 * k)).float().double()
    mu, c = g.mean(1), g.transpose(1, 2) @ g / k
    mean, cov = ((mu - mu_t) ** 2).sum(1), ((c - c_t) ** 2).sum((1, 2))
    loss = w_c * cov + w_mu * mean
    loss.mean().backward()
    return dict(
        shape=dict(batch=b, steps=k, rank=r), weights=dict(mu=w_mu, c=w_c), g=pack(g), muT=pack(mu_t), cT=pack(c_t),
        loss=pack(loss), terms=pack(torch.stack([mean, cov], 1)), dg=pack(g.grad),
    )


def anchorloss(b, l, h, r):
    hs = f32(b, l, h).requires_grad_()
    uh, target = orth(h, r), f32(b, l, r)
    scale = torch.tensor(rng.uniform(0.3, 4, l).astype(np.float32).astype(np.float64))
    e = (hs / scale[:, None]) @ uh - target
    loss = (e**2).sum(2).mean(1)
    loss.mean().backward()
    return dict(
        shape=dict(batch=b, layers=l, hidden=h, rank=r), h=pack(hs), target=pack(target), uH=pack(uh),
        layerScale=pack(scale), loss=pack(loss), dh=pack(hs.grad),
    )


def adamw(n, steps, max_norm, wd):
    """Two parameter tensors as one flat buffer, clipped by torch's own global norm."""
    lr, beta1, beta2, eps = 3e-3, 0.9, 0.98, 1e-8
    p = [f32(n).requires_grad_(), f32(n + 3).requires_grad_()]
    start = torch.cat([x.detach().clone() for x in p])
    opt = torch.optim.AdamW(p, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=wd)
    grads, norms = [], []
    for s in range(steps):
        for x in p:
            x.grad = f32(x.numel(), scale=0.1 + s)
        grads.append(torch.cat([x.grad.clone() for x in p]))
        norms.append(float(torch.nn.utils.clip_grad_norm_(p, max_norm)))
        opt.step()
    state = [opt.state[x] for x in p]
    return dict(
        first=n, second=n + 3, maxNorm=max_norm, norms=norms,
        settings=dict(lr=lr, beta1=beta1, beta2=beta2, eps=eps, weightDecay=wd),
        param=pack(start), grads=[pack(g) for g in grads], paramAfter=pack(torch.cat([x.detach() for x in p])),
        mAfter=pack(torch.cat([x["exp_avg"] for x in state])), vAfter=pack(torch.cat([x["exp_avg_sq"] for x in state])),
    )


if __name__ == "__main__":
    print(json.dumps({
        "by": "torch float64, autograd", "encoding": "base64 of little-endian float32",
        "projection": [projection(1, 1, 1, 1, 1, 1, False), projection(2, 2, 3, 33, 2, 5, False), projection(2, 2, 3, 41, 3, 4, True)],
        "moments": [moments(1, 1, 1), moments(2, 7, 17), moments(3, 5, 20)],
        "momentloss": [momentloss(1, 1, 1, 1.5, 0.5), momentloss(2, 5, 17, 0.7, 1.3), momentloss(3, 2, 7, 0.0, 1.0)],
        "anchorloss": [anchorloss(1, 1, 1, 1), anchorloss(2, 3, 67, 5), anchorloss(2, 1, 16, 16)],
        "adamw": [adamw(1, 2, 1.0, 0.01), adamw(70, 3, 1.0, 0.1), adamw(33, 2, 1e9, 0.0)],
    }, indent=1))
