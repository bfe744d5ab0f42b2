"""Trains a run of LoRi Playground on, in plain torch: on one device, or on several processes, each with a share of every batch.

    python train.py
    torchrun --nproc_per_node 2 train.py
    accelerate launch --num_processes 2 train.py

The run (run.json), its checkpoint (checkpoint.safetensors) and its models lie beside this file. What it writes (--out): the losses of
each step (losses.jsonl), and a checkpoint from which the playground and this program go on (snapshot.safetensors).
"""
import argparse
import json
import os
import time

import torch
import torch.distributed as dist

from checkpoint import Checkpoint
from decoder import Config, Decoder, Lora
from draws import batch_indices, dropout_mask
from losses import Batch, Whole, codi_std, targets_of, teacher_states, terms_of
from optimiser import adamw, learning_rate, update
from tensors import read_model

HERE = os.path.dirname(os.path.abspath(__file__))


class Processes:
    """Of torchrun or accelerate launch, by the variables that both set; alone without them."""

    def __init__(self, device):
        self.rank, self.count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        local = int(os.environ.get("LOCAL_RANK", 0))
        self.device = torch.device(device or (f"cuda:{local}" if torch.cuda.is_available() else "cpu"))
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        if self.count > 1:
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    def sum(self, x):
        """In place, over all processes."""
        if self.count > 1:
            dist.all_reduce(x)
        return x

    def close(self):
        if self.count > 1:
            dist.destroy_process_group()


class Run:
    """What run.json says."""

    def __init__(self, folder):
        with open(os.path.join(folder, "run.json"), encoding="utf-8") as f:
            self.about = json.load(f)
        if self.about.get("kind") != "lori-torch-run" or self.about.get("version") != 1:
            raise SystemExit("run.json is not of this program: kind lori-torch-run, version 1 is expected")
        self.config, self.folder = self.about["config"], folder
        self.method, self.samples, self.layout = self.config["method"], self.about["samples"], self.about["layout"]
        self.accumulation = self.config["optimiser"]["accumulation"]
        c, weights = self.config, self.config["weights"]
        if self.method == "cot-sft":
            weights = {"explicit": weights["rationale"]}
        latent = c.get("latent", {"steps": 0, "filter": "hidden", "temperature": 1})
        self.settings = {
            "latents": latent["steps"], "filter": latent["filter"], "temperature": latent["temperature"],
            "supervised": c.get("answer", {}).get("supervised", "answer"), "weights": weights,
        }
        self.reads_teacher = any(weights.get(term) for term in ("covariance", "mean", "anchor", "codi"))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def batch(self, indices, rationale="rationale"):
        """Samples, padded to the layout of the whole run."""
        rows = [self.samples[i] for i in indices]
        widths = self.layout if rationale == "rationale" else {}
        return Batch([r["question"] for r in rows], [r[rationale] for r in rows], self.about["prompt"], [r["answer"] for r in rows], widths)

    def whole(self, indices):
        samples, prompt = [self.samples[i] for i in indices], len(self.about["prompt"])
        more = prompt if self.settings["supervised"] == "prompt" else 0
        answer = sum(len(s["answer"]) + more for s in samples)
        return Whole(len(samples), answer, sum(len(s["rationale"]) + prompt + len(s["answer"]) for s in samples))


def load_model(folder, sizes, device, dtype):
    return Config(**sizes), {name: x.to(device=device, dtype=dtype) for name, x in read_model(folder).items()}


def chunks(items, size):
    return [items[i : i + size] for i in range(0, len(items), size)]


# ---- The teacher ------------------------------------------------------------------------------------------------------


def read_teacher(run, student, processes, dtype, rows):
    """The teacher's states on every sample, float64: rationales and anchors. Each process reads its share."""
    if run.about["teacher"] == "self":
        teacher = Decoder(*student)
    else:
        teacher = Decoder(*load_model(run.path("teacher"), run.about["teacherDecoder"], processes.device, dtype))
    n, L, H = len(run.samples), teacher.config.layers, teacher.config.hidden
    lengths = [len(sample["teacherRationale"]) for sample in run.samples]
    begin = [sum(lengths[:i]) for i in range(n)]
    states = torch.zeros(sum(lengths), L, H, dtype=torch.float64, device=processes.device)
    anchor = torch.zeros(n, L, H, dtype=torch.float64, device=processes.device)
    for part in chunks(list(range(n))[processes.rank :: processes.count], rows):
        raw, at = teacher_states(teacher, run.batch(part, "teacherRationale"))
        for row, i in enumerate(part):
            states[begin[i] : begin[i] + lengths[i]] = raw[row].double()
            anchor[i] = at[row].double()
    processes.sum(states)
    processes.sum(anchor)
    return [states[begin[i] : begin[i] + lengths[i]] for i in range(n)], anchor


