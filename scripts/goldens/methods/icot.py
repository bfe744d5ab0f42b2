"""Prints the goldens of stepwise internalization (iCoT, arXiv:2405.14838), in float64:

    /usr/bin/python3 scripts/goldens/methods/icot.py

    icot.golden.json    adapters, samples; for each case its term and every gradient; P(o) of removal smoothing

A sample: question, eos, what is left of the chain, eos, prompt, answer, eos. The first k tokens of the chain are removed, or
its last k; k is each sample's own, since smoothing adds o to the scheduled number. Cross entropy of everything after the first
eos, the mean over all such tokens of the batch. Each sample is one sequence, run alone in one pass.
"""
import math

import torch

from rows import EOS, Run, decoder_of, families, log_likelihood, print_case, student_lora, write_golden

SAMPLES = {"questions": [4, 6, 3], "chains": [7, 3, 5], "answers": [1, 2, 1], "prompt": 3}
# Tokens removed from each sample.
CASES = {
    "llama": {
        "none": {"removed": [0, 0, 0], "side": "left"},
        "left": {"removed": [2, 2, 3], "side": "left"},
        "right": {"removed": [2, 2, 3], "side": "right"},
        "all": {"removed": [99, 99, 99], "side": "left"},
    },
    "qwen2": {"left": {"removed": [4, 3, 4], "side": "left"}},
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
        before = sample["question"] + [EOS]
        run = Run(decoder)
        states = run.tokens(before + target[:-1])
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
            print_case(out, f"{family}.{name}", trained, terms, ["student.layers.0.q.A"])
    out["smoothing"] = smoothing()[:8]
    write_golden("icot", meta, out)


if __name__ == "__main__":
    main()
