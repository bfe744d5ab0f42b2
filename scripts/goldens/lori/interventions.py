"""Prints what interventions on latent thoughts do, in float64, written as a few lines of torch each:

    /usr/bin/python3 scripts/goldens/lori/interventions.py

    interventions-qwen2.golden.json    thoughts softmax(logits/τ)·E; biases, grouped keys, a head of its own
    interventions-gpt2.golden.json     thoughts are the last hidden state; LayerNorm, learned positions, GELU
    interventions-gpt2-wide.golden.json    the same at GPT-2's width (768, 12 heads) and of two layers; weights are drawn here
                                           and by the test alike, and are not stored
    interventions-gpt2-deep.golden.json    and of its twelve layers

K thoughts between one question and a prompt. Every case is named by its text (src/contract/intervention-text.ts), whose
tokens are ids in quotes; of each, the hidden states [L, H] at the last thought and the log-probabilities [V] after the prompt
(of the wide models, every 48th hidden number). Nothing is cached: each step runs the whole sequence again.

T columns, L layers, H hidden size, D head size, V vocabulary. A position is a thought's number, ("q", n) or ("p", n).
"""
import math
import pathlib
import sys

import numpy
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "base"))
from _philox import stream  # noqa: E402
from files import Random, write_golden  # noqa: E402
from model import LINEARS, Config, random_model, rms_norm, rope_tables, rotate  # noqa: E402

L, H, V, HEADS, D, K, TAU = 2, 16, 23, 4, 4, 3, 0.7
QUESTION, OTHER, PROMPT = [4, 9, 2, 17, 11], [7, 3, 19], [8, 21]
TRAINING = [[5, 12, 6], [20, 2, 14, 9, 3], [10, 10, 18, 7]]
ORDER = ["attention.in", "q.in", "k.in", "v.in", "attention.out", "mlp.in", "mlp.out", "residual"]


def attend(q, k, v):
    """[heads, T, D] each: causal, [T, heads·D]."""
    T = q.shape[1]
    scores = q @ k.transpose(1, 2) / q.shape[2]**0.5 + torch.full((T, T), -math.inf).triu(1)
    return (scores.softmax(-1) @ v).transpose(0, 1).reshape(T, -1)


class Qwen2:
    config = Config("qwen2", H, 20, L, HEADS, 2, V, 1e-6, 100.0, False)

    def __init__(self, random):
        self.weights = random_model(self.config, random)
        self.embedding, self.head = self.weights["model.embed_tokens.weight"], self.weights["lm_head.weight"]

    def hugging_face(self):
        return self.config.hugging_face()

    def forward(self, x, at):
        w, c = self.weights, self.config
        T = x.shape[0]
        cos, sin = rope_tables(c, 0, T)
        states = []
        for i in range(L):
            p = f"model.layers.{i}."
            lin = lambda y, n: y @ w[f"{p}{LINEARS[n]}.weight"].T + w.get(f"{p}{LINEARS[n]}.bias", 0)
            split = lambda y, n: y.reshape(T, n, D).transpose(0, 1)
            h = at("attention.in", i, rms_norm(x, w[f"{p}input_layernorm.weight"], c.eps))
            q = rotate(split(lin(at("q.in", i, h), "q"), HEADS), cos, sin)
            k = rotate(split(lin(at("k.in", i, h), "k"), 2), cos, sin)
            v = split(lin(at("v.in", i, h), "v"), 2)
            mixed = attend(q, k.repeat_interleave(2, 0), v.repeat_interleave(2, 0))
            x = x + at("attention.out", i, lin(mixed, "o"))
            h = at("mlp.in", i, rms_norm(x, w[f"{p}post_attention_layernorm.weight"], c.eps))
            x = x + at("mlp.out", i, lin(F.silu(lin(h, "gate")) * lin(h, "up"), "down"))
            if i == L - 1:
                x = rms_norm(x, w["model.norm.weight"], c.eps)
            x = at("residual", i, x)
            states.append(x)
        return torch.stack(states)

    def thought(self, h):
        return (self.head @ h / TAU).softmax(-1) @ self.embedding