def ranks_of(factors, lengths, L, H, n):
    """The ranks asked for, cut to what the model and the samples span."""
    spanned = lambda rank, rows: H if rank >= H else min(rank, H, rows)  # noqa: E731
    spanning = min(lengths) if factors["scope"] == "sample" else sum(lengths)
    return {
        "layerRank": min(factors["layerRank"], L), "hiddenRank": spanned(factors["hiddenRank"], spanning * L),
        "anchorHiddenRank": spanned(factors["anchor"]["hiddenRank"], n * L),
    }


class Targets:
    """What is kept of the teacher, and the part of some samples."""

    def __init__(self, run, raw, anchor, dtype):
        self.anchor, self.dtype, self.all = anchor, dtype, None
        if run.method == "lori":
            factors = run.config["factors"]
            ranks = ranks_of(factors, [len(r) for r in raw], anchor.shape[1], anchor.shape[2], len(anchor))
            self.all = targets_of(raw, anchor, ranks, factors["normaliseLayers"], factors["scope"])

    def of(self, indices, groups):
        """groups: of each sample the samples that its standard deviation is taken over."""
        cast = lambda x: x.to(self.dtype)  # noqa: E731
        if self.all is None:
            return {"anchor": cast(self.anchor[indices]), "codiStd": cast(torch.stack([codi_std(self.anchor[g]) for g in groups]))}
        t = self.all
        return {
            "layerScale": cast(t["layerScale"]), "anchorUH": cast(t["anchorUH"]),
            "pairs": [tuple(map(cast, t["pairs"][i])) for i in indices],
            **{k: cast(t[k][indices]) for k in ("mu", "c", "anchorTarget")},
        }


# ---- Training ---------------------------------------------------------------------------------------------------------


