"""Prints the goldens of whole steps of LoRi, CODI with a fixed teacher and cross entropy on latents with 1, 2 and 5 thoughts, and of
No-CoT, on the models, adapters, tokens and teacher of step.py, in float64:

    /usr/bin/python3 scripts/goldens/lori/thoughts.py

    thoughts.golden.json    `{family}.{adapter}`; `{family}.{case}.weighted.{term}`; `{family}.{case}.projections` of every adapter's gradient (files.py);
                            of some, `{family}.{case}.after3.projections` of what three steps of AdamW move the adapters by

Of LoRi once with the anchor's subspace by HOOI rather than HOSVD (`hooi`), with ranks of its own: from HOSVD, mode by mode, until a round
lowers the relative error by less than 1e-7, and at most 25 rounds, as the engine does.

The adapters are named `student.layers.{l}.{linear}.{A,B}`, in the order of these names.
"""
import torch

from _three_steps import OPTIMISER, three_steps
from files import projections, write_golden
from layer import finite_difference
from losses import Batch, terms_of, whole_of
from model import Decoder, Lora
from step import EOS, RUN, VARIANTS, drawn, teacher_targets

CASES = {"nocot": {"method": "nocot", "latents": 0, "filter": "softmax"}}
for method in ("lori", "codi", "ce"):
    for latents in (1, 2, 5):
        # What is fed back: the softmax mixture of embeddings, and of two thoughts the state itself.
        CASES[f"{method}-{latents}"] = {"method": method, "latents": latents, "filter": "hidden" if latents == 2 else "softmax"}
CASES["lori-hooi"] = {"method": "lori", "latents": 2, "filter": "softmax", "hooi": True}
# Ranks of samples, layers and hidden features, not all of which hold everything: where the last round but one gains several times the
# bound and the last one half of it, so that float32 ends after as many.
HOOI = {"llama": [2, 3, 3], "qwen2": [2, 1, 2]}
# The written rationale is trained too.
EXPLICIT = ["lori-1", "lori-2", "lori-5", "codi-2", "ce-2"]
STEPPED = ["nocot", "lori-2", "codi-2", "ce-2"]


def times(x, factor, mode):
    """X ×ₙ Uᵀ"""
    return torch.tensordot(x, factor, ([mode], [0])).movedim(-1, mode)


def vectors(x, mode, rank):
    """The first left singular vectors of an unfolding."""
    u, s, _ = torch.linalg.svd(x.movedim(mode, 0).reshape(x.shape[mode], -1), full_matrices=False)
    assert rank == len(s) or s[rank - 1] - s[rank] > 0.01 * s[0], f"no gap after {rank}: {s}"
    return u[:, :rank]


def error_of(x, factors):
    core = x
    for mode, factor in enumerate(factors):
        core = times(core, factor, mode)
    return (1 - core.pow(2).sum() / x.pow(2).sum()).clamp(min=0).sqrt()


def hooi(x, ranks):
    """U_H [H, r_H] of x [B, L, H]."""
    best = [vectors(x, mode, rank) for mode, rank in enumerate(ranks)]
    begin, error = best[2], error_of(x, best)
    for rounds in range(1, 26):
        factors = list(best)
        for mode, rank in enumerate(ranks):
            part = x
            for other in range(3):
                if other != mode:
                    part = times(part, factors[other], other)
            factors[mode] = vectors(part, mode, rank)
        gained = error - error_of(x, factors)
        if gained > 0:
            best, error = factors, error - gained
        if gained < 1e-7:
            break
    apart = (best[2] @ best[2].T - begin @ begin.T).norm()
    print(f"  HOOI: {rounds} rounds, the last gained {gained.item():.1e}, {apart.item():.2f} from HOSVD")
    assert apart > 0.01, "HOOI changes nothing"
    return best[2]


def refined(target, ranks):
    """The targets with the anchor's subspace by HOOI."""
    scaled = target["anchor"] / target["layerScale"][:, None]
    u = hooi(scaled, ranks)
    return {**target, "anchorUH": u, "anchorTarget": scaled @ u}


def main():
    out, ranks = {}, {}
    for family, variant in VARIANTS.items():
        RUN.update(variant["ranks"])
        ranks[family], config = variant["ranks"], variant["config"]
        weights, teacher_weights, lora, (questions, rationales, prompt, answers) = drawn(variant)
        batch = Batch(questions, rationales, prompt, [a + [EOS] for a in answers])
        plain = teacher_targets(Decoder(config, teacher_weights), batch, True)
        fine = refined(plain, HOOI[family])
        adapters = {f"student.{name}": value for name, value in lora.items()}
        out.update({f"{family}.{name}": value for name, value in adapters.items()})
        for name, case in CASES.items():
            own = {k: RUN[k] for k in ("covariance", "mean", "anchor", "answer", "codi")}
            run = {**case, "temperature": RUN["temperature"], "supervised": "answer", "weights": {**own, "explicit": RUN["explicit"] if name in EXPLICIT else 0}}

            target = fine if case.get("hooi") else plain

            def weighted(live, run=run, target=target):
                decoder = Decoder(config, weights, Lora({k[len("student.") :]: v for k, v in live.items()}, RUN["rank"], RUN["alpha"]))
                terms = terms_of(run["method"], decoder, batch, target, run, whole_of(batch))
                return {term: run["weights"][term] * value for term, value in terms.items()}

            live = {k: v.clone().requires_grad_() for k, v in adapters.items()}
            terms = weighted(live)
            sum(terms.values()).backward()
            out.update({f"{family}.{name}.weighted.{term}": value for term, value in terms.items()})
            gradients = {k: v.grad for k, v in live.items()}
            assert all(g.abs().max() > 1e-7 for g in gradients.values())
            out[f"{family}.{name}.projections"] = projections(gradients)
            key = "student.layers.0.q.A"
            error = finite_difference(lambda v: sum(weighted(v).values()), adapters, key, live[key].grad, f"{family} {name}")
            print(f"  {family} {name}: " + ", ".join(f"{k} {v.item():.4f}" for k, v in terms.items()) + f"; against differences {error:.1e}")
            if family == "qwen2" and name in STEPPED:
                moved = three_steps(adapters, weighted)
                out[f"{family}.{name}.after3.projections"] = projections({k: moved[k] - adapters[k] for k in adapters})
    write_golden("thoughts", {"by": "torch float64", "run": RUN, "ranks": ranks, "hooi": HOOI, "optimiser": OPTIMISER, "cases": CASES}, out)


if __name__ == "__main__":
    main()
