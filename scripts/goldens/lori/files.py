"""Reading and writing: seeded numbers, golden JSON, safetensors. Everything written is byte-identical on a rerun."""
import base64
import json
import os
import re
import struct

import torch

torch.set_num_threads(1)  # the order of sums, hence the last bit, must not depend on the machine's cores
torch.set_default_dtype(torch.float64)

OUT = os.path.normpath(os.path.join(os.path.dirname(__file__), "../../../src/engine/testing/golden"))

INLINE = 8  # up to this many reals are written in full


class Random:
    """Normal numbers in float64, rounded to float32 so that both sides start from the same values."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape, scale=1.0, mean=0.0):
        x = torch.randn(*shape, generator=self.generator, dtype=torch.float64)
        return (mean + scale * x).float().double()

    def tokens(self, low, high, count):
        return torch.randint(low, high, (count,), generator=self.generator).tolist()


def projections(tensors):
    """[n, 3]: of each tensor, in the order of their names, its norm and its sums with cos(i√2) and cos(i√3), i the flat index:
    a gradient that is wrong by a share of its norm changes one of them by about as much, and three numbers take its place."""
    rows = []
    for _, x in sorted(tensors.items()):
        flat = x.detach().reshape(-1)
        i = torch.arange(len(flat), dtype=torch.float64)
        rows.append(torch.stack([flat.norm(), (flat * (i * 2**0.5).cos()).sum(), (flat * (i * 3**0.5).cos()).sum()]))
    return torch.stack(rows)


def entry(x):
    """{shape, data}: whole numbers and short tensors in full; longer ones as base64 of little-endian float32, which keeps
    a float64 value to 6e-8 of itself, far below any tolerance required of the engine."""
    x = torch.as_tensor(x).detach()
    shape = list(x.shape)
    if not x.dtype.is_floating_point or x.numel() <= INLINE:
        if not torch.isfinite(x).all():
            raise ValueError("a golden must not hold NaN or Inf")
        return {"shape": shape, "data": x.reshape(-1).tolist()}
    single = x.float()
    if not torch.isfinite(single).all():
        raise ValueError("a golden must not hold NaN or Inf")
    return {"shape": shape, "data": base64.b64encode(single.contiguous().numpy().tobytes()).decode()}


def write_golden(name, meta, tensors):
    path = os.path.join(OUT, f"{name}.golden.json")
    lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(entry(v))}" for k, v in tensors.items())
    os.makedirs(OUT, exist_ok=True)
    with open(path, "w") as f:
        f.write(f'{{\n "meta": {json.dumps(meta)},\n "tensors": {{\n{lines}\n }}\n}}\n')
    print(f"{os.path.basename(path)}: {len(tensors)} tensors, {os.path.getsize(path)} bytes")


def write_model(name, config, weights):
    """A Hugging Face folder: config.json and model.safetensors in float32."""
    folder = os.path.join(OUT, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as f:
        text = re.sub(r"\[\s+(\S+)\s+\]", r"[\1]", json.dumps(config, indent=2))  # as the formatter has it
        f.write(text.replace("e-0", "e-") + "\n")
    header, blobs, at = {}, [], 0
    for key in sorted(weights):
        x = weights[key].detach()
        assert torch.equal(x.float().double(), x), key
        blob = x.float().contiguous().numpy().tobytes()
        header[key] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    print(f"{name}/model.safetensors: {8 + len(text) + at} bytes")


def read_safetensors(path):
    """Float32 tensors of one file, as float64."""
    with open(path, "rb") as f:
        raw = f.read()
    size = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for key, info in json.loads(raw[8 : 8 + size]).items():
        if key == "__metadata__":
            continue
        assert info["dtype"] == "F32", key
        low, high = info["data_offsets"]
        flat = torch.frombuffer(bytearray(raw[8 + size + low : 8 + size + high]), dtype=torch.float32)
        out[key] = flat.reshape(info["shape"]).double()
    return out
