"""Passes and losses of LoRi, CODI-style distillation, cross entropy on latents, No-CoT and CoT-SFT, on a decoder.

B samples, S question columns, K latent steps, L layers, H hidden size, V vocabulary, N rationale tokens of a sample,
R = r_L·r_H. RoPE position = column of the padded layout: questions end at column S − 1 (pads at the left), latents at
S … S + K − 1, then prompt ∥ answer (right-padded). Explicit pass: question, rationale ∥ prompt ∥ answer. Answers end with the
end token.

A step may be computed in parts, by rows and by processes: sums are divided by what the whole step has (`Whole`), so that terms and
gradients of the parts add up to those of the step.
"""
import torch
import torch.nn.functional as F

PAD = 0


class Batch:
    """Token lists of B samples, one prompt for all. widths: columns of the padded layout, by default those of the batch."""

    def __init__(self, questions, rationales, prompt, answers, widths=None):
        self.questions, self.rationales, self.prompt, self.answers = questions, rationales, prompt, answers
        self.widths = widths or {}

    def one(self, b):
        return Batch([self.questions[b]], [self.rationales[b]], self.prompt, [self.answers[b]])

    def __len__(self):
        return len(self.questions)

    @property
    def before(self):
        """Columns of the question."""
        return self.widths.get("question") or max(map(len, self.questions))


class Whole:
    """What the sums of a step are divided by: its samples, its targets after the question, with and without rationale."""

    def __init__(self, samples, answer, explicit):
        self.samples, self.answer, self.explicit = samples, answer, explicit


def pad_left(rows, width=None):
    width = width or max(map(len, rows))
    ids = torch.tensor([[PAD] * (width - len(r)) + r for r in rows])
    return ids, torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows])


def pad_right(rows, width=None):
    width = width or max(map(len, rows))
    ids = torch.tensor([r + [PAD] * (width - len(r)) for r in rows])
    return ids, torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows])


def cross_entropy(logits, targets, mask):
    """Sum over real targets; logits [B, T, V], targets and mask [B, T]."""
    picked = logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    return -(picked * mask).sum()


def recurrent(decoder, h, kind, temperature):
    """z = f(h), [B, H]: what is fed back as the next input embedding."""
    if kind == "hidden":
        return h
    return (decoder.logits(h) / temperature).softmax(-1) @ decoder.embedding


def explicit_pass(decoder, batch, segment=None):
    """Teacher-forced question ∥ rationale ∥ prompt ∥ answer. Sum of cross entropy over all targets after the
    question, their number, and the states [B, S + T, L, H]. segment: called with the name of what is fed next, and its columns."""
    device = decoder.embedding.device
    questions, question_mask = (t.to(device) for t in pad_left(batch.questions, batch.widths.get("question")))
    rests = [r + batch.prompt + a for r, a in zip(batch.rationales, batch.answers)]
    rest, rest_mask = (t.to(device) for t in pad_right(rests, batch.widths.get("explicit")))
    key_mask = torch.cat([question_mask, rest_mask], 1)
    if segment is None:
        states, _ = decoder.forward(decoder.embed(torch.cat([questions, rest], 1)), key_mask)
    else:
        segment("question", questions.shape[1])
        first, cache = decoder.forward(decoder.embed(questions), key_mask)
        segment("explicit", rest.shape[1] - 1)
        states = torch.cat([first, decoder.forward(decoder.embed(rest[:, :-1]), key_mask, cache)[0]], 1)
    before = questions.shape[1] - 1
    logits = decoder.logits(states[:, before : before + rest.shape[1], -1])
    return cross_entropy(logits, rest, rest_mask), rest_mask.sum(), states


