"""Prints the goldens of a LOTUS-style training step (arXiv:2606.31779, its loss on latents), in float64:

    /usr/bin/python3 scripts/goldens/methods/lotus.py

    lotus.golden.json    adapters; samples; for each case its terms and every gradient

Question, n blocks of c latents, prompt, answer. A latent is the softmax mixture of embeddings, or the hidden state itself, of the
position before it. The final state at position j of block i predicts token j of gold step i, through the model's own head: the mean of
the cross entropy over all such tokens of the batch; where `at` is before, the state one position earlier, from which the latent was made,
does. Tokens beyond c, steps beyond n, and latents without a token count for nothing.
"""
import torch

from _reference import Reference
from rows import ALPHA, CONFIGS, EOS, RANK, families, log_likelihood, print_case, student_lora, write_golden

WEIGHTS = {"answer": 1.25, "gold": 0.6}
SAMPLES = {"questions": [4, 6, 3], "steps": [[3, 2], [4, 3, 2], [2]], "answers": [1, 2, 1], "prompt": 3}
CASES = {
    "llama": {
        "one": {"blocks": 1, "width": 1, "filter": "softmax", "temperature": 1.5},
        "two": {"blocks": 2, "width": 3, "filter": "hidden", "temperature": 1},
        "five": {"blocks": 5, "width": 1, "filter": "softmax", "temperature": 1},
    },
    "qwen2": {
        "two": {"blocks": 2, "width": 2, "filter": "softmax", "temperature": 0.8},
        "before": {"blocks": 1, "width": 2, "filter": "softmax", "temperature": 1.2, "at": "before"},
        "five": {"blocks": 5, "width": 1, "filter": "hidden", "temperature": 1},
    },
}
SHORT = [("qwen2", "before"), ("qwen2", "five")]


def terms_of(family, weights, live, samples, case):
    model = Reference(CONFIGS[family], weights, live, RANK, ALPHA)
    decoder, c = model.decoder, case["width"]
    gold, answers = [], []
    for sample in samples:
        x = model.embed(sample["question"])
        for _ in range(case["blocks"] * c):
            h = model.states(x)[-1:, -1]
            z = h if case["filter"] == "hidden" else (decoder.logits(h) / case["temperature"]).softmax(-1) @ decoder.embedding
            x = torch.cat([x, z])
        start = len(sample["question"])
        target, prompt = sample["answer"] + [EOS], sample["prompt"]
        states = model.states(x, model.embed(prompt + target[:-1]))[:, -1]
        for i, step in enumerate(sample["steps"][: case["blocks"]]):
            ids = step[:c]
            first = start + i * c - (case.get("at") == "before")
            gold.append(log_likelihood(decoder, states[first : first + len(ids)], ids))
        answers.append(log_likelihood(decoder, states[len(x) + len(prompt) - 1 :], target))
    terms = {"gold": -torch.cat(gold).mean(), "answer": -torch.cat(answers).mean()}
    return {name: WEIGHTS[name] * value for name, value in terms.items()}


def main():
    out, meta = {}, {"by": "torch float64", "rank": RANK, "alpha": ALPHA, "weights": WEIGHTS, "cases": CASES, "samples": {}}
    for family, _, weights, random, samples in families(430, SAMPLES, meta):
        trained = student_lora(family, random)
        out.update({f"{family}.{k}": v for k, v in trained.items()})
        for name, case in CASES[family].items():
            terms = lambda live, case=case: terms_of(family, weights, live, samples, case)  # noqa: E731
            print_case(out, f"{family}.{name}", trained, terms, ["student.layers.0.q.A", "student.layers.1.down.B"], (family, name) in SHORT)
    write_golden("lotus", meta, out)


if __name__ == "__main__":
    main()