class Gpt2:
    sizes = {"H": H, "L": L, "HEADS": HEADS, "V": V}

    def __init__(self, random):
        w = {"wte.weight": random.normal(V, H, scale=0.5), "wpe.weight": random.normal(24, H, scale=0.3)}
        for i in range(L):
            for name, shape in {"attn.c_attn": (H, 3 * H), "attn.c_proj": (H, H), "mlp.c_fc": (H, 4 * H),
                                "mlp.c_proj": (4 * H, H)}.items():
                w[f"h.{i}.{name}.weight"] = random.normal(*shape, scale=0.9 / shape[0] ** 0.5)
                w[f"h.{i}.{name}.bias"] = random.normal(shape[1], scale=0.3)
            for name in ("ln_1", "ln_2"):
                w[f"h.{i}.{name}.weight"] = random.normal(H, scale=0.2, mean=1)
                w[f"h.{i}.{name}.bias"] = random.normal(H, scale=0.2)
        w["ln_f.weight"], w["ln_f.bias"] = random.normal(H, scale=0.2, mean=1), random.normal(H, scale=0.2)
        self.weights, self.embedding, self.head = w, w["wte.weight"], w["wte.weight"]

    def hugging_face(self):
        s = self.sizes
        return {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": s["V"], "n_positions": 24,
                "n_embd": s["H"], "n_layer": s["L"], "n_head": s["HEADS"], "activation_function": "gelu_new",
                "layer_norm_epsilon": 1e-5, "bos_token_id": 0, "eos_token_id": 1}

    def forward(self, x, at):
        w, H, L, HEADS = self.weights, self.sizes["H"], self.sizes["L"], self.sizes["HEADS"]
        D = H // HEADS
        T = x.shape[0]
        norm = lambda y, n: F.layer_norm(y, (H,), w[f"{n}.weight"], w[f"{n}.bias"], 1e-5)
        x = x + w["wpe.weight"][:T]
        states = []
        for i in range(L):
            p = f"h.{i}."
            h = at("attention.in", i, norm(x, p + "ln_1"))
            weight, bias = w[p + "attn.c_attn.weight"].split(H, -1), w[p + "attn.c_attn.bias"].split(H, -1)
            q, k, v = ((at(f"{n}.in", i, h) @ weight[j] + bias[j]).reshape(T, HEADS, D).transpose(0, 1)
                       for j, n in enumerate("qkv"))
            x = x + at("attention.out", i, attend(q, k, v) @ w[p + "attn.c_proj.weight"] + w[p + "attn.c_proj.bias"])
            h = at("mlp.in", i, norm(x, p + "ln_2"))
            h = h @ w[p + "mlp.c_fc.weight"] + w[p + "mlp.c_fc.bias"]
            h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
            x = x + at("mlp.out", i, h @ w[p + "mlp.c_proj.weight"] + w[p + "mlp.c_proj.bias"])
            x = at("residual", i, norm(x, "ln_f") if i == L - 1 else x)
            states.append(x)
        return torch.stack(states)

    def thought(self, h):
        return h


class Wide(Gpt2):
    """GPT-2's own width. Weights by the generator of ../families/families.py (`weightsOf` in the tests): listed, not stored."""

    def __init__(self, layers, seed):
        self.sizes = {"H": 768, "L": layers, "HEADS": 12, "V": 101}
        self.listed, self.weights, self.state = [], {}, seed
        H, V = 768, 101
        # ±128 / 2^shift: about as wide as trained weights are.
        self.add("wte.weight", (V, H), 9)
        self.add("wpe.weight", (24, H), 10)
        for i in range(layers):
            for name, shape, shift in (("attn.c_attn", (H, 3 * H), 11), ("attn.c_proj", (H, H), 11),
                                       ("mlp.c_fc", (H, 4 * H), 11), ("mlp.c_proj", (4 * H, H), 12)):
                self.add(f"h.{i}.{name}.weight", shape, shift)
                self.add(f"h.{i}.{name}.bias", shape[1:], 9)
            for name in ("ln_1", "ln_2"):
                self.add(f"h.{i}.{name}.weight", (H,), 8, one=True)
                self.add(f"h.{i}.{name}.bias", (H,), 10)
        self.add("ln_f.weight", (H,), 8, one=True)
        self.add("ln_f.bias", (H,), 10)
        self.embedding = self.head = self.weights["wte.weight"]

    def add(self, name, shape, shift, one=False):
        v = self.draw(math.prod(shape))
        values = (v >> 2) / 64 + 1 if one else v / 2**shift
        self.weights[name] = torch.from_numpy(values).reshape(shape)
        self.listed.append({"name": name, "shape": list(shape), "shift": shift, "one": one, "leftover": False})

    def draw(self, count):
        """The next `count` states s ← 1664525·s + 1013904223 mod 2³², as (s >> 24) − 128; a block from the one before it."""
        block, states = 1 << 12, []
        a, c, state = 1, 0, self.state
        first = []
        for _ in range(min(block, count)):
            state = (1664525 * state + 1013904223) % 2**32
            first.append(state)
            a, c = a * 1664525 % 2**32, (1664525 * c + 1013904223) % 2**32
        states.append(numpy.array(first, dtype=numpy.uint64))
        while sum(map(len, states)) < count:
            states.append((states[-1] * a + c) % 2**32)
        all_states = numpy.concatenate(states)[:count]
        self.state = int(all_states[-1])
        return (all_states >> 24).astype(numpy.int64) - 128


