"""Prints the goldens of KaVa's training step (arXiv:2510.02312), in float64:

    /usr/bin/python3 scripts/goldens/methods/kava.py

    kava.golden.json    trained values; samples; for each case its terms, every gradient, and which tokens are kept

PCCoT's terms (_reference.py), and the keys and values of the M latents (of the last run) against
M of the teacher's: in every layer and key head, of a row's N rationale tokens those of largest S = λ·I + (1 − λ)·R, in
the order of time. I: attention of the answer's tokens to the rationale's, normed over the rationale; the mean over the
answer's tokens and the heads that share a key. R: softmax over the rationale of −(1/N)·Σ_{j≠i} cos(k_i, k_j). Keys are those
before RoPE. ½(D(K̃, K) + D(Ṽ, V)) with D smooth L1 or the squared difference, the mean (or sum) over the head size, the mean over heads
and over all kept tokens of the batch (a row with N < M keeps N), divided, where `scaled`, by the unbiased standard
deviation of what is kept in the layer; the mean over layers. K̃, Ṽ and S pass no gradient.
"""
import torch
import torch.nn.functional as F

from _reference import Reference, distilled_terms, jacobi_thoughts, random_projection
from rows import ALPHA, CONFIGS, RANK, families, print_case, student_lora, write_golden
from model import LINEARS, rms_norm, rope_tables, rotate

WIDTH = 10
WEIGHTS = {"answer": 1.25, "teacher": 0.8, "distillation": 2.5, "keyValues": 3.5}
RUN = {"projection": True, "trainTokens": True, "supervised": "answer", "position": "prompt", "form": "smooth-l1", "scale": "layer", "embeddings": False}
SAMPLES = {"questions": [4, 6, 3], "chains": [7, 2, 5], "answers": [1, 2, 1], "prompt": 3}
CASES = {
    "llama": {
        "sequential": {"iterations": 2, "latents": 2, "lambda": 0.1, "kind": "smooth-l1", "scaled": True, "over": "mean"},
        "refined": {"latents": 5, "iterations": 2, "lambda": 0.4, "kind": "mse", "scaled": False, "over": "sum"},
        "one": {"latents": 1, "iterations": 1, "lambda": 1.0, "kind": "mse", "scaled": True, "over": "mean"},
    },
    "qwen2": {
        "redundancy": {"iterations": 1, "latents": 2, "lambda": 0.0, "kind": "smooth-l1", "scaled": False, "over": "mean"},
        "importance": {"iterations": 1, "latents": 1, "lambda": 1.0, "kind": "smooth-l1", "scaled": True, "over": "mean"},
        "refined": {"iterations": 2, "latents": 5, "lambda": 0.3, "kind": "smooth-l1", "scaled": True, "over": "mean"},
    },
}
SHORT = [("qwen2", "importance"), ("qwen2", "refined")]


def linear(decoder, x, layer, name):
    key = f"model.layers.{layer}.{LINEARS[name]}"
    out = x @ decoder.weights[f"{key}.weight"].T + decoder.lora.delta(x, layer, name)
    return out + decoder.weights.get(f"{key}.bias", 0)


def heads_of(decoder, x):
    """Queries, keys before RoPE and values of each layer for one sequence x [n, H]: [heads, n, D] each."""
    config, found = decoder.config, []
    states = decoder.forward(x[None], torch.ones(1, len(x), dtype=torch.long))[0][0]
    for layer in range(config.layers):
        inputs = x if layer == 0 else states[:, layer - 1]
        normed = rms_norm(inputs, decoder.weights[f"model.layers.{layer}.input_layernorm.weight"], config.eps)
        split = lambda name, heads: linear(decoder, normed, layer, name).reshape(len(x), heads, -1).transpose(0, 1)  # noqa: E731
        found.append((split("q", config.heads), split("k", config.kv_heads), split("v", config.kv_heads)))
    return states, found


