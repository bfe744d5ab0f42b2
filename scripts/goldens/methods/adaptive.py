"""Prints the goldens of the supervised step of adaptive latent reasoning (Ning, Kuo & Gomes), in float64:

    /usr/bin/python3 scripts/goldens/methods/adaptive.py

    adaptive.golden.json    adapters, start and end token, recurrent filter, stop head; samples; each case's terms and gradients

Teacher: question, rationale, prompt, answer, eos; mean cross entropy of all after the question. Student, with the same
weights: question, START, n latents, END, prompt, answer, eos. A latent's embedding is filter(final hidden state before it),
filter = LayerNorm(W₂ gelu(W₁h + b₁) + b₂), not detached. At START and at latents the stop head's two logits decide between
another latent (0) and END (1). Cross entropy of decisions and of the text after END: one mean over both, as two terms.

codi: at the prompt's last token, smooth L1 of the blocks' outputs to the teacher's, detached: per block the mean over batch and
hidden size divided by the teacher's unbiased std over both + 1e-8, mean over blocks. meaned: the same between the teacher's
mean over rationale tokens and the student's over latents, over the rows that have both. `skipped` blocks are left out at either end.
`filter`: one layer and RMSNorm and a bias (linear), or LayerNorm (linear-norm); softmax: softmax(logits)·E; none: the state itself.
`temperature`: the stop head's two logits are divided by it.
`shift`: codi is at the token after the prompt. `alone`: the stop head reads detached states.
`short`: index of a sample of which only the first step is taken.
n = min(max, max(min, factor·k + bias)) for k steps, the last one counted even where the rationale is without it.
"""
import torch
import torch.nn.functional as F

from rows import EOS, Run, decoder_of, families, log_likelihood, print_case, projections, student_lora, three_steps, write_golden

SAMPLES = {"questions": [4, 6, 3], "steps": [[3, 2, 4], [2, 3], [3, 3, 2, 2]], "answers": [1, 2, 1], "prompt": 3}
WEIGHTS = {"teacher": 0.8, "answer": 1.25, "stop": 0.9, "codi": 2.5, "meaned": 1.7}
CASES = {
    "llama": {
        "codi": {"factor": 1, "bias": -1, "min": 0, "max": 5, "dropLast": True, "skipped": 0, "terms": ["codi"]},
        "meaned": {"factor": 1, "bias": 0, "min": 1, "max": 3, "dropLast": False, "skipped": 0, "terms": ["meaned"]},
        "middle": {"factor": 3, "bias": -7, "min": 1, "max": 9, "dropLast": True, "skipped": 1, "terms": ["codi", "meaned"]},
    },
    "qwen2": {
        "fixed": {"factor": 0, "bias": 2, "min": 0, "max": 6, "dropLast": True, "skipped": 0, "terms": ["codi", "meaned"]},
        "unequal": {"factor": 3, "bias": -7, "min": 1, "max": 9, "dropLast": False, "skipped": 0, "terms": ["codi", "meaned"]},
    },
}
for family, name, filter in (("llama", "linear", "linear"), ("llama", "softmax", "softmax"), ("qwen2", "linear-norm", "linear-norm"), ("qwen2", "none", "none")):
    CASES[family][name] = {
        "factor": 1, "bias": -1, "min": 0, "max": 5, "dropLast": True, "skipped": 0, "terms": ["codi"],
        "filter": filter, "shift": 1, "alone": filter != "softmax",
    }
# As the first, but for the stop head's temperature.
CASES["llama"]["tempered"] = {**CASES["llama"]["codi"], "temperature": 0.4}
# Rows without a rationale, and without latents.
CASES["llama"]["no-rationale"] = {"factor": 1, "bias": 0, "min": 0, "max": 5, "dropLast": True, "skipped": 0, "terms": ["meaned"], "short": 1}
CASES["llama"]["no-latents"] = {"factor": 1, "bias": -1, "min": 0, "max": 5, "dropLast": False, "skipped": 1, "terms": ["codi", "meaned"], "short": 0}
SHORT = [("llama", "no-rationale"), ("llama", "no-latents"), ("llama", "tempered"), ("qwen2", "unequal"), ("llama", "linear"), ("llama", "softmax"), ("qwen2", "linear-norm"), ("qwen2", "none")]
# Of these, which print projections, what three steps of AdamW move the trained tensors by too.
STEPPED = [("qwen2", "linear-norm")]


def latents_of(case, sample):
    return min(case["max"], max(case["min"], case["factor"] * len(sample["steps"]) + case["bias"]))


def filtered(decoder, h, live, filter):
    if filter == "none":
        return h
    if filter == "softmax":
        return decoder.logits(h).softmax(-1) @ decoder.embedding
    if filter != "mlp":
        y = F.linear(h, live["filter.linear.weight"], live["filter.linear.bias"])
        if filter == "linear-norm":
            return F.layer_norm(y, (len(h),), live["filter.norm.weight"], live["filter.norm.bias"], 1e-5)
        return y / ((y * y).mean() + torch.finfo(torch.float32).eps).sqrt() * live["filter.norm.weight"] + live["filter.bias"]
    inner = F.gelu(F.linear(h, live["filter.in.weight"], live["filter.in.bias"]))
    out = F.linear(inner, live["filter.out.weight"], live["filter.out.bias"])
    return F.layer_norm(out, (len(h),), live["filter.norm.weight"], live["filter.norm.bias"], 1e-5)


def teacher_pass(decoder, sample, case):
    steps = sample["steps"][:-1] if case["dropLast"] else sample["steps"]
    rationale = [id for step in steps for id in step]
    text = rationale + sample["prompt"] + sample["answer"] + [EOS]
    q = len(sample["question"])
    states = Run(decoder).tokens(sample["question"] + text[:-1])
    anchor = q + len(rationale) + len(sample["prompt"]) - 1 + case.get("shift", 0)
    return {
        "log": log_likelihood(decoder, states[q - 1 :, -1], text),
        "anchor": states[anchor].detach(),
        "mean": states[q : q + len(rationale)].mean(0).detach() if rationale else None,
    }


