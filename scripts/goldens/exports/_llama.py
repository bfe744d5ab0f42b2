"""LLaMA and Qwen2 as torch modules, computed in the steps of transformers' eager code, since the exporter records these
steps: norms in float32 between two casts, heads repeated by expand and reshape, a mask added to the scores.

Two generations of that code are here. `mask` is "added" (the sum of a causal and a padding mask) or
"scattered" (one mask, written to in place); `rotary` is "table" (cosines looked up by position) or "product" (computed from
the positions in the graph). `positions` says what stands in for position_ids where the export has no such input: "past", the
columns after the cache, or "mask", the number of visible columns so far. With `wide_logits`, logits are cast to
float32. With `unmasked`, a single column gets no causal mask, as in code that was not written for being exported.

B rows, S new columns, T columns with those of the cache, d features a head.
"""
import torch
import torch.nn.functional as F
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * wide.to(x.dtype)


class Rotary(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["hidden_size"] // c["num_attention_heads"]
        inv_freq = 1.0 / c["rope_theta"] ** (torch.arange(0, d, 2).float() / d)
        self.register_buffer("inv_freq", inv_freq, persistent=False)
        angles = torch.outer(torch.arange(c["max_position_embeddings"]).float(), inv_freq)
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos_cached", angles.cos()[None, None], persistent=False)
        self.register_buffer("sin_cached", angles.sin()[None, None], persistent=False)
        self.by_table = c["rotary"] == "table"

    def forward(self, x, position_ids, total):
        """Cosines and sines that broadcast against [B, heads, S, d]."""
        if self.by_table:
            tables = (self.cos_cached[:, :, :total].to(x.dtype), self.sin_cached[:, :, :total].to(x.dtype))
            return tuple(table.squeeze(1).squeeze(0)[position_ids].unsqueeze(1) for table in tables)
        inverse = self.inv_freq[None, :, None].float().expand(position_ids.shape[0], -1, 1)
        angles = (inverse @ position_ids[:, None, :].float()).transpose(1, 2)
        both = torch.cat((angles, angles), -1)
        return both.cos().to(x.dtype).unsqueeze(1), both.sin().to(x.dtype).unsqueeze(1)


def rotated(x, cos, sin):
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), -1)
    return (x * cos) + (turned * sin)


def repeated(x, times):
    """Every head of [B, kv, T, d] `times` times."""
    B, kv, T, d = x.shape
    return x if times == 1 else x[:, :, None].expand(B, kv, times, T, d).reshape(B, kv * times, T, d)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        H, self.heads, self.kv = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"]
        self.d = H // self.heads
        bias = c["model_type"] == "qwen2"
        self.q_proj = nn.Linear(H, self.heads * self.d, bias=bias)
        self.k_proj = nn.Linear(H, self.kv * self.d, bias=bias)
        self.v_proj = nn.Linear(H, self.kv * self.d, bias=bias)
        self.o_proj = nn.Linear(self.heads * self.d, H, bias=False)

    def forward(self, x, mask, cos, sin, past):
        B, S, _ = x.size()
        q = self.q_proj(x).view(B, S, self.heads, self.d).transpose(1, 2)
        k = self.k_proj(x).view(B, S, self.kv, self.d).transpose(1, 2)
        v = self.v_proj(x).view(B, S, self.kv, self.d).transpose(1, 2)
        q, k = rotated(q, cos, sin), rotated(k, cos, sin)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=-2), torch.cat([past[1], v], dim=-2)
        present = (k, v)
        k, v = repeated(k, self.heads // self.kv), repeated(v, self.heads // self.kv)
        scores = torch.matmul(q, k.transpose(2, 3)) / self.d**0.5
        scores = scores + mask[:, :, :, : k.shape[-2]]
        weights = F.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype)
        mixed = torch.matmul(weights, v).transpose(1, 2).contiguous()
        return self.o_proj(mixed.reshape(B, S, self.heads * self.d)), present


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        H, inner = c["hidden_size"], c["intermediate_size"]
        self.gate_proj = nn.Linear(H, inner, bias=False)
        self.up_proj = nn.Linear(H, inner, bias=False)
        self.down_proj = nn.Linear(inner, H, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self_attn, self.mlp = Attention(c), MLP(c)
        self.input_layernorm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.post_attention_layernorm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])

    def forward(self, x, mask, cos, sin, past):
        mixed, present = self.self_attn(self.input_layernorm(x), mask, cos, sin, past)
        x = x + mixed
        return x + self.mlp(self.post_attention_layernorm(x)), present


