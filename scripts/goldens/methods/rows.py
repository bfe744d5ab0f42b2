"""What the methods' goldens share: a decoder of the tiny models, one row at a time and without padding.

A reference here never pads: each sample is run alone, so that a batch that agrees with it also agrees with its rows alone.
"""
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lori"))

from _three_steps import OPTIMISER, three_steps  # noqa: E402, F401
from files import OUT, Random, projections, read_safetensors, write_golden  # noqa: E402
from layer import finite_difference  # noqa: E402
from model import Config, Decoder, Lora, random_lora  # noqa: E402

EOS = 1
RANK, ALPHA = 2, 3.0
CONFIGS = {
    "llama": Config("llama", 16, 24, 3, 4, 2, 40, 1e-5, 10000.0, True),
    "qwen2": Config("qwen2", 16, 24, 2, 4, 2, 24, 1e-6, 500.0, False),
}


def student_weights(family):
    """The weights of the model that lori/step.py printed."""
    return read_safetensors(os.path.join(OUT, f"{family}-student", "model.safetensors"))


def student_lora(family, random):
    return {f"student.{k}": v for k, v in random_lora(CONFIGS[family], random, RANK, CONFIGS[family].layers).items()}


def decoder_of(family, weights, live):
    """The model with the adapters among the trained tensors, `student.layers.…`."""
    lora = part(live, "student.")
    return Decoder(CONFIGS[family], weights, Lora(lora, RANK, ALPHA) if lora else None)


def part(live, prefix):
    """Trained tensors whose names begin with `prefix`, by the rest of their names."""
    return {k[len(prefix) :]: v for k, v in live.items() if k.startswith(prefix)}


def families(first_seed, lengths, meta, chain="rationale"):
    """Each family with its model's weights, a generator of its own, and samples, which `meta` is given too.

    lengths: of each sample's question and answer; of its steps, or of its rationale, named `chain`; of the prompt, which all share.
    """
    meta["optimiser"] = OPTIMISER
    for seed, (family, config) in enumerate(CONFIGS.items()):
        random = Random(first_seed + seed)
        draw = lambda n: random.tokens(2, config.vocab, n)  # noqa: E731
        prompt, middle = draw(lengths["prompt"]), "steps" if "steps" in lengths else chain
        said = lengths["steps"] if "steps" in lengths else lengths["chains"]
        samples = [
            {"question": draw(q), middle: [draw(n) for n in r] if isinstance(r, list) else draw(r), "prompt": prompt, "answer": draw(a)}
            for q, r, a in zip(lengths["questions"], said, lengths["answers"])
        ]
        meta["samples"][family] = samples
        yield family, config, student_weights(family), random, samples


class Run:
    """One sample, run piece by piece: every piece sees all that came before it."""

    def __init__(self, decoder):
        self.decoder, self.cache, self.states = decoder, None, None

    def feed(self, x):
        """x [P, H] → hidden states [P, L, H]; the last layer's after the final norm."""
        past = 0 if self.cache is None else self.cache[0][0].shape[2]
        seen = torch.ones(1, past + len(x), dtype=torch.long)
        states, self.cache = self.decoder.forward(x[None], seen, self.cache)
        self.states = states[0]
        return self.states

    def tokens(self, ids):
        return self.feed(self.decoder.embed(torch.tensor(ids)))

    @property
    def last(self):
        """The final hidden state of the last position, [H]."""
        return self.states[-1, -1]


def log_likelihood(decoder, states, targets):
    """log p of each target given final states [n, H]: [n]."""
    rows = decoder.logits(states).log_softmax(-1)
    return rows.gather(-1, torch.tensor(targets)[:, None])[:, 0]


def print_case(out, case, trained, terms_of, checked, short=False):
    """Writes the weighted terms and the gradient of every trained tensor, `short`: its projections; `checked` are held against
    differences. Of the first case of qwen2, the smaller model, also what three steps of AdamW make of the trained tensors."""
    live = {k: v.clone().requires_grad_() for k, v in trained.items()}
    terms = terms_of(live)
    sum(terms.values()).backward()
    for name, value in terms.items():
        out[f"{case}.weighted.{name}"] = value
    for name, value in live.items():
        gradient = torch.zeros_like(value) if value.grad is None else value.grad
        assert gradient.abs().max() > 1e-7, f"{case}: no gradient reaches {name}"
        if not short:
            out[f"{case}.grad.{name}"] = gradient
    if short:
        out[f"{case}.projections"] = projections({name: value.grad for name, value in live.items()})
    worst = [finite_difference(lambda v: sum(terms_of(v).values()), trained, key, live[key].grad, f"{case} {key}") for key in checked]
    if case.startswith("qwen2.") and not any(name.startswith("qwen2.") and ".after3." in name for name in out):
        after_three_steps(out, case, trained, terms_of)
    print(f"  {case}: " + ", ".join(f"{k} {v.item():.4f}" for k, v in terms.items()) + f"; against differences {max(worst, default=0):.1e}")


def after_three_steps(out, case, trained, terms):
    """Writes the trained tensors after three steps."""
    for name, value in three_steps(trained, terms).items():
        out[f"{case}.after3.{name}"] = value
