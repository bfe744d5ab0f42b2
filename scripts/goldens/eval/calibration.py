"""Reliability bins, expected calibration error and Brier score with numpy, for src/contract/stopping.test.ts.

usage: /usr/bin/python3 scripts/goldens/eval/calibration.py
"""

import json
import pathlib

import numpy as np

rng = np.random.default_rng(7)
p = np.concatenate([np.round(rng.beta(0.6, 0.9, 70), 6), [0.0, 0.25, 0.5, 0.75, 1.0]])
y = (rng.random(len(p)) < p**1.7).astype(int)
bins = {}
for count in (10, 4):
    edges = np.linspace(0, 1, count + 1)
    place = np.minimum(np.digitize(p, edges) - 1, count - 1)
    rows = [(int((place == b).sum()), float(p[place == b].mean()), float(y[place == b].mean())) if (place == b).any() else (0, None, None)
            for b in range(count)]
    ece = sum(n / len(p) * abs(mean - share) for n, mean, share in rows if n)
    bins[count] = {"rows": rows, "ece": ece}
out = {"p": p.tolist(), "y": y.tolist(), "bins": bins, "brier": float(((p - y) ** 2).mean())}
path = pathlib.Path(__file__).parents[3] / "src/contract/calibration.golden.json"
path.write_text(json.dumps(out) + "\n")
print(path.name, len(p), "forecasts")