def latent_pass(decoder, batch, steps, kind, temperature, supervised="answer", segment=None):
    """Question, K latent steps, prompt ∥ answer. `steps` = 0 is No-CoT. Gives a dict:
    z [B, K, H], rationale [B, K, L, H], anchor [B, L, H], logits [B, T, V], and cross entropy as sum and count, of the answer, or of
    prompt and answer (supervised)."""
    device = decoder.embedding.device
    segment = segment or (lambda name, columns: None)
    P, widths = len(batch.prompt), batch.widths
    width = widths.get("answer")
    questions, question_mask = (t.to(device) for t in pad_left(batch.questions, widths.get("question")))
    answers, answer_mask = (t.to(device) for t in pad_right([batch.prompt + a[:-1] for a in batch.answers], width and P + width - 1))
    whole = supervised == "prompt"
    said = [(batch.prompt if whole else []) + a for a in batch.answers]
    targets, target_mask = (t.to(device) for t in pad_right(said, width and width + (P if whole else 0)))
    latents = torch.ones(len(batch), steps, dtype=torch.long, device=device)
    key_mask = torch.cat([question_mask, latents, answer_mask], 1)
    segment("question", questions.shape[1])
    states, cache = decoder.forward(decoder.embed(questions), key_mask)
    h, thoughts, rationale = states[:, -1, -1], [], []
    for t in range(steps):
        z = recurrent(decoder, h, kind, temperature)
        segment(f"latent {t}", 1)
        states, cache = decoder.forward(z[:, None], key_mask, cache)
        thoughts.append(z)
        rationale.append(states[:, 0])
        h = states[:, 0, -1]
    segment("answer", answers.shape[1])
    states, _ = decoder.forward(decoder.embed(answers), key_mask, cache)
    at = P - 1
    finals = torch.cat([h[:, None], states[:, :, -1]], 1) if whole else states[:, at:, -1]
    logits = decoder.logits(finals)
    out = {"anchor": states[:, at], "logits": logits, "targets": targets, "targetMask": target_mask}
    out["ce"], out["count"] = cross_entropy(logits, targets, target_mask), target_mask.sum()
    if steps > 0:
        out["z"], out["rationale"] = torch.stack(thoughts, 1), torch.stack(rationale, 1)
    return out


# ---- LoRi's and CODI's targets --------------------------------------------------------------------------------------

# From so many columns a row on, an unfolding is first made square: its left singular vectors stay.
WIDE = 100


def left_vectors(unfolding, rank):
    """Leading left singular vectors, the entry of largest magnitude in each positive; and all singular values."""
    if unfolding.shape[1] > WIDE * unfolding.shape[0]:
        unfolding = torch.linalg.qr(unfolding.T, mode="r")[1].T
    u, s, _ = torch.linalg.svd(unfolding, full_matrices=False)
    u = u[:, :rank]
    return u * u.gather(0, u.abs().argmax(0, keepdim=True)).sign(), s


def factor(x, layer_rank, hidden_rank):
    """x [M, L, H] → U_L [L, r_L], U_H [H, r_H] and the singular values of both unfoldings."""
    u_l, s_l = left_vectors(x.permute(1, 0, 2).reshape(x.shape[1], -1), layer_rank)
    u_h, s_h = left_vectors(x.permute(2, 0, 1).reshape(x.shape[2], -1), hidden_rank)
    return u_l, u_h, s_l, s_h


def moments(x, u_l, u_h):
    """x [M, L, H] → G [M, R] (column ℓ·r_H + h), μ [R], C [R, R]."""
    g = torch.einsum("mlh,la,hc->mac", x, u_l, u_h).reshape(len(x), -1)
    return g, g.mean(0), g.T @ g / len(x)


def teacher_states(teacher, batch):
    """Of each sample: states at its rationale [N, L, H], and at the anchor, the prompt's last token, [L, H]."""
    with torch.no_grad():
        states = explicit_pass(teacher, batch)[2]
    before, P = batch.before, len(batch.prompt)
    return (
        [states[b, before : before + len(r)] for b, r in enumerate(batch.rationales)],
        torch.stack([states[b, before + len(r) + P - 1] for b, r in enumerate(batch.rationales)]),
    )


