"""Tiny random models of every family and option, run in float64 by torch: writes
src/engine/session/models/families.golden.json. Run: /usr/bin/python3 scripts/goldens/families/families.py

The forward pass is written here from the architectures' definitions (Llama 2 and 3, Qwen2, Qwen3, GPT-2) and shares nothing
with the engine; tensors are listed under the names and shapes that transformers writes. Weights are not stored: they come,
in the order of the list, from the linear congruential generator x <- 1664525 x + 1013904223 (mod 2^32), whose upper byte
v - 128 is scaled so that each weight is exact in float32, float16 and bfloat16 alike: one reference serves all three.

Each case runs two rows, "question, one latent (the last hidden state, fed back), rest", of which the second is shorter
(in the engine it is padded on the left), and one text without latents.
"""
import base64
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
V, H, L = 31, 16, 2
QUESTIONS = [[3, 17, 5, 29, 11, 8], [22, 9, 14, 2]]
REST = [[7, 19, 1], [12, 12, 26]]
TEXT = [4, 20, 13, 13, 30, 6, 0, 18]


class Generator:
    def __init__(self, seed):
        self.state = seed

    def values(self, shape, shift, one):
        """v / 2^shift, or for the weights of norms (v >> 2) / 64 + 1."""
        out = []
        for _ in range(math.prod(shape)):
            self.state = (1664525 * self.state + 1013904223) % 2**32
            v = (self.state >> 24) - 128
            out.append((v >> 2) / 64 + 1 if one else v / 2**shift)
        return torch.tensor(out).reshape(shape)


class Weights:
    """A checkpoint's tensors in the order they are listed."""

    def __init__(self, seed):
        self.generator = Generator(seed)
        self.listed = []
        self.tensors = {}

    def add(self, name, shape, shift=8, one=False, leftover=False):
        values = self.generator.values(shape, shift, one)
        self.listed.append({"name": name, "shape": list(shape), "shift": shift, "one": one, "leftover": leftover})
        if not leftover:
            self.tensors[name] = values

    def __getitem__(self, name):
        return self.tensors[name]

    def get(self, name):
        return self.tensors.get(name)


# ---- LLaMA and Qwen ---------------------------------------------------------------------------------------------------

def rms_norm(x, weight, eps):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def frequencies(d, rope):
    inv = 1.0 / rope["theta"] ** (torch.arange(0, d, 2) / d)
    if "linear" in rope:
        return inv / rope["linear"]["factor"]
    if "yarn" in rope:
        return yarn_frequencies(d, inv, rope["theta"], rope["yarn"])
    if "llama3" not in rope:
        return inv
    s = rope["llama3"]
    factor, low, high, old = (s["factor"], s["low_freq_factor"], s["high_freq_factor"],
                              s["original_max_position_embeddings"])
    out, bands = [], set()
    for f in inv.tolist():
        wavelength = 2 * math.pi / f
        if wavelength < old / high:
            bands.add("short")
            out.append(f)
        elif wavelength > old / low:
            bands.add("long")
            out.append(f / factor)
        else:
            bands.add("between")
            smooth = (old / wavelength - low) / (high - low)
            out.append((1 - smooth) * f / factor + smooth * f)
    assert bands == {"short", "between", "long"}, bands
    return torch.tensor(out)


