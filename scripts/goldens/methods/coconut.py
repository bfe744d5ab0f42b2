"""Prints the goldens of Coconut's training step (arXiv:2412.06769), in float64:

    /usr/bin/python3 scripts/goldens/methods/coconut.py

    coconut.golden.json    adapters, start and end token; samples; for each case its terms and every gradient

A sample at stage s: question | start | n latents | end | steps from the s-th on | prompt | answer | eos. The embedding at a
latent's place is the final hidden state one position before it, not detached. Cross entropy of everything after `end`,
the mean over all such tokens of the batch. n is c·s up to s = S; beyond it no step is left, and n is c·S, or, without
padding to the maximum, c·min(steps, S). Each sample is run alone, with no padding.

`instead` of a latent: `pauses`, one learned token, a third row of `tokens`, that many times; `nothing`, and neither start nor end, so
that the question's last position predicts the first token.

Where a case draws stages of single samples (`stages`), they are given, one a sample.
"""
import torch

from rows import EOS, Run, decoder_of, families, log_likelihood, print_case, projections, student_lora, three_steps, write_golden

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
    },
    "qwen2": {
        "five": {"stages": [1, 1, 1], "c": 5, "pad": True},
        "one": {"stages": [1, 1, 1], "c": 1, "pad": True},
        "unequal": {"stages": [3, 3, 3], "c": 1, "pad": False},
        "pauses": {"stages": [1, 1, 1], "c": 5, "pad": True, "instead": "pauses"},
        "pauses-drawn": {"stages": [2, 0, 1], "c": 1, "pad": True, "instead": "pauses"},
        "nothing": {"stages": [2, 0, 1], "c": 1, "pad": True, "instead": "nothing"},
    },
}
SHORT = [("llama", "five"), ("qwen2", "one")]
# Of these, which all print projections, what three steps of AdamW move the trained tensors by too.
STEPPED = [("qwen2", "pauses"), ("qwen2", "nothing")]
S = 2
WEIGHT = 1.25


def latents_of(case, stage, steps):
    if stage <= S:
        return case["c"] * stage
    return case["c"] * (S if case["pad"] else min(steps, S))


def rest_of(sample, stage):
    left = [] if stage > S else sample["steps"][stage:]
    return [id for step in left for id in step] + sample["prompt"] + sample["answer"] + [EOS]


def sample_log_likelihood(decoder, markers, sample, latents, stage):
    run = Run(decoder)
    questions, rest = decoder.embed(torch.tensor(sample["question"])), rest_of(sample, stage)
    if markers is None:
        states = run.feed(torch.cat([questions, decoder.embed(torch.tensor(rest[:-1]))]))
        return log_likelihood(decoder, states[len(questions) - 1 :, -1], rest)
    start, end, *pause = markers
    run.feed(torch.cat([questions, start[None]]))
    for _ in range(latents):
        run.feed(pause[0][None] if pause else run.last[None])
    x = torch.cat([end[None], decoder.embed(torch.tensor(rest[:-1]))])
    states = run.feed(x)
    return log_likelihood(decoder, states[:, -1], rest)


def answer(family, weights, live, samples, case):
    decoder = decoder_of(family, weights, live)
    each = [
        sample_log_likelihood(decoder, live.get("tokens"), sample, latents_of(case, stage, len(sample["steps"])), stage)
        for sample, stage in zip(samples, case["stages"])
    ]
    return {"answer": -WEIGHT * torch.cat(each).mean()}


def main():
    out, meta = {}, {"by": "torch float64", "S": S, "weight": WEIGHT, "cases": CASES, "samples": {}}
    for family, config, weights, random, samples in families(300, SAMPLES, meta):
        lora = student_lora(family, random)
        tokens = random.normal(2, config.hidden, scale=0.5)
        rows = {None: tokens, "pauses": torch.cat([tokens, random.normal(1, config.hidden, scale=0.5)])}
        out.update({f"{family}.{k}": v for k, v in {**lora, "tokens": rows["pauses"]}.items()})
        for name, case in CASES[family].items():
            instead = case.get("instead")
            trained = {**lora, **({} if instead == "nothing" else {"tokens": rows[instead]})}
            terms = lambda live, case=case: answer(family, weights, live, samples, case)  # noqa: E731
            checked = [k for k in ("tokens", "student.layers.0.q.A") if k in trained]
            short = (family, name) in SHORT or instead is not None
            print_case(out, f"{family}.{name}", trained, terms, checked, short)
            if (family, name) in STEPPED:
                moved = three_steps(trained, terms)
                out[f"{family}.{name}.after3.projections"] = projections({k: moved[k] - trained[k] for k in trained})
    write_golden("coconut", meta, out)


if __name__ == "__main__":
    main()
