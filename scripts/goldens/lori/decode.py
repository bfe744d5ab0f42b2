"""Prints what a decoder shows of itself, and what interventions make of it, in float64:

    /usr/bin/python3 scripts/goldens/lori/decode.py

    decode.golden.json    weights, adapter, inputs; attention weights, keys, values, hidden states

Two left-padded questions of S columns, then a token each, then a vector each: T = S + 2 columns, computed all at once
(no cache). An intervention is h → h·P + s at one site of one layer, at every column (`all`) or at those after the
question (`after`). At `residual` of the last layer h is the state after the final norm, hidden_states[L].

B samples, L layers, H hidden size, KV heads of keys, D head size.
"""
import torch

from files import Random, write_golden
from model import LINEARS, Config, Decoder, Lora, additive_mask, random_lora, random_model, rms_norm, rope_tables, rotate
from step import pad_left

CONFIG = Config("qwen2", 16, 20, 2, 4, 2, 23, 1e-6, 100.0, False)
RANK, ALPHA, LENGTHS, LATER = 2, 3.0, [3, 5], 2
SITES = ["attention.in", "q.in", "k.in", "v.in", "attention.out", "mlp.in", "mlp.out", "residual"]


def run(weights, lora, x, key_mask, at):
    """x [B, T, H]. Hidden states [B, T, L, H], attention weights [B, L, heads, T, T], keys and values [L, B, KV, T, D];
    `at(site, layer, h)` is what stands at each site."""
    B, T, _ = x.shape
    mask = additive_mask(key_mask, 0, T)
    cos, sin = rope_tables(CONFIG, 0, T)
    states, attention, keys, values = [], [], [], []
    for i in range(CONFIG.layers):
        prefix = f"model.layers.{i}."

        def linear(h, name):
            key = f"{prefix}{LINEARS[name]}"
            return h @ weights[f"{key}.weight"].T + weights.get(f"{key}.bias", 0) + lora.delta(h, i, name)

        def heads(h, name, count):
            return linear(h, name).reshape(B, T, count, CONFIG.head_dim).transpose(1, 2)

        h = at("attention.in", i, rms_norm(x, weights[f"{prefix}input_layernorm.weight"], CONFIG.eps))
        q = rotate(heads(at("q.in", i, h), "q", CONFIG.heads), cos, sin)
        k = rotate(heads(at("k.in", i, h), "k", CONFIG.kv_heads), cos, sin)
        v = heads(at("v.in", i, h), "v", CONFIG.kv_heads)
        repeat = CONFIG.heads // CONFIG.kv_heads
        scores = q @ k.repeat_interleave(repeat, 1).transpose(2, 3) / CONFIG.head_dim**0.5
        weight = (scores + mask).softmax(-1)
        context = (weight @ v.repeat_interleave(repeat, 1)).transpose(1, 2).reshape(B, T, -1)
        x = x + at("attention.out", i, linear(context, "o"))
        h = at("mlp.in", i, rms_norm(x, weights[f"{prefix}post_attention_layernorm.weight"], CONFIG.eps))
        gate = linear(h, "gate")
        x = x + at("mlp.out", i, linear(gate * gate.sigmoid() * linear(h, "up"), "down"))
        if i == CONFIG.layers - 1:
            x = rms_norm(x, weights["model.norm.weight"], CONFIG.eps)
        x = at("residual", i, x)
        states.append(x), attention.append(weight), keys.append(k), values.append(v)
    return torch.stack(states, 2), torch.stack(attention, 1), torch.stack(keys), torch.stack(values)


def main():
    random = Random(17)
    weights = random_model(CONFIG, random)
    adapter = random_lora(CONFIG, random, RANK, CONFIG.layers)
    lora = Lora(adapter, RANK, ALPHA)
    H, B = CONFIG.hidden, len(LENGTHS)
    ids, question_mask = pad_left([random.tokens(2, CONFIG.vocab, n) for n in LENGTHS])
    S = ids.shape[1]
    tokens = torch.tensor(random.tokens(2, CONFIG.vocab, B))
    vector = random.normal(B, H, scale=0.8)
    matrix, shift = random.normal(H, H, scale=0.8 / H**0.5), random.normal(H, scale=0.5)
    embedding = weights["model.embed_tokens.weight"]
    x = torch.cat([embedding[ids], embedding[tokens][:, None], vector[:, None]], 1)
    key_mask = torch.cat([question_mask, torch.ones(B, LATER, dtype=torch.long)], 1)

    out = {f"weights.{k}": v for k, v in weights.items()}
    out.update({f"lora.{k}": v for k, v in adapter.items()})
    out.update({"ids": ids, "keyMask": question_mask, "tokens": tokens, "vector": vector})
    out.update({"matrix": matrix, "shift": shift})

    plain, attention, keys, values = run(weights, lora, x, key_mask, lambda site, layer, h: h)
    known, _ = Decoder(CONFIG, weights, lora).forward(x, key_mask)
    seen = key_mask[:, :, None, None].bool()
    assert ((plain - known) * seen).abs().max() < 1e-12, "not the decoder of model.py"
    out["hidden"], out["keys"], out["values"] = plain[:, -1], keys, values
    for t in range(LATER + 1):
        out[f"attention.{t}"] = attention[:, :, :, S - 1 + t, : S + t]

    for site in SITES:
        for layer in range(CONFIG.layers):
            for where, start in (("all", 0), ("after", S)):

                def at(here, i, h):
                    if (here, i) != (site, layer):
                        return h
                    return torch.cat([h[:, :start], h[:, start:] @ matrix + shift], 1)

                states, weight, _, _ = run(weights, lora, x, key_mask, at)
                name = f"{site}.{layer + 1}.{where}"
                assert (states - plain)[:, -1].abs().max() > 1e-3, f"{name} changes nothing"
                out[f"{name}.hidden"], out[f"{name}.attention"] = states[:, -1], weight[:, :, :, -1]
    meta = {
        "by": "torch float64", "seed": 17, "config": CONFIG.hugging_face(), "rank": RANK, "alpha": ALPHA,
        "question": S, "sites": SITES,
    }
    write_golden("decode", meta, out)


if __name__ == "__main__":
    main()
