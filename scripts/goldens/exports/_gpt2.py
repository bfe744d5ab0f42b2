"""GPT-2 as a torch module, computed in the steps of transformers' eager code, since the exporter records these steps:
Conv1D by addmm over rows, queries, keys and values split from one product, a causal mask cut from a table.

B rows, S new columns, T columns with those of the cache, d features a head.
"""
import math

import torch
from torch import nn


class Conv1D(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.outputs = outputs
        self.weight = nn.Parameter(torch.zeros(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        shape = x.size()[:-1] + (self.outputs,)
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(shape)


def gelu_new(x):
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        H, N = c["n_embd"], c["n_positions"]
        self.heads = c["n_head"]
        self.c_attn, self.c_proj = Conv1D(H, 3 * H), Conv1D(H, H)
        table = torch.tril(torch.ones((N, N), dtype=torch.bool)).view(1, 1, N, N)
        self.register_buffer("bias", table, persistent=False)

    def by_head(self, x):
        return x.view(x.size()[:-1] + (self.heads, x.size(-1) // self.heads)).permute(0, 2, 1, 3)

    def forward(self, x, mask, past):
        q, k, v = (self.by_head(part) for part in self.c_attn(x).split(x.size(-1), dim=2))
        if past is not None:
            k, v = torch.cat((past[0], k), dim=-2), torch.cat((past[1], v), dim=-2)
        scores = torch.matmul(q, k.transpose(-1, -2))
        scores = scores / torch.full([], v.size(-1) ** 0.5, dtype=scores.dtype)
        S, T = q.size(-2), k.size(-2)
        seen = self.bias[:, :, T - S : T, :T]
        scores = torch.where(seen, scores, torch.full([], torch.finfo(scores.dtype).min, dtype=scores.dtype))
        weights = nn.functional.softmax(scores + mask, dim=-1).type(v.dtype)
        mixed = torch.matmul(weights, v).permute(0, 2, 1, 3).contiguous()
        return self.c_proj(mixed.view(mixed.size()[:-2] + (x.size(-1),))), (k, v)


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c_fc, self.c_proj = Conv1D(c["n_embd"], c["n_inner"]), Conv1D(c["n_inner"], c["n_embd"])

    def forward(self, x):
        return self.c_proj(gelu_new(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        norm = lambda: nn.LayerNorm(c["n_embd"], eps=c["layer_norm_epsilon"])
        self.ln_1, self.attn, self.ln_2, self.mlp = norm(), Attention(c), norm(), MLP(c)

    def forward(self, x, mask, past):
        mixed, present = self.attn(self.ln_1(x), mask, past)
        x = mixed + x
        return x + self.mlp(self.ln_2(x)), present


class Gpt2(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        H, V = c["n_embd"], c["vocab_size"]
        self.transformer = nn.Module()
        self.transformer.wte, self.transformer.wpe = nn.Embedding(V, H), nn.Embedding(c["n_positions"], H)
        self.transformer.h = nn.ModuleList(Block(c) for _ in range(c["n_layer"]))
        self.transformer.ln_f = nn.LayerNorm(H, eps=c["layer_norm_epsilon"])
        self.lm_head = nn.Linear(H, V, bias=False)
        self.lm_head.weight = self.transformer.wte.weight
        self.states = []

    def forward(self, input_ids, attention_mask, position_ids=None, past_key_values=None):
        shape = input_ids.size()
        ids = input_ids.view(-1, shape[-1])
        past = past_key_values[0][0].size(-2) if past_key_values is not None else 0
        if position_ids is None:
            position_ids = torch.arange(past, shape[-1] + past, dtype=torch.long).unsqueeze(0)
        rows, places = self.transformer.wte(ids), self.transformer.wpe(position_ids.view(-1, shape[-1]))
        x = rows + places
        mask = attention_mask.view(ids.shape[0], -1)[:, None, None, :].to(x.dtype)
        mask = (1.0 - mask) * torch.finfo(x.dtype).min
        self.states, presents = [x], []
        for i, block in enumerate(self.transformer.h):
            x, present = block(x, mask, past_key_values and past_key_values[i])
            self.states.append(x)
            presents.append(present)
        x = self.transformer.ln_f(x).view((-1,) + shape[1:] + (x.size(-1),))
        self.states[-1] = x
        return self.lm_head(x), tuple(presents)