def added_mask(x, attention_mask, past, single):
    """The causal mask [S, past + S] and the padding mask [B, 1, S, T], as two tables that are summed. `single`: without the
    first where there is one column."""
    B, S = x.shape[:2]
    low = torch.finfo(x.dtype).min
    hidden = 1.0 - attention_mask[:, None, None, :].expand(B, 1, S, attention_mask.shape[-1]).to(x.dtype)
    hidden = hidden.masked_fill(hidden.to(torch.bool), low)
    if single and S == 1:
        return hidden
    at = torch.arange(S)
    causal = torch.full((S, S), low).masked_fill(at < (at + 1).view(S, 1), 0).to(x.dtype)
    causal = torch.cat([torch.zeros(S, past, dtype=x.dtype), causal], dim=-1)
    causal = causal[None, None].expand(B, 1, S, S + past)
    return hidden + causal


def scattered_mask(x, attention_mask, past):
    """One mask [B, 1, S, T], into which the padding is written."""
    B, S = x.shape[:2]
    low = torch.finfo(x.dtype).min
    T = attention_mask.shape[-1]
    columns = torch.arange(past, past + S)
    mask = torch.triu(torch.full((S, T), low, dtype=x.dtype), diagonal=1)
    mask = mask * (torch.arange(T) > columns.reshape(-1, 1))
    mask = mask[None, None, :, :].expand(B, 1, -1, -1).clone()
    padding = (mask[:, :, :, :T] + attention_mask[:, None, None, :]) == 0
    mask[:, :, :, :T] = mask[:, :, :, :T].masked_fill(padding, low)
    return mask


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        H, V = c["hidden_size"], c["vocab_size"]
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(V, H)
        self.model.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.model.norm = RMSNorm(H, c["rms_norm_eps"])
        self.model.rotary_emb = Rotary(c)
        self.lm_head = nn.Linear(H, V, bias=False)
        if c["tie_word_embeddings"]:
            self.lm_head.weight = self.model.embed_tokens.weight
        self.states = []

    def forward(self, input_ids, attention_mask, position_ids=None, past_key_values=None):
        x = self.model.embed_tokens(input_ids)
        S = input_ids.shape[1]
        past = past_key_values[0][0].shape[2] if past_key_values is not None else 0
        if position_ids is None and self.c["positions"] == "mask":
            position_ids = (attention_mask.long().cumsum(-1) - 1).masked_fill(attention_mask == 0, 1)[:, -S:]
        elif position_ids is None:
            position_ids = torch.arange(past, past + S, dtype=torch.long).unsqueeze(0)
        if self.c["mask"] == "added":
            mask = added_mask(x, attention_mask, past, self.c.get("unmasked", False))
        else:
            mask = scattered_mask(x, attention_mask, past)
        cos, sin = self.model.rotary_emb(x, position_ids, past + S)
        self.states, presents = [x], []
        for i, layer in enumerate(self.model.layers):
            x, present = layer(x, mask, cos, sin, past_key_values and past_key_values[i])
            self.states.append(x)
            presents.append(present)
        x = self.model.norm(x)
        self.states[-1] = x
        logits = self.lm_head(x)
        return logits.float() if self.c["wide_logits"] else logits, tuple(presents)
