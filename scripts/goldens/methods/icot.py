"""Prints the goldens of stepwise internalization (iCoT, arXiv:2405.14838), in float64:

    /usr/bin/python3 scripts/goldens/methods/icot.py

    icot.golden.json    adapters, samples; for each case its term and every gradient; P(o) of removal smoothing

A sample: question, eos, what is left of the chain, eos, prompt, answer, eos. The first k tokens of the chain are removed, or
its last k; k is each sample's own, since smoothing adds o to the scheduled number. Cross entropy of everything after the first
eos, the mean over all such tokens of the batch. Each sample is one sequence, run alone in one pass.

`kept`: positions from the token before the cut on are the old ones. Here, as many columns as were removed stand before that token (of a
cut on the left the first eos), and nothing sees them.
"""
import math

import torch

from rows import EOS, decoder_of, families, log_likelihood, print_case, projections, student_lora, three_steps, write_golden

SAMPLES = {"questions": [4, 6, 3], "chains": [7, 3, 5], "answers": [1, 2, 1], "prompt": 3}
# Tokens removed from each sample.
CASES = {
    "llama": {
        "none": {"removed": [0, 0, 0], "side": "left"},
        "left": {"removed": [2, 2, 3], "side": "left"},
        "right": {"removed": [2, 2, 3], "side": "right"},
        "all": {"removed": [99, 99, 99], "side": "left"},
        "kept": {"removed": [2, 2, 3], "side": "left", "kept": True},
        "kept-all": {"removed": [99, 99, 99], "side": "left", "kept": True},
    },
    "qwen2": {
        "left": {"removed": [4, 3, 4], "side": "left"},
        "kept": {"removed": [2, 2, 2], "side": "left", "kept": True},
    },
}
WEIGHT = 0.8
LAMBDA = 4.0


def left_of(chain, removed, side):
    k = min(removed, len(chain))
    return chain[k:] if side == "left" else chain[: len(chain) - k]


def answer(family, weights, live, samples, case):
    decoder = decoder_of(family, weights, live)
    each = []
    for sample, removed in zip(samples, case["removed"]):
        target = left_of(sample["chain"], removed, case["side"]) + [EOS] + sample["prompt"] + sample["answer"] + [EOS]
        hidden = [0] * (min(removed, len(sample["chain"])) if case.get("kept") else 0)
        before = sample["question"] + hidden + [EOS]
        seen = torch.ones(1, len(before) + len(target) - 1, dtype=torch.long)
        seen[0, len(sample["question"]) : len(before) - 1] = 0
        x = decoder.embed(torch.tensor(before + target[:-1]))
        states = decoder.forward(x[None], seen)[0][0]
        each.append(log_likelihood(decoder, states[len(before) - 1 :, -1], target))
    return {"answer": -WEIGHT * torch.cat(each).mean()}


def smoothing():
    """P(o), o = 0…99: (1 − e^−λ)·e^−λo, the remainder on 99."""
    p = [(1 - math.exp(-LAMBDA)) * math.exp(-LAMBDA * k) for k in range(99)]
    return torch.tensor(p + [1 - sum(p)])


def main():
    out, meta = {}, {"by": "torch float64", "weight": WEIGHT, "lambda": LAMBDA, "cases": CASES, "samples": {}}
    for family, _, weights, random, samples in families(310, SAMPLES, meta, "chain"):
        trained = student_lora(family, random)
        out.update({f"{family}.{k}": v for k, v in trained.items()})
        for name, case in CASES[family].items():
            terms = lambda live, case=case: answer(family, weights, live, samples, case)  # noqa: E731
            print_case(out, f"{family}.{name}", trained, terms, ["student.layers.0.q.A"], "kept" in case)
            if family == "qwen2" and "kept" in case:
                moved = three_steps(trained, terms)
                out[f"{family}.{name}.after3.projections"] = projections({k: moved[k] - trained[k] for k in trained})
    out["smoothing"] = smoothing()[:8]
    write_golden("icot", meta, out)


if __name__ == "__main__":
    main()
