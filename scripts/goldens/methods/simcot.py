"""Prints the goldens of SIM-CoT's training step on CODI's latents (arXiv:2509.20317), in float64:

    /usr/bin/python3 scripts/goldens/methods/simcot.py

    simcot.golden.json    trained values; samples; for each case its terms and every gradient

CODI's terms (_reference.py), and an auxiliary decoder: the base model with a LoRA of its own. K + 1 slots: slot k is the vector
that would be fed after k thoughts, slot 0 that after the begin-of-thought token. The decoder reads the slot's vector and the tokens of
its step, from position 0, and predicts the step and an end-of-sequence token. Steps beyond the slots are joined in the last one; a slot
may have none. The mean of the cross entropy over a slot's tokens in the batch; the mean over slots that have any.
`released`: the targets as the released code cuts them, no longer than those of the batch's first row in the slot, and one token.
"""
import torch
import torch.nn.functional as F

from _reference import BOT, EOT, Reference, distilled_terms, random_projection
from kava import RUN, WIDTH
from rows import ALPHA, CONFIGS, EOS, RANK, families, part, print_case, random_lora, write_golden
from model import Decoder, Lora

WEIGHTS = {"answer": 1.25, "teacher": 0.8, "distillation": 2.5, "explain": 1.5}
SAMPLES = {"questions": [4, 6, 3], "steps": [[3, 2], [4, 3, 2, 5], [2]], "answers": [1, 2, 1], "prompt": 3}
CASES = {
    "llama": {
        "one": {"latents": 1},
        "two": {"latents": 2},
        "five": {"latents": 5, "projection": False},
    },
    "qwen2": {
        "two": {"latents": 2},
        "one": {"latents": 1},
        "five": {"latents": 5},
        "released": {"latents": 2, "released": True},
    },
}
SHORT = [("qwen2", "one"), ("qwen2", "five"), ("qwen2", "released")]


def targets_of(steps, slots):
    """Token lists, one for each slot."""
    out = [step + [EOS] for step in steps[: slots - 1]]
    rest = [token for step in steps[slots - 1 :] for token in step]
    return out + [rest + [EOS] if rest else []] + [[]] * (slots - 1 - len(out))


def thoughts_with_slots(model, question, run):
    x, slots = torch.cat([model.embed(question), model.token(BOT)]), []
    for _ in range(run["latents"] + 1):
        slots.append(model.projected(model.states(x)[-1:, -1], run["projection"]))
        x = torch.cat([x, slots[-1]])
    return torch.cat([x[:-1], model.token(EOT)]), slots


def terms_of(family, weights, live, samples, case):
    config, run = CONFIGS[family], {**RUN, **case}
    model = Reference(config, weights, live, RANK, ALPHA)
    explainer = Decoder(config, weights, Lora(part(live, "decoder."), RANK, ALPHA))
    K = case["latents"] + 1
    rows, steps, vectors = [], [], []
    for sample in samples:
        q, prompt, answer = (sample[key] for key in ("question", "prompt", "answer"))
        before, slots = thoughts_with_slots(model, q, run)
        rows.append((before, q, [token for step in sample["steps"] for token in step], prompt, answer))
        steps.append(targets_of(sample["steps"], K)), vectors.append(slots)
    explained = []
    for slot in range(K):
        losses, tokens = [], 0
        for row, own in enumerate(steps):
            ids = own[slot]
            if case.get("released"):
                ids = ids[: len(steps[0][slot]) + 1]
            if not ids:
                continue
            x = torch.cat([vectors[row][slot], explainer.embed(torch.tensor(ids[:-1], dtype=torch.long))])
            h = explainer.forward(x[None], torch.ones(1, len(x), dtype=torch.long))[0][0][:, -1]
            losses.append(F.cross_entropy(explainer.logits(h), torch.tensor(ids), reduction="sum"))
            tokens += len(ids)
        if tokens > 0:
            explained.append(sum(losses) / tokens)
    terms = {**distilled_terms(model, rows, run), "explain": torch.stack(explained).mean()}
    return {name: WEIGHTS[name] * value for name, value in terms.items()}


def main():
    out, meta = {}, {"by": "torch float64", "rank": RANK, "alpha": ALPHA, "width": WIDTH, "weights": WEIGHTS, "cases": CASES, "samples": {}}
    for family, config, weights, random, samples in families(420, SAMPLES, meta):
        lora = lambda name: {f"{name}.{k}": v for k, v in random_lora(config, random, RANK, config.layers).items()}  # noqa: E731
        trained = {**lora("student"), **lora("decoder"), "tokens": random.normal(2, config.hidden, scale=0.5)}
        projection = random_projection(random, config.hidden, WIDTH)
        out.update({f"{family}.{k}": v for k, v in {**trained, **projection}.items()})
        for name, case in CASES[family].items():
            own = {**trained, **(projection if case.get("projection", True) else {})}
            terms = lambda live, case=case: terms_of(family, weights, live, samples, case)  # noqa: E731
            checked = ["decoder.layers.0.q.A", "decoder.layers.1.down.B"] + (["projection.in.weight"] if case.get("projection", True) else [])
            print_case(out, f"{family}.{name}", own, terms, checked, (family, name) in SHORT)
    write_golden("simcot", meta, out)


if __name__ == "__main__":
    main()
