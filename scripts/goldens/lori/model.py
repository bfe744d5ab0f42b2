"""The LLaMA / Qwen2 decoder in plain torch, as Hugging Face transformers computes it, in float64.

    /usr/bin/python3 scripts/goldens/lori/model.py FOLDER    checks it against a checkpoint with a reference.json

B samples, S columns fed, P columns of past, T = P + S, H hidden size, L layers, V vocabulary, D head size, r LoRA rank.
"""
import torch

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


class Config:
    def __init__(self, model_type, hidden, intermediate, layers, heads, kv_heads, vocab, eps, theta, tied):
        self.model_type, self.hidden, self.intermediate, self.layers = model_type, hidden, intermediate, layers
        self.heads, self.kv_heads, self.vocab, self.eps, self.theta = heads, kv_heads, vocab, eps, theta
        self.tied, self.head_dim = tied, hidden // heads

    def hugging_face(self):
        return {
            "architectures": ["LlamaForCausalLM" if self.model_type == "llama" else "Qwen2ForCausalLM"],
            "model_type": self.model_type,
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "vocab_size": self.vocab,
            "max_position_embeddings": 128,
            "rms_norm_eps": self.eps,
            "rope_theta": self.theta,
            "hidden_act": "silu",
            "tie_word_embeddings": self.tied,
            "eos_token_id": 1,
            "torch_dtype": "float32",
        }

    def linear_shapes(self):
        """(out, in) of each linear of a layer."""
        h, i, kv = self.hidden, self.intermediate, self.kv_heads * self.head_dim
        return {"q": (h, h), "k": (kv, h), "v": (kv, h), "o": (h, h), "gate": (i, h), "up": (i, h), "down": (h, i)}


def random_layer(config, random, prefix):
    """Weights of one layer by their Hugging Face names."""
    weights = {}
    for name, (rows, cols) in config.linear_shapes().items():
        weights[f"{prefix}{LINEARS[name]}.weight"] = random.normal(rows, cols, scale=0.9 / cols**0.5)
        if config.model_type == "qwen2" and name in "qkv":
            weights[f"{prefix}{LINEARS[name]}.bias"] = random.normal(rows, scale=0.3)
    for norm in ("input_layernorm", "post_attention_layernorm"):
        weights[f"{prefix}{norm}.weight"] = random.normal(config.hidden, scale=0.2, mean=1)
    return weights


def random_model(config, random):
    weights = {"model.embed_tokens.weight": random.normal(config.vocab, config.hidden, scale=0.5)}
    for layer in range(config.layers):
        weights.update(random_layer(config, random, f"model.layers.{layer}."))
    weights["model.norm.weight"] = random.normal(config.hidden, scale=0.2, mean=1)
    if not config.tied:
        weights["lm_head.weight"] = random.normal(config.vocab, config.hidden, scale=0.5)
    return weights


def random_lora(config, random, rank, layers):
    """{'layers.0.q.A': [r, in], 'layers.0.q.B': [out, r], …}: neither is zero, so that every gradient is tested."""
    lora = {}
    for layer in range(layers):
        for name, (rows, cols) in config.linear_shapes().items():
            lora[f"layers.{layer}.{name}.A"] = random.normal(rank, cols, scale=0.9 / cols**0.5)
            lora[f"layers.{layer}.{name}.B"] = random.normal(rows, rank, scale=0.3)
    return lora


def rms_norm(x, weight, eps):
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def rope_tables(config, start, count):
    """cos and sin [count, D] of columns start … start + count − 1; the two halves of D repeat (rotate_half)."""
    inverse = 1.0 / config.theta ** (torch.arange(0, config.head_dim, 2).double() / config.head_dim)
    angles = torch.arange(start, start + count).double()[:, None] * inverse[None, :]
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def additive_mask(key_mask, start, count):
    """[B, 1, S, T]: 0 where column start + i may see column j (j ≤ start + i and key_mask[b, j]), else −1e9."""
    total = start + count
    causal = torch.arange(total)[None, :] <= torch.arange(start, total)[:, None]
    seen = causal[None, None] & key_mask[:, None, None, :total].bool()
    return torch.where(seen, 0.0, NEG).double()


