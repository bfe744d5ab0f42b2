"""safetensors files, read and written without a package."""
import glob
import json
import os
import struct

import torch

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read_safetensors(path):
    """Tensors by name, as they are stored, and the file's metadata."""
    with open(path, "rb") as f:
        raw = f.read()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    metadata, out = header.pop("__metadata__", {}), {}
    for name, info in header.items():
        if info["dtype"] not in DTYPES:
            raise SystemExit(f"{path}: tensor {name} is {info['dtype']}; known: {', '.join(DTYPES)}")
        low, high = info["data_offsets"]
        data = bytearray(raw[8 + size + low : 8 + size + high])
        out[name] = torch.frombuffer(data, dtype=DTYPES[info["dtype"]]).reshape(info["shape"]) if data else torch.zeros(info["shape"])
    return out, metadata


def read_model(folder):
    """All tensors of a checkpoint's folder."""
    files = sorted(glob.glob(os.path.join(folder, "*.safetensors")))
    if not files:
        raise SystemExit(f"{folder} has no .safetensors: put the model's files there, or give --model")
    out = {}
    for path in files:
        out.update(read_safetensors(path)[0])
    return out


def write_safetensors(path, tensors, metadata):
    """float32 tensors; under another name first, so that the file is whole or not there."""
    header, blobs, at = {"__metadata__": metadata}, [], 0
    for name, x in tensors.items():
        blob = x.detach().cpu().float().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for blob in blobs:
            f.write(blob)
        f.flush()
        os.fsync(f.fileno())
    os.replace(path + ".part", path)
