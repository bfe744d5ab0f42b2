"""Prints the goldens of three recipes that exist only as tests, in float64:

    /usr/bin/python3 scripts/goldens/lori/proofs.py

    proofs.golden.json    weights, adapters, batch; terms and the gradient of every parameter of each recipe

codi: two paths and two adapters over one base. Teacher: question, rationale ∥ prompt ∥ answer, cross entropy. Student:
its own run of the question, K latents through a projection (Linear, exact GELU, Linear, LayerNorm), prompt ∥ answer,
cross entropy. Between them smooth L1 at the prompt's last token, to the teacher's detached states, each layer divided by
their unbiased std (CODI §3.4). Left out: the embedding layer, begin- and end-of-thought tokens, dropout.

silent: question, C silent tokens in one segment, prompt ∥ answer; LoRA, and before k and v a module
h ← h + (α/d)·W₂W₁ᵀh (DART §3.2). Cross entropy, and the mean squared distance of the last C − 1 silent tokens' keys (after
RoPE) and values to the detached ones of the question's last C − 1 columns, summed over layers. W₂ is not zero, so that gradients flow.

policy: question, prompt ∥ answer as a sampled completion (GRPO, DeepSeekMath, arXiv:2402.03300, eq. 3 and 4). Means over
the answers' tokens of −A·exp(l − l_old), with given advantages A and old log-probabilities; of exp(r − l) − (r − l) − 1,
with r the log-probabilities of the model without its adapter; and of the whole KL from that model's distribution.

B samples, S question columns, K latent steps, C silent tokens, L layers, H hidden size, P projection width.
"""
import torch
import torch.nn.functional as F

import model
from files import Random, write_golden
from model import Config, Decoder, Lora, random_lora, random_model
from step import EOS, Batch, cross_entropy, pad_left, pad_right

CONFIG = Config("llama", 16, 20, 2, 4, 2, 23, 1e-5, 100.0, True)
RUN = {
    "rank": 2, "alpha": 3.0, "latents": 3, "projection": 10, "silent": 3, "remWidth": 3, "remAlpha": 4.0,
    "layerNormEps": 1e-5, "teacher": 0.8, "codi": 2.5, "answer": 1.25, "keyValues": 0.3,
    "surrogate": 0.7, "estimate": 0.9, "divergence": 1.1,
}
LENGTHS = {"questions": [3, 5, 2], "rationales": [4, 2, 5], "answers": [1, 2, 2], "prompt": 2}


class RemDecoder(Decoder):
    """A decoder whose keys and values read h + (α/d)·W₂W₁ᵀh, each with a pair of its own. The weights stay as they
    are: k = (W_k + ΔW_k)·(h + …), so that the module comes before the adapted linear."""

    def __init__(self, config, weights, lora, rem):
        super().__init__(config, weights, self)
        self.inner, self.rem, self.originals = lora, rem, weights
        self.scale = RUN["remAlpha"] / RUN["remWidth"]

    def delta(self, x, layer, name):
        """What the adapters add to the linear of `name` on the unchanged x."""
        if name not in ("k", "v"):
            return self.inner.delta(x, layer, name)
        more = self.scale * (x @ self.rem[f"layers.{layer}.{name}.w1"]) @ self.rem[f"layers.{layer}.{name}.w2"].T
        weight = self.originals[f"model.layers.{layer}.{model.LINEARS[name]}.weight"]
        return more @ weight.T + self.inner.delta(x + more, layer, name)


def answer_part(decoder, batch, key_mask, cache):
    """States of prompt ∥ answer, and the mean cross entropy of answer ∥ eos after the prompt's last token."""
    ids, _ = pad_right([batch.prompt + a for a in batch.answers])
    targets, mask = pad_right([a + [EOS] for a in batch.answers])
    states, _ = decoder.forward(decoder.embed(ids), key_mask, cache)
    at = len(batch.prompt) - 1
    return states, cross_entropy(decoder.logits(states[:, at:, -1]), targets, mask) / mask.sum()


def projected(h, modules):
    inner = F.gelu(h @ modules["projection.in.weight"].T + modules["projection.in.bias"])
    out = inner @ modules["projection.out.weight"].T + modules["projection.out.bias"]
    norm = modules["projection.norm.weight"], modules["projection.norm.bias"]
    return F.layer_norm(out, (out.shape[-1],), *norm, RUN["layerNormEps"])


