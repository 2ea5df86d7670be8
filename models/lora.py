"""Low-rank adaptation (Hu et al. 2022, "LoRA"): small matrices learn beside the frozen encoder and are merged into it.

What is saved is an ordinary network, so that export and serving know nothing of it. Needs the extra `train` (peft).
"""

from __future__ import annotations

from torch import nn

from models.network import Judge


def adapt(judge: Judge, rank: int, scale: float) -> None:
    """Freeze the encoder and put a pair of matrices beside each of its linear layers. The heads learn as before."""
    from peft import LoraConfig, inject_adapter_in_model

    names = [name for name, part in judge.encoder.named_modules() if isinstance(part, nn.Linear)]
    for value in judge.encoder.parameters():
        value.requires_grad_(False)
    config = LoraConfig(r=rank, lora_alpha=rank * scale, target_modules=names, lora_dropout=0.0, bias="none")
    inject_adapter_in_model(config, judge.encoder)


def merge(judge: Judge) -> None:
    """Add what the pairs of matrices learnt to the layers beside them, and take the pairs away."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, part in list(judge.encoder.named_modules()):
        if isinstance(part, BaseTunerLayer):
            part.merge()
            parent, _, own = name.rpartition(".")
            setattr(judge.encoder.get_submodule(parent), own, part.get_base_layer())
    if hasattr(judge.encoder, "peft_config"):
        del judge.encoder.peft_config