def run(model, question, changes, prompt=()):
    """changes: (position, place, function of the state [H]) in any order. Hidden states [L, T, H] after K thoughts and prompt."""
    S = len(question)

    def column_of(position):
        if isinstance(position, int):
            return S - 1 + position
        segment, n = position
        return n - 1 if segment == "q" else S + K + n - 1

    def at(site, i, h):
        for position, place, change in changes:
            column = column_of(position)
            if place == (site, i + 1) and column < h.shape[0]:
                h = torch.cat([h[:column], change(h[column])[None], h[column + 1 :]])
        return h

    def fed(position, x):
        for at_position, place, change in changes:
            if (at_position, place) == (position, "latent"):
                x = change(x)
        return x

    tokens = lambda segment, ids: [fed((segment, n + 1), model.embedding[id])[None] for n, id in enumerate(ids)]
    x = torch.cat(tokens("q", question))
    for step in range(1, K + 1):
        x = torch.cat([x, fed(step, model.thought(model.forward(x, at)[-1, -1]))[None]])
    return model.forward(torch.cat([x, *tokens("p", prompt)]), at)


def values(model, question, place, segment="z"):
    """The unmodified states of all thoughts (z), question tokens (q) or prompt tokens (p) at a place, [positions, H]."""
    seen = {}

    def keep(n):
        def change(h):
            seen[n] = h
            return h
        return change

    count = {"z": K, "q": len(question), "p": len(PROMPT)}[segment]
    positions = range(1, count + 1)
    run(model, question, [(n if segment == "z" else (segment, n), place, keep(n)) for n in positions],
        PROMPT if segment == "p" else ())
    return torch.stack([seen[n] for n in positions])


# ---- Noise -----------------------------------------------------------------------------------------------------------


def normal(seed, position, place, H=H):
    site, layer = ("latent", 0) if place == "latent" else place
    segment, step = ("", position) if isinstance(position, int) else position
    of = {"": "", "q": " of the question", "p": " of the prompt"}[segment]
    words = stream(seed, step, layer, f"noise at {site}{of}", 0, 4 * H)
    uniform = [((words[2 * i] >> 5) * 2**26 + (words[2 * i + 1] >> 6)) / 2**53 for i in range(2 * H)]
    return torch.tensor([math.sqrt(-2 * math.log(1 - uniform[2 * i])) * math.cos(2 * math.pi * uniform[2 * i + 1])
                         for i in range(H)])


# ---- Cases -------------------------------------------------------------------------------------------------------------

PASTED = [round(0.5 * math.sin(3 * i + 1), 6) for i in range(H)]


