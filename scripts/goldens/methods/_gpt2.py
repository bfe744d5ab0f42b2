"""GPT-2 in plain torch, float64: LayerNorm with biases, learned positions, tanh GELU, no gate; LoRA on q, k, v apart.

T positions, H hidden size, L layers, I width of the perceptron.
"""
import math

import torch
import torch.nn.functional as F

PREFIX = "transformer."
PARTS = {"q": "attn.c_attn", "k": "attn.c_attn", "v": "attn.c_attn", "o": "attn.c_proj", "up": "mlp.c_fc", "down": "mlp.c_proj"}


class Gpt2Config:
    model_type = "gpt2"

    def __init__(self, hidden, inner, layers, heads, vocab, positions, eps):
        self.hidden, self.inner, self.layers, self.heads, self.vocab = hidden, inner, layers, heads, vocab
        self.positions, self.eps = positions, eps

    def hugging_face(self):
        return {
            "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": self.vocab, "n_positions": self.positions,
            "n_embd": self.hidden, "n_layer": self.layers, "n_head": self.heads, "n_inner": self.inner,
            "activation_function": "gelu_new", "layer_norm_epsilon": self.eps, "bos_token_id": 0, "eos_token_id": 1,
        }

    def linear_shapes(self):
        """(out, in) of each linear of a layer."""
        h, i = self.hidden, self.inner
        return {"q": (h, h), "k": (h, h), "v": (h, h), "o": (h, h), "up": (i, h), "down": (h, i)}


def random_gpt2(c, random):
    w = {
        "wte.weight": random.normal(c.vocab, c.hidden, scale=0.5),
        "wpe.weight": random.normal(c.positions, c.hidden, scale=0.3),
    }
    for i in range(c.layers):
        for name, (rows, cols) in {"attn.c_attn": (c.hidden, 3 * c.hidden), "attn.c_proj": (c.hidden, c.hidden),
                                   "mlp.c_fc": (c.hidden, c.inner), "mlp.c_proj": (c.inner, c.hidden)}.items():
            w[f"h.{i}.{name}.weight"] = random.normal(rows, cols, scale=0.9 / rows**0.5)
            w[f"h.{i}.{name}.bias"] = random.normal(cols, scale=0.3)
        for name in ("ln_1", "ln_2"):
            w[f"h.{i}.{name}.weight"] = random.normal(c.hidden, scale=0.2, mean=1)
            w[f"h.{i}.{name}.bias"] = random.normal(c.hidden, scale=0.2)
    w["ln_f.weight"], w["ln_f.bias"] = random.normal(c.hidden, scale=0.2, mean=1), random.normal(c.hidden, scale=0.2)
    return {f"{PREFIX}{name}": tensor for name, tensor in w.items()}


class Gpt2Decoder:
    """As `Decoder` of ../lori/model.py, without a cache."""

    def __init__(self, config, weights, lora):
        self.config, self.lora = config, lora
        self.weights = {name[len(PREFIX) :]: tensor for name, tensor in weights.items()}

    def embed(self, tokens):
        return self.weights["wte.weight"][tokens]

    def logits(self, h):
        return h @ self.weights["wte.weight"].T

    def linear(self, x, layer, name):
        key, H = f"h.{layer}.{PARTS[name]}", self.config.hidden
        weight, bias = self.weights[f"{key}.weight"], self.weights[f"{key}.bias"]
        if name in "qkv":
            j = "qkv".index(name)
            weight, bias = weight[:, j * H : (j + 1) * H], bias[j * H : (j + 1) * H]
        y = x @ weight + bias
        return y + self.lora.delta(x, layer, name) if self.lora else y

    def forward(self, x, key_mask, cache=None):
        """x [1, T, H], every position seen by those after it → hidden states [1, T, L, H], the last layer's after ln_f."""
        assert cache is None and bool(key_mask.bool().all())
        c, w, T = self.config, self.weights, x.shape[1]
        D = c.hidden // c.heads
        norm = lambda y, n: F.layer_norm(y, (c.hidden,), w[f"{n}.weight"], w[f"{n}.bias"], c.eps)  # noqa: E731
        hidden = torch.full((T, T), -math.inf).double().triu(1)
        x, states = x[0] + w["wpe.weight"][:T], []
        for i in range(c.layers):
            h = norm(x, f"h.{i}.ln_1")
            q, k, v = (self.linear(h, i, n).reshape(T, c.heads, D).transpose(0, 1) for n in "qkv")
            scores = q @ k.transpose(1, 2) / D**0.5 + hidden
            mixed = (scores.softmax(-1) @ v).transpose(0, 1).reshape(T, -1)
            x = x + self.linear(mixed, i, "o")
            h = self.linear(norm(x, f"h.{i}.ln_2"), i, "up")
            h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
            x = x + self.linear(h, i, "down")
            states.append(norm(x, "ln_f") if i == c.layers - 1 else x)
        return torch.stack(states, 1)[None], None