def codi(weights, live, batch):
    part = lambda prefix: {k[len(prefix):]: v for k, v in live.items() if k.startswith(prefix)}  # noqa: E731
    teacher = Decoder(CONFIG, weights, Lora(part("teacher."), RUN["rank"], RUN["alpha"]))
    student = Decoder(CONFIG, weights, Lora(part("student."), RUN["rank"], RUN["alpha"]))
    questions, question_mask = pad_left(batch.questions)
    S, P = questions.shape[1], len(batch.prompt)

    rest, rest_mask = pad_right([r + batch.prompt + a + [EOS] for r, a in zip(batch.rationales, batch.answers)])
    states, _ = teacher.forward(
        teacher.embed(torch.cat([questions, rest], 1)), torch.cat([question_mask, rest_mask], 1)
    )
    text = cross_entropy(teacher.logits(states[:, S - 1 : -1, -1]), rest, rest_mask) / rest_mask.sum()
    anchor = torch.stack([states[b, S + len(r) + P - 1] for b, r in enumerate(batch.rationales)]).detach()

    seen = torch.ones(len(batch), RUN["latents"] + 64, dtype=torch.long)
    key_mask = torch.cat([question_mask, seen], 1)  # pads of answers come last: no real position sees them
    states, cache = student.forward(student.embed(questions), key_mask)
    for _ in range(RUN["latents"]):
        z = projected(states[:, -1, -1], live)
        states, cache = student.forward(z[:, None], key_mask, cache)
    states, answer = answer_part(student, batch, key_mask, cache)
    layers = [
        F.smooth_l1_loss(states[:, P - 1, i], anchor[:, i]) / anchor[:, i].std(unbiased=True)
        for i in range(CONFIG.layers)
    ]
    return {"teacher": text, "answer": answer, "codi": torch.stack(layers).mean()}


def read_question(weights, live, batch):
    lora = {k[len("student."):]: v for k, v in live.items() if k.startswith("student.")}
    rem = {k[len("rem."):]: v for k, v in live.items() if k.startswith("rem.")}
    decoder = RemDecoder(CONFIG, weights, Lora(lora, RUN["rank"], RUN["alpha"]), rem)
    questions, question_mask = pad_left(batch.questions)
    key_mask = torch.cat([question_mask, torch.ones(len(batch), RUN["silent"] + 64, dtype=torch.long)], 1)
    _, cache = decoder.forward(decoder.embed(questions), key_mask)
    return decoder, key_mask, cache


def silent(weights, live, batch, silent_ids, targets):
    """targets: keys and values of the question's last columns, by layer; given, so that differences do not move them."""
    decoder, key_mask, cache = read_question(weights, live, batch)
    S, C = cache[0][0].shape[2], RUN["silent"]
    own = slice(S + 1, S + C)
    _, cache = decoder.forward(decoder.embed(silent_ids), key_mask, cache)
    distance = 0
    for layer, (k, v) in enumerate(cache):
        distance = distance + (k[:, :, own] - targets[layer][0]).pow(2).mean()
        distance = distance + (v[:, :, own] - targets[layer][1]).pow(2).mean()
    _, answer = answer_part(decoder, batch, key_mask, cache)
    return {"keyValues": distance, "answer": answer}


def policy(weights, live, batch, old, advantages):
    lora = {k[len("student."):]: v for k, v in live.items()}
    decoders = Decoder(CONFIG, weights, Lora(lora, RUN["rank"], RUN["alpha"])), Decoder(CONFIG, weights, None)
    questions, question_mask = pad_left(batch.questions)
    ids, _ = pad_right([batch.prompt + a for a in batch.answers])
    targets, mask = pad_right([a + [EOS] for a in batch.answers])
    key_mask = torch.cat([question_mask, torch.ones_like(ids)], 1)
    at = len(batch.prompt) - 1

    def log_softmax(decoder):
        _, cache = decoder.forward(decoder.embed(questions), key_mask)
        states, _ = decoder.forward(decoder.embed(ids), key_mask, cache)
        return decoder.logits(states[:, at:, -1]).log_softmax(-1)

    ours, theirs = log_softmax(decoders[0]), log_softmax(decoders[1]).detach()
    picked = lambda rows: rows.gather(-1, targets[..., None])[..., 0]  # noqa: E731
    l, r = picked(ours), picked(theirs)
    mean = lambda x: (x * mask).sum() / mask.sum()  # noqa: E731
    terms = {
        "surrogate": mean(-advantages[:, None] * (l - old).exp()),
        "estimate": mean((r - l).exp() - (r - l) - 1),
        "divergence": mean(F.kl_div(theirs, ours, log_target=True, reduction="none").sum(-1)),
    }
    return terms, r


