"""Prints the goldens of whole steps of LoRi, CODI with a fixed teacher and cross entropy on latents with 1, 2 and 5 thoughts, and of
No-CoT, on the models, adapters, tokens and teacher of step.py, in float64:

    /usr/bin/python3 scripts/goldens/lori/thoughts.py

    thoughts.golden.json    `{family}.{adapter}`; `{family}.{case}.weighted.{term}`; `{family}.{case}.projections` of every adapter's gradient (files.py);
                            of some, `{family}.{case}.after3.projections` of what three steps of AdamW move the adapters by

The adapters are named `student.layers.{l}.{linear}.{A,B}`, in the order of these names.
"""
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
# The written rationale is trained too.
EXPLICIT = ["lori-1", "lori-2", "lori-5", "codi-2", "ce-2"]
STEPPED = ["nocot", "lori-2", "codi-2", "ce-2"]


def main():
    out, ranks = {}, {}
    for family, variant in VARIANTS.items():
        RUN.update(variant["ranks"])
        ranks[family], config = variant["ranks"], variant["config"]
        weights, teacher_weights, lora, (questions, rationales, prompt, answers) = drawn(variant)
        batch = Batch(questions, rationales, prompt, [a + [EOS] for a in answers])
        target = teacher_targets(Decoder(config, teacher_weights), batch, True)
        adapters = {f"student.{name}": value for name, value in lora.items()}
        out.update({f"{family}.{name}": value for name, value in adapters.items()})
        for name, case in CASES.items():
            own = {k: RUN[k] for k in ("covariance", "mean", "anchor", "answer", "codi")}
            run = {**case, "temperature": RUN["temperature"], "supervised": "answer", "weights": {**own, "explicit": RUN["explicit"] if name in EXPLICIT else 0}}

            def weighted(live, run=run):
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
    write_golden("thoughts", {"by": "torch float64", "run": RUN, "ranks": ranks, "optimiser": OPTIMISER, "cases": CASES}, out)


if __name__ == "__main__":
    main()
