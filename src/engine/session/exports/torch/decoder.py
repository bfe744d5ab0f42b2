"""Decoders of the families LLaMA, Qwen and GPT-2 in plain torch, as Hugging Face transformers computes them.

B samples, S columns fed, P columns of past, T = P + S, H hidden size, L layers, V vocabulary, D head size, r LoRA rank.
"""
import math

import torch
import torch.nn.functional as F

NEG = -1e9  # additive mask of a hidden key

LINEARS = {
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
# Linears that read the same input, in the order in which an adapter's values are stored.
GROUPS = {"qkv": "q k v".split(), "o": ["o"], "gateUp": "gate up".split(), "down": ["down"]}
GELU_GROUPS = {"qkv": "q k v".split(), "o": ["o"], "up": ["up"], "down": ["down"]}


class Config:
    """Sizes and options of a decoder; `gpt2`: LayerNorm, learned positions, GELU, weights of GPT-2's names and layout."""

    def __init__(self, hidden, intermediate, layers, heads, kv_heads, head_dim, vocab, eps, theta, tied, rope_scaling=None, gpt2=False):
        self.hidden, self.intermediate, self.layers, self.heads, self.kv_heads = hidden, intermediate, layers, heads, kv_heads
        self.head_dim, self.vocab, self.eps, self.theta, self.tied = head_dim, vocab, eps, theta, tied
        self.rope_scaling, self.gpt2 = rope_scaling, gpt2

    @property
    def groups(self):
        return GELU_GROUPS if self.gpt2 else GROUPS

    def linear_shapes(self):
        """(out, in) of each linear of a layer."""
        h, i, q, kv = self.hidden, self.intermediate, self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {"q": (q, h), "k": (kv, h), "v": (kv, h), "o": (h, q), "gate": (i, h), "up": (i, h), "down": (h, i)}


def rms_norm(x, weight, eps):
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def rope_frequencies(config):
    """[D / 2], float64; Llama 3's scaling leaves short wavelengths, divides the frequency of long ones, and mixes between."""
    inverse = 1.0 / config.theta ** (torch.arange(0, config.head_dim, 2).double() / config.head_dim)
    s = config.rope_scaling
    if s is None:
        return inverse
    turns = s["originalMaxPositions"] * inverse / (2 * math.pi)
    kept = ((turns - s["lowFreqFactor"]) / (s["highFreqFactor"] - s["lowFreqFactor"])).clamp(0, 1)
    return kept * inverse + (1 - kept) * inverse / s["factor"]


def rope_tables(config, start, count):
    """cos and sin [count, D] of columns start … start + count − 1; the two halves of D repeat (rotate_half)."""
    angles = torch.arange(start, start + count).double()[:, None] * rope_frequencies(config)[None, :]
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def additive_mask(key_mask, start, count):
    """[B, 1, S, T]: 0 where column start + i may see column j (j ≤ start + i and key_mask[b, j]), else −1e9."""
    total = start + count
    columns = torch.arange(total, device=key_mask.device)
    causal = columns[None, :] <= columns[start:, None]
    seen = causal[None, None] & key_mask[:, None, None, :total].bool()
    return torch.where(seen, 0.0, NEG).double()


class Lora:
    """y = W x + (α / r) · B (A x) on the linears that have one: `layers.0.q.A` [r, in], `layers.0.q.B` [out, r], …

    dropout: of a group's input, a function of (layer, group, x) that gives x masked; set for each segment while training.
    """

    def __init__(self, tensors, rank, alpha):
        self.tensors, self.scale, self.dropout = tensors, alpha / rank, None

    def delta(self, x, layer, name):
        key = f"layers.{layer}.{name}"
        if f"{key}.A" not in self.tensors:
            return 0
        if self.dropout is not None:
            x = self.dropout(layer, name, x)
        return self.scale * ((x @ self.tensors[f"{key}.A"].T) @ self.tensors[f"{key}.B"].T)


def attend(config, q, k, v, past, mask):
    """Heads [B, heads, S, D] after RoPE → [B, S, heads · D]."""
    batch, _, count, _ = q.shape
    keys = k if past is None else torch.cat([past[0], k], 2)
    values = v if past is None else torch.cat([past[1], v], 2)
    repeat = config.heads // config.kv_heads
    keys, values = keys.repeat_interleave(repeat, 1), values.repeat_interleave(repeat, 1)
    scores = q @ keys.transpose(2, 3) / config.head_dim**0.5 + mask
    return (scores.softmax(-1) @ values).transpose(1, 2).reshape(batch, count, -1)


def decoder_layer(config, weights, prefix, layer, x, past, mask, lora=None):
    """One decoder layer. x [B, S, H]; past None or (k, v), each [B, KV, P, D], k after RoPE; mask [B, 1, S, T].
    Gives y [B, S, H] and the k, v of the S columns only."""
    start = 0 if past is None else past[0].shape[2]
    batch, count, _ = x.shape

    def linear(value, name):
        key = f"{prefix}{LINEARS[name]}"
        out = value @ weights[f"{key}.weight"].T
        if f"{key}.bias" in weights:
            out = out + weights[f"{key}.bias"]
        return out if lora is None else out + lora.delta(value, layer, name)

    def split(value, heads, norm):
        value = value.reshape(batch, count, heads, config.head_dim)
        if f"{prefix}self_attn.{norm}.weight" in weights:
            value = rms_norm(value, weights[f"{prefix}self_attn.{norm}.weight"], config.eps)
        return value.transpose(1, 2)

    normed = rms_norm(x, weights[f"{prefix}input_layernorm.weight"], config.eps)
    cos, sin = (t.to(x) for t in rope_tables(config, start, count))
    q = rotate(split(linear(normed, "q"), config.heads, "q_norm"), cos, sin)
    k = rotate(split(linear(normed, "k"), config.kv_heads, "k_norm"), cos, sin)
    v = split(linear(normed, "v"), config.kv_heads, "")
    x = x + linear(attend(config, q, k, v, past, mask), "o")
    normed = rms_norm(x, weights[f"{prefix}post_attention_layernorm.weight"], config.eps)
    gate = linear(normed, "gate")
    return x + linear(gate * gate.sigmoid() * linear(normed, "up"), "down"), (k, v)


def gpt2_layer(config, weights, prefix, layer, x, past, mask, lora=None):
    """The same of GPT-2, whose linears are stored [in, out], and q, k and v as one."""
    batch, count, hidden = x.shape

    def norm(value, name):
        return F.layer_norm(value, (hidden,), weights[f"{prefix}{name}.weight"], weights[f"{prefix}{name}.bias"], config.eps)

    def linear(value, key):
        return value @ weights[f"{prefix}{key}.weight"] + weights[f"{prefix}{key}.bias"]

    def delta(value, name):
        return 0 if lora is None else lora.delta(value, layer, name)

    def split(value):
        return value.reshape(batch, count, config.heads, config.head_dim).transpose(1, 2)

    normed = norm(x, "ln_1")
    parts = linear(normed, "attn.c_attn").split(hidden, -1)
    q, k, v = (split(part + delta(normed, name)) for part, name in zip(parts, "qkv"))
    mixed = attend(config, q, k, v, past, mask)
    x = x + linear(mixed, "attn.c_proj") + delta(mixed, "o")
    normed = norm(x, "ln_2")
    inner = F.gelu(linear(normed, "mlp.c_fc") + delta(normed, "up"), approximate="tanh")
    return x + linear(inner, "mlp.c_proj") + delta(inner, "down"), (k, v)


class Decoder:
    """weights: a checkpoint's tensors by their names."""

    def __init__(self, config, weights, lora=None):
        self.config, self.weights, self.lora = config, weights, lora

    @property
    def embedding(self):
        return self.weights["transformer.wte.weight" if self.config.gpt2 else "model.embed_tokens.weight"]

    @property
    def head(self):
        return self.embedding if self.config.tied else self.weights["lm_head.weight"]

    def embed(self, tokens):
        return self.embedding[tokens]

    def logits(self, h):
        return h @ self.head.T

    def placed(self, x, key_mask, start):
        """With the vectors of learned positions, which count from a sample's first token."""
        if not self.config.gpt2:
            return x
        table = self.weights["transformer.wpe.weight"]
        padding = key_mask.long().argmax(1)
        at = torch.arange(start, start + x.shape[1], device=x.device)[None, :] - padding[:, None]
        return x + table[at.clamp(0, len(table) - 1)]

    def forward(self, x, key_mask, cache=None):
        """x [B, S, H] after the `cache`d P columns; key_mask [B, ≥ T]. Returns the hidden states [B, S, L, H], layer outputs,
        the last one after the final norm (`hidden_states[1..L]`), and the cache of T columns."""
        config, weights = self.config, self.weights
        start = 0 if cache is None else cache[0][0].shape[2]
        mask = additive_mask(key_mask, start, x.shape[1]).to(x)
        x = self.placed(x, key_mask, start)
        run, prefix = (gpt2_layer, "transformer.h.") if config.gpt2 else (decoder_layer, "model.layers.")
        states, grown = [], []
        for layer in range(config.layers):
            past = None if cache is None else cache[layer]
            x, (k, v) = run(config, weights, f"{prefix}{layer}.", layer, x, past, mask, self.lora)
            grown.append((k, v) if past is None else (torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)))
            states.append(x)
        if config.gpt2:
            states[-1] = F.layer_norm(x, (config.hidden,), weights["transformer.ln_f.weight"], weights["transformer.ln_f.bias"], config.eps)
        else:
            states[-1] = rms_norm(x, weights["model.norm.weight"], config.eps)
        return torch.stack(states, 2), grown
