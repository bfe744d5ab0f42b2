"""Prints the goldens of DART's training step (arXiv:2506.11752, §3), in float64:

    /usr/bin/python3 scripts/goldens/methods/dart.py

    dart.golden.json    adapters and silent token; samples; for each case its terms and every gradient; what two of the
                        parameters are after three steps of AdamW

Two runs of the same question. CoT: question | rationale | prompt | answer, with LoRA; cross entropy as two means over the
batch's tokens, of rationale and prompt, and of the answer. Silent thought: question | C times one learned embedding |
prompt | answer, with REM before the key and the value projection, k = W_K (h + (α/d)·W₂W₁ᵀh); cross entropy of the answer.
Between them, at the prompt's last token (or the one after it, `position`), the mean over layers of |h_CoT − h_ST| ÷ σ, σ the unbiased standard deviation of
the batch's B×H values of h_CoT: the mean over the hidden size, or (`norm` sum) its sum. h_CoT and σ pass no gradient, or
(`joint`) do. Where `both` is set, the silent pathway runs REM on top of LoRA. In REM's place (`kind`, the ablations of table 3) there is
LoRA of its own on keys and values, of REM's width and scale, or nothing. Every sample is run alone, unpadded.
"""
import torch

from rows import ALPHA, CONFIGS, EOS, RANK, Run, families, log_likelihood, part, print_case, random_lora, write_golden
from model import LINEARS, Decoder, Lora

REM = {"width": 3, "alpha": 4.0}
WEIGHTS = {"chain": 0.8, "chainAnswer": 1.1, "answer": 1.25, "distil": 2.5}
SAMPLES = {"questions": [4, 6, 3], "chains": [7, 0, 5], "answers": [1, 2, 1], "prompt": 3}
CASES = {
    "llama": {
        "one": {"count": 1},
        "sum": {"count": 2, "norm": "sum"},
        "joint": {"count": 5, "joint": True, "both": True},
        "none": {"count": 0},
        "lora": {"count": 2, "kind": "lora"},
        "base": {"count": 2, "kind": "none"},
    },
    "qwen2": {
        "two": {"count": 2},
        "one": {"count": 1, "position": "answer-start"},
        "five": {"count": 5},
        "twice": {"count": 2, "kind": "lora", "both": True},
        "cot": {"count": 2, "kind": "none", "both": True},
    },
}
SHORT = [("qwen2", "one"), ("qwen2", "five"), ("llama", "lora"), ("llama", "base"), ("qwen2", "twice"), ("qwen2", "cot")]
# The silent pathway's tensors of each kind, by their last name, and those whose gradients are held against differences.
FACTORS = {"rem": ("w1", "w2"), "lora": ("A", "B"), "none": ()}
CHECKED = {
    "rem": ["silent.layers.0.k.w1", "silent.layers.1.v.w2"],
    "lora": ["silent.layers.0.k.A", "silent.layers.1.v.B"],
    "none": ["tokens"],
}


class Rem:
    """What LoRA and REM add to a layer's linears: with REM, k and v read h + (α/d)·W₂W₁ᵀh, LoRA's share of them too."""

    def __init__(self, weights, rem, lora=None):
        self.weights, self.rem, self.lora = weights, rem, lora

    def delta(self, x, layer, name):
        more = 0
        if name in ("k", "v"):
            w1, w2 = (self.rem[f"layers.{layer}.{name}.{factor}"] for factor in ("w1", "w2"))
            more = REM["alpha"] / REM["width"] * (x @ w1) @ w2.T
        out = 0 if self.lora is None else self.lora.delta(x + more, layer, name)
        return out + (0 if name not in ("k", "v") else more @ self.weights[f"model.layers.{layer}.{LINEARS[name]}.weight"].T)


class Both:
    """What several LoRAs add to a layer's linears: each reads the same input."""

    def __init__(self, *loras):
        self.loras = loras

    def delta(self, x, layer, name):
        return sum(lora.delta(x, layer, name) for lora in self.loras)