class Lora:
    """y = W x + (α / r) · B (A x) on every linear; `tensors` as `random_lora` gives them."""

    def __init__(self, tensors, rank, alpha):
        self.tensors, self.scale = tensors, alpha / rank

    def delta(self, x, layer, name):
        key = f"layers.{layer}.{name}"
        return self.scale * ((x @ self.tensors[f"{key}.A"].T) @ self.tensors[f"{key}.B"].T)


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

    def split(value, heads):
        return value.reshape(batch, count, heads, config.head_dim).transpose(1, 2)

    normed = rms_norm(x, weights[f"{prefix}input_layernorm.weight"], config.eps)
    cos, sin = rope_tables(config, start, count)
    q = rotate(split(linear(normed, "q"), config.heads), cos, sin)
    k = rotate(split(linear(normed, "k"), config.kv_heads), cos, sin)
    v = split(linear(normed, "v"), config.kv_heads)
    keys = k if past is None else torch.cat([past[0], k], 2)
    values = v if past is None else torch.cat([past[1], v], 2)
    repeat = config.heads // config.kv_heads
    keys, values = keys.repeat_interleave(repeat, 1), values.repeat_interleave(repeat, 1)
    scores = q @ keys.transpose(2, 3) / config.head_dim**0.5 + mask
    mixed = (scores.softmax(-1) @ values).transpose(1, 2).reshape(batch, count, -1)
    x = x + linear(mixed, "o")
    normed = rms_norm(x, weights[f"{prefix}post_attention_layernorm.weight"], config.eps)
    gate = linear(normed, "gate")
    return x + linear(gate * gate.sigmoid() * linear(normed, "up"), "down"), (k, v)


class Decoder:
    def __init__(self, config, weights, lora=None):
        self.config, self.weights, self.lora = config, weights, lora

    @property
    def embedding(self):
        return self.weights["model.embed_tokens.weight"]

    @property
    def head(self):
        return self.embedding if self.config.tied else self.weights["lm_head.weight"]

    def embed(self, tokens):
        return self.embedding[tokens]

    def logits(self, h):
        return h @ self.head.T

    def forward(self, x, key_mask, cache=None):
        """x [B, S, H] after the `cache`d P columns; key_mask [B, ≥ T]. Returns the hidden states [B, S, L, H], layer outputs,
        the last one after the final norm (`hidden_states[1..L]`), and the cache of T columns."""
        start = 0 if cache is None else cache[0][0].shape[2]
        mask = additive_mask(key_mask, start, x.shape[1])
        states, grown = [], []
        for layer in range(self.config.layers):
            past = None if cache is None else cache[layer]
            x, (k, v) = decoder_layer(self.config, self.weights, f"model.layers.{layer}.", layer, x, past, mask, self.lora)
            grown.append((k, v) if past is None else (torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)))
            states.append(x)
        states[-1] = rms_norm(x, self.weights["model.norm.weight"], self.config.eps)
        return torch.stack(states, 2), grown


def check_checkpoint(folder):
    """Greedy tokens and last logits of a real checkpoint against its reference.json (made with transformers)."""
    import json
    import os

    from files import read_safetensors

    with open(os.path.join(folder, "config.json")) as f:
        c = json.load(f)
    config = Config(
        c["model_type"], c["hidden_size"], c["intermediate_size"], c["num_hidden_layers"], c["num_attention_heads"],
        c["num_key_value_heads"], c["vocab_size"], c["rms_norm_eps"], c["rope_theta"], c["tie_word_embeddings"],
    )
    with open(os.path.join(folder, "reference.json")) as f:
        reference = json.load(f)  # ids: greedy from the first one; logits_last: the first logits at position `pos`
    decoder = Decoder(config, read_safetensors(os.path.join(folder, "model.safetensors")))
    ids, wanted = reference["ids"][:1], reference["ids"]
    cache, error = None, float("nan")
    while len(ids) < len(wanted):
        states, cache = decoder.forward(decoder.embed(torch.tensor([ids[-1:]])), torch.ones(1, len(wanted)), cache)
        logits = decoder.logits(states[0, -1, -1])
        if len(ids) - 1 == reference["pos"]:
            known = torch.tensor(reference["logits_last"])
            error = (logits[: len(known)] - known).abs().max().item()
        ids.append(logits.argmax().item())
    same = sum(a == b for a, b in zip(ids, wanted))
    print(f"{same} of {len(wanted)} greedy tokens; logits at {reference['pos']} differ by at most {error:.1e}")


if __name__ == "__main__":
    import sys

    check_checkpoint(sys.argv[1])