def kept_tokens(config, q, k, chain, answers, M, share):
    """Indices into `chain` for each key head, and the smallest gap between scores that decided."""
    n, N = q.shape[1], len(chain)
    cos, sin = rope_tables(config, 0, n)
    group = config.heads // config.kv_heads
    scores = rotate(q, cos, sin) @ rotate(k, cos, sin).repeat_interleave(group, 0).transpose(1, 2) / config.head_dim**0.5
    scores = scores.masked_fill(torch.ones(n, n).triu(1).bool(), -torch.inf).softmax(-1)
    among = scores[:, answers][:, :, chain]
    among = among / among.sum(-1, keepdim=True)
    chosen, gap = [], torch.inf
    for head in range(config.kv_heads):
        I = among[head * group : (head + 1) * group].mean((0, 1))  # noqa: E741
        keys = F.normalize(k[head, chain], dim=-1)
        similar = keys @ keys.T
        R = (-(similar.sum(-1) - similar.diagonal()) / N).softmax(-1)
        S = share * I + (1 - share) * R
        order = S.argsort(descending=True)
        if N > M:
            gap = min(gap, (S[order[M - 1]] - S[order[M]]).item())
        chosen.append(sorted(order[:M].tolist()))
    return chosen, gap


def terms_of(family, weights, live, samples, case, kept_out=None):
    config, run = CONFIGS[family], {**RUN, **case}
    model = Reference(config, weights, live, RANK, ALPHA)
    decoder, M = model.decoder, case["latents"]
    rows = []
    pairs = [[] for _ in range(config.layers)]  # (own k, own v, kept k, kept v), [kv, m, D] each
    for sample in samples:
        q, r, prompt, answer = (sample[key] for key in ("question", "rationale", "prompt", "answer"))
        before = jacobi_thoughts(model, q, run)
        rows.append((before, q, r, prompt, answer))
        own = heads_of(decoder, before)[1]
        said = torch.cat([model.embed(q), model.embed(r + prompt + answer)])
        with torch.no_grad():
            teacher = heads_of(decoder, said)[1]
        chain = list(range(len(q), len(q) + len(r)))
        answers = list(range(len(q) + len(r) + len(prompt), len(said)))
        for layer in range(config.layers):
            tq, tk, tv = teacher[layer]
            chosen, gap = kept_tokens(config, tq, tk, chain, answers, M, case["lambda"])
            assert gap > 1e-4, f"scores differ by {gap} only"
            if kept_out is not None:
                kept_out.append(chosen)
            _, k, v = own[layer]
            columns = list(range(len(q) + 1, len(q) + 1 + min(M, len(r))))
            at = lambda x: torch.stack([x[h, [chain[i] for i in ids]] for h, ids in enumerate(chosen)])  # noqa: E731
            pairs[layer].append((k[:, columns], v[:, columns], at(tk), at(tv)))
    layers = []
    for each in pairs:
        k, v, kept_k, kept_v = (torch.cat([pair[i] for pair in each], 1) for i in range(4))  # [kv, all kept, D]
        def apart(x, y):
            d = F.smooth_l1_loss(x, y, reduction="none") if case["kind"] == "smooth-l1" else (x - y) ** 2
            d = (d.sum(-1) if case["over"] == "sum" else d.mean(-1)).mean()
            return d / y.std(unbiased=True) if case["scaled"] else d
        layers.append((apart(k, kept_k) + apart(v, kept_v)) / 2)
    terms = {**distilled_terms(model, rows, run), "keyValues": torch.stack(layers).mean()}
    return {name: WEIGHTS[name] * value for name, value in terms.items()}


def main():
    out, meta = {}, {"by": "torch float64", "rank": RANK, "alpha": ALPHA, "width": WIDTH, "weights": WEIGHTS, "cases": CASES, "samples": {}, "kept": {}}
    for family, config, weights, random, samples in families(410, SAMPLES, meta):
        trained = student_lora(family, random)
        trained["tokens"] = random.normal(3, config.hidden, scale=0.5)
        trained.update(random_projection(random, config.hidden, WIDTH))
        out.update({f"{family}.{k}": v for k, v in trained.items()})
        for name, case in CASES[family].items():
            terms = lambda live, case=case: terms_of(family, weights, live, samples, case)  # noqa: E731
            # The teacher's side is held fixed in differences of what it does not read.
            print_case(out, f"{family}.{name}", trained, terms, ["projection.in.weight", "projection.norm.bias"], (family, name) in SHORT)
            kept = []
            terms_of(family, weights, trained, samples, case, kept)
            meta["kept"][f"{family}.{name}"] = kept
    write_golden("kava", meta, out)


if __name__ == "__main__":
    main()
