"""Writes safetensors.golden.json: a file by the reference implementation and the arrays in it.

    pip install safetensors==0.8.0 numpy
    python src/engine/checkpoint/golden.py
"""

import base64
import json
import pathlib

import numpy as np
from safetensors.numpy import save

rng = np.random.default_rng(7)
tensors = {
    "model.norm.weight": rng.standard_normal(5).astype(np.float32),
    "é \"quoted\" \\ name": rng.standard_normal((2, 3)).astype(np.float32),
    "__proto__": rng.standard_normal((1, 1, 2)).astype(np.float32),
    "empty": np.zeros((0, 4), np.float32),
    "scalar": np.array(-2.5, np.float32),
}
out = {
    "metadata": {"format": "np"},
    "file": base64.b64encode(save(tensors, {"format": "np"})).decode(),
    # A list: bundlers turn JSON into object literals, where a "__proto__" key is lost.
    "tensors": [{"name": k, "shape": list(v.shape), "data": v.ravel().tolist()} for k, v in tensors.items()],
}
pathlib.Path(__file__).with_name("safetensors.golden.json").write_text(json.dumps(out, indent=1) + "\n")
