"""Prints the goldens of Coconut's training step (arXiv:2412.06769), in float64:

    /usr/bin/python3 scripts/goldens/methods/coconut.py

    coconut.golden.json    adapters, start and end token; samples; for each case its terms and every gradient

A sample at stage s: question | start | n latents | end | steps from the s-th on | prompt | answer | eos. The embedding at a
latent's place is the final hidden state one position before it, not detached. Cross entropy of everything after `end`,
the mean over all such tokens of the batch. n is c·s up to s = S; beyond it no step is left, and n is c·S, or, without
padding to the maximum, c·min(steps, S). Each sample is run alone, with no padding.

`instead` of a latent: `pauses`, one learned token, a third row of `tokens`, that many times; `nothing`, and neither start nor end, so
that the question's last position predicts the first token.

`explain`: SIM-CoT on Coconut (arXiv:2509.20317). An auxiliary decoder, the base with a LoRA of its own, reads the c embeddings fed as the
latents of group g, then step g, and predicts it and an eos from the last latent on. The S-th group says all steps from the S-th on; one that a sample has no step for
says what follows `end`. A group's cross entropy is summed and divided by the number of samples, or by its tokens; the mean over groups.

Where a case draws stages of single samples (`stages`), they are given, one a sample.
"""
import torch

from rows import (
    ALPHA, CONFIGS, EOS, RANK, Decoder, Lora, Run, decoder_of, families, log_likelihood, part, print_case, projections, random_lora,
    student_lora, three_steps, write_golden,
)

SAMPLES = {"questions": [4, 6, 3], "steps": [[3, 2, 4], [2], [3, 3]], "answers": [1, 2, 1], "prompt": 3}
# S = 2 here. `stages`: of each sample.
CASES = {
    "llama": {
        "start": {"stages": [0, 0, 0], "c": 2, "pad": True},  # no latent between start and end
        "one": {"stages": [1, 1, 1], "c": 1, "pad": True},
        "five": {"stages": [1, 1, 1], "c": 5, "pad": True},
        "last": {"stages": [3, 3, 3], "c": 1, "pad": True},  # every step dropped
        "unequal": {"stages": [3, 3, 3], "c": 2, "pad": False},
        "mixed": {"stages": [2, 0, 1], "c": 2, "pad": True},  # drawn, one by one
        "pauses": {"stages": [3, 3, 3], "c": 2, "pad": False, "instead": "pauses"},
        "nothing": {"stages": [1, 1, 1], "c": 2, "pad": True, "instead": "nothing"},
        "explain": {"stages": [3, 3, 3], "c": 2, "pad": True, "explain": "sequence"},
    },
    "qwen2": {
        "five": {"stages": [1, 1, 1], "c": 5, "pad": True},
        "one": {"stages": [1, 1, 1], "c": 1, "pad": True},
        "unequal": {"stages": [3, 3, 3], "c": 1, "pad": False},
        "pauses": {"stages": [1, 1, 1], "c": 5, "pad": True, "instead": "pauses"},
        "nothing": {"stages": [2, 0, 1], "c": 1, "pad": True, "instead": "nothing"},
        "explain": {"stages": [1, 1, 1], "c": 1, "pad": True, "explain": "sequence"},
        "explain-drawn": {"stages": [2, 0, 1], "c": 2, "pad": True, "explain": "token"},
    },
}
SHORT = [("llama", "five"), ("qwen2", "one")]
# Of these, which all print projections, what three steps of AdamW move the trained tensors by too.
STEPPED = [("qwen2", "pauses"), ("qwen2", "nothing"), ("qwen2", "explain")]
S = 2
WEIGHT = 1.25
DECODER_WEIGHT = 0.7


def latents_of(case, stage, steps):
    if stage <= S:
        return case["c"] * stage
    return case["c"] * (S if case["pad"] else min(steps, S))


def rest_of(sample, stage):
    left = [] if stage > S else sample["steps"][stage:]
    return [id for step in left for id in step] + sample["prompt"] + sample["answer"] + [EOS]