def cases(model):
    e = model.embedding
    mean = lambda step, place: torch.stack([values(model, q, place)[step - 1] for q in TRAINING]).mean(0)

    def directions(place, centred, segment="z"):
        rows = torch.cat([values(model, q, place, segment) for q in TRAINING])
        centre = rows.mean(0) if centred else torch.zeros(H)
        return torch.linalg.svd(rows - centre)[2], centre

    def onto(place, r, centred, inside):
        v, c = directions(place, centred)
        project = lambda h: (h - c) @ v[:r].T @ v[:r]
        return lambda h: c + (project(h) if inside else h - c - project(h))

    def without(v):
        u = v / v.norm()
        return lambda h: h - (h @ u) * u

    noise = lambda seed, position, place: noised(seed, position, place, H)
    z = "latent"
    own = values(model, QUESTION, z)
    yield "", []
    yield "z1:zero", [(1, z, lambda h: 0 * h)]
    yield "z2@v.in.1:zero", [(2, ("v.in", 1), lambda h: 0 * h)]
    yield "z2:noise(7)", [(2, z, noise(7, 2, z))]
    yield "z3@mlp.in.1:noise(3)", [(3, ("mlp.in", 1), noise(3, 3, ("mlp.in", 1)))]
    yield "z1:scale(-1.5)", [(1, z, lambda h: -1.5 * h)]
    yield "z2@attention.out.2:scale(3)", [(2, ("attention.out", 2), lambda h: 3 * h)]
    yield "z2:replace(mean(3))", [(2, z, lambda h: mean(2, z))]
    yield "z1@residual.1:replace(mean(2))", [(1, ("residual", 1), lambda h: torch.stack(
        [values(model, q, ("residual", 1))[0] for q in TRAINING[:2]]).mean(0))]
    yield 'z1:replace(token("6"))', [(1, z, lambda h: e[6])]
    yield 'z3:replace(thought(2,"other"))', [(3, z, lambda h: values(model, OTHER, z)[1])]
    yield "z2:replace(thought(3))", [(2, z, lambda h: own[2])]
    yield "z1:replace(thought(3));z3:replace(thought(1))", [(1, z, lambda h: own[2]), (3, z, lambda h: own[0])]
    yield f"z2:replace(values({','.join(map(str, PASTED))}))", [(2, z, lambda h: torch.tensor(PASTED))]
    yield "z1@residual.2:interpolate(thought(3),0.25)", [
        (1, ("residual", 2), lambda h: 0.75 * h + 0.25 * values(model, QUESTION, ("residual", 2))[2])]
    yield 'z2:add(difference("5","7"),0.7)', [(2, z, lambda h: h + 0.7 * (e[5] - e[7]))]
    yield 'z1@mlp.out.1:add(token("4"),-1.25)', [(1, ("mlp.out", 1), lambda h: h - 1.25 * e[4])]
    yield 'z2:remove(difference("5","7"))', [(2, z, without(e[5] - e[7]))]
    yield "z2:remove(direction(3,1))", [(2, z, without(directions(z, True)[0][0]))]
    yield 'z3:project(2,3,"centred","inside")', [(3, z, onto(z, 2, True, True))]
    yield 'z1@q.in.2:project(3,2,"uncentred","outside")', None
    yield 'z2:project(2,3,"centred","outside")', [(2, z, onto(z, 2, True, False))]
    yield "z2:scale(2);z2@q.in.1:zero;z2:add(thought(1),1);z2@mlp.out.2:scale(0.5);z3@k.in.2:zero", [
        (2, z, lambda h: 2 * h + own[0]), (2, ("q.in", 1), lambda h: 0 * h), (2, ("mlp.out", 2), lambda h: h / 2),
        (3, ("k.in", 2), lambda h: 0 * h)]


    yield from token_cases(model, e[4], e[6])
    a, at = ("mlp.in", 1), ("residual", 1)
    yield 'q4@mlp.in.1:replace(mean(3))', [
        (("q", 4), a, lambda h: torch.cat([values(model, q, a, "q") for q in TRAINING]).mean(0))]
    yield 'p2@residual.1:replace(mean(3))', [
        (("p", 2), at, lambda h: torch.stack([values(model, q, at, "p")[1] for q in TRAINING]).mean(0))]
    yield 'q5@residual.1:remove(direction(3,1))', [(("q", 5), at, without(directions(at, True, "q")[0][0]))]
    yield 'p2@residual.1:remove(direction(3,1))', [(("p", 2), at, without(directions(at, True, "p")[0][0]))]


def noised(seed, position, place, size):
    g = normal(seed, position, place, size)
    return lambda h: h.norm() * g / g.norm()


def token_cases(model, four, six):
    """At tokens of the question and of the prompt."""
    size, z = four.shape[0], "latent"
    state = lambda question, place, segment, n: values(model, question, place, segment)[n - 1]
    yield "q2:zero", [(("q", 2), z, lambda h: 0 * h)]
    yield 'q4:replace(token("6"))', [(("q", 4), z, lambda h: six)]
    yield "q1:noise(5)", [(("q", 1), z, noised(5, ("q", 1), z, size))]
    yield "q5@residual.2:scale(-2)", [(("q", 5), ("residual", 2), lambda h: -2 * h)]
    yield "q3@residual.1:noise(11)", [(("q", 3), ("residual", 1), noised(11, ("q", 3), ("residual", 1), size))]
    yield 'q4@attention.out.1:add(token("4"),1.5)', [(("q", 4), ("attention.out", 1), lambda h: h + 1.5 * four)]
    yield "q2@v.in.2:scale(-2)", [(("q", 2), ("v.in", 2), lambda h: -2 * h)]
    yield 'q3@residual.1:replace(question(2,"other"))', [
        (("q", 3), ("residual", 1), lambda h: state(OTHER, ("residual", 1), "q", 2))]
    yield "q1@mlp.out.1:replace(thought(2))", [
        (("q", 1), ("mlp.out", 1), lambda h: state(QUESTION, ("mlp.out", 1), "z", 2))]
    yield 'z2@residual.1:interpolate(question(4),0.5)', [
        (2, ("residual", 1), lambda h: (h + state(QUESTION, ("residual", 1), "q", 4)) / 2)]
    yield "p1:zero", [(("p", 1), z, lambda h: 0 * h)]
    yield "p2@mlp.in.2:noise(3)", [(("p", 2), ("mlp.in", 2), noised(3, ("p", 2), ("mlp.in", 2), size))]
    yield "p1@k.in.2:scale(-3)", [(("p", 1), ("k.in", 2), lambda h: -3 * h)]
    yield 'p2@residual.1:replace(prompt(2,"other"))', [
        (("p", 2), ("residual", 1), lambda h: state(OTHER, ("residual", 1), "p", 2))]
    yield 'p1:add(prompt(2),0.5)', [(("p", 1), z, lambda h: h + 0.5 * state(QUESTION, z, "p", 2))]
    yield 'q2:scale(2);q5@mlp.out.2:zero;q2@residual.1:add(token("6"),1);q3@residual.1:zero;z2:scale(-1);p1@q.in.2:zero', [
        (("q", 2), z, lambda h: 2 * h), (("q", 5), ("mlp.out", 2), lambda h: 0 * h),
        (("q", 2), ("residual", 1), lambda h: h + six), (("q", 3), ("residual", 1), lambda h: 0 * h),
        (2, z, lambda h: -h), (("p", 1), ("q.in", 2), lambda h: 0 * h)]


