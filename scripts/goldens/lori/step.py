"""Prints the training-step goldens and their models, in float64:

    /usr/bin/python3 scripts/goldens/lori/step.py

    llama-student/, llama-teacher/, qwen2-student/, qwen2-teacher/   Hugging Face folders, float32
    step-llama.golden.json, step-qwen2.golden.json                   teacher targets, losses, gradients of every adapter
    adamw-llama.golden.json                                          adapters after one and three optimiser steps

B samples, S question columns, K latent steps, L layers, H hidden size, V vocabulary, N rationale tokens of a sample,
R = r_L·r_H. RoPE position = column of the padded layout: questions end at column S − 1 (pads at the left), latents at
S … S + K − 1, then prompt ∥ answer (right-padded). Explicit pass: question, rationale ∥ prompt ∥ answer ∥ eos.
"""
import math

import torch
import torch.nn.functional as F

from layer import finite_difference
from files import Random, write_golden, write_model
from model import Config, Decoder, Lora, random_lora, random_model

EOS, PAD = 1, 0
RUN = {
    "rank": 2, "alpha": 3.0, "latents": 3, "temperature": 1.5,
    # weights: all different, chosen so that no term dominates
    "covariance": 0.01, "mean": 0.3, "anchor": 0.5, "answer": 1.25, "explicit": 0.8, "codi": 2.5,
}
OPTIMISER = {
    "steps": 10, "learningRate": 0.01, "warmup": 0.2, "weightDecay": 0.05, "beta1": 0.9, "beta2": 0.99,
    "epsilon": 1e-8, "clip": 0.8,
}
VARIANTS = {
    "llama": {
        "config": Config("llama", 16, 24, 3, 4, 2, 40, 1e-5, 10000.0, True), "seed": 1,
        "ranks": {"layerRank": 2, "hiddenRank": 4, "anchorHiddenRank": 5},
        "questions": [4, 6, 3], "rationales": [3, 5, 4], "answers": [1, 2, 1], "prompt": 3,
        "methods": ["lori-softmax", "lori-hidden", "codi", "ce", "nocot"],
    },
    "qwen2": {
        "config": Config("qwen2", 16, 24, 2, 4, 2, 24, 1e-6, 500.0, False), "seed": 2,
        "ranks": {"layerRank": 1, "hiddenRank": 3, "anchorHiddenRank": 3},
        "questions": [2, 5], "rationales": [4, 3], "answers": [2, 1], "prompt": 3,
        "methods": ["lori-softmax", "nocot"],
    },
}


class Batch:
    """Token lists of B samples, one prompt for all."""

    def __init__(self, questions, rationales, prompt, answers):
        self.questions, self.rationales, self.prompt, self.answers = questions, rationales, prompt, answers

    def one(self, b):
        return Batch([self.questions[b]], [self.rationales[b]], self.prompt, [self.answers[b]])

    def __len__(self):
        return len(self.questions)


def pad_left(rows):
    width = max(map(len, rows))
    ids = torch.tensor([[PAD] * (width - len(r)) + r for r in rows])
    return ids, torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows])


def pad_right(rows):
    width = max(map(len, rows))
    ids = torch.tensor([r + [PAD] * (width - len(r)) for r in rows])
    return ids, torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows])


def cross_entropy(logits, targets, mask):
    """Sum over real targets; logits [B, T, V], targets and mask [B, T]."""
    picked = logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    return -(picked * mask).sum()


def recurrent(decoder, h, kind):
    """z = f(h), [B, H]: what is fed back as the next input embedding."""
    if kind == "hidden":
        return h
    return (decoder.logits(h) / RUN["temperature"]).softmax(-1) @ decoder.embedding