def silent_adapter(weights, live, case, cot):
    """What the silent pathway adds to the linears. cot: the LoRA of the written pathway."""
    kind, beneath = case.get("kind", "rem"), [cot] if case.get("both") else []
    own = part(live, "silent.")
    if kind == "rem":
        return Rem(weights, own, *beneath)
    return Both(*beneath, *([Lora(own, REM["width"], REM["alpha"])] if kind == "lora" else []))


def terms_of(family, weights, live, samples, case):
    config = CONFIGS[family]
    lora = Lora(part(live, "cot."), RANK, ALPHA)
    explicit = Decoder(config, weights, lora)
    silent = Decoder(config, weights, silent_adapter(weights, live, case, lora))
    chain, chain_answer, answer, targets, own = [], [], [], [], []
    for sample in samples:
        before, target = sample["rationale"] + sample["prompt"], sample["answer"] + [EOS]
        run = Run(explicit)
        start = len(sample["question"])
        states = run.tokens(sample["question"] + before + target[:-1])
        known = log_likelihood(explicit, states[start - 1 :, -1], before + target)
        chain.append(known[: len(before)])
        chain_answer.append(known[len(before) :])
        after = case.get("position") == "answer-start"
        targets.append(states[start + len(before) - 1 + after])
        run = Run(silent)
        run.tokens(sample["question"])
        if case["count"] > 0:
            run.feed(live["tokens"].expand(case["count"], -1))
        states = run.tokens(sample["prompt"] + target[:-1])
        at = len(sample["prompt"]) - 1
        answer.append(log_likelihood(silent, states[at:, -1], target))
        own.append(states[at + after])
    target, own = torch.stack(targets), torch.stack(own)  # [B, L, H]
    if not case.get("joint"):
        target = target.detach()
    distance = (target - own).abs()
    distance = distance.sum(-1) if case.get("norm") == "sum" else distance.mean(-1)
    sigma = torch.stack([target[:, layer].std(unbiased=True) for layer in range(config.layers)])
    mean = lambda parts: -torch.cat(parts).mean()  # noqa: E731
    terms = {"chain": mean(chain), "chainAnswer": mean(chain_answer), "answer": mean(answer), "distil": (distance / sigma).mean()}
    return {name: WEIGHTS[name] * value for name, value in terms.items()}


def main():
    out = {}
    meta = {"by": "torch float64", "rank": RANK, "alpha": ALPHA, "rem": REM, "weights": WEIGHTS, "cases": CASES, "samples": {}}
    for family, config, weights, random, samples in families(400, SAMPLES, meta):
        trained = {f"cot.{k}": v for k, v in random_lora(config, random, RANK, config.layers).items()}
        trained.update({
            f"silent.layers.{layer}.{site}.{factor}": random.normal(config.hidden, REM["width"], scale=0.4)
            for layer in range(config.layers) for site in "kv" for factor in ("w1", "w2")
        })
        trained["tokens"] = random.normal(1, config.hidden, scale=0.5)
        shapes = config.linear_shapes()
        trained.update({
            f"silent.layers.{layer}.{site}.{factor}": random.normal(*shape, scale=scale)
            for layer in range(config.layers) for site in "kv"
            for factor, shape, scale in (
                ("A", (REM["width"], shapes[site][1]), 0.9 / shapes[site][1] ** 0.5),
                ("B", (shapes[site][0], REM["width"]), 0.3),
            )
        })
        out.update({f"{family}.{k}": v for k, v in trained.items()})
        for name, case in CASES[family].items():
            factors = FACTORS[case.get("kind", "rem")]
            own = {
                k: v for k, v in trained.items()
                if (k.split(".")[-1] in factors if k.startswith("silent.") else case["count"] > 0 or k != "tokens")
            }
            terms = lambda live, case=case: terms_of(family, weights, live, samples, case)  # noqa: E731
            # What is detached changes with the CoT adapter all the same, which differences would see.
            checked = CHECKED[case.get("kind", "rem")] + (["cot.layers.0.q.A"] if case.get("joint") else [])
            print_case(out, f"{family}.{name}", own, terms, checked, (family, name) in SHORT)
    write_golden("dart", meta, out)


if __name__ == "__main__":
    main()
