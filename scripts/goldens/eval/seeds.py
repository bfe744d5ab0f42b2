"""Statistics over seeds by numpy and scipy: writes src/contract/seeds.golden.json.

For each end of a percentile bootstrap interval, the range of acceptable values: 10,000 resamples find the 2.5 % percentile
with a standard error of √(0.025 · 0.975 / 10,000) = 0.16 % of the distribution, hence 2 % to 3 % (3.2 standard errors). A
bound in the values' own units would not do: the median takes few values and jumps between neighbours.
"""
import itertools
import json
import pathlib

import numpy as np
from scipy import stats

ACCURACY = {
    "lori": [0.851, 0.835, 0.874, 0.842, 0.861, 0.838, 0.829, 0.866, 0.857, 0.848],
    "codi": [0.449, 0.449, 0.054, 0.583, 0.31, 0.612, 0.201, 0.555, 0.478, 0.39],
    "ce": [0.036, 0.079, 0.03, 0.026, 0.476, 0.22, 0.041, 0.057, 0.118, 0.033],
}
FIVE = [0.036, 0.079, 0.03, 0.476, 0.22]
RESAMPLES = 400_000


def interval(values, statistic):
    found = stats.bootstrap(
        (np.array(values),), statistic, n_resamples=RESAMPLES, method="percentile", batch=20_000,
        vectorized=True, random_state=np.random.default_rng(7),
    ).bootstrap_distribution
    return ends(found)


def ends(found):
    return {
        "low": [float(q) for q in np.quantile(found, [0.02, 0.03])],
        "high": [float(q) for q in np.quantile(found, [0.97, 0.98])],
    }


def summary(values):
    return {
        "values": values,
        "mean": float(np.mean(values)),
        "median": float(np.median(values)),
        "sd": float(np.std(values, ddof=1)),
        "meanInterval": interval(values, np.mean),
        "medianInterval": interval(values, np.median),
    }


def every(values, statistic):
    """From all n^n resamples."""
    return ends([statistic(resample) for resample in itertools.product(values, repeat=len(values))])


def difference(a, b):
    d = np.array(ACCURACY[a]) - np.array(ACCURACY[b])
    return {"of": a, "baseline": b, "mean": float(d.mean()), "interval": interval(d, np.mean)}


text = json.dumps({
    "summaries": {name: summary(values) for name, values in ACCURACY.items()},
    "differences": [difference("lori", "ce"), difference("codi", "ce"), difference("codi", "lori")],
    "five": {
        "values": FIVE,
        "mean": every(FIVE, np.mean),
        "median": every(FIVE, np.median),
    },
    "quantiles": [[q, float(np.quantile(sorted(ACCURACY["codi"]), q))] for q in (0, 0.025, 0.3, 0.5, 0.975, 1)],
}, indent=1)
pathlib.Path(__file__, "../../../../src/contract/seeds.golden.json").resolve().write_text(text + "\n")
