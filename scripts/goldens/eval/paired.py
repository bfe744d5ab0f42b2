"""Paired comparisons of proportions by scipy: writes src/contract/paired.golden.json.

McNemar's exact test is scipy's binomial test of the discordant problems. Tango's interval is found here from its definition,
with the likelihood maximised numerically under the constraint p₁ − p₂ = δ, not from the closed form the code uses.
"""
import json
import pathlib

import numpy as np
from scipy import optimize, stats

Z = stats.norm.ppf(0.975)


def score(n, gained, lost, delta):
    """The score statistic of the multinomial with cells gained (q + δ), lost (q) and the rest (1 − 2q − δ), at the MLE of q."""
    rest = n - gained - lost
    low, high = max(0.0, -delta), (1 - delta) / 2

    def loss(q):
        cells = [(gained, q + delta), (lost, q), (rest, 1 - 2 * q - delta)]
        return -sum(count * np.log(max(p, 1e-300)) for count, p in cells if count)

    q = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    # The bounded search avoids the ends: take an end if it is better.
    q = min([q, low, high], key=loss)
    return (gained - lost - n * delta) / np.sqrt(n * (2 * q + delta - delta * delta))


def tango(n, gained, lost):
    d = (gained - lost) / n
    end = 1 - 1e-9
    low = optimize.brentq(lambda x: score(n, gained, lost, x) - Z, -end, d - 1e-9)
    high = optimize.brentq(lambda x: score(n, gained, lost, x) + Z, d + 1e-9, end)
    return [float(low), float(high)]


CASES = [(100, 0, 0), (100, 0, 1), (100, 3, 12), (200, 0, 8), (44, 9, 0), (20, 5, 5), (1000, 40, 21), (100, 95, 1), (200, 150, 30)]
HOLM = [0.01, 0.04, 0.03, 0.005, 1.0, 0.02]


def holm(p):
    """Holm (1979), rank by rank."""
    order = np.argsort(p)
    found = np.empty(len(p))
    found[order] = np.minimum(1, np.maximum.accumulate((len(p) - np.arange(len(p))) * np.array(p)[order]))
    return [float(x) for x in found]


text = json.dumps({
    "cases": [
        {
            "problems": n, "gained": b, "lost": c,
            "p": float(stats.binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0,
            "interval": tango(n, b, c),
        }
        for n, b, c in CASES
    ],
    "holm": {"p": HOLM, "adjusted": holm(HOLM)},
}, indent=1)
pathlib.Path(__file__, "../../../../src/contract/paired.golden.json").resolve().write_text(text + "\n")
