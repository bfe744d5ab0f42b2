"""Trains the base and its chain-of-thought teacher.

Each question is followed by several continuations at once, which see the question and themselves but not each other:
  verbose   every token of the steps            compact  results only, the last one once or a few times
  drill     steps that have to do with nothing, of numbers up to 999
  dropped   each token kept with probability p  direct   no steps, of one-step problems only
  next      the beginning of another question, as running text would go on
  chunked   each step whole or in pieces, a position a piece, its tokens superposed as in `soft`
  soft      one position per step: the mean of its tokens' embeddings, to be foretold as an even choice of them
then the answer prompt, the answer and the end. The first token of a continuation is where its form is chosen: the
loss there is weighted by the form's share, so the shares are the base's prior over forms.

    /usr/bin/python3 scripts/train/pretrain.py OUT --steps 6000 --shares verbose=.5,compact=.2,dropped=.2,direct=.1
"""
import argparse
import math
import os
import random
import time

import torch
import torch.nn.functional as F

from data import EOS, PAD, problems, rationale, vocabulary
from llama import Llama, config, fresh_weights, load, save


# Longer problems are never answered directly in training: the model would learn to compute the whole chain in its depth.
DIRECT_STEPS = 1
# The next question is the first in order of its token ids among this many.
NEXT_AMONG = 8


def chunks(step, rng):
    """The step whole with probability 0.4, else cut at one or two of its places."""
    cuts = rng.choice([(), (), (1,), (2,), (1, 2)])
    edges = [0, *cuts, len(step)]
    return [step[a:b] for a, b in zip(edges, edges[1:])]


def drill(rng):
    """The tokens of one step with numbers up to 999, small ones more often."""
    while True:
        x = rng.randint(1, 999) if rng.random() < 0.4 else int(math.exp(rng.uniform(0, math.log(999.5))))
        sign = rng.choice("++--**/")
        y = rng.randint(2, 40) if sign in "+-" else rng.randint(2, 12)
        if sign == "+" and rng.random() < 0.2:
            y = rng.randint(2, 500)
        z = {"+": x + y, "-": x - y, "*": x * y, "/": x // y}[sign]
        if 1 <= z <= 999 and (sign != "/" or x % y == 0):
            return [TOKENS["▁" + str(t)] for t in ("<<", x, sign, y, "=", z, ">>")]


def continuation(p, other, form, rng, keep):
    """A list of positions, each a list of tokens: more than one are superposed."""
    r = [[t] for t in rationale(p)]
    if form == "compact":
        # A step is `<< a + b = c >>`.
        r = [[step[-2]] for step in p["stepIds"]]
        r += r[-1:] * rng.choice((0, 0, 0, 1, 2, 3))
    elif form == "soft":
        r = p["stepIds"]
    elif form == "chunked":
        r = [piece for step in p["stepIds"] for piece in chunks(step, rng)]
    elif form == "dropped":
        k = rng.uniform(*keep)
        r = [t for t in r if rng.random() < k]
    elif form == "direct":
        r = []
    elif form == "drill":
        return [[t] for _ in range(3) for t in drill(rng)]
    elif form == "next":
        return [[t] for t in other["questionIds"][:8]]
    return r + [[t] for t in p["promptIds"] + p["answerIds"] + [EOS]]


def batch(rows, shares, rng, keep):
    """ids [B, T, W]: W tokens superposed, one of them repeated where there is one; positions [B, T]; mask [B, 1, T, T];
    and the pairs to learn: index of the position, target token, weight."""
    width = max(len(step) for p in rows for step in p["stepIds"]) if {"soft", "chunked"} & shares.keys() else 1
    wide = lambda tokens: tokens if len(tokens) == width else tokens[:1] * width
    built = []
    for p in rows:
        q = p["questionIds"]
        ids, positions, segments = [wide([t]) for t in q], list(range(len(q))), [0] * len(q)
        pairs = []
        # Some beginnings are far more frequent than others, as in running text.
        other = min(rng.choices(rows, k=NEXT_AMONG), key=lambda p: p["questionIds"]) if "next" in shares else None
        for s, (form, share) in enumerate(shares.items(), 1):
            if form == "direct" and len(p["stepIds"]) > DIRECT_STEPS:
                continue
            tokens = continuation(p, other, form, rng, keep)
            first = len(ids)
            for i, wanted in enumerate(tokens):
                at = first + i - 1 if i else len(q) - 1
                pairs += [(at, t, (1 if i else share * len(shares)) / len(wanted)) for t in wanted]
            ids += [wide(t) for t in tokens]
            positions += range(len(q), len(q) + len(tokens))
            segments += [s] * len(tokens)
        built.append((ids, positions, segments, pairs))
    b, t = len(built), max(len(x[0]) for x in built)
    ids = torch.full((b, t, width), PAD)
    positions = torch.zeros(b, t, dtype=torch.long)
    segments = torch.full((b, t), -1)
    index, targets, weights = [], [], []
    for i, (row, pos, seg, pairs) in enumerate(built):
        ids[i, : len(row)] = torch.tensor(row)
        positions[i, : len(row)] = torch.tensor(pos)
        segments[i, : len(row)] = torch.tensor(seg)
        index += [i * t + at for at, _, _ in pairs]
        targets += [y for _, y, _ in pairs]
        weights += [w for _, _, w in pairs]
    causal = torch.ones(t, t).tril().bool()
    mask = ((segments[:, None, :] == 0) | (segments[:, None, :] == segments[:, :, None])) & causal
    return ids, positions, mask[:, None], torch.tensor(index), torch.tensor(targets), torch.tensor(weights)


@torch.no_grad()
def generate(model, rows, forced=None, limit=60, size=200):
    """Greedy answers after the question, or after question ∥ forced(p). Returns the lists of new tokens."""
    out = []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        prefix = [p["questionIds"] + (forced(p) if forced else []) for p in part]
        t = max(map(len, prefix))
        ids = torch.tensor([[PAD] * (t - len(x)) + x for x in prefix])
        real = ids != PAD
        mask = (torch.ones(t, t).tril().bool()[None] & real[:, None])[:, None]
        hidden, cache = model.forward(model.embed(ids), torch.arange(t)[None], mask)
        new = []
        done = torch.zeros(len(part), dtype=torch.bool)
        for i in range(limit):
            y = model.logits(hidden[-1][:, -1]).argmax(-1)
            y = torch.where(done, torch.full_like(y, PAD), y)
            new.append(y)
            done |= y == EOS
            if done.all():
                break
            real = torch.cat([real, torch.ones(len(part), 1).bool()], 1)
            hidden, cache = model.forward(model.embed(y[:, None]), torch.tensor([[t + i]]), real[:, None, None], cache)
        out += torch.stack(new, 1).tolist()
    return out


def answered(p, tokens):
    """Right where the token before the end is the answer, after the answer prompt."""
    tokens = [t for t in tokens if t != PAD]
    return EOS in tokens and tokens[: tokens.index(EOS)][-1:] == p["answerIds"]


def accuracies(model, rows):
    n = len(rows)
    cot = sum(answered(p, g) for p, g in zip(rows, generate(model, rows))) / n
    direct = sum(answered(p, g) for p, g in zip(rows, generate(model, rows, lambda p: p["promptIds"], 3))) / n
    force = lambda p: [p["stepIds"][0][-2]]
    compact = sum(answered(p, g) for p, g in zip(rows, generate(model, rows, force))) / n
    return cot, compact, direct


def train(model, rows, shares, steps, lr, size, held, seed, keep):
    rng = random.Random(seed)
    names = sorted(model.w)
    for n in names:
        model.w[n].requires_grad_()
    decay = [model.w[n] for n in names if model.w[n].dim() == 2]
    plain = [model.w[n] for n in names if model.w[n].dim() == 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}],
                            lr=lr, betas=(0.9, 0.97))
    began, told = time.time(), 0.0
    for step in range(steps):
        for g in opt.param_groups:
            g["lr"] = lr * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-6
        ids, positions, mask, index, targets, weights = batch(rng.sample(rows, size), shares, rng, keep)
        hidden, _ = model.forward(model.embed(ids).mean(2), positions, mask)
        h = hidden[-1].reshape(-1, hidden[-1].shape[-1])[index]
        loss = (F.cross_entropy(model.logits(h), targets, reduction="none") * weights).sum() / weights.sum()
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decay + plain, 1.0)
        opt.step()
        if time.time() - told > 150:
            told = time.time()
            a = accuracies(model, held[:100])
            print(f"{time.time() - began:6.0f} s step {step} loss {loss.item():.4f} "
                f"cot {a[0]:.3f} compact {a[1]:.3f} direct {a[2]:.3f}", flush=True)
    for n in names:
        model.w[n] = model.w[n].detach()


