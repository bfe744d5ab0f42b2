"""Snapshots of the playground: parameters and moments of an adapter, one tensor a layer, and the run's state as metadata."""
import json
import math
import time

import torch

from draws import Rng
from tensors import read_safetensors, write_safetensors

LARGEST_SERIES = 4000
COLUMNS = ("step", "learningRate", "gradientNorm", "milliseconds")


def pack_layout(config, lora):
    """(linear, factor, shape) of an adapter's values in one layer, in the order in which they are stored."""
    shapes, out = config.linear_shapes(), []
    for names in config.groups.values():
        adapted = [name for name in names if name in lora["targets"]]
        out += [(name, "A", (lora["rank"], shapes[name][1])) for name in adapted]
        out += [(name, "B", (shapes[name][0], lora["rank"])) for name in adapted]
    return out


class Checkpoint:
    def __init__(self, path, config, lora):
        self.tensors, self.metadata = read_safetensors(path)
        self.header, self.series = json.loads(self.metadata["lori-snapshot"]), json.loads(self.metadata["series"])
        self.config, self.layout = config, pack_layout(config, lora)

    def group(self, prefix, device, dtype):
        """Matrices by name, layers.0.q.A, …; `None` if there are none."""
        if f"{prefix}/student.0" not in self.tensors:
            return None
        out = {}
        for layer in range(self.config.layers):
            pack, at = self.tensors[f"{prefix}/student.{layer}"], 0
            for name, which, shape in self.layout:
                size = shape[0] * shape[1]
                out[f"layers.{layer}.{name}.{which}"] = pack[at : at + size].reshape(shape).clone().to(device=device, dtype=dtype)
                at += size
            if at != len(pack):
                raise SystemExit(f"{prefix}/student.{layer} has {len(pack)} values; the model and its adapter make it {at}")
        return out

    def clear(self):
        """Back to before the first step."""
        self.tensors = {}
        self.header = {**self.header, "step": 0, "kept": None, "heldOut": None}
        self.series = {**{k: [] for k in self.series}, "losses": {}}

    def initial(self, seed, device, dtype):
        """Values before the first step: A uniform within 1/√in, B zero."""
        out = {}
        for layer in range(self.config.layers):
            rng = Rng(seed).fork(f"student.{layer}")
            for name, which, shape in self.layout:
                x = torch.zeros(shape, dtype=torch.float64)
                if which == "A":
                    bound = 1 / math.sqrt(shape[1])
                    x = torch.tensor([(2 * rng.uniform() - 1) * bound for _ in range(x.numel())], dtype=torch.float64).reshape(shape)
                out[f"layers.{layer}.{name}.{which}"] = x.float().to(device=device, dtype=dtype)
        return out

    def packed(self, values, layer):
        return torch.cat([values[f"layers.{layer}.{name}.{which}"].detach().reshape(-1).cpu() for name, which, _ in self.layout])

    def write(self, path, step, groups, events):
        """groups: values by prefix; events: what each step since gave. The copy of the best validation accuracy stays."""
        tensors = {
            f"{prefix}/student.{layer}": self.packed(values, layer) for prefix, values in groups.items() for layer in range(self.config.layers)
        }
        tensors.update({name: x for name, x in self.tensors.items() if name.startswith("kept/")})
        header = {**self.header, "step": step, "status": "stopped", "savedAt": round(time.time() * 1000)}
        text = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))  # noqa: E731
        write_safetensors(path, tensors, {"lori-snapshot": text(header), "series": text(self.appended(events))})

    def appended(self, events):
        """The curves, with those steps; a long run keeps every second one, as in the playground."""
        series = {**self.series, "losses": dict(self.series["losses"])}
        before = len(series["step"])
        for column in COLUMNS:
            series[column] = series[column] + [event[column] for event in events]
        for term in {**series["losses"], **(events[-1]["losses"] if events else {})}:
            known = series["losses"].get(term, ["NaN"] * before)
            series["losses"][term] = known + [event["losses"].get(term, "NaN") for event in events]
        thin = lambda values: values[::-1][::2][::-1]  # noqa: E731
        while len(series["step"]) > LARGEST_SERIES:
            series.update({column: thin(series[column]) for column in COLUMNS})
            series["losses"] = {term: thin(values) for term, values in series["losses"].items()}
        return series
