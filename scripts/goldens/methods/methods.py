"""Prints the goldens of CODI, CoT-SFT, PauseFT and PCCoT, in float64:

    /usr/bin/python3 scripts/goldens/methods/methods.py [family …]

    methods-llama.golden.json, methods-qwen2.golden.json, methods-gpt2.golden.json    weights, trained values, batch; terms and
                       every gradient by case; of some also the trained values after three steps of AdamW

Autograd is compared with fourth-order differences of one value of every parameter.
"""
import sys

import torch

from _gpt2 import Gpt2Config, random_gpt2
from _reference import Reference, random_projection, terms_of
from rows import ALPHA, OPTIMISER, RANK, Config, Random, after_three_steps, projections, random_lora, write_golden
from model import random_model

WEIGHTS = {"answer": 1.25, "distillation": 2.5, "teacher": 0.8, "explicit": 0.7}
DEFAULTS = {
    "latents": 2, "iterations": 1, "pauses": 5, "projection": True, "trainTokens": True, "supervised": "prompt", "full": False,
    "position": "prompt", "form": "l1", "scale": "layer", "embeddings": False,
}
CASES = {
    "codi": ("codi", {}),
    "codi-official": ("codi", {
        "latents": 5, "form": "smooth-l1", "embeddings": True, "position": "after", "trainTokens": False,
    }),
    "codi-bare": ("codi", {"latents": 1, "projection": False, "scale": "none", "supervised": "answer"}),
    "cot": ("cot", {}),
    "pause": ("pause", {}),
    "pause-two": ("pause", {"pauses": 2}),
    "pause-answer": ("pause", {"pauses": 1, "supervised": "answer"}),
    "pccot": ("pccot", {"latents": 5, "iterations": 2, "form": "smooth-l1"}),
    "pccot-two": ("pccot", {"latents": 2, "iterations": 1}),
    "pccot-pauses": ("pccot", {"latents": 2, "iterations": 0, "form": "smooth-l1", "scale": "all"}),
    "pccot-bare": ("pccot", {"latents": 1, "iterations": 3, "projection": False, "form": "smooth-l1"}),
    # All weights in place of the LoRA.
    "codi-full": ("codi", {"full": True}),
    "cot-full": ("cot", {"full": True}),
}
VARIANTS = {
    "llama": {
        "config": Config("llama", 16, 20, 2, 4, 2, 23, 1e-5, 100.0, True), "seed": 21, "projection": 10,
        "questions": [3, 5, 2], "rationales": [4, 0, 5], "answers": [1, 2, 2], "prompt": 3, "cases": [name for name in CASES if name != "cot-full"],
    },
    "qwen2": {
        "config": Config("qwen2", 12, 18, 3, 3, 1, 19, 1e-6, 500.0, False), "seed": 22, "projection": 7,
        "questions": [4, 2], "rationales": [2, 3], "answers": [2, 1], "prompt": 2,
        "cases": [
            "codi", "codi-official", "codi-bare", "cot", "pause", "pause-two", "pause-answer", "pccot", "pccot-two", "pccot-bare",
            "cot-full",
        ],
    },
    "gpt2": {
        "config": Gpt2Config(12, 20, 2, 3, 21, 32, 1e-5), "seed": 23, "projection": 9,
        "questions": [2, 4], "rationales": [3, 2], "answers": [1, 2], "prompt": 2,
        "cases": ["codi", "codi-official", "pccot", "codi-full"],
    },
}
# Of these the projections of gradients only.
SHORT = [("llama", "pause-two"), ("llama", "pccot-two")] + [("qwen2", case) for case in ("codi-bare", "pause-two", "pause-answer", "pccot-two", "pccot-bare")]
# Of these the trained values after three steps too. Of GPT-2's key biases the gradient is 0 (the softmax is the same for scores that are
# all shifted by q·b), so that AdamW moves them by the sign of rounding errors: the test leaves them out.
STEPPED = [("llama", "codi"), ("llama", "codi-full"), ("qwen2", "cot-full"), ("gpt2", "codi"), ("gpt2", "codi-full"), ("qwen2", "pccot"), ("qwen2", "pause"), ("qwen2", "cot")]