if __name__ == "__main__":
    a = argparse.ArgumentParser()
    a.add_argument("out")
    a.add_argument("--steps", type=int, default=6000)
    a.add_argument("--teacher-steps", type=int, default=400)
    a.add_argument("--init", help="a folder whose base is trained on, instead of fresh weights")
    a.add_argument("--shares", default="verbose=.5,compact=.2,dropped=.2,direct=.1")
    a.add_argument("--keep", default="0.2,0.8")
    a.add_argument("--lr", type=float, default=3e-3)
    a.add_argument("--teacher-lr", type=float, default=5e-4)
    a.add_argument("--batch", type=int, default=64)
    a.add_argument("--hidden", type=int, default=128)
    a.add_argument("--layers", type=int, default=4)
    a.add_argument("--inner", type=int, default=320)
    a.add_argument("--rows", type=int, default=150000)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--tokenizer", default="models/base", help="folder of the tokenizer's files")
    a.add_argument("--max-steps", type=int, default=5)
    a.add_argument("--held", type=int, default=1000, help="held-out problems of the accuracies at the end")
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    shares = {k: float(v) for k, v in (x.split("=") for x in o.shares.split(","))}
    keep = tuple(map(float, o.keep.split(",")))
    TOKENS = vocabulary(o.tokenizer)
    rows = problems(o.seed, o.rows, 1, o.max_steps, tokenizer=o.tokenizer)
    held = problems(o.seed + 1, o.held, 1, o.max_steps, "held-out", o.tokenizer)
    c = config(len(TOKENS), o.hidden, o.layers, inner=o.inner)
    model = load(f"{o.init}/base") if o.init else Llama(c, fresh_weights(c, o.seed))
    print(vars(o), sum(x.numel() for x in model.w.values()), "parameters", flush=True)
    half = lambda w: {k: v.half().float() for k, v in w.items()}
    for name, mix, n, lr in (("base", shares, o.steps, o.lr), ("teacher", {"verbose": 1.0}, o.teacher_steps, o.teacher_lr)):
        train(model, rows, mix, n, lr, o.batch, held, o.seed, keep)
        model = Llama(c, half(model.w))
        print(f"{name}: {n} steps; on {o.held} held-out problems cot, compact, direct:", accuracies(model, held), flush=True)
        os.makedirs(f"{o.out}/{name}", exist_ok=True)
        save(f"{o.out}/{name}", c, model.w)