def targets_of(raw, raw_anchor, ranks, normalise, scope="shared"):
    """Everything the student needs from the teacher's states, as a dict. ranks: layerRank, hiddenRank, anchorHiddenRank."""
    stacked = torch.cat(raw)  # [ΣN, L, H]
    scale = stacked.permute(1, 0, 2).reshape(stacked.shape[1], -1).std(1, unbiased=False)
    if not normalise:
        scale = torch.ones_like(scale)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    x = [r / scale[:, None] for r in raw]
    anchor = raw_anchor / scale[:, None]
    both = ranks["layerRank"], ranks["hiddenRank"]
    u_l, u_h, s_l, s_h = factor(torch.cat(x), *both)
    pairs = [(u_l, u_h)] * len(x) if scope == "shared" else [factor(r, *both)[:2] for r in x]
    mu, c = zip(*[moments(r, *pair)[1:] for r, pair in zip(x, pairs)])
    u_a, s_a = left_vectors(anchor.permute(2, 0, 1).reshape(anchor.shape[2], -1), ranks["anchorHiddenRank"])
    return {
        "rationale": stacked, "anchor": raw_anchor, "layerScale": scale,
        "uL": torch.stack([p[0] for p in pairs]) if scope == "sample" else u_l,
        "uH": torch.stack([p[1] for p in pairs]) if scope == "sample" else u_h,
        "sigmaL": s_l, "sigmaH": s_h, "mu": torch.stack(mu), "c": torch.stack(c),
        "anchorUH": u_a, "anchorSigmaH": s_a, "anchorTarget": anchor @ u_a,
        "pairs": pairs,
    }


def codi_std(anchor):
    """CODI's divisor: the unbiased std over the B×H values of each layer's anchor states [B, L, H]: [L]."""
    return anchor.permute(1, 0, 2).reshape(anchor.shape[1], -1).std(1, unbiased=True)


# ---- Losses ---------------------------------------------------------------------------------------------------------


def rationale_terms(latent, target):
    """Per sample: ‖C_S − C_T‖_F² and ‖μ_S − μ_T‖² (LoRi §3.2)."""
    c_terms, mu_terms = [], []
    for b, pair in enumerate(target["pairs"]):
        _, mu, c = moments(latent["rationale"][b] / target["layerScale"][:, None], *pair)
        c_terms.append((c - target["c"][b]).pow(2).sum())
        mu_terms.append((mu - target["mu"][b]).pow(2).sum())
    return torch.stack(c_terms), torch.stack(mu_terms)


def anchor_terms(latent, target):
    """Per sample: 1/L Σ_ℓ ‖U_H^(a)ᵀ (h_ℓ − h'_ℓ)‖² (LoRi §3.3)."""
    projected = (latent["anchor"] / target["layerScale"][:, None]) @ target["anchorUH"]
    return (projected - target["anchorTarget"]).pow(2).sum(-1).mean(-1)


def codi_terms(latent, target):
    """Per sample: the mean over layers of smooth L1 (β = 1, mean over H) divided by the teacher's std in that layer; codiStd is
    [L], or [B, L] where the samples are of several batches."""
    distance = F.smooth_l1_loss(latent["anchor"], target["anchor"], reduction="none").mean(-1)
    return (distance / target["codiStd"]).mean(-1)


def whole_of(batch, supervised="answer"):
    more = len(batch.prompt) if supervised == "prompt" else 0
    answers = sum(len(a) + more for a in batch.answers)
    written = sum(len(r) + len(batch.prompt) + len(a) for r, a in zip(batch.rationales, batch.answers))
    return Whole(len(batch), answers, written)


def terms_of(method, student, batch, target, run, whole, kept=None, segment=None):
    """A batch's share of every term before its weight. run: latents, filter, temperature, supervised, weights by term.
    `kept` receives the latent pass."""
    weights, terms = run["weights"], {}
    if method == "cot-sft":
        return {"explicit": explicit_pass(student, batch, segment)[0] / whole.explicit}
    steps = 0 if method == "nocot" else run["latents"]
    latent = latent_pass(student, batch, steps, run["filter"], run["temperature"], run["supervised"], segment)
    if kept is not None:
        kept.update(latent)
    terms["answer"] = latent["ce"] / whole.answer
    if method == "lori" and (weights["covariance"] or weights["mean"]):
        c_terms, mu_terms = rationale_terms(latent, target)
        terms["covariance"], terms["mean"] = c_terms.sum() / whole.samples, mu_terms.sum() / whole.samples
    if method == "lori" and weights["anchor"]:
        terms["anchor"] = anchor_terms(latent, target).sum() / whole.samples
    if weights.get("explicit"):
        terms["explicit"] = explicit_pass(student, batch, segment)[0] / whole.explicit
    if method == "codi" and weights["codi"]:
        terms["codi"] = codi_terms(latent, target).sum() / whole.samples
    return {name: term for name, term in terms.items() if weights[name]}