def student_pass(decoder, live, sample, case):
    n = latents_of(case, sample)
    run = Run(decoder)
    start, end = live["tokens"]
    run.feed(torch.cat([decoder.embed(torch.tensor(sample["question"])), start[None]]))
    decided, thoughts = [run.last], []
    for _ in range(n):
        run.feed(filtered(decoder, run.last, live, case.get("filter", "mlp"))[None])
        decided.append(run.last)
        thoughts.append(run.states[-1])
    decided = torch.stack(decided)
    logits = F.linear(decided.detach() if case.get("alone") else decided, live["stop.weight"], live["stop.bias"])
    decisions = (logits / case.get("temperature", 1)).log_softmax(-1)
    text = sample["prompt"] + sample["answer"] + [EOS]
    states = run.feed(torch.cat([end[None], decoder.embed(torch.tensor(text[:-1]))]))
    return {
        "stop": torch.cat([decisions[:-1, 0], decisions[-1:, 1]]),
        "log": log_likelihood(decoder, states[:, -1], text),
        "anchor": states[len(sample["prompt"]) + case.get("shift", 0)],
        "mean": torch.stack(thoughts).mean(0) if thoughts else None,
    }


def aligned(students, teachers, skipped):
    """[B, L, H] each; the teacher's is detached."""
    own, target = torch.stack(list(students)), torch.stack(list(teachers))
    blocks = range(skipped, own.shape[1] - skipped)
    each = [F.smooth_l1_loss(own[:, i], target[:, i]) / (target[:, i].std(unbiased=True) + 1e-8) for i in blocks]
    return torch.stack(each).mean()


def terms_of(family, weights, live, samples, case):
    decoder = decoder_of(family, weights, live)
    teachers = [teacher_pass(decoder, sample, case) for sample in samples]
    students = [student_pass(decoder, live, sample, case) for sample in samples]
    stop, answer = (torch.cat([s[key] for s in students]) for key in ("stop", "log"))
    count = len(stop) + len(answer)
    terms = {
        "teacher": -torch.cat([t["log"] for t in teachers]).mean(),
        "answer": -answer.sum() / count,
        "stop": -stop.sum() / count,
    }
    for name, key in (("codi", "anchor"), ("meaned", "mean")):
        if name in case["terms"]:
            both = [(s[key], t[key]) for s, t in zip(students, teachers) if s[key] is not None and t[key] is not None]
            terms[name] = aligned(*zip(*both), case["skipped"])
    return {name: WEIGHTS[name] * value for name, value in terms.items()}


def modules(random, H):
    return {
        "tokens": random.normal(2, H, scale=0.5),
        "filter.in.weight": random.normal(H, H, scale=0.5), "filter.in.bias": random.normal(H, scale=0.3),
        "filter.out.weight": random.normal(H, H, scale=0.5), "filter.out.bias": random.normal(H, scale=0.3),
        "filter.norm.weight": random.normal(H, scale=0.2, mean=0.6), "filter.norm.bias": random.normal(H, scale=0.2),
        "stop.weight": random.normal(2, H, scale=0.5), "stop.bias": random.normal(2, scale=0.3),
    }


def linear_filter(random, H):
    """Of both linear filters, which share what they can."""
    return {
        "filter.linear.weight": random.normal(H, H, scale=0.5), "filter.linear.bias": random.normal(H, scale=0.3),
        "filter.bias": random.normal(H, scale=0.2),
    }


def trained_of(filter, trained, linear):
    if filter == "mlp":
        return trained
    without = {k: v for k, v in trained.items() if not k.startswith("filter.")}
    norm = {k: trained[k] for k in ("filter.norm.weight", "filter.norm.bias")}
    if filter == "linear-norm":
        return {**without, **norm, "filter.linear.weight": linear["filter.linear.weight"], "filter.linear.bias": linear["filter.linear.bias"]}
    return {**without, "filter.norm.weight": norm["filter.norm.weight"], **linear} if filter == "linear" else without


def main():
    out = {}
    meta = {"by": "torch float64", "weights": WEIGHTS, "cases": CASES, "samples": {}}
    for family, config, weights, random, samples in families(320, SAMPLES, meta):
        trained = {**student_lora(family, random), **modules(random, config.hidden)}
        linear = linear_filter(random, config.hidden)
        out.update({f"{family}.{k}": v for k, v in {**trained, **linear}.items()})
        for name, case in CASES[family].items():
            rows = [{**sample, "steps": sample["steps"][:1]} if i == case.get("short") else sample for i, sample in enumerate(samples)]
            print("  latents", [latents_of(case, sample) for sample in rows])
            terms = lambda live, case=case, rows=rows: terms_of(family, weights, live, rows, case)  # noqa: E731
            # Between the steps of differences, the teacher's states would move too: only what does not reach them.
            own = trained_of(case.get("filter", "mlp"), trained, linear)
            checked = ["tokens", "filter.in.weight", "filter.linear.weight", "filter.norm.weight", "stop.weight"]
            # Detached states move between the steps of differences too.
            checked = ["stop.weight"] if case.get("alone") else [k for k in checked if k in own]
            print_case(out, f"{family}.{name}", own, terms, checked, (family, name) in SHORT)
            if (family, name) in STEPPED:
                moved = three_steps(own, terms)
                out[f"{family}.{name}.after3.projections"] = projections({k: moved[k] - own[k] for k in own})
    write_golden("adaptive", meta, out)


if __name__ == "__main__":
    main()
