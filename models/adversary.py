"""Adversarial training by one gradient step on the word vectors (Miyato et al. 2017, "Adversarial Training Methods for
Semi-Supervised Text Classification"; as fast gradient method, FGM).

The paper scales word vectors to unit variance so that the length of the step means the same for every model. Here the
length is a part of the norm of the text's own word vectors instead, so that the base stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Adversary:
    """Watches the word vectors of a network, and shifts them against it for a second pass."""

    def __init__(self, words: nn.Module, share: float) -> None:
        self.share = share
        self._vectors: Tensor | None = None
        self._shift: Tensor | None = None
        self._hook = words.register_forward_hook(self._seen)

    def _seen(self, _module: nn.Module, _given: Any, vectors: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return vectors
        if self._shift is not None:
            return vectors + self._shift
        # A frozen table gives vectors without gradients; theirs are needed all the same.
        vectors = vectors if vectors.requires_grad else vectors.detach().requires_grad_()
        vectors.retain_grad()
        self._vectors = vectors
        return vectors

    def second_pass(self, learn: Callable[[], None]) -> None:
        """After a backward pass: run `learn` again, every text's vectors shifted up the gradient of its loss."""
        vectors = self._vectors
        if vectors is None or vectors.grad is None:
            raise RuntimeError("the second pass comes after a backward pass through the words")
        slope, length = vectors.grad.float(), vectors.detach().float().norm(dim=(1, 2), keepdim=True)
        norm = slope.norm(dim=(1, 2), keepdim=True).clamp(min=1e-12)
        self._shift = (self.share * length * slope / norm).to(vectors.dtype)
        try:
            learn()
        finally:
            self._shift = self._vectors = None

    def leave(self) -> None:
        """Watch no longer."""
        self._hook.remove()
