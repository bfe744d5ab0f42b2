"""Prints the goldens of GRPO on adaptive latent reasoning (Ning, Kuo & Gomes, §3.3), in float64:

    /usr/bin/python3 scripts/goldens/methods/grpo.py

    grpo.golden.json    rewards and advantages of groups (meta.groups); a policy step's terms and every gradient

Reward of a completion: −1 if badly formatted (then it is also incorrect), + 1 if correct, and for a correct one
coef · (l − mean)/(max − min) over the lengths l of the group's correct completions, 0 if those are all equal; coef is −penalty
where the share of correct ones is at least the cutoff, else +reward. Advantage: (r − mean)/(std + 1e-4) within the group,
std unbiased (as TRL normalises), 0 for a group of one.

The step: completions of given actions, decisions (n times to go on, then to stop) and tokens after END, eos included where
the completion ended. What the fewest and the most latents leave no choice in was not drawn, and does not count. Terms: −A·exp(l − sg l), whose gradient is −A∇l, and exp(r − l) − (r − l) − 1 with r the reference's
log-probabilities, which are given (DeepSeekMath, eq. 3 and 4); each the mean over a completion's actions, then over completions.
"""
import math

import torch
import torch.nn.functional as F

from adaptive import filtered, modules
from rows import CONFIGS, EOS, OPTIMISER, Random, Run, decoder_of, log_likelihood, print_case, student_lora, student_weights, write_golden

COEFFICIENTS = {"penalty": 1e-4, "reward": 0.1, "cutoff": 1.0}
# (formatted, correct, length) of each completion.
GROUPS = {
    "all wrong": ([(1, 0, 3), (1, 0, 5), (0, 0, 9), (1, 0, 2)], COEFFICIENTS),
    "all wrong, all alike": ([(1, 0, 3), (1, 0, 5), (1, 0, 9)], COEFFICIENTS),
    "all right, equal lengths": ([(1, 1, 8)] * 4, COEFFICIENTS),
    "all right": ([(1, 1, 8), (1, 1, 3), (1, 1, 4), (1, 1, 2)], COEFFICIENTS),
    "all right, a larger penalty": ([(1, 1, 8), (1, 1, 3), (1, 1, 4), (1, 1, 2)], {**COEFFICIENTS, "penalty": 0.3}),
    "some right": ([(1, 1, 8), (1, 0, 3), (0, 0, 12), (1, 1, 2), (1, 1, 5)], COEFFICIENTS),
    "some right, equal lengths": ([(1, 1, 5), (1, 0, 3), (0, 0, 12), (1, 1, 5)], COEFFICIENTS),
    "one right": ([(1, 0, 8), (1, 1, 3), (0, 0, 4)], COEFFICIENTS),
    "at the cutoff": ([(1, 1, 8), (1, 1, 3), (1, 1, 4), (1, 0, 2)], {**COEFFICIENTS, "cutoff": 0.75}),
    "at a cutoff that floats round": ([(1, 1, 2), (1, 1, 3), (1, 1, 7), (1, 0, 2), (0, 0, 2)], {**COEFFICIENTS, "cutoff": 0.6}),
    "below the cutoff": ([(1, 1, 8), (1, 1, 3), (1, 0, 4), (1, 0, 2)], {**COEFFICIENTS, "cutoff": 0.75}),
    "alone": ([(1, 1, 4)], COEFFICIENTS),
}
WEIGHTS = {"policy": 1.5, "kl": 0.7}
LATENTS = {"min": 1, "max": 5}
# Four completions of two questions: latents, tokens after END, whether it ended.
COMPLETIONS = [{"latents": 2, "tokens": 4, "ended": True}, {"latents": 1, "tokens": 2, "ended": True},
               {"latents": 5, "tokens": 5, "ended": False}, {"latents": 3, "tokens": 1, "ended": True}]


def rewards(group, penalty, reward, cutoff):
    lengths = [l for _, correct, l in group if correct]
    share = len(lengths) / len(group)
    coefficient = -penalty if share >= cutoff else reward
    out = []
    for formatted, correct, length in group:
        relative = 0.0
        if correct and max(lengths) > min(lengths):
            relative = coefficient * (length - sum(lengths) / len(lengths)) / (max(lengths) - min(lengths))
        out.append({"format": 0.0 if formatted else -1.0, "correct": float(correct), "length": relative})
    return out


