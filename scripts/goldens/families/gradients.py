"""Gradients of LoRA on every linear of the tiny models of families.py, in float64 by torch: writes
src/engine/session/models/gradients.golden.json. Run: /usr/bin/python3 scripts/goldens/families/gradients.py

The loss is the mean cross entropy of the golden text's tokens after the first. It is differentiated on the weights as they
are, and on what 8 and 4 bits by blocks leave of the layers' matrices (../base/blocks.py, rows in the order [out, in]). Values of the
adapters come from families.py's generator (seed 7, v / 512), in the order of the list, and are not stored.
"""
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "base"))
import families as f  # noqa: E402
from blocks import dequantised  # noqa: E402

RANK, ALPHA, SEED = 2, 3, 7
CASES = ("llama, tied head", "qwen2, untied head", "qwen3, tied head", "gpt2, no prefix, old buffers, n_inner")
LLAMA = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
         "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj"}
GPT2 = {"q": "attn.c_attn", "k": "attn.c_attn", "v": "attn.c_attn", "o": "attn.c_proj", "up": "mlp.c_fc", "down": "mlp.c_proj"}


BITS = {"int8": 8, "int4": 4}


def kept(matrix, storage):
    """[out, in] as that storage leaves it, blocks along a row."""
    if storage == "f32":
        return matrix
    return torch.tensor(dequantised(matrix.to(torch.float32).numpy(), BITS[storage]).astype(np.float64))


class Adapted:
    """A checkpoint's tensors, the layers' matrices with their adapters, and as that storage leaves them."""

    def __init__(self, c, weights, storage):
        self.weights, self.parts, self.made = weights, [], {}
        generator = f.Generator(SEED)
        conv1d = c["family"] == "gpt2"
        names = GPT2 if conv1d else LLAMA
        layers = f"{c['prefix']}h." if conv1d else "model.layers."
        for i in range(f.L):
            whole = {}
            for linear, module in names.items():
                name = f"{layers}{i}.{module}.weight"
                w = weights[name].T if conv1d else weights[name]
                if name.endswith("c_attn.weight"):
                    at = "qkv".index(linear) * f.H
                    w = w[at:at + f.H]
                a = generator.values((RANK, w.shape[1]), 9, False).requires_grad_()
                b = generator.values((w.shape[0], RANK), 9, False).requires_grad_()
                self.parts += [(i, linear, "A", a), (i, linear, "B", b)]
                whole.setdefault(name, []).append(kept(w, storage) + ALPHA / RANK * b @ a)
            for name, rows in whole.items():
                joined = torch.cat(rows)
                self.made[name] = joined.T if conv1d else joined

    def __getitem__(self, name):
        return self.made.get(name, self.weights.get(name))

    get = __getitem__


def gradients(c, weights, storage):
    w = Adapted(c, weights, storage)
    forward = f.llama if c["family"] == "llama" else f.gpt2
    embedding = w["model.embed_tokens.weight"] if c["family"] == "llama" else w[c["prefix"] + "wte.weight"]
    head = embedding if c["tied"] else w["lm_head.weight"]
    states = forward(c, w, embedding[f.TEXT])
    loss = F.cross_entropy(states[-1][:-1] @ head.T, torch.tensor(f.TEXT[1:]))
    loss.backward()
    return {"loss": loss.item(), "gradients": f.floats([p.grad for *_, p in w.parts])}, w.parts


def main():
    out = []
    for number, (name, c, _config) in enumerate(f.cases()):
        if name not in CASES:
            continue
        weights = (f.llama_weights if c["family"] == "llama" else f.gpt2_weights)(c, 1000 + number)
        case = {"name": name}
        for storage in ("f32", "int8", "int4"):
            case[storage], parts = gradients(c, weights, storage)
        case["parts"] = [{"layer": i, "linear": linear, "factor": factor, "shape": list(p.shape)} for i, linear, factor, p in parts]
        out.append(case)
    assert len(out) == len(CASES)
    path = pathlib.Path(__file__).parents[3] / "src/engine/session/models/gradients.golden.json"
    lines = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in out)
    path.write_text('{\n "rank": %d,\n "alpha": %d,\n "seed": %d,\n "cases": [\n%s\n ]\n}\n' % (RANK, ALPHA, SEED, lines))
    print(path.name, len(out), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
