"""What three steps of AdamW make of trained tensors, for the goldens of whole steps: every gradient clipped together, constant rate."""
import torch

OPTIMISER = {"learningRate": 0.01, "weightDecay": 0.05, "clip": 0.8, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}


def three_steps(trained, terms):
    """The tensors after them. `terms` gives the weighted terms of a loss, by name."""
    o = OPTIMISER
    live = {k: v.clone().requires_grad_() for k, v in trained.items()}
    optimiser = torch.optim.AdamW(live.values(), lr=o["learningRate"], betas=(o["beta1"], o["beta2"]), eps=o["epsilon"], weight_decay=o["weightDecay"])
    for _ in range(3):
        optimiser.zero_grad()
        sum(terms(live).values()).backward()
        torch.nn.utils.clip_grad_norm_(live.values(), o["clip"])
        optimiser.step()
    return {k: v.detach() for k, v in live.items()}