class Trainer:
    def __init__(self, run, args):
        self.run, self.args, self.processes = run, args, Processes(args.device)
        device, self.dtype = self.processes.device, getattr(torch, args.dtype)
        lora, o = run.config["lora"], run.config["optimiser"]
        self.model = load_model(args.model or run.path("model"), run.about["decoder"], device, self.dtype)
        self.checkpoint = Checkpoint(args.checkpoint or run.path("checkpoint.safetensors"), self.model[0], lora)
        done = self.checkpoint.header["status"] == "done"
        self.fresh = args.fresh or (done and not args.checkpoint)
        if self.fresh:
            self.checkpoint.clear()
            self.values = self.checkpoint.initial(run.config["seed"], device, self.dtype)
        else:
            self.values = self.checkpoint.group("parameters", device, self.dtype)
        self.names = list(self.values)
        for x in self.values.values():
            x.requires_grad_()
        self.step = self.checkpoint.header["step"]
        first, second = (self.checkpoint.group(f"{which}-moment", device, self.dtype) for which in ("first", "second"))
        if first is None and self.step > 0:
            raise SystemExit("the checkpoint holds the student alone, without moments: its run was done, and cannot go on")
        moments = first and [(first[name], second[name]) for name in self.names]
        self.optimiser = adamw(self.leaves, o, moments, self.step)
        self.student = Decoder(*self.model, Lora(self.values, lora["rank"], lora["alpha"]))
        n = len(run.samples)
        self.part = min(o["batch"], n)
        self.indices = batch_indices(run.config["seed"], n, self.part * run.accumulation)
        self.targets = None
        if run.reads_teacher:
            self.targets = Targets(run, *read_teacher(run, self.model, self.processes, self.dtype, args.rows), self.dtype)

    @property
    def leaves(self):
        return [self.values[name] for name in self.names]

    def train(self):
        o, args = self.run.config["optimiser"], self.args
        last = o["steps"] if args.steps is None else min(o["steps"], self.step + args.steps)
        events, writes = [], self.processes.rank == 0
        if writes:
            os.makedirs(args.out, exist_ok=True)
        while self.step < last:
            event = self.one(o)
            events.append(event)
            if not writes:
                continue
            with open(os.path.join(args.out, "losses.jsonl"), "a", encoding="utf-8") as f:
                f.write(json.dumps(event) + "\n")
            if self.step == last or self.step % 25 == 0:
                print(f"step {self.step}/{o['steps']}  " + "  ".join(f"{k} {v:.5g}" for k, v in event["losses"].items()), flush=True)
            if self.step == last or (args.save and self.step % args.save == 0):
                self.save(events)
        self.processes.close()

    def one(self, o):
        """One update. Each process computes its share of the rows; their sums are those of one process."""
        start, run, t = time.time(), self.run, self.step
        indices = self.indices(t)
        rows = [(part, row) for part in range(run.accumulation) for row in range(self.part)]
        for x in self.leaves:
            x.grad = torch.zeros_like(x)
        sums = {}
        for mine in chunks(rows[self.processes.rank :: self.processes.count], self.args.rows):
            for name, value in self.backward(t, mine, indices).items():
                sums[name] = sums.get(name, 0) + value
        losses = self.shared(sums)
        total = sum(losses.values())
        if not abs(total) < float("inf"):
            raise SystemExit(f"the loss is {total} at step {t + 1}; nothing was updated: lower the learning rate or the weights of the losses")
        rate = learning_rate(t, o["steps"], o["learningRate"], o["warmup"], o["schedule"])
        norm = update(self.optimiser, self.leaves, rate, o["clip"])
        self.step += 1
        return {
            "step": self.step, "losses": {"total": total, **losses}, "learningRate": rate, "gradientNorm": norm,
            "milliseconds": round(1000 * (time.time() - start), 3),
        }

    def backward(self, t, rows, indices):
        """Adds the gradients of some rows, (part, row) each. Gives their weighted terms."""
        run, size = self.run, self.part
        samples = [indices[part * size + row] for part, row in rows]
        groups = [indices[part * size : (part + 1) * size] for part, _ in rows]
        target = self.targets and self.targets.of(samples, groups)
        segment = self.dropout(t, rows) if run.config["lora"]["dropout"] > 0 else None
        terms = terms_of(run.method, self.student, run.batch(samples), target, run.settings, run.whole(indices), segment=segment)
        weighted = {name: run.settings["weights"][name] * value for name, value in terms.items()}
        sum(weighted.values()).backward()
        return {name: value.detach() for name, value in weighted.items()}

    def shared(self, sums):
        """The terms of the whole step, and with them its gradients: those of all processes added up."""
        order = self.run.about["terms"]
        values = torch.stack([torch.as_tensor(sums.get(name, 0), dtype=torch.float64, device=self.processes.device) for name in order])
        self.processes.sum(values)
        if self.processes.count > 1:
            flat = self.processes.sum(torch.cat([x.grad.reshape(-1) for x in self.leaves]))
            at = 0
            for x in self.leaves:
                x.grad = flat[at : at + x.numel()].reshape(x.shape)
                at += x.numel()
        return dict(zip(order, values.tolist()))

    def dropout(self, t, rows):
        """Masks of the segments, numbered as the playground records them: question, rationale, latents, answer."""
        run, p = self.run, self.run.config["lora"]["dropout"]
        group_of = {name: group for group, names in self.model[0].groups.items() for name in names}
        written = 1 if run.settings["weights"].get("explicit") else 0
        latents = 0 if run.method in ("nocot", "cot-sft") else run.settings["latents"]
        places = {"question": 0, "explicit": 1, "answer": 1 + written + latents}
        places.update({f"latent {i}": 1 + written + i for i in range(latents)})

        def segment(name, columns):
            masks = {}

            def masked(layer, linear, x):
                group = group_of[linear]
                if (layer, group) not in masks:
                    site = f"dropout {places[name]} student.{group}"
                    steps = [(t * run.accumulation + part, row) for part, row in rows]
                    made = [dropout_mask(run.config["seed"], step, layer, site, p, row, columns, x.shape[-1]) for step, row in steps]
                    masks[layer, group] = torch.stack(made).to(x)
                return x * masks[layer, group]

            self.student.lora.dropout = masked

        return segment

    def save(self, events):
        state = [self.optimiser.state[x] for x in self.leaves]
        groups = {"parameters": self.values}
        groups["first-moment"] = {name: s["exp_avg"] for name, s in zip(self.names, state)}
        groups["second-moment"] = {name: s["exp_avg_sq"] for name, s in zip(self.names, state)}
        self.checkpoint.write(os.path.join(self.args.out, "snapshot.safetensors"), self.step, groups, events)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=HERE, help="where run.json lies (by default beside this file)")
    parser.add_argument("--out", default="out", help="where losses and checkpoint are written (default: out)")
    parser.add_argument("--checkpoint", help="the checkpoint to go on from (default: checkpoint.safetensors of the folder)")
    parser.add_argument("--model", help="the student's model, a folder with its .safetensors (default: model/ of the folder)")
    parser.add_argument("--fresh", action="store_true", help="begin anew, from the initial values of the run's seed")
    parser.add_argument("--steps", type=int, help="steps to do now (default: to the end of the run)")
    parser.add_argument("--save", type=int, default=50, help="steps between two checkpoints (default: 50)")
    parser.add_argument("--rows", type=int, default=8, help="samples that are computed at once (default: 8)")
    parser.add_argument("--device", help="cpu, cuda, … (default: a GPU if there is one)")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"], help="of all numbers (default: float32)")
    args = parser.parse_args()
    Trainer(Run(args.folder), args).train()


if __name__ == "__main__":
    main()