def explicit_pass(decoder, batch):
    """Teacher-forced question ∥ rationale ∥ prompt ∥ answer ∥ eos. Sum of cross entropy over all targets after the
    question, their number, and the states [B, S + T, L, H]."""
    questions, question_mask = pad_left(batch.questions)
    rests = [r + batch.prompt + a + [EOS] for r, a in zip(batch.rationales, batch.answers)]
    rest, rest_mask = pad_right(rests)
    key_mask = torch.cat([question_mask, rest_mask], 1)
    states, _ = decoder.forward(decoder.embed(torch.cat([questions, rest], 1)), key_mask)
    before = questions.shape[1] - 1
    logits = decoder.logits(states[:, before:-1, -1])
    return cross_entropy(logits, rest, rest_mask), rest_mask.sum(), states


def latent_pass(decoder, batch, steps, kind):
    """Question, K latent steps, prompt ∥ answer. `steps` = 0 is No-CoT. Gives a dict:
    z [B, K, H], rationale [B, K, L, H], anchor [B, L, H], logits [B, T, V], and cross entropy as sum and count."""
    questions, question_mask = pad_left(batch.questions)
    answers, answer_mask = pad_right([batch.prompt + a for a in batch.answers])
    targets, target_mask = pad_right([a + [EOS] for a in batch.answers])
    key_mask = torch.cat([question_mask, torch.ones(len(batch), steps, dtype=torch.long), answer_mask], 1)
    states, cache = decoder.forward(decoder.embed(questions), key_mask)
    h, thoughts, rationale = states[:, -1, -1], [], []
    for _ in range(steps):
        z = recurrent(decoder, h, kind)
        states, cache = decoder.forward(z[:, None], key_mask, cache)
        thoughts.append(z)
        rationale.append(states[:, 0])
        h = states[:, 0, -1]
    states, _ = decoder.forward(decoder.embed(answers), key_mask, cache)
    at = len(batch.prompt) - 1
    logits = decoder.logits(states[:, at:, -1])
    out = {"anchor": states[:, at], "logits": logits, "targets": targets, "targetMask": target_mask}
    out["ce"], out["count"] = cross_entropy(logits, targets, target_mask), target_mask.sum()
    if steps > 0:
        out["z"], out["rationale"] = torch.stack(thoughts, 1), torch.stack(rationale, 1)
    return out


def left_vectors(unfolding, rank):
    """Leading left singular vectors, the entry of largest magnitude in each positive; and all singular values."""
    u, s, _ = torch.linalg.svd(unfolding, full_matrices=False)
    u = u[:, :rank]
    assert ((s[: rank - 1] - s[1:rank]) > 0.01 * s[0]).all(), f"too close for vectors to be comparable: {s}"
    assert rank == len(s) or s[rank - 1] - s[rank] > 0.01 * s[0], f"no gap after {rank}: {s}"
    return u * u.gather(0, u.abs().argmax(0, keepdim=True)).sign(), s


def factor(x):
    """x [M, L, H] → U_L [L, r_L], U_H [H, r_H] and the singular values of both unfoldings."""
    u_l, s_l = left_vectors(x.permute(1, 0, 2).reshape(x.shape[1], -1), RUN["layerRank"])
    u_h, s_h = left_vectors(x.permute(2, 0, 1).reshape(x.shape[2], -1), RUN["hiddenRank"])
    return u_l, u_h, s_l, s_h


def moments(x, u_l, u_h):
    """x [M, L, H] → G [M, R] (column ℓ·r_H + h), μ [R], C [R, R]."""
    g = torch.einsum("mlh,la,hc->mac", x, u_l, u_h).reshape(len(x), -1)
    return g, g.mean(0), g.T @ g / len(x)


