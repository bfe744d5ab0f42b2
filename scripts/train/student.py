"""Latent students on 128 samples, in plain torch: LoRi, and what it is compared with.

The sequence is question (left-padded) ∥ K latents ∥ `The answer is:` ∥ answer ∥ end; RoPE goes by column. A latent is the
final-norm state h at the last position through a filter: `softmax`, softmax(h·Eᵀ/τ)·E, or `hidden`, h itself.
Shapes: B batch, K latents, M rationale tokens, L layers, H hidden size, r_L and r_H the ranks, D = r_L·r_H; R replicas
trained side by side (each its own seed, samples, learning rate and loss weights; they share only the machine).

    /usr/bin/python3 scripts/train/student.py models K=5 steps=600 seeds=1,2,3 held=1000 \\
        lori:lr=1e-3,omegaMu=1 ce:lr=1e-3,omegaMu=0,omegaC=0,beta=0
"""
import json
import math
import os
import sys
import time

import torch
import torch.nn.functional as F

from data import EOS, PAD, problems, rationale
from llama import adapted, fresh_lora, load

# of the whole run
SHARED = {
    "samples": 128, "held": 300, "heldSeed": 7, "seeds": "1", "minSteps": 1, "maxSteps": 5, "K": 5, "filter": "softmax", "tau": 1.0,
    "rank": 8, "alpha": 16.0, "steps": 300, "batch": 8, "warmup": 0.05, "clip": 1.0, "explicit": 0,
    "rL": 4, "rH": 64, "rHa": 32, "norm": 1, "every": 100, "threads": 1, "log": "",
}
# of a replica; the weights of C, μ, and the anchor are per entry: of the D×D, the D and the r_H^(a) numbers
OWN = {"lr": 1e-3, "decay": 0.0, "omegaC": 1.0, "omegaMu": 1.0, "beta": 1.0, "lam": 1.0, "kappa": 0.0, "codi": 0.0}


def left(lists):
    t = max(map(len, lists))
    ids = torch.tensor([[PAD] * (t - len(x)) + x for x in lists])
    return ids, torch.tensor([[0] * (t - len(x)) + [1] * len(x) for x in lists]).bool()


def right(lists):
    t = max(map(len, lists))
    ids = torch.tensor([x + [PAD] * (t - len(x)) for x in lists])
    return ids, torch.tensor([[1] * len(x) + [0] * (t - len(x)) for x in lists]).bool()


class Context:
    """One batch's cache: what was fed so far, and which columns are real."""

    def __init__(self, model):
        self.model, self.cache, self.real = model, None, None

    def fork(self):
        other = Context(self.model)
        other.cache, other.real = self.cache, self.real
        return other

    def feed(self, x, real):
        """x [B, T, H], real [B, T]. The T columns' hidden states, a list of L of [B, T, H]."""
        past = 0 if self.real is None else self.real.shape[1]
        t = x.shape[1]
        self.real = real if self.real is None else torch.cat([self.real, real], 1)
        mask = (self.real[:, None] & torch.ones(t, past + t).tril(past).bool())[:, None]
        hidden, self.cache = self.model.forward(x, torch.arange(past, past + t)[None], mask, self.cache)
        return hidden


def latents(context, h, o):
    """Feeds z_1 … z_K. Returns H_S [B, K, L, H]."""
    model, fed = context.model, []
    for _ in range(o["K"]):
        z = h
        if o["filter"] == "softmax":
            z = torch.softmax(model.logits(h) / o["tau"], -1) @ model.w["model.embed_tokens.weight"]
        hidden = context.feed(z[:, None], torch.ones(len(h), 1).bool())
        fed.append(torch.stack([x[:, 0] for x in hidden], 1))
        h = hidden[-1][:, 0]
    return torch.stack(fed, 1) if fed else None


@torch.no_grad()
def teacher_pass(teacher, rows):
    """Per sample the states over the rationale, [M, L, H], and the anchors [B, L, H]."""
    states, anchors = [], []
    for start in range(0, len(rows), 64):
        part = rows[start : start + 64]
        context = Context(teacher)
        q, real = left([p["questionIds"] for p in part])
        context.feed(teacher.embed(q), real)
        text, real = right([rationale(p) + p["promptIds"] + p["answerIds"] for p in part])
        hidden = torch.stack(context.feed(teacher.embed(text), real), 2)
        for i, p in enumerate(part):
            m = len(rationale(p))
            states.append(hidden[i, :m])
            anchors.append(hidden[i, m + len(p["promptIds"]) - 1])
    return states, torch.stack(anchors)


def leading(x, mode, rank):
    """The top left singular vectors of x's unfolding along `mode`."""
    a = x.transpose(0, mode).reshape(x.shape[mode], -1).double()
    return torch.linalg.eigh(a @ a.T)[1].flip(1)[:, :rank].float()


def core(x, u_l, u_h):
    """G = X ×₂ U_Lᵀ ×₃ U_Hᵀ as [..., M, D]."""
    return torch.einsum("...mlh,la,hb->...mab", x, u_l, u_h).flatten(-2)