def yarn_frequencies(d, inv, theta, s):
    """YaRN, section 3.2: r(i) = original positions / wavelength turns; the ramp runs over dimensions, rounded outwards."""
    dimension_of = lambda turns: d * math.log(s["original"] / (turns * 2 * math.pi)) / (2 * math.log(theta))
    low, high = max(math.floor(dimension_of(s["beta_fast"])), 0), min(math.ceil(dimension_of(s["beta_slow"])), d - 1)
    ramp = ((torch.arange(d // 2) - low) / (high - low)).clamp(0, 1)
    assert 0 in ramp and 1 in ramp and ((ramp > 0) & (ramp < 1)).any(), ramp
    return inv / s["factor"] * ramp + inv * (1 - ramp)


def rotate(x, positions, inv):
    """x [S, heads, d]: halves, as in transformers' rotate_half."""
    angle = positions[:, None] * inv[None, :]
    angle = torch.cat([angle, angle], -1)[:, None, :]
    a, b = x.chunk(2, -1)
    return x * torch.cos(angle) + torch.cat([-b, a], -1) * torch.sin(angle)


def attend(q, k, v):
    """q [S, heads, d], k and v [S, kv, d] of a whole sequence: causal."""
    S, heads, d = q.shape
    repeat = heads // k.shape[1]
    k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
    scores = torch.einsum("shd,thd->hst", q, k) / math.sqrt(d)
    scores = scores + torch.full((S, S), -math.inf).triu(1)
    return torch.einsum("hst,thd->shd", scores.softmax(-1), v).reshape(S, heads * d)


def llama(c, w, x):
    """Input embeddings [S, H] -> hidden_states[1..L], the last after the final norm."""
    S = x.shape[0]
    positions = torch.arange(S).double()
    inv = frequencies(c["d"], c["rope"])
    states = []
    for i in range(L):
        n = f"model.layers.{i}."
        lin = lambda y, m: F.linear(y, w[n + m + ".weight"], w.get(n + m + ".bias"))
        y = rms_norm(x, w[n + "input_layernorm.weight"], c["eps"])
        q = lin(y, "self_attn.q_proj").reshape(S, c["heads"], c["d"])
        k = lin(y, "self_attn.k_proj").reshape(S, c["kv"], c["d"])
        v = lin(y, "self_attn.v_proj").reshape(S, c["kv"], c["d"])
        if c.get("qk_norm"):
            q = rms_norm(q, w[n + "self_attn.q_norm.weight"], c["eps"])
            k = rms_norm(k, w[n + "self_attn.k_norm.weight"], c["eps"])
        # YaRN's attention factor stands on cosines and sines of queries and keys.
        q, k = (rotate(y, positions, inv) * c["rope"].get("yarn", {}).get("attention", 1.0) for y in (q, k))
        x = x + lin(attend(q, k, v), "self_attn.o_proj")
        y = rms_norm(x, w[n + "post_attention_layernorm.weight"], c["eps"])
        x = x + lin(F.silu(lin(y, "mlp.gate_proj")) * lin(y, "mlp.up_proj"), "mlp.down_proj")
        states.append(rms_norm(x, w["model.norm.weight"], c["eps"]) if i == L - 1 else x)
    return states


def llama_weights(c, seed):
    w = Weights(seed)
    heads, kv, d, inner = c["heads"], c["kv"], c["d"], c["inner"]
    w.add("model.embed_tokens.weight", [V, H], 7)
    for i in range(L):
        n = f"model.layers.{i}."
        sizes = {"self_attn.q_proj": (heads * d, H), "self_attn.k_proj": (kv * d, H), "self_attn.v_proj": (kv * d, H),
                 "self_attn.o_proj": (H, heads * d), "mlp.gate_proj": (inner, H), "mlp.up_proj": (inner, H),
                 "mlp.down_proj": (H, inner)}
        for name, shape in sizes.items():
            w.add(f"{n}{name}.weight", shape)
            attention = name.startswith("self_attn")
            if (name[10] in "qkv" and c.get("qkv_bias")) or (name[10] == "o" and c.get("o_bias")) if attention \
                    else c.get("mlp_bias"):
                w.add(f"{n}{name}.bias", (shape[0],), 9)
        if c.get("qk_norm"):
            w.add(n + "self_attn.q_norm.weight", (d,), one=True)
            w.add(n + "self_attn.k_norm.weight", (d,), one=True)
        w.add(n + "input_layernorm.weight", (H,), one=True)
        w.add(n + "post_attention_layernorm.weight", (H,), one=True)
        if c.get("buffers"):
            w.add(n + "self_attn.rotary_emb.inv_freq", (d // 2,), leftover=True)
    w.add("model.norm.weight", (H,), one=True)
    if not c["tied"]:
        w.add("lm_head.weight", (V, H))
    return w


# ---- GPT-2 ------------------------------------------------------------------------------------------------------------

def placed(c, w, x):
    """Input embeddings [S, H] -> hidden_states[0], with the vectors of their positions."""
    return x + w[c["prefix"] + "wpe.weight"][:x.shape[0]]


def gpt2(c, w, x):
    """Input embeddings [S, H] without positions -> hidden_states[1..L], the last after ln_f."""
    p = c["prefix"]
    S = x.shape[0]
    heads = c["heads"]
    x = placed(c, w, x)
    norm = lambda y, m: F.layer_norm(y, (H,), w[m + ".weight"], w[m + ".bias"], c["eps"])
    conv1d = lambda y, m: y @ w[m + ".weight"] + w[m + ".bias"]
    gelu_new = lambda y: 0.5 * y * (1 + torch.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3)))
    states = []
    for i in range(L):
        n = f"{p}h.{i}."
        q, k, v = conv1d(norm(x, n + "ln_1"), n + "attn.c_attn").split(H, -1)
        split = lambda y: y.reshape(S, heads, H // heads)
        x = x + conv1d(attend(split(q), split(k), split(v)), n + "attn.c_proj")
        x = x + conv1d(gelu_new(conv1d(norm(x, n + "ln_2"), n + "mlp.c_fc")), n + "mlp.c_proj")
        states.append(norm(x, p + "ln_f") if i == L - 1 else x)
    return states


def gpt2_weights(c, seed):
    w = Weights(seed)
    p, inner, n_positions = c["prefix"], c["inner"], c["positions"]
    w.add(p + "wte.weight", [V, H], 7)
    w.add(p + "wpe.weight", [n_positions, H], 7)
    for i in range(L):
        n = f"{p}h.{i}."
        if c.get("buffers"):
            w.add(n + "attn.bias", (1, 1, n_positions, n_positions), leftover=True)
            w.add(n + "attn.masked_bias", (), leftover=True)
        for name in ("ln_1", "ln_2"):
            w.add(f"{n}{name}.weight", (H,), one=True)
            w.add(f"{n}{name}.bias", (H,), 9)
        for name, shape in {"attn.c_attn": (H, 3 * H), "attn.c_proj": (H, H), "mlp.c_fc": (H, inner),
                            "mlp.c_proj": (inner, H)}.items():
            # Four times as large before the activation, so that its cubic term and its tails count.
            w.add(f"{n}{name}.weight", shape, 6 if name == "mlp.c_fc" else 8)
            w.add(f"{n}{name}.bias", (shape[1],), 9)
    w.add(p + "ln_f.weight", (H,), one=True)
    w.add(p + "ln_f.bias", (H,), 9)
    if not c["tied"]:
        w.add("lm_head.weight", (V, H))
    return w


# ---- Cases ------------------------------------------------------------------------------------------------------------

LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}


def llama_case(model_type="llama", heads=4, kv=2, d=4, inner=24, theta=10000.0, eps=1e-5, tied=True, llama3=False, **more):
    rope = {"theta": theta, **({"llama3": LLAMA3} if llama3 else {})}
    c = {"family": "llama", "heads": heads, "kv": kv, "d": d, "inner": inner, "rope": rope, "eps": eps, "tied": tied, **more}
    config = {"architectures": ["ForCausalLM"], "model_type": model_type, "hidden_size": H, "intermediate_size": inner,
              "num_hidden_layers": L, "num_attention_heads": heads, "num_key_value_heads": kv, "vocab_size": V,
              "max_position_embeddings": 128, "rms_norm_eps": eps, "rope_theta": theta, "hidden_act": "silu",
              "tie_word_embeddings": tied, "torch_dtype": "float32"}
    return c, config


def cases():
    c, config = llama_case()
    yield "llama, tied head", c, config
    # TinyLlama and Llama 2: an untied head, as many key heads as query heads, and old files' rotary buffers.
    c, config = llama_case(kv=4, tied=False, buffers=True)
    del config["num_key_value_heads"], config["rope_theta"], config["tie_word_embeddings"]
    yield "llama, untied head, multi-head attention, defaults", c, config
    c, config = llama_case(qkv_bias=True, o_bias=True, mlp_bias=True)
    yield "llama, attention_bias and mlp_bias", c, {**config, "attention_bias": True, "mlp_bias": True}
    c, config = llama_case(heads=6, kv=3, d=6, theta=500.0)
    yield "llama, head_dim of its own", c, {**config, "head_dim": 6}
    c, config = llama_case(d=16, heads=2, kv=1, llama3=True, theta=2000.0)
    yield "llama, llama3 scaling in rope_scaling", c, {**config, "head_dim": 16, "rope_scaling": {"rope_type": "llama3", **LLAMA3}}
    c, config = llama_case(d=16, heads=2, kv=1, llama3=True, theta=2000.0, tied=False)
    del config["rope_theta"], config["torch_dtype"]
    config.update({"dtype": "float32", "head_dim": 16, "rope_parameters": {"full_attention": {"rope_type": "llama3", "rope_theta": 2000.0, **LLAMA3}},
                   "layer_types": ["full_attention"] * L})
    yield "llama, llama3 scaling in rope_parameters by layer type", c, config
    c, config = llama_case("qwen2", qkv_bias=True, eps=1e-6, theta=1000000.0)
    config.update({"use_sliding_window": False, "sliding_window": 64, "max_window_layers": 1})
    yield "qwen2, tied head", c, config
    c, config = llama_case("qwen2", qkv_bias=True, eps=1e-6, tied=False)
    yield "qwen2, untied head", c, config
    c, config = llama_case("qwen3", qk_norm=True, heads=3, kv=1, d=8, eps=1e-6, theta=1000000.0)
    yield "qwen3, tied head", c, {**config, "head_dim": 8, "attention_bias": False, "use_sliding_window": False, "rope_scaling": None}
    c, config = llama_case("qwen3", qk_norm=True, heads=4, kv=2, d=6, eps=1e-6, tied=False, qkv_bias=True, o_bias=True)
    yield "qwen3, untied head, attention_bias", c, {**config, "head_dim": 6, "attention_bias": True}

    gpt = {"family": "gpt2", "prefix": "transformer.", "heads": 4, "inner": 4 * H, "positions": 24, "eps": 1e-5, "tied": True}
    old = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": V, "n_positions": 24, "n_ctx": 24,
           "n_embd": H, "n_layer": L, "n_head": 4, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
           "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1, "initializer_range": 0.02,
           "summary_type": "cls_index", "bos_token_id": 0, "eos_token_id": 0}
    yield "gpt2, prefix transformer.", gpt, old
    yield "gpt2, no prefix, old buffers, n_inner", {**gpt, "prefix": "", "inner": 24, "buffers": True}, {
        **old, "n_inner": 24, "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False,
        "reorder_and_upcast_attn": False}
    yield "gpt2, new field names, untied head, one channel a head", {**gpt, "heads": 16, "tied": False, "eps": 1e-6}, {
        "model_type": "gpt2", "vocab_size": V, "max_position_embeddings": 24, "hidden_size": H, "num_hidden_layers": L,
        "num_attention_heads": 16, "n_inner": None, "activation_function": "gelu_pytorch_tanh",
        "layer_norm_epsilon": 1e-6, "tie_word_embeddings": False, "dtype": "float32"}

    c, config = llama_case(theta=500.0)
    c["rope"]["linear"] = {"factor": 3.0}
    yield "llama, linear scaling", c, {**config, "rope_scaling": {"type": "linear", "factor": 3.0}}
    c, config = llama_case("qwen2", qkv_bias=True, eps=1e-6, d=16, heads=2, kv=1, theta=2000.0)
    c["rope"]["yarn"] = {"factor": 4.0, "original": 64, "beta_fast": 4.0, "beta_slow": 1.0, "attention": 0.1 * math.log(4) + 1}
    yield "qwen2, yarn scaling", c, {**config, "head_dim": 16, "max_position_embeddings": 256, "rope_scaling": {
        "rope_type": "yarn", "factor": 4.0, "beta_fast": 4.0, "original_max_position_embeddings": 64}}
    c, config = llama_case(d=16, heads=2, kv=1, theta=1000.0)
    c["rope"]["yarn"] = {"factor": 2.0, "original": 128, "beta_fast": 32.0, "beta_slow": 1.0, "attention": 1.25}
    yield "llama, yarn scaling with its attention factor, defaults", c, {**config, "head_dim": 16, "rope_scaling": {
        "type": "yarn", "factor": 2.0, "attention_factor": 1.25}}


def floats(tensors):
    data = torch.cat([t.reshape(-1) for t in tensors]).to(torch.float32).numpy()
    return base64.b64encode(data.astype("<f4").tobytes()).decode()


def run(c, w):
    forward = llama if c["family"] == "llama" else gpt2
    embedding = w["model.embed_tokens.weight"] if c["family"] == "llama" else w[c["prefix"] + "wte.weight"]
    head = embedding if c["tied"] else w["lm_head.weight"]

    def outputs(x):
        states = forward(c, w, x)
        fed = x if c["family"] == "llama" else placed(c, w, x)
        return torch.stack(states, 1), states[-1] @ head.T, fed

    rows = []
    for question, rest in zip(QUESTIONS, REST):
        x = embedding[question]
        states = outputs(x)[0]
        rows.append(outputs(torch.cat([x, states[-1:, -1], embedding[rest]])))
    text = outputs(embedding[TEXT])
    # [positions, L, H], [positions, V] and [positions, H], row after row.
    return {"hidden": floats([h for h, _, _ in rows]), "logits": floats([g for _, g, _ in rows]), "text": floats([text[0]]),
            "textLogits": floats([text[1]]), "fed": floats([x for _, _, x in rows]), "textFed": floats([text[2]])}


if __name__ == "__main__":
    all_cases = []
    for number, (name, c, config) in enumerate(cases()):
        weights = (llama_weights if c["family"] == "llama" else gpt2_weights)(c, 1000 + number)
        all_cases.append({"name": name, "seed": 1000 + number, "config": config, "tensors": weights.listed, **run(c, weights)})
    out = pathlib.Path(__file__).parents[3] / "src/engine/session/models/families.golden.json"
    lines = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in all_cases)
    out.write_text('{\n "questions": %s,\n "rest": %s,\n "text": %s,\n "cases": [\n%s\n ]\n}\n'
                   % (json.dumps(QUESTIONS), json.dumps(REST), json.dumps(TEXT), lines))
    print(out.name, len(all_cases), "cases,", out.stat().st_size, "bytes")
