"""Methods on a small decoder in plain torch, float64, written row by row: each sample alone, without padding and without a
cache, every pass over its whole sequence. What a batch shares (counts of targets, standard deviations) is put together
afterwards. Sequences and losses as shared by CODI, CoT-SFT, PauseFT and PCCoT.

B samples, L layers, H hidden size, K latents, c latents of PCCoT, T its iterations, P tokens of the answer prompt.
"""
import torch
import torch.nn.functional as F

from _gpt2 import Gpt2Decoder
from rows import EOS, Decoder, Lora, part

NORM_EPS = 1e-5
BOT, EOT, LATENT = 0, 1, 2  # rows of `tokens`


class Reference:
    """The student with its trained values: `student.layers…` (LoRA), or all its weights, `weights.…`; `tokens` [n, H], `projection.…`."""

    def __init__(self, config, weights, live, rank, alpha):
        decoder = Gpt2Decoder if config.model_type == "gpt2" else Decoder
        lora = part(live, "student.")
        own = {**weights, **part(live, "weights.")}
        self.decoder, self.live = decoder(config, own, Lora(lora, rank, alpha) if lora else None), live

    def embed(self, ids):
        return self.decoder.embed(torch.tensor(ids, dtype=torch.long))

    def token(self, row, trained=True):
        x = self.live["tokens"][row : row + 1]
        return x if trained else x.detach()

    def states(self, *parts):
        """Hidden states [n, L, H] of the parts, one sequence of input embeddings."""
        x = torch.cat(parts)
        return self.decoder.forward(x[None], torch.ones(1, len(x), dtype=torch.long))[0][0]

    def nats(self, h, targets):
        """Sum of the cross entropies of `targets` given final states h [n, H]."""
        return F.cross_entropy(self.decoder.logits(h), torch.tensor(targets), reduction="sum")

    def projected(self, h, use):
        if not use:
            return h
        p = part(self.live, "projection.")
        inner = F.gelu(h @ p["in.weight"].T + p["in.bias"])
        out = inner @ p["out.weight"].T + p["out.bias"]
        return F.layer_norm(out, (out.shape[-1],), p["norm.weight"], p["norm.bias"], NORM_EPS)

    def reply(self, before, prompt, answer, run):
        """Prompt and answer after input embeddings `before`: states at the aligned token, cross entropy, targets."""
        states = self.states(before, self.embed(prompt + answer))
        n, P = len(before), len(prompt)
        whole = run["supervised"] == "prompt"
        first, targets = (n - 1, prompt + answer + [EOS]) if whole else (n + P - 1, answer + [EOS])
        aligned = states[n + P - 1 + (run["position"] == "after")]
        return aligned, self.nats(states[first : first + len(targets), -1], targets), len(targets)

    def text(self, question, rationale, prompt, answer, run):
        """The explicit path: states at the aligned token, cross entropy of everything after the question, targets."""
        said = rationale + prompt + answer
        states = self.states(self.embed(question), self.embed(said))
        n = len(question)
        aligned = states[n + len(rationale) + len(prompt) - 1 + (run["position"] == "after")]
        return aligned, self.nats(states[n - 1 :, -1], said + [EOS]), len(said) + 1


def random_projection(random, H, width):
    return {
        "projection.in.weight": random.normal(width, H, scale=0.4), "projection.in.bias": random.normal(width, scale=0.3),
        "projection.out.weight": random.normal(H, width, scale=0.4), "projection.out.bias": random.normal(H, scale=0.3),
        "projection.norm.weight": random.normal(H, scale=0.2, mean=0.6), "projection.norm.bias": random.normal(H, scale=0.2),
    }


def latent_thoughts(model, question, run):
    """CODI: question, bot, K latents, eot."""
    trained = run["trainTokens"]
    x = torch.cat([model.embed(question), model.token(BOT, trained)])
    for _ in range(run["latents"]):
        x = torch.cat([x, model.projected(model.states(x)[-1:, -1], run["projection"])])
    return torch.cat([x, model.token(EOT, trained)])


def jacobi_thoughts(model, question, run):
    """PCCoT: question, bot, c latents after T parallel iterations, eot."""
    trained, c = run["trainTokens"], run["latents"]
    prefix = torch.cat([model.embed(question), model.token(BOT, trained)])
    n, x = len(prefix), model.token(LATENT, trained).expand(c, -1)
    first = None
    for _ in range(run["iterations"]):
        h = model.states(prefix, x)[:, -1]
        first = model.projected(h[n - 1 : n], run["projection"]) if first is None else first
        x = torch.cat([first, model.projected(h[n : n + c - 1], run["projection"])])
    return torch.cat([prefix, x, model.token(EOT, trained)])


def pauses(model, question, run):
    """PauseFT: question, M copies of one learned token."""
    return torch.cat([model.embed(question), model.token(0).expand(run["pauses"], -1)])


THOUGHTS = {"codi": latent_thoughts, "pccot": jacobi_thoughts, "pause": pauses}


def distance(student, teacher, run):
    """[B, L, H] each: L1 or smooth L1 (β = 1), by the teacher's unbiased standard deviation in each layer or over all of
    them; the embedding layer, where the two are equal, may count as one more layer."""
    kind = F.smooth_l1_loss if run["form"] == "smooth-l1" else F.l1_loss
    layers = [kind(student[:, i], teacher[:, i]) for i in range(student.shape[1])]
    if run["scale"] == "layer":
        layers = [x / teacher[:, i].std(unbiased=True) for i, x in enumerate(layers)]
    count = len(layers) + run["embeddings"]
    total = sum(layers) / count
    return total / teacher.std(unbiased=True) if run["scale"] == "all" else total


def distilled_terms(model, rows, run):
    """CODI's terms of rows: input embeddings before the prompt; question, rationale, prompt and answer."""
    replies = [model.reply(before, prompt, answer, run) for before, _, _, prompt, answer in rows]
    texts = [model.text(question, rationale, prompt, answer, run) for _, question, rationale, prompt, answer in rows]
    aligned = torch.stack([r[0] for r in replies]), torch.stack([t[0] for t in texts]).detach()
    return {
        "teacher": sum(t[1] for t in texts) / sum(t[2] for t in texts),
        "answer": sum(r[1] for r in replies) / sum(r[2] for r in replies),
        "distillation": distance(*aligned, run),
    }


def terms_of(model, method, batch, run):
    """Unweighted terms of a method on a batch."""
    rows = list(zip(batch["questions"], batch["rationales"], batch["answers"]))
    prompt, terms = batch["prompt"], {}
    if method in THOUGHTS:
        replies = [model.reply(THOUGHTS[method](model, q, run), prompt, a, run) for q, _, a in rows]
        terms["answer"] = sum(r[1] for r in replies) / sum(r[2] for r in replies)
    if method in ("codi", "pccot"):
        texts = [model.text(*row[:2], prompt, row[2], run) for row in rows]
        terms["teacher"] = sum(t[1] for t in texts) / sum(t[2] for t in texts)
        aligned = torch.stack([r[0] for r in replies]), torch.stack([t[0] for t in texts]).detach()
        terms["distillation"] = distance(*aligned, run)
    if method == "cot":
        texts = [model.text(*row[:2], prompt, row[2], run) for row in rows]
        terms["explicit"] = sum(t[1] for t in texts) / sum(t[2] for t in texts)
    return terms
