"""A LLaMA decoder in numpy float64, from config.json and model.safetensors, and what the lens computes from its states.

N tokens, L layers, H hidden size. Nothing here is shared with the engine or with the other goldens.
"""
import json
import os
import struct

import numpy as np
import scipy.linalg


def read_safetensors(path):
    """Tensors of one file, as float64."""
    with open(path, "rb") as f:
        raw = f.read()
    size = struct.unpack("<Q", raw[:8])[0]
    kinds = {"F32": "<f4", "F16": "<f2"}
    out = {}
    for name, info in json.loads(raw[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        low, high = info["data_offsets"]
        flat = np.frombuffer(raw[8 + size + low : 8 + size + high], dtype=kinds[info["dtype"]])
        out[name] = flat.reshape(info["shape"]).astype(np.float64)
    return out


def norm(x, weight, eps):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * weight


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Llama:
    def __init__(self, folder):
        with open(os.path.join(folder, "config.json")) as f:
            self.c = json.load(f)
        self.w = read_safetensors(os.path.join(folder, "model.safetensors"))
        assert self.c["model_type"] == "llama" and not self.c.get("rope_scaling")
        assert not self.c["attention_bias"] and not self.c["mlp_bias"] and self.c["tie_word_embeddings"]
        self.heads, self.kv_heads = self.c["num_attention_heads"], self.c["num_key_value_heads"]
        self.d = self.c.get("head_dim", self.c["hidden_size"] // self.heads)

    @property
    def embedding(self):
        return self.w["model.embed_tokens.weight"]

    def rotated(self, x):
        """x [heads, N, d]: RoPE, halves rotated against each other."""
        half = self.d // 2
        angles = np.outer(np.arange(x.shape[1]), self.c["rope_theta"] ** (-np.arange(half) / half))
        cos, sin = np.cos(angles), np.sin(angles)
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)

    def states(self, x):
        """hidden_states[1..L] [N, L, H] of input embeddings x [N, H]: layer outputs, the last after the final norm."""
        n, eps, out = len(x), self.c["rms_norm_eps"], []
        hidden = np.triu(np.full((n, n), -np.inf), 1)
        for i in range(self.c["num_hidden_layers"]):
            w = lambda name: self.w[f"model.layers.{i}.{name}.weight"]
            y = norm(x, w("input_layernorm"), eps)
            split = lambda z, heads: z.reshape(n, heads, self.d).transpose(1, 0, 2)
            q = self.rotated(split(y @ w("self_attn.q_proj").T, self.heads))
            k = self.rotated(split(y @ w("self_attn.k_proj").T, self.kv_heads))
            v = split(y @ w("self_attn.v_proj").T, self.kv_heads)
            k, v = (np.repeat(z, self.heads // self.kv_heads, axis=0) for z in (k, v))
            mixed = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(self.d) + hidden) @ v
            x = x + mixed.transpose(1, 0, 2).reshape(n, -1) @ w("self_attn.o_proj").T
            y = norm(x, w("post_attention_layernorm"), eps)
            gate = y @ w("mlp.gate_proj").T
            x = x + (gate / (1 + np.exp(-gate)) * (y @ w("mlp.up_proj").T)) @ w("mlp.down_proj").T
            out.append(x)
        out[-1] = norm(x, self.w["model.norm.weight"], eps)
        return np.stack(out, 1)

    def read(self, ids):
        return self.states(self.embedding[ids])

    def think(self, question, steps, after):
        """Hidden states of question, `steps` latents softmax(logits)·E, each made from the previous state, and tokens `after`."""
        x = self.embedding[question]
        for _ in range(steps):
            last = self.states(x)[-1, -1]
            x = np.concatenate([x, (softmax(last @ self.embedding.T) @ self.embedding)[None]])
        return self.states(np.concatenate([x, self.embedding[after]]))


def spectrum(x):
    """The report on the singular values of x [M, H]."""
    sigma = scipy.linalg.svd(x, compute_uv=False)
    share, energy = sigma / sigma.sum(), np.cumsum(sigma**2) / (sigma**2).sum()
    positive = share[share > 0]
    return {
        "rows": len(x),
        "sigma": sigma.tolist(),
        "cumulative": np.cumsum(share).tolist(),
        "effectiveRank": float(np.exp(-(positive * np.log(positive)).sum())),
        "stableRank": float((sigma**2).sum() / sigma[0] ** 2),
        "energyRanks": [int(np.argmax(energy >= part)) + 1 for part in (0.8, 0.9, 0.95, 0.99)],
    }


def mode_sigma(x, mode):
    """Singular values of the unfolding of x [M, L, H] along a mode."""
    return scipy.linalg.svd(np.moveaxis(x, mode, 0).reshape(x.shape[mode], -1), compute_uv=False).tolist()


def less_mean(x):
    return x - x.mean(0)


def fingerprint(x):
    """For every position and layer of x [N, L, H]: its norm and its first two features."""
    return np.concatenate([np.linalg.norm(x, axis=2, keepdims=True), x[:, :, :2]], 2).tolist()


def report(samples):
    """`samples`: hidden states [N, L, H] each. Figure 6 and the figures beside it."""
    hidden = samples[0].shape[2]
    every = np.concatenate(samples)
    return {
        "bySample": [spectrum(x.reshape(-1, hidden)) for x in samples],
        "bySampleCentred": [spectrum(less_mean(x.reshape(-1, hidden))) for x in samples],
        "byLayer": [spectrum(every[:, layer]) for layer in range(every.shape[1])],
        "all": spectrum(every.reshape(-1, hidden)),
        "tucker": {"layerSigma": mode_sigma(every, 1), "hiddenSigma": mode_sigma(every, 2)},
        "states": [fingerprint(x) for x in samples],
    }


def rounded(x):
    """Nine digits, more than float32 resolves."""
    if isinstance(x, dict):
        return {key: rounded(value) for key, value in x.items()}
    if isinstance(x, list):
        return [rounded(value) for value in x]
    return float(f"{x:.9g}") if isinstance(x, float) else x