def advantages(totals):
    mean = sum(totals) / len(totals)
    if len(totals) == 1:
        return [0.0]
    std = math.sqrt(sum((r - mean) ** 2 for r in totals) / (len(totals) - 1))
    return [(r - mean) / (std + 1e-4) for r in totals]


def log_probabilities(decoder, live, completion):
    """Of the decisions, then of the tokens."""
    run = Run(decoder)
    start, end = live["tokens"]
    run.feed(torch.cat([decoder.embed(torch.tensor(completion["question"])), start[None]]))
    decided = [run.last]
    for _ in range(completion["latents"]):
        run.feed(filtered(decoder, run.last, live, "mlp")[None])
        decided.append(run.last)
    decisions = F.linear(torch.stack(decided), live["stop.weight"], live["stop.bias"]).log_softmax(-1)
    text = completion["text"]
    states = run.feed(torch.cat([end[None], decoder.embed(torch.tensor(text[:-1], dtype=torch.long))]))
    return torch.cat([decisions[:-1, 0], decisions[-1:, 1], log_likelihood(decoder, states[:, -1], text)])


def drawn(completion):
    decisions = [LATENTS["min"] <= t < LATENTS["max"] for t in range(completion["latents"] + 1)]
    return torch.tensor(decisions + [True] * len(completion["text"]))


def terms_of(family, weights, live, completions, differences):
    decoder = decoder_of(family, weights, live)
    policy, kl = 0.0, 0.0
    for completion in completions:
        chosen = drawn(completion)
        l = log_probabilities(decoder, live, completion)[chosen]
        # exp(l − sg l) has no gradient by differences: for these its first order is l itself.
        gain = l if differences else (l - l.detach()).exp()
        policy = policy - completion["advantage"] * gain.mean()
        r = torch.tensor(completion["reference"])[chosen]
        kl = kl + ((r - l).exp() - (r - l) - 1).mean()
    return {"policy": WEIGHTS["policy"] * policy / len(completions), "kl": WEIGHTS["kl"] * kl / len(completions)}


def main():
    meta = {"by": "torch float64", "optimiser": OPTIMISER, "weights": WEIGHTS, "latents": LATENTS, "groups": {}, "completions": {}}
    for name, (group, coefficients) in GROUPS.items():
        parts = rewards(group, **coefficients)
        totals = [sum(part.values()) for part in parts]
        meta["groups"][name] = {
            "completions": [{"formatted": bool(f), "correct": bool(c), "length": l} for f, c, l in group],
            "coefficients": coefficients, "rewards": parts, "advantages": advantages(totals),
        }
    out = {}
    for seed, (family, config) in enumerate(CONFIGS.items()):
        random, weights = Random(330 + seed), student_weights(family)
        trained = {**student_lora(family, random), **modules(random, config.hidden)}
        questions = [random.tokens(2, config.vocab, n) for n in (5, 3)]
        completions = []
        for i, shape in enumerate(COMPLETIONS):
            text = random.tokens(2, config.vocab, shape["tokens"]) + ([EOS] if shape["ended"] else [])
            completion = {"question": questions[i // 2], "latents": shape["latents"], "text": text}
            own = log_probabilities(decoder_of(family, weights, trained), trained, completion)
            completion["advantage"] = float(random.normal(1))
            completion["reference"] = (own + random.normal(len(own), scale=0.6)).float().tolist()
            completions.append(completion)
        meta["completions"][family] = completions
        out.update({f"{family}.{k}": v for k, v in trained.items()})
        terms = lambda live, on=False: terms_of(family, weights, live, completions, on)  # noqa: E731
        live = {k: v.clone().requires_grad_() for k, v in trained.items()}
        by_differences = torch.autograd.grad(sum(terms(live, True).values()), list(live.values()))
        own = torch.autograd.grad(sum(terms(live).values()), list(live.values()))
        assert all((a - b).abs().max() < 1e-12 for a, b in zip(by_differences, own))
        print_case(out, f"{family}.step", trained, terms, [])
    write_golden("grpo", meta, out)


if __name__ == "__main__":
    main()