class Targets:
    """What the teacher leaves behind: factors, per sample G (with it μ_T and C_T), anchors. Its states are dropped."""

    def __init__(self, teacher, rows, o):
        states, self.raw = teacher_pass(teacher, rows)
        stacked = torch.cat(states)
        self.std = stacked.std((0, 2), unbiased=False)[:, None] if o["norm"] else torch.ones(stacked.shape[1], 1)
        self.u_l = leading(stacked / self.std, 1, o["rL"])
        self.u_h = leading(stacked / self.std, 2, o["rH"])
        self.g = [core(s / self.std, self.u_l, self.u_h) for s in states]
        self.mu = torch.stack([g.mean(0) for g in self.g])
        self.anchor = self.raw / self.std
        self.u_a = leading(self.anchor, 2, o["rHa"])
        self.raw_std = self.raw.std((0, 2))

    def terms(self, h_s, anchor, index):
        """‖C_S − C_T‖², ‖μ_S − μ_T‖², the anchor loss (means over the batch) and the CODI-style one. C by Gram
        matrices: ‖AᵀA/K − BᵀB/M‖² = ‖AAᵀ‖²/K² − 2‖ABᵀ‖²/(KM) + ‖BBᵀ‖²/M²."""
        k = h_s.shape[1]
        a = core(h_s / self.std, self.u_l, self.u_h)
        mu = (a.mean(1) - self.mu[index]).pow(2).sum(-1).mean()
        c = 0
        for i, j in enumerate(index.tolist()):
            b, m = self.g[j], len(self.g[j])
            c = c + (a[i] @ a[i].T).pow(2).sum() / k**2 - 2 * (a[i] @ b.T).pow(2).sum() / (k * m) + (b @ b.T).pow(2).sum() / m**2
        gap = ((anchor / self.std - self.anchor[index]) @ self.u_a).pow(2).sum(-1).mean()
        return c / len(index), mu, gap

    def codi(self, anchor, index):
        return (F.smooth_l1_loss(anchor, self.raw[index], reduction="none").mean((0, 2)) / self.raw_std).mean()


def answer_rows(rows):
    return right([p["promptIds"] + p["answerIds"] for p in rows]), len(rows[0]["promptIds"])


@torch.no_grad()
def accuracy(model, rows, o):
    """Greedy: K latents, the prompt, then the answer and the end."""
    hits = 0
    for start in range(0, len(rows), 250):
        part = rows[start : start + 250]
        context = Context(model)
        q, real = left([p["questionIds"] for p in part])
        latents(context, context.feed(model.embed(q), real)[-1][:, -1], o)
        (ids, real), at = answer_rows(part)
        y = model.logits(context.feed(model.embed(ids), real)[-1])[:, at - 1 :].argmax(-1)
        # feeding the right answer asks for the end only where the answer was right, as greedy decoding would
        hits += ((y[:, 0] == ids[:, at]) & (y[:, 1] == EOS)).sum().item()
    return hits / len(rows)


def replica_loss(model, hidden, h_s, anchor, ids, at, explicit, targets, index, w):
    wanted = torch.cat([ids[:, at:], torch.full((len(ids), 1), EOS)], 1)
    terms = {"ce": F.cross_entropy(model.logits(hidden[:, at - 1 :]).flatten(0, 1), wanted.flatten())}
    loss = w["lam"] * terms["ce"]
    if explicit is not None:
        terms["explicit"] = F.cross_entropy(model.logits(explicit[0]).flatten(0, 1), explicit[1].flatten(), ignore_index=PAD)
        loss = loss + w["lam"] * w["kappa"] * terms["explicit"]
    if w["codi"]:
        terms["codi"] = targets.codi(anchor, index)
        loss = loss + w["codi"] * terms["codi"]
    if w["omegaC"] or w["omegaMu"] or w["beta"]:
        d, r = targets.mu.shape[1], targets.u_a.shape[1]
        c, mu, gap = targets.terms(h_s, anchor, index)
        terms.update(C=c / d**2, mu=mu / d, anchor=gap / r)
        loss = loss + w["omegaC"] * terms["C"] + w["omegaMu"] * terms["mu"] + w["beta"] * terms["anchor"]
    return loss, terms


