"""Prints layer.golden.json: one decoder layer with LoRA on its seven linears, forward and gradients, in float64.

    /usr/bin/python3 scripts/goldens/lori/layer.py

The scalar differentiated is ⟨cotangent.y, y⟩ (`gradY.*`, of x and the past only), and ⟨cotangent.y, y⟩ + ⟨cotangent.k, k⟩ + ⟨cotangent.v, v⟩
(`grad.*`), k and v being those of the S columns fed. Cotangents are zero at pads, where the output may be anything.
"""
import torch

from files import Random, write_golden
from model import Config, Lora, additive_mask, decoder_layer, random_layer, random_lora

B, S, RANK, ALPHA = 2, 5, 2, 3.0
CONFIGS = {
    "llama": Config("llama", 16, 24, 1, 4, 2, 40, 1e-5, 10000.0, True),
    "qwen2": Config("qwen2", 16, 24, 1, 4, 2, 40, 1e-6, 500.0, False),
}
CASES = [
    # name, family (names the weights and adapters too), P, pads at the left of each sample
    ("llama", "llama", 3, [0, 2]),
    ("qwen2", "qwen2", 4, [3, 0]),
    ("llamaQuestion", "llama", 0, [0, 2]),
]


def case(name, config, weights, lora, past_count, pads, seed):
    random = Random(seed)
    x = random.normal(B, S, config.hidden)
    kv = (B, config.kv_heads, past_count, config.head_dim)
    past_k, past_v = random.normal(*kv), random.normal(*kv)
    total = past_count + S
    key_mask = (torch.arange(total)[None, :] >= torch.tensor(pads)[:, None]).long()
    rows = key_mask[:, past_count:].double()
    cy = random.normal(B, S, config.hidden) * rows[:, :, None]
    ck = random.normal(B, config.kv_heads, S, config.head_dim) * rows[:, None, :, None]
    cv = random.normal(B, config.kv_heads, S, config.head_dim) * rows[:, None, :, None]

    leaves = {"x": x, **lora}
    if past_count > 0:
        leaves.update({"pastK": past_k, "pastV": past_v})

    def run(values):
        past = (values["pastK"], values["pastV"]) if past_count > 0 else None
        mask = additive_mask(key_mask, past_count, S)
        y, (k, v) = decoder_layer(config, weights, "", 0, values["x"], past, mask, Lora(values, RANK, ALPHA))
        return y, k, v

    def scalar(values, with_kv):
        y, k, v = run(values)
        return (cy * y).sum() + (((ck * k).sum() + (cv * v).sum()) if with_kv else 0)

    out = {f"{name}.x": x}
    if past_count > 0:
        out[f"{name}.pastK"], out[f"{name}.pastV"] = past_k, past_v
    out[f"{name}.keyMask"] = key_mask
    out.update({f"{name}.cotangent.y": cy, f"{name}.cotangent.k": ck, f"{name}.cotangent.v": cv})
    y, k, v = run(leaves)
    out.update({f"{name}.y": y, f"{name}.k": k, f"{name}.v": v})
    for label, with_kv in (("gradY", False), ("grad", True)):
        live = {key: value.clone().requires_grad_() for key, value in leaves.items()}
        scalar(live, with_kv).backward()
        kept = live if with_kv else {key: value for key, value in live.items() if key in ("x", "pastK", "pastV")}
        out.update({f"{name}.{label}.{key}": value.grad for key, value in kept.items()})
        for key in ("x", "layers.0.down.A", "layers.0.k.B"):
            finite_difference(lambda values: scalar(values, with_kv), leaves, key, live[key].grad, f"{name} {key}")
    pad_grad = out[f"{name}.grad.x"] * (1 - rows[:, :, None])
    assert pad_grad.abs().max() == 0, "a pad column must not matter"
    meta = {
        "config": config.hugging_face(), "batch": B, "columns": S, "past": past_count, "pads": pads,
        "rank": RANK, "alpha": ALPHA, "seed": seed,
    }
    return meta, out


def finite_difference(f, values, key, gradient, what):
    """The element of largest gradient, by central differences of fourth order; gives the relative error."""
    at = gradient.abs().argmax().item()
    step, numeric = 1e-5, 0.0
    for offset, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
        moved = values[key].clone()
        moved.view(-1)[at] += offset * step
        numeric += weight * f({**values, key: moved}).item() / (12 * step)
    analytic = gradient.reshape(-1)[at].item()
    error = abs(numeric - analytic) / abs(analytic)
    assert error < 1e-7, f"{what}: {numeric} by differences, {analytic} by autograd"
    return error


if __name__ == "__main__":
    metas, tensors, families = {}, {}, {}
    for index, (family, config) in enumerate(CONFIGS.items()):
        random = Random(100 + index)
        families[family] = (random_layer(config, random, ""), random_lora(config, random, RANK, 1))
        tensors.update({f"{family}.weight.{k}": v for k, v in families[family][0].items()})
        tensors.update({f"{family}.lora.{k}": v for k, v in families[family][1].items()})
    for index, (name, family, past_count, pads) in enumerate(CASES):
        meta, out = case(name, CONFIGS[family], *families[family], past_count, pads, 200 + index)
        metas[name] = {"family": family, **meta}
        tensors.update(out)
    write_golden("layer", {"by": "torch float64", "cases": metas}, tensors)
