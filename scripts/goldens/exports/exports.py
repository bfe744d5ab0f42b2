"""Tiny random decoders exported by torch.onnx.export with Optimum's interface, and what torch computes of them: writes
src/engine/testing/golden/exports. Run: /usr/bin/python3 scripts/goldens/exports/exports.py

Weights are multiples of 1/16, which float16 holds exactly, so that one reference serves both types, and files compress.
"""
import base64
import json
import pathlib

import torch

from _gpt2 import Gpt2
from _half import half_products
from _interface import export, write
from _llama import Llama

OUT = pathlib.Path(__file__).parents[3] / "src/engine/testing/golden/exports"
V, H = 96, 24
PROMPTS = [[40, 71, 5, 93, 18, 66, 2, 2, 57], [9, 77, 51, 1, 23, 60], [34, 12, 95, 45]]
NEW = 12
# Chosen so that greedy continuations neither hang on rounding nor repeat one token: see `reference`.
SEEDS = {"llama": 10, "qwen2": 8, "gpt2": 67}
# How far the best logit is ahead of the next at every step, so that rounding decides none. Float16, in which the first is
# exported too, changes logits by 0.02, with some weights by 0.2.
AHEAD = {"llama": 0.25, "qwen2": 0.1, "gpt2": 0.1}

LLAMA = {
    "model_type": "llama", "vocab_size": V, "hidden_size": H, "intermediate_size": 28, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 48, "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0, "tie_word_embeddings": False, "hidden_act": "silu",
}
QWEN2 = {**LLAMA, "model_type": "qwen2", "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": True}
GPT2 = {
    "model_type": "gpt2", "vocab_size": V, "n_embd": H, "n_layer": 3, "n_head": 4, "n_inner": 44, "n_positions": 48,
    "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new",
}
# The generation of the code: see _llama.py.
OLD = {"mask": "added", "rotary": "table", "positions": "past", "wide_logits": True}
RECENT = {"mask": "scattered", "rotary": "product", "positions": "mask", "wide_logits": False}

MODEL, FIRST, LATER, HALF = "model.onnx", "decoder_model.onnx", "decoder_with_past_model.onnx", "model_fp16.onnx"
# By name: the file's name, the model and its code, the opset, whether constants are folded, and what else differs.
EXPORTS = {
    "llama-14": (MODEL, LLAMA, RECENT, 14, True, {}),
    "llama-17-unfolded": (MODEL, LLAMA, RECENT, 17, False, {}),
    "llama-fp16": (HALF, LLAMA, RECENT, 14, True, {}),
    "llama-without-past": (FIRST, LLAMA, OLD, 16, False, {"past": False}),
    "llama-unmasked": (LATER, LLAMA, {**OLD, "unmasked": True}, 14, True, {"columns": 1}),
    "qwen2-positions-from-mask": (MODEL, QWEN2, RECENT, 16, False, {"positions": False}),
    "qwen2-positions-from-cache": (LATER, QWEN2, OLD, 14, True, {"positions": False, "columns": 1}),
    "gpt2-positions-from-cache": (MODEL, GPT2, {}, 14, True, {"positions": False}),
    "gpt2-17-unfolded": (MODEL, GPT2, {}, 17, False, {}),
    "gpt2-without-past": (FIRST, GPT2, {}, 16, True, {"past": False}),
}


def build(config, code):
    """The model with its weights, the same ones whatever generation its code is of."""
    model = (Gpt2 if config is GPT2 else Llama)({**config, **code}).eval()
    generator = torch.Generator().manual_seed(SEEDS[config["model_type"]])
    with torch.no_grad():
        for name, weight in model.named_parameters():
            values = torch.randn(weight.shape, generator=generator)
            one = 1.0 if "norm" in name or "ln_" in name and name.endswith("weight") else 0.0
            spread = 1.0 if name.split(".")[-2] in ("embed_tokens", "wte", "lm_head") else 0.4
            weight.copy_(one + (values * spread * 16).round() / 16)
    return model.requires_grad_(False)


def reference(model):
    """States [L + 1, T, H] and logits [T, V] of every prompt, one after the other, and their greedy continuations."""
    cases = []
    for prompt in PROMPTS:
        whole = torch.tensor([prompt])
        logits, past = model(whole, torch.ones_like(whole))
        states = torch.cat(model.states)
        ids = []
        step = logits[0, -1]
        for n in range(NEW):
            first, second = step.topk(2).values
            assert first - second > AHEAD[model.c["model_type"]], (prompt, n, float(first - second))
            ids.append(int(step.argmax()))
            seen = torch.ones(1, len(prompt) + n + 1, dtype=torch.int64)
            step, past = model(torch.tensor([ids[-1:]]), seen, None, past)
            step = step[0, -1]
        # The cache changes nothing.
        again = torch.tensor([prompt + ids])
        assert torch.allclose(model(again, torch.ones_like(again))[0][0, -1], step, atol=1e-4)
        assert len(set(ids)) > 3, ids
        cases.append({"prompt": prompt, "states": base64_of(states), "logits": base64_of(logits[0]), "greedy": ids})
    check_padding(model)
    return cases


def check_padding(model):
    """A row padded on the left gives what it gives without padding: the mask is read."""
    row = torch.tensor([PROMPTS[2]])
    padded = torch.cat([torch.zeros(1, 3, dtype=torch.int64), row], 1)
    mask = (torch.arange(padded.shape[1]) >= 3).long()[None]
    at = (mask.cumsum(-1) - 1).clamp(min=0)
    want, got = model(row, torch.ones_like(row))[0], model(padded, mask, at)[0][:, 3:]
    assert torch.allclose(want, got, atol=1e-4)


def check_same(model, cases):
    """Code of another generation computes the same."""
    for case in cases:
        ids = torch.tensor([case["prompt"]])
        want = torch.frombuffer(bytearray(base64.b64decode(case["logits"])), dtype=torch.float32)
        assert torch.allclose(model(ids, torch.ones_like(ids))[0].flatten(), want, atol=1e-4)


def base64_of(x):
    return base64.b64encode(x.contiguous().numpy().astype("<f4").tobytes()).decode()


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    goldens = {"models": {}, "exports": {}}
    for name, (file, config, code, opset, folding, options) in EXPORTS.items():
        model = build(config, code)
        kind = config["model_type"]
        if kind not in goldens["models"]:
            goldens["models"][kind] = {"config": config, "cases": reference(model)}
        known = goldens["models"][kind]
        check_same(model, known["cases"])
        if file == HALF:
            with half_products():
                data = export(model.half(), opset, folding, **options)
        else:
            data = export(model, opset, folding, **options)
        path = OUT / f"{name}.onnx.gz"
        write(path, data)
        goldens["exports"][name] = {"file": file, "model": kind}
        print(f"{name}: {len(data)} bytes, {path.stat().st_size} gzipped")
    with open(OUT / "exports.golden.json", "w") as f:
        json.dump(goldens, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