def train(base, targets, rows, replicas, o, evaluate):
    """replicas: dicts of OWN with `seed`; targets and rows: one per replica. Returns the factors."""
    lora = fresh_lora(base.c, o["rank"], [r["seed"] for r in replicas])
    scale = o["alpha"] / o["rank"]
    flat = [x for pair in lora.values() for x in pair]
    first, second = [torch.zeros_like(x) for x in flat], [torch.zeros_like(x) for x in flat]
    column = lambda key: torch.tensor([r[key] for r in replicas])[:, None, None]
    rates, decay = column("lr"), column("decay")
    generators = [torch.Generator().manual_seed(r["seed"]) for r in replicas]
    orders = [[] for _ in replicas]
    n, warm = o["batch"], max(1, round(o["warmup"] * o["steps"]))
    for step in range(o["steps"]):
        indices = []
        for r, g in enumerate(generators):
            if len(orders[r]) < n:
                orders[r] += torch.randperm(len(rows[r]), generator=g).tolist()
            indices.append(torch.tensor(orders[r][:n]))
            orders[r] = orders[r][n:]
        part = [rows[r][i] for r, index in enumerate(indices) for i in index.tolist()]
        model = adapted(base, lora, scale)
        context = Context(model)
        q, real = left([p["questionIds"] for p in part])
        h = context.feed(model.embed(q), real)[-1][:, -1]
        explicit = context.fork()
        h_s = latents(context, h, o)
        (ids, real), at = answer_rows(part)
        hidden = context.feed(model.embed(ids), real)
        anchor = torch.stack([x[:, at - 1] for x in hidden], 1)
        if o["explicit"]:
            full = [rationale(p) + p["promptIds"] + p["answerIds"] for p in part]
            text, real = right(full)
            states = torch.cat([h[:, None], explicit.feed(model.embed(text), real)[-1]], 1)
            explicit = (states, right([x + [EOS] for x in full])[0])
        loss, told = 0, []
        for r, w in enumerate(replicas):
            s = slice(r * n, (r + 1) * n)
            one, terms = replica_loss(model, hidden[-1][s], None if h_s is None else h_s[s], anchor[s], ids[s], at,
                                      (explicit[0][s], explicit[1][s]) if o["explicit"] else None, targets[r], indices[r], w)
            loss = loss + one
            told.append(terms)
        gradients = torch.autograd.grad(loss, flat)
        # AdamW as torch defines it, with each replica's own norm, rate and decay
        norm = sum(x.pow(2).sum((1, 2)) for x in gradients).sqrt()
        clip = (o["clip"] / (norm + 1e-6)).clamp(max=1)[:, None, None]
        now = (step + 1) / warm if step < warm else 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(1, o["steps"] - warm))
        with torch.no_grad():
            for x, g, m, v in zip(flat, gradients, first, second):
                g = g * clip
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                x.mul_(1 - rates * now * decay)
                x.sub_(rates * now * (m / (1 - 0.9 ** (step + 1))) / ((v / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8))
        if o["every"] and (step + 1) % o["every"] == 0 and step + 1 < o["steps"]:
            evaluate(step + 1, lora, scale, told)
    evaluate(o["steps"], lora, scale, told)


def interval(p, n):
    return 1.96 * math.sqrt(p * (1 - p) / n)


def main(folder, words):
    o, variants = dict(SHARED), []
    for word in words:
        if ":" in word or "=" not in word:
            name, _, rest = word.partition(":")
            own = {k: float(v) for k, v in (x.split("=") for x in rest.split(",") if x)}
            assert own.keys() <= OWN.keys(), own
            variants.append((name, {**OWN, **own}))
        else:
            k, v = word.split("=")
            o[k] = type(SHARED[k])(v)
    torch.set_num_threads(o["threads"])
    base, teacher = load(f"{folder}/base"), load(f"{folder}/teacher")
    held = problems(o["heldSeed"], o["held"], o["minSteps"], o["maxSteps"], "held-out", f"{folder}/base")
    seeds = list(map(int, o["seeds"].split(",")))
    rows = {s: problems(1000 + s, o["samples"], o["minSteps"], o["maxSteps"], "train", f"{folder}/base") for s in seeds}
    goals = {s: Targets(teacher, rows[s], o) for s in seeds}
    replicas = [{**own, "seed": s, "name": name} for name, own in variants for s in seeds]
    changed = {k: v for k, v in o.items() if v != SHARED[k]}
    print(json.dumps({"models": folder, **changed, "untrained": accuracy(base, held[:300], o)}), flush=True)
    began, curves = time.time(), [[] for _ in replicas]

    def evaluate(step, lora, scale, told):
        last = step == o["steps"]
        for r in range(len(replicas)):
            model = adapted(base, {k: (a[r], b[r]) for k, (a, b) in lora.items()}, scale)
            curves[r].append((step, round(accuracy(model, held if last else held[:300], o), 4)))
            terms = {k: round(v.item(), 4) for k, v in told[r].items()}
            if last:
                shown = {k: v for k, v in replicas[r].items() if k == "seed" or v != OWN.get(k)}
                print(json.dumps({**shown, "curve": curves[r], "terms": terms}), flush=True)

    train(base, [goals[r["seed"]] for r in replicas], [rows[r["seed"]] for r in replicas], replicas, o, evaluate)
    for i, (name, own) in enumerate(variants):
        got = [c[-1][1] for c in curves[i * len(seeds) : (i + 1) * len(seeds)]]
        mean = sum(got) / len(got)
        print(f"{name} {({k: v for k, v in own.items() if v != OWN[k]})} {100 * mean:.1f} ± {100 * interval(mean, o['held'] * len(got)):.1f}")
    print(f"{time.time() - began:.0f} s, {1000 * (time.time() - began) / o['steps'] / len(replicas):.0f} ms per replica and step", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