def explained(explainer, samples, case, thoughts):
    """thoughts: the embeddings fed as each sample's latents."""
    c, groups = case["c"], []
    for g in range(max(len(own) for own in thoughts) // c):
        nats, tokens = [], 0
        for sample, stage, own in zip(samples, case["stages"], thoughts):
            if len(own) < (g + 1) * c:
                continue
            steps = sample["steps"]
            if g >= len(steps):
                said = rest_of(sample, stage)
            else:
                said = [id for step in (steps[g:] if g == S - 1 else steps[g : g + 1]) for id in step] + [EOS]
            x = torch.cat([torch.stack(own[g * c : (g + 1) * c]), explainer.embed(torch.tensor(said[:-1], dtype=torch.long))])
            states = explainer.forward(x[None], torch.ones(1, len(x), dtype=torch.long))[0][0]
            nats.append(-log_likelihood(explainer, states[c - 1 :, -1], said).sum())
            tokens += len(said)
        groups.append(sum(nats) / (tokens if case["explain"] == "token" else len(samples)))
    return DECODER_WEIGHT * torch.stack(groups).mean()


def sample_log_likelihood(decoder, markers, sample, latents, stage, fed):
    run = Run(decoder)
    questions, rest = decoder.embed(torch.tensor(sample["question"])), rest_of(sample, stage)
    if markers is None:
        states = run.feed(torch.cat([questions, decoder.embed(torch.tensor(rest[:-1]))]))
        return log_likelihood(decoder, states[len(questions) - 1 :, -1], rest)
    start, end, *pause = markers
    run.feed(torch.cat([questions, start[None]]))
    for _ in range(latents):
        fed.append(pause[0] if pause else run.last)
        run.feed(fed[-1][None])
    x = torch.cat([end[None], decoder.embed(torch.tensor(rest[:-1]))])
    states = run.feed(x)
    return log_likelihood(decoder, states[:, -1], rest)


def terms_of(family, weights, live, samples, case):
    decoder, thoughts = decoder_of(family, weights, live), [[] for _ in samples]
    each = [
        sample_log_likelihood(decoder, live.get("tokens"), sample, latents_of(case, stage, len(sample["steps"])), stage, fed)
        for sample, stage, fed in zip(samples, case["stages"], thoughts)
    ]
    terms = {"answer": -WEIGHT * torch.cat(each).mean()}
    if "explain" in case:
        explainer = Decoder(CONFIGS[family], weights, Lora(part(live, "decoder."), RANK, ALPHA))
        terms["explain"] = explained(explainer, samples, case, thoughts)
    return terms


def main():
    out, meta = {}, {"by": "torch float64", "S": S, "weight": WEIGHT, "decoderWeight": DECODER_WEIGHT, "cases": CASES, "samples": {}}
    for family, config, weights, random, samples in families(300, SAMPLES, meta):
        lora = student_lora(family, random)
        tokens = random.normal(2, config.hidden, scale=0.5)
        rows = {None: tokens, "pauses": torch.cat([tokens, random.normal(1, config.hidden, scale=0.5)])}
        auxiliary = {f"decoder.{k}": v for k, v in random_lora(config, random, RANK, config.layers).items()}
        out.update({f"{family}.{k}": v for k, v in {**lora, "tokens": rows["pauses"], **auxiliary}.items()})
        for name, case in CASES[family].items():
            instead, explains = case.get("instead"), "explain" in case
            trained = {**lora, **({} if instead == "nothing" else {"tokens": rows[instead]}), **(auxiliary if explains else {})}
            terms = lambda live, case=case: terms_of(family, weights, live, samples, case)  # noqa: E731
            checked = [k for k in ("tokens", "student.layers.0.q.A", "decoder.layers.0.v.B") if k in trained]
            short = (family, name) in SHORT or instead is not None or explains
            print_case(out, f"{family}.{name}", trained, terms, checked, short)
            if (family, name) in STEPPED:
                moved = three_steps(trained, terms)
                out[f"{family}.{name}.after3.projections"] = projections({k: moved[k] - trained[k] for k in trained})
    write_golden("coconut", meta, out)


if __name__ == "__main__":
    main()
