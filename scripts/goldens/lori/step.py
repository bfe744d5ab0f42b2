"""Prints the training-step goldens and their models, in float64:

    /usr/bin/python3 scripts/goldens/lori/step.py

    llama-student/, llama-teacher/, qwen2-student/, qwen2-teacher/   Hugging Face folders, float32
    step-llama.golden.json, step-qwen2.golden.json                   teacher targets, losses, gradients of every adapter
    adamw-llama.golden.json                                          adapters after one and three optimiser steps

B samples, S question columns, K latent steps, L layers, H hidden size, V vocabulary, N rationale tokens of a sample,
R = r_L·r_H. RoPE position = column of the padded layout: questions end at column S − 1 (pads at the left), latents at
S … S + K − 1, then prompt ∥ answer (right-padded). Explicit pass: question, rationale ∥ prompt ∥ answer ∥ eos.
"""
import torch

from layer import finite_difference
from files import Random, write_golden, write_model
from model import Config, Decoder, Lora, random_lora, random_model
import losses
from losses import Batch, anchor_terms, cross_entropy, explicit_pass, latent_pass, pad_left, pad_right, rationale_terms, terms_of, whole_of  # noqa: F401
from optimiser import adamw, learning_rate, update

EOS = 1
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


def comparable(plain):
    """Left vectors that the engine can be held against: those of singular values far enough from their neighbours."""

    def left_vectors(unfolding, rank):
        u, s = plain(unfolding, rank)
        assert ((s[: rank - 1] - s[1:rank]) > 0.01 * s[0]).all(), f"too close for vectors to be comparable: {s}"
        assert rank == len(s) or s[rank - 1] - s[rank] > 0.01 * s[0], f"no gap after {rank}: {s}"
        return u, s

    return left_vectors


losses.left_vectors = comparable(losses.left_vectors)


def teacher_targets(teacher, batch, normalise, scope="shared"):
    """Everything the student needs from the teacher, as a dict."""
    target = losses.targets_of(*losses.teacher_states(teacher, batch), RUN, normalise, scope)
    return {**target, "codiStd": losses.codi_std(target["anchor"])}


def run_of(method):
    weights = {k: RUN[k] for k in ("covariance", "mean", "anchor", "answer", "codi")}
    weights["explicit"] = RUN["explicit"] if method.startswith("lori") else 0
    return {
        "latents": 0 if method == "nocot" else RUN["latents"], "filter": "hidden" if method == "lori-hidden" else "softmax",
        "temperature": RUN["temperature"], "supervised": "answer", "weights": weights,
    }


def terms_and_total(student, batch, target, method, kept=None):
    """Every term before its weight, and the weighted total. `kept` receives the latent pass."""
    terms = terms_of(method.split("-")[0], student, batch, target, run_of(method), whole_of(batch), kept)
    return terms, sum(RUN[name] * value for name, value in terms.items())


def check_alone(student, batch, target, method):
    """The claim that padding is harmless: each sample alone, with no pad, gives the same terms."""
    together, alone = {}, {}
    steps = 0 if method == "nocot" else RUN["latents"]
    kind = "hidden" if method == "lori-hidden" else "softmax"

    def measure(part, part_target):
        latent = latent_pass(student, part, steps, kind, RUN["temperature"])
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


def rate_at(t):
    o = OPTIMISER
    return learning_rate(t, o["steps"], o["learningRate"], o["warmup"])


def optimise(config, weights, lora, batch, target, steps):
    """`steps` steps of AdamW on lori-softmax; gives adapters after each, losses, gradient norms and rates."""
    o = OPTIMISER
    live = {k: v.clone().requires_grad_() for k, v in lora.items()}
    student = Decoder(config, weights, Lora(live, RUN["rank"], RUN["alpha"]))
    optimiser = adamw(list(live.values()), o)
    snapshots, totals, norms, rates = [], [], [], []
    for t in range(steps):
        optimiser.zero_grad()
        total = terms_and_total(student, batch, target, "lori-softmax")[1]
        total.backward()
        norms.append(update(optimiser, list(live.values()), rate_at(t), o["clip"]))
        rates.append(rate_at(t))
        totals.append(total.item())
        snapshots.append({k: v.detach().clone() for k, v in live.items()})
    return snapshots, totals, norms, rates


def drawn(variant):
    """Weights of student and teacher, adapters, and token lists: questions, rationales, prompt, answers."""
    config, random = variant["config"], Random(variant["seed"])
    weights, teacher_weights = random_model(config, random), random_model(config, random)
    lora = random_lora(config, random, RUN["rank"], config.layers)
    draw = lambda lengths: [random.tokens(2, config.vocab, n) for n in lengths]  # noqa: E731
    questions, rationales, prompt = draw(variant["questions"]), draw(variant["rationales"]), random.tokens(2, config.vocab, variant["prompt"])
    return weights, teacher_weights, lora, (questions, rationales, prompt, draw(variant["answers"]))


def main(name, variant):
    RUN.update(variant["ranks"])
    config = variant["config"]
    weights, teacher_weights, lora, (questions, rationales, prompt, answers) = drawn(variant)
    batch = Batch(questions, rationales, prompt, [a + [EOS] for a in answers])
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
            return terms_and_total(student, batch, target, method, kept)

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
        "methods": variant["methods"], "eos": EOS, "pad": losses.PAD,
        "tokens": {
            "questions": questions, "rationales": rationales, "prompt": prompt, "answers": answers,
        },
    }
    for key, (ids, mask) in {
        "questions": pad_left(questions),
        "explicit": pad_right([r + prompt + a for r, a in zip(rationales, batch.answers)]),
        "answerInputs": pad_right([prompt + a for a in answers]),
        "answerTargets": pad_right(batch.answers),
    }.items():
        out[f"batch.{key}"], out[f"batch.{key}Mask"] = ids, mask
    write_golden(f"step-{name}", meta, out)

    if name == "llama":
        snapshots, totals, norms, rates = optimise(config, weights, lora, batch, target, 3)
        tensors = {f"after1.{k}": v for k, v in snapshots[0].items()}
        tensors.update({f"after3.{k}": v for k, v in snapshots[2].items()})
        tensors.update(total=torch.tensor(totals), gradNorm=torch.tensor(norms), learningRate=torch.tensor(rates))
        tensors["schedule"] = torch.tensor([rate_at(t) for t in range(OPTIMISER["steps"])])
        assert min(norms) > OPTIMISER["clip"], f"clipping is not exercised: {norms}"
        write_golden("adamw-llama", {"by": "torch.optim.AdamW, float64", "optimiser": OPTIMISER, "run": RUN}, tensors)


if __name__ == "__main__":
    for name, variant in VARIANTS.items():
        main(name, variant)