def teacher_targets(teacher, batch, normalise, scope="shared"):
    """Everything the student needs from the teacher, as a dict."""
    with torch.no_grad():
        states = explicit_pass(teacher, batch)[2]
    before = max(map(len, batch.questions))
    raw = [states[b, before : before + len(r)] for b, r in enumerate(batch.rationales)]
    raw_anchor = torch.stack(
        [states[b, before + len(r) + len(batch.prompt) - 1] for b, r in enumerate(batch.rationales)]
    )
    stacked = torch.cat(raw)  # [ΣN, L, H]
    scale = stacked.permute(1, 0, 2).reshape(stacked.shape[1], -1).std(1, unbiased=False)
    if not normalise:
        scale = torch.ones_like(scale)
    x = [r / scale[:, None] for r in raw]
    anchor = raw_anchor / scale[:, None]
    u_l, u_h, s_l, s_h = factor(torch.cat(x))
    pairs = [(u_l, u_h)] * len(x) if scope == "shared" else [factor(r)[:2] for r in x]
    mu, c = zip(*[moments(r, *pair)[1:] for r, pair in zip(x, pairs)])
    u_a, s_a = left_vectors(anchor.permute(2, 0, 1).reshape(anchor.shape[2], -1), RUN["anchorHiddenRank"])
    return {
        "rationale": stacked, "anchor": raw_anchor, "layerScale": scale,
        "uL": torch.stack([p[0] for p in pairs]) if scope == "sample" else u_l,
        "uH": torch.stack([p[1] for p in pairs]) if scope == "sample" else u_h,
        "sigmaL": s_l, "sigmaH": s_h, "mu": torch.stack(mu), "c": torch.stack(c),
        "anchorUH": u_a, "anchorSigmaH": s_a, "anchorTarget": anchor @ u_a,
        # CODI: the unbiased std over B×H of each layer's anchor states
        "codiStd": raw_anchor.permute(1, 0, 2).reshape(raw_anchor.shape[1], -1).std(1, unbiased=True),
        "pairs": pairs,
    }


def rationale_terms(latent, target):
    """Per sample: ‖C_S − C_T‖_F² and ‖μ_S − μ_T‖² (LoRi §3.2)."""
    c_terms, mu_terms = [], []
    for b, pair in enumerate(target["pairs"]):
        _, mu, c = moments(latent["rationale"][b] / target["layerScale"][:, None], *pair)
        c_terms.append((c - target["c"][b]).pow(2).sum())
        mu_terms.append((mu - target["mu"][b]).pow(2).sum())
    return torch.stack(c_terms), torch.stack(mu_terms)


def anchor_terms(latent, target):
    """Per sample: 1/L Σ_ℓ ‖U_H^(a)ᵀ (h_ℓ − h'_ℓ)‖² (LoRi §3.3)."""
    projected = (latent["anchor"] / target["layerScale"][:, None]) @ target["anchorUH"]
    return (projected - target["anchorTarget"]).pow(2).sum(-1).mean(-1)


def codi_term(latent, target):
    """Mean over layers of smooth L1 (β = 1, mean over B×H) divided by the teacher's std in that layer."""
    layers = []
    for layer, std in enumerate(target["codiStd"]):
        layers.append(F.smooth_l1_loss(latent["anchor"][:, layer], target["anchor"][:, layer]) / std)
    return torch.stack(layers).mean()


def losses(student, batch, target, method, kept=None):
    """Every term before its weight, and the weighted total. `kept` receives the latent pass."""
    steps = 0 if method == "nocot" else RUN["latents"]
    latent = latent_pass(student, batch, steps, "hidden" if method == "lori-hidden" else "softmax")
    if kept is not None:
        kept.update(latent)
    terms = {"answer": latent["ce"] / latent["count"]}
    if method.startswith("lori"):
        c_terms, mu_terms = rationale_terms(latent, target)
        terms["covariance"], terms["mean"] = c_terms.mean(), mu_terms.mean()
        terms["anchor"] = anchor_terms(latent, target).mean()
        total, count, _ = explicit_pass(student, batch)
        terms["explicit"] = total / count
    if method == "codi":
        terms["codi"] = codi_term(latent, target)
    return terms, sum(RUN[name] * value for name, value in terms.items())