def print_recipe(out, name, parameters, terms_of):
    """Weighted terms and gradients; autograd is compared with central differences of one value of every parameter."""
    live = {k: v.clone().requires_grad_() for k, v in parameters.items()}
    weighted = lambda values: {k: RUN[k] * v for k, v in terms_of(values).items()}  # noqa: E731
    terms = weighted(live)
    sum(terms.values()).backward()
    out.update({f"{name}.weighted.{k}": v for k, v in terms.items()})
    out.update({f"{name}.grad.{k}": v.grad for k, v in live.items()})
    worst, step = 0, 1e-5
    with torch.no_grad():
        for key in parameters:
            # What is detached still depends on the teacher's adapter, whose only gradient is that of its own term.
            own = [k for k in terms if k == "teacher" or not key.startswith("teacher.")]
            sides = []
            for sign in (1, -1):
                moved = {k: v.clone() for k, v in parameters.items()}
                moved[key].view(-1)[-1] += sign * step
                found = weighted(moved)
                sides.append(sum(found[k] for k in own))
            found, known = (sides[0] - sides[1]) / (2 * step), live[key].grad.reshape(-1)[-1]
            worst = max(worst, ((found - known).abs() / live[key].grad.norm()).item())
    assert worst < 1e-7, f"{name}: autograd and differences differ by {worst}"
    print(f"  {name}: autograd against differences {worst:.1e}")


def main():
    random = Random(7)
    weights = random_model(CONFIG, random)
    H, P, d = CONFIG.hidden, RUN["projection"], RUN["remWidth"]
    draw = lambda lengths: [random.tokens(2, CONFIG.vocab, n) for n in lengths]  # noqa: E731
    batch = Batch(
        draw(LENGTHS["questions"]), draw(LENGTHS["rationales"]), random.tokens(2, CONFIG.vocab, LENGTHS["prompt"]),
        draw(LENGTHS["answers"]),
    )
    lora = lambda name: {  # noqa: E731
        f"{name}.{k}": v for k, v in random_lora(CONFIG, random, RUN["rank"], CONFIG.layers).items()
    }
    projection = {
        "projection.in.weight": random.normal(P, H, scale=0.4), "projection.in.bias": random.normal(P, scale=0.3),
        "projection.out.weight": random.normal(H, P, scale=0.4), "projection.out.bias": random.normal(H, scale=0.3),
        "projection.norm.weight": random.normal(H, scale=0.2, mean=0.6), "projection.norm.bias": random.normal(H, scale=0.2),
    }
    student, teacher = lora("student"), lora("teacher")
    rem = {
        f"rem.layers.{layer}.{site}.{factor}": random.normal(H, d, scale=0.4)
        for layer in range(CONFIG.layers) for site in "kv" for factor in ("w1", "w2")
    }
    silent_ids = torch.tensor([random.tokens(2, CONFIG.vocab, RUN["silent"])] * len(batch))
    _, _, cache = read_question(weights, {**student, **rem}, batch)
    targets = [[x[:, :, 1 - RUN["silent"]:].detach() for x in layer] for layer in cache]

    out = {f"weights.{k}": v for k, v in weights.items()}
    out.update({**teacher, **student, **projection, **rem, "silent.ids": silent_ids})
    print_recipe(out, "codi", {**teacher, **student, **projection}, lambda live: codi(weights, live, batch))
    print_recipe(out, "silent", {**student, **rem}, lambda live: silent(weights, live, batch, silent_ids, targets))
    old = random.normal(len(batch), max(map(len, batch.answers)) + 1, scale=0.5, mean=-3)
    advantages = random.normal(len(batch))
    print_recipe(out, "policy", student, lambda live: policy(weights, live, batch, old, advantages)[0])
    _, out["policy.reference"] = policy(weights, student, batch, old, advantages)
    out.update({"policy.old": old, "policy.advantages": advantages})
    for key, (ids, mask) in {
        "questions": pad_left(batch.questions),
        "explicit": pad_right([r + batch.prompt + a + [EOS] for r, a in zip(batch.rationales, batch.answers)]),
        "answerInputs": pad_right([batch.prompt + a for a in batch.answers]),
        "answerTargets": pad_right([a + [EOS] for a in batch.answers]),
    }.items():
        out[f"batch.{key}"], out[f"batch.{key}Mask"] = ids, mask
    out["batch.anchors"] = torch.tensor([len(r) + len(batch.prompt) - 1 for r in batch.rationales])
    meta = {"by": "torch float64", "seed": 7, "config": CONFIG.hugging_face(), "run": RUN, "prompt": batch.prompt}
    write_golden("proofs", meta, out)


if __name__ == "__main__":
    main()