def wide_cases(model):
    """At GPT-2's width: thoughts, and sites of layers at thoughts, and at tokens."""
    e, z, last = model.embedding, "latent", model.sizes["L"]
    own = values(model, QUESTION, z)
    u = (e[5] - e[7]) / (e[5] - e[7]).norm()
    deep = ("residual", last - 1)
    yield "", []
    yield "z1:zero", [(1, z, lambda h: 0 * h)]
    yield "z2:noise(7)", [(2, z, noised(7, 2, z, 768))]
    yield "z3@attention.out.1:scale(3)", [(3, ("attention.out", 1), lambda h: 3 * h)]
    yield f'z2@residual.{last - 1}:replace(thought(1,"other"))', [
        (2, deep, lambda h: values(model, OTHER, deep)[0])]
    yield 'z2:remove(difference("5","7"))', [(2, z, lambda h: h - (h @ u) * u)]
    yield "z1:replace(thought(3));z3:replace(thought(1))", [(1, z, lambda h: own[2]), (3, z, lambda h: own[0])]
    yield from token_cases(model, e[4], e[6])


def outside_of_two(model):
    place = ("q.in", 2)
    rows = torch.cat([values(model, q, place) for q in TRAINING[:2]])
    v = torch.linalg.svd(rows)[2][:3]
    return [(1, place, lambda h: h - h @ v.T @ v)]


def printed(model, every):
    """Of each case the hidden states [L, H] at the last thought and the log-probabilities [V], by its number; and all texts."""
    names, plain, out = [], None, {}
    for text, changes in every:
        changes = outside_of_two(model) if changes is None else changes
        states = run(model, QUESTION, changes)[:, -1]
        last = run(model, QUESTION, changes, PROMPT)[-1, -1]
        shares = (model.head @ last).log_softmax(-1)
        plain = shares if plain is None else plain
        assert text == "" or (shares - plain).abs().max() > 1e-3, f"{text} changes nothing"
        out[f"{len(names)}.hidden"], out[f"{len(names)}.log"] = states, shares
        names.append(text)
    return names, out


def main():
    meta = {"by": "torch float64", "question": QUESTION, "other": OTHER, "training": TRAINING, "prompt": PROMPT, "K": K,
            "temperature": TAU}
    for name, kind, seed in (("qwen2", Qwen2, 23), ("gpt2", Gpt2, 24)):
        model = kind(Random(seed))
        names, out = printed(model, cases(model))
        weights = {f"weights.{k}": w for k, w in model.weights.items()}
        write_golden(f"interventions-{name}", {**meta, "config": model.hugging_face(), "cases": names}, {**weights, **out})
    for name, layers, seed in (("wide", 2, 25), ("deep", 12, 26)):
        model = Wide(layers, seed)
        names, out = printed(model, wide_cases(model))
        some = {key: x[:, ::48] if key.endswith("hidden") else x for key, x in out.items()}
        more = {"config": model.hugging_face(), "cases": names, "drawn": {"seed": seed, "tensors": model.listed}}
        write_golden(f"interventions-gpt2-{name}", {**meta, **more}, some)


if __name__ == "__main__":
    main()