def check_alone(student, batch, target, method):
    """The claim that padding is harmless: each sample alone, with no pad, gives the same terms."""
    together, alone = {}, {}
    steps = 0 if method == "nocot" else RUN["latents"]
    kind = "hidden" if method == "lori-hidden" else "softmax"

    def measure(part, part_target):
        latent = latent_pass(student, part, steps, kind)
        total, count, _ = explicit_pass(student, part)
        found = {"answer": latent["ce"], "explicit": total}
        if method.startswith("lori"):
            c_terms, mu_terms = rationale_terms(latent, part_target)
            found.update(covariance=c_terms.sum(), mean=mu_terms.sum(), anchor=anchor_terms(latent, part_target).sum())
        return found

    together = measure(batch, target)
    for b in range(len(batch)):
        part = {**target, **{k: target[k][b : b + 1] for k in ("mu", "c", "anchorTarget", "pairs")}}
        for name, value in measure(batch.one(b), part).items():
            alone[name] = alone.get(name, 0) + value
    return max((abs(alone[k] - together[k]) / abs(together[k])).item() for k in together)


def learning_rate(t):
    o = OPTIMISER
    warm = max(0, round(o["warmup"] * o["steps"]))
    ramp = min(1.0, (t + 1) / warm) if warm > 0 else 1.0
    return o["learningRate"] * ramp * 0.5 * (1 + math.cos(math.pi * max(0, t - warm) / (o["steps"] - warm)))


def optimise(config, weights, lora, batch, target, steps):
    """`steps` steps of AdamW on lori-softmax; gives adapters after each, losses, gradient norms and rates."""
    o = OPTIMISER
    live = {k: v.clone().requires_grad_() for k, v in lora.items()}
    student = Decoder(config, weights, Lora(live, RUN["rank"], RUN["alpha"]))
    adamw = torch.optim.AdamW(
        live.values(), lr=o["learningRate"], betas=(o["beta1"], o["beta2"]), eps=o["epsilon"], weight_decay=o["weightDecay"]
    )
    snapshots, totals, norms, rates = [], [], [], []
    for t in range(steps):
        adamw.zero_grad()
        total = losses(student, batch, target, "lori-softmax")[1]
        total.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(live.values(), o["clip"]).item())
        adamw.param_groups[0]["lr"] = learning_rate(t)
        adamw.step()
        rates.append(learning_rate(t))
        totals.append(total.item())
        snapshots.append({k: v.detach().clone() for k, v in live.items()})
    return snapshots, totals, norms, rates


