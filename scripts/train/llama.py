"""A LLaMA decoder in plain torch, with Hugging Face's semantics and weight names.

RMSNorm, RoPE on half-split heads (`rotate_half`), grouped-query attention, SwiGLU, tied head. LoRA factors are held
outside the model, so that one set of frozen weights serves any number of students.

Shapes: B batch, T tokens, P cached tokens, H hidden size, L layers, V vocabulary.
"""
import hashlib
import json
import math
import struct

import torch
import torch.nn.functional as F

LINEARS = {
    "q_proj": "self_attn.q_proj", "k_proj": "self_attn.k_proj", "v_proj": "self_attn.v_proj",
    "o_proj": "self_attn.o_proj", "gate_proj": "mlp.gate_proj", "up_proj": "mlp.up_proj", "down_proj": "mlp.down_proj",
}


def config(vocab, hidden=128, layers=4, heads=4, kv_heads=2, inner=320):
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": vocab, "hidden_size": hidden,
        "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "head_dim": hidden // heads, "hidden_act": "silu",
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "rope_scaling": None,
        "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True, "bos_token_id": None,
        "eos_token_id": 1, "pad_token_id": 0, "torch_dtype": "float16",
    }


def linear_shapes(c):
    h, i, d = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    q, kv = c["num_attention_heads"] * d, c["num_key_value_heads"] * d
    return {"q_proj": (q, h), "k_proj": (kv, h), "v_proj": (kv, h), "o_proj": (h, q),
            "gate_proj": (i, h), "up_proj": (i, h), "down_proj": (h, i)}


def fresh_weights(c, seed):
    """Normal(0, 0.02), the two projections into the residual stream divided by sqrt(2 L)."""
    g = torch.Generator().manual_seed(seed)
    w = {"model.embed_tokens.weight": torch.randn(c["vocab_size"], c["hidden_size"], generator=g) * 0.05,
         "model.norm.weight": torch.ones(c["hidden_size"])}
    for layer in range(c["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for name, shape in linear_shapes(c).items():
            scale = shape[1] ** -0.5 * (0.5 / math.sqrt(c["num_hidden_layers"]) if name in ("o_proj", "down_proj") else 1)
            w[f"{at}{LINEARS[name]}.weight"] = torch.randn(*shape, generator=g) * scale
        w[at + "input_layernorm.weight"] = torch.ones(c["hidden_size"])
        w[at + "post_attention_layernorm.weight"] = torch.ones(c["hidden_size"])
    return w


def fresh_lora(c, rank, seeds):
    """A uniform(±1/sqrt(in)), B zero, for each of the seven linears of every layer; one replica a seed, stacked."""
    out = {}
    generators = [torch.Generator().manual_seed(s) for s in seeds]
    for layer in range(c["num_hidden_layers"]):
        for name, (rows, columns) in linear_shapes(c).items():
            at = f"model.layers.{layer}.{LINEARS[name]}.weight"
            a = torch.stack([(torch.rand(rank, columns, generator=g) * 2 - 1) / math.sqrt(columns) for g in generators])
            out[at] = (a.requires_grad_(), torch.zeros(len(seeds), rows, rank).requires_grad_())
    return out


def adapted(model, lora, scale):
    """The model with W + scale·B·A in place of each adapted W (the same function as the two products apart)."""
    merged = {at: model.w[at] + scale * b @ a for at, (a, b) in lora.items()}
    return Llama(model.c, {**model.w, **merged})


def rms(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rope_tables(positions, c):
    """cos and sin, each [..., T, head_dim], the two halves alike."""
    d = c["head_dim"]
    frequencies = c["rope_theta"] ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    angles = positions[..., None].float() * frequencies
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


class Llama:
    def __init__(self, c, weights):
        self.c, self.w = c, weights

    def embed(self, ids):
        return F.embedding(ids, self.w["model.embed_tokens.weight"])

    def logits(self, h):
        return h @ self.w["model.embed_tokens.weight"].T

    def forward(self, x, positions, mask, past=None):
        """x [B, T, H] embeddings; positions [B, T] or [1, T]; mask [B, 1, T, P + T], true where attention may go.
        Returns hidden states [layer 1 … layer L], the last one after the final norm, and the cache.
        Linears [R, out, in] instead of [out, in] are R replicas side by side: B is then R·(rows per replica)."""
        c, eps = self.c, self.c["rms_norm_eps"]
        b, t, _ = x.shape
        heads, kv, d = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
        cos, sin = (s[:, None] for s in rope_tables(positions, c))
        bias = torch.zeros(mask.shape).masked_fill(~mask, -1e9)
        hidden, cache = [], []

        def linear(layer, name, v):
            w = self.w[f"model.layers.{layer}.{LINEARS[name]}.weight"]
            if w.dim() == 2:
                return F.linear(v, w)
            return (v.reshape(len(w), -1, w.shape[2]) @ w.transpose(1, 2)).view(b, t, -1)

        for layer in range(c["num_hidden_layers"]):
            at = f"model.layers.{layer}."
            n = rms(x, self.w[at + "input_layernorm.weight"], eps)
            q = linear(layer, "q_proj", n).view(b, t, heads, d).transpose(1, 2)
            k = linear(layer, "k_proj", n).view(b, t, kv, d).transpose(1, 2)
            v = linear(layer, "v_proj", n).view(b, t, kv, d).transpose(1, 2)
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
            if past is not None:
                k, v = torch.cat([past[layer][0], k], 2), torch.cat([past[layer][1], v], 2)
            cache.append((k, v))
            k, v = k.repeat_interleave(heads // kv, 1), v.repeat_interleave(heads // kv, 1)
            p = torch.softmax(q @ k.transpose(-1, -2) * d ** -0.5 + bias, -1)
            x = x + linear(layer, "o_proj", (p @ v).transpose(1, 2).reshape(b, t, heads * d))
            n = rms(x, self.w[at + "post_attention_layernorm.weight"], eps)
            x = x + linear(layer, "down_proj", F.silu(linear(layer, "gate_proj", n)) * linear(layer, "up_proj", n))
            hidden.append(x)
        hidden[-1] = rms(x, self.w["model.norm.weight"], eps)
        return hidden, cache


TYPES = {"F16": torch.float16, "F32": torch.float32}


def save(folder, c, weights):
    """config.json and model.safetensors (f16)."""
    with open(f"{folder}/config.json", "w") as f:
        f.write(json.dumps(c, indent=2) + "\n")
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(weights):
        blob = weights[name].detach().to(torch.float16).contiguous().numpy().tobytes()
        header[name] = {"dtype": "F16", "shape": list(weights[name].shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(f"{folder}/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load(folder):
    with open(f"{folder}/config.json") as f:
        c = json.load(f)
    with open(f"{folder}/model.safetensors", "rb") as f:
        (n,) = struct.unpack("<Q", f.read(8))
        header, body = json.loads(f.read(n)), f.read()
    header.pop("__metadata__", None)
    weights = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(body[start:end]), dtype=TYPES[entry["dtype"]])
        weights[name] = flat.view(entry["shape"]).float()
    return Llama(c, weights)


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()