def weighted(config, weights, live, method, batch, run):
    terms = terms_of(Reference(config, weights, live, RANK, ALPHA), method, batch, run)
    return {k: WEIGHTS[k] * v for k, v in terms.items()}


def check_differences(case, parameters, terms_at):
    """Without the distillation term: its targets are held fixed by autograd, and move in a difference."""
    worst, step = 0.0, 2e-5
    again = {k: v.clone().requires_grad_() for k, v in parameters.items()}
    sum(v for k, v in terms_at(again).items() if k != "distillation").backward()
    for key in parameters:
        known = again[key].grad
        if known is None or not known.norm() > 0:
            continue
        sides = []
        for offset in (1, -1, 2, -2):
            moved = {k: v.clone() for k, v in parameters.items()}
            moved[key].view(-1)[-1] += offset * step
            with torch.no_grad():
                sides.append(sum(v for k, v in terms_at(moved).items() if k != "distillation"))
        found = (8 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / (12 * step)
        worst = max(worst, ((found - known.reshape(-1)[-1]).abs() / known.norm()).item())
    assert worst < 1e-7, f"{case}: autograd and differences differ by {worst}"
    return worst


def main(name, variant):
    config, random = variant["config"], Random(variant["seed"])
    weights = (random_gpt2 if config.model_type == "gpt2" else random_model)(config, random)
    draw = lambda lengths: [random.tokens(2, config.vocab, n) for n in lengths]  # noqa: E731
    batch = {
        "questions": draw(variant["questions"]), "rationales": draw(variant["rationales"]),
        "answers": draw(variant["answers"]), "prompt": random.tokens(2, config.vocab, variant["prompt"]),
    }
    parameters = {f"student.{k}": v for k, v in random_lora(config, random, RANK, config.layers).items()}
    parameters["tokens"] = random.normal(3, config.hidden, scale=0.5)
    parameters.update(random_projection(random, config.hidden, variant["projection"]))

    out = {f"weights.{k}": v for k, v in weights.items()}
    out.update(parameters)
    cases = {}
    whole = {f"weights.{k}": v for k, v in weights.items()}
    whole.update({k: v for k, v in parameters.items() if not k.startswith("student.")})
    for case in variant["cases"]:
        method, changes = CASES[case]
        run = {**DEFAULTS, **changes}
        trained = whole if run["full"] else parameters
        live = {k: v.clone().requires_grad_() for k, v in trained.items()}
        terms = weighted(config, weights, live, method, batch, run)
        sum(terms.values()).backward()
        out.update({f"{case}.weighted.{k}": v for k, v in terms.items()})
        reached = {k: v.grad for k, v in live.items() if v.grad is not None}
        if (name, case) in SHORT:
            out[f"{case}.projections"] = projections(reached)
        else:
            out.update({f"{case}.grad.{k}": gradient for k, gradient in reached.items()})
        at = lambda values, method=method, run=run: weighted(config, weights, values, method, batch, run)  # noqa: E731
        error = check_differences(case, trained, at)
        print(f"  {name} {case}: autograd against differences {error:.1e}")
        if (name, case) in STEPPED:
            after_three_steps(out, case, trained, at)
        cases[case] = {"method": method, **run}
    meta = {
        "by": "torch float64", "seed": variant["seed"], "config": config.hugging_face(), "rank": RANK, "alpha": ALPHA,
        "optimiser": OPTIMISER, "weights": WEIGHTS, "projection": variant["projection"], "batch": batch, "eos": 1, "cases": cases,
    }
    write_golden(f"methods-{name}", meta, out)


if __name__ == "__main__":
    for name, variant in VARIANTS.items():
        if len(sys.argv) < 2 or name in sys.argv[1:]:
            main(name, variant)