def main(name, variant):
    RUN.update(variant["ranks"])
    config, random = variant["config"], Random(variant["seed"])
    weights, teacher_weights = random_model(config, random), random_model(config, random)
    lora = random_lora(config, random, RUN["rank"], config.layers)
    draw = lambda lengths: [random.tokens(2, config.vocab, n) for n in lengths]  # noqa: E731
    batch = Batch(
        draw(variant["questions"]), draw(variant["rationales"]), random.tokens(2, config.vocab, variant["prompt"]),
        draw(variant["answers"]),
    )
    write_model(f"{name}-student", config.hugging_face(), weights)
    write_model(f"{name}-teacher", config.hugging_face(), teacher_weights)
    teacher = Decoder(config, teacher_weights)
    target = teacher_targets(teacher, batch, True)

    out = {f"lora.{k}": v for k, v in lora.items()}
    shown = [k for k in target if k != "pairs"]
    out.update({f"teacher.{k}": target[k] for k in shown})
    plain, sample = teacher_targets(teacher, batch, False), teacher_targets(teacher, batch, True, "sample")
    out.update({f"teacherUnscaled.{k}": plain[k] for k in ("uL", "uH", "mu", "anchorUH", "anchorTarget")})
    out.update({f"teacherSample.{k}": sample[k] for k in ("uL", "uH", "mu")})

    for method in variant["methods"]:
        live = {k: v.clone().requires_grad_() for k, v in lora.items()}
        kept = {}

        def total_of(values, method=method, kept=None):
            student = Decoder(config, weights, Lora(values, RUN["rank"], RUN["alpha"]))
            return losses(student, batch, target, method, kept)

        terms, total = total_of(live, kept=kept)
        total.backward()
        for term, value in terms.items():
            out[f"{method}.term.{term}"] = value
            out[f"{method}.weighted.{term}"] = RUN[term] * value
        out[f"{method}.total"] = total
        out.update({f"{method}.grad.{k}": v.grad for k, v in live.items()})
        norm = torch.stack([v.grad.pow(2).sum() for v in live.values()]).sum().sqrt()
        out[f"{method}.gradNorm"] = norm
        for key in ("layers.0.q.A", f"layers.{config.layers - 1}.down.B"):
            error = finite_difference(lambda v: total_of(v)[1], lora, key, live[key].grad, f"{name} {method} {key}")
            print(f"  {method} {key}: autograd against differences {error:.1e}")
        student = Decoder(config, weights, Lora(lora, RUN["rank"], RUN["alpha"]))
        error = check_alone(student, batch, target, method)
        assert error < 1e-11, f"{method}: padding changed a term by {error}"
        print(f"  {method}: samples alone without pads, terms differ by {error:.1e}")
        if method in ("lori-softmax", "lori-hidden"):
            out.update({f"{method}.{k}": kept[k] for k in ("z", "rationale", "anchor", "logits")})
        if method == "lori-softmax":
            # What the loss stage returns: the gradient of its own weighted terms with respect to H_S and the anchor states.
            leaves = {k: kept[k].detach().clone().requires_grad_() for k in ("rationale", "anchor")}
            c_terms, mu_terms = rationale_terms(leaves, target)
            stage = (RUN["covariance"] * c_terms + RUN["mean"] * mu_terms).mean()
            (stage + RUN["anchor"] * anchor_terms(leaves, target).mean()).backward()
            out.update({f"{method}.cotangent.{k}": v.grad for k, v in leaves.items()})
            for label, other in (("unscaled", plain), ("sample", sample)):
                c_terms, mu_terms = rationale_terms(kept, other)
                out[f"{method}.{label}.covariance"], out[f"{method}.{label}.mean"] = c_terms.mean(), mu_terms.mean()
                out[f"{method}.{label}.anchor"] = anchor_terms(kept, other).mean()

    meta = {
        "by": "torch float64", "seed": variant["seed"], "config": config.hugging_face(), "run": RUN,
        "methods": variant["methods"], "eos": EOS, "pad": PAD,
        "tokens": {
            "questions": batch.questions, "rationales": batch.rationales, "prompt": batch.prompt, "answers": batch.answers,
        },
    }
    for key, (ids, mask) in {
        "questions": pad_left(batch.questions),
        "explicit": pad_right([r + batch.prompt + a + [EOS] for r, a in zip(batch.rationales, batch.answers)]),
        "answerInputs": pad_right([batch.prompt + a for a in batch.answers]),
        "answerTargets": pad_right([a + [EOS] for a in batch.answers]),
    }.items():
        out[f"batch.{key}"], out[f"batch.{key}Mask"] = ids, mask
    write_golden(f"step-{name}", meta, out)

    if name == "llama":
        snapshots, totals, norms, rates = optimise(config, weights, lora, batch, target, 3)
        tensors = {f"after1.{k}": v for k, v in snapshots[0].items()}
        tensors.update({f"after3.{k}": v for k, v in snapshots[2].items()})
        tensors.update(total=torch.tensor(totals), gradNorm=torch.tensor(norms), learningRate=torch.tensor(rates))
        tensors["schedule"] = torch.tensor([learning_rate(t) for t in range(OPTIMISER["steps"])])
        assert min(norms) > OPTIMISER["clip"], f"clipping is not exercised: {norms}"
        write_golden("adamw-llama", {"by": "torch.optim.AdamW, float64", "optimiser": OPTIMISER, "run": RUN}, tensors)


if __name__ == "__main__":
    for name, variant in VARIANTS.items():
        main(name, variant)
