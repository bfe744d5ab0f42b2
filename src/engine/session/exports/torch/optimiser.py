"""Schedule, clipping and AdamW of a run."""
import math

import torch


def learning_rate(t, steps, peak, warmup, schedule="cosine"):
    """Of step t, from 0: a linear warm-up, then half a cosine to zero, or the peak."""
    warm = max(0, math.floor(warmup * steps + 0.5))
    ramp = min(1.0, (t + 1) / warm) if warm > 0 else 1.0
    if schedule == "constant":
        return peak * ramp
    return peak * ramp * 0.5 * (1 + math.cos(math.pi * max(0, t - warm) / max(1, steps - warm)))


def adamw(parameters, o, moments=None, step=0):
    """torch's AdamW on the parameters; moments: (first, second) of each, after `step` updates."""
    made = torch.optim.AdamW(
        parameters, lr=o["learningRate"], betas=(o["beta1"], o["beta2"]), eps=o["epsilon"], weight_decay=o["weightDecay"]
    )
    for parameter, (first, second) in zip(parameters, moments or []):
        made.state[parameter] = {"step": torch.tensor(float(step)), "exp_avg": first, "exp_avg_sq": second}
    return made


def update(optimiser, parameters, rate, clip):
    """Clips the gradients and updates the parameters. Gives the norm before clipping."""
    norm = torch.nn.utils.clip_grad_norm_(parameters, clip).item()
    optimiser.param_groups[0]["lr"] = rate
    optimiser.step()
    return norm
