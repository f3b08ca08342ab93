"""Batches: two photos share an edit. The pair encoder gets the pair of one photo; the UNet edits the other."""
from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from looks import apply_all, draw, parameters
from model import tokenize
from phrases import CARRIER
from photos import CROP, pool

PHOTOS = 2  # of a look: each is edited by the other's pair


class Crops:
    """Random images of the pool, [count, 3, size, size] in [0, 1], at scales of 1, 1/2 and 1/4 where the size allows."""

    def __init__(self, seed: int, device: str):
        self.rng = np.random.default_rng(seed)
        pictures, sharp = pool()
        self.pictures = torch.from_numpy(np.ascontiguousarray(pictures)).to(device) if device != "cpu" else pictures
        self.sharp, self.all, self.device = np.flatnonzero(sharp), np.arange(len(pictures)), device

    def rows(self, chosen: np.ndarray) -> Tensor:
        if self.device == "cpu":
            return torch.from_numpy(self.pictures[np.sort(chosen)])
        return self.pictures[torch.from_numpy(chosen).to(self.device)]

    def __call__(self, count: int, size: int) -> Tensor:
        rng, scales, parts = self.rng, [s for s in (1, 2, 4) if size * s <= CROP], []
        shares = np.diff(np.linspace(0, count, len(scales) + 1).astype(int))
        for scale, share in zip(scales, shares):
            if not share:
                continue
            x = self.rows(rng.choice(self.sharp if scale == 1 else self.all, share))
            top, left = (4 * int(rng.integers((CROP - size * scale) // 4 + 1)) for _ in range(2))
            x = x[:, :, top:top + size * scale, left:left + size * scale].float() / 255
            parts.append(F.avg_pool2d(x, scale) if scale > 1 else x)
        x = torch.cat(parts)
        return x.flip(3) if rng.random() < 0.5 else x

    def jittered(self, x: Tensor) -> Tensor:
        """Changes exposure and white balance for a third of them, which widens the range of colors."""
        n, device = len(x), x.device
        gamma = torch.exp(0.3 * torch.randn(n, 1, 1, 1, device=device))
        gain = torch.exp(0.2 * torch.randn(n, 3, 1, 1, device=device))
        some = torch.rand(n, 1, 1, 1, device=device) < 0.35
        return torch.where(some, (x.clamp_min(1e-4) ** gamma * gain).clamp(0, 1), x)


@dataclass(frozen=True)
class Stage:
    """A batch of edits and its conditioning for the UNet."""

    shares: dict[str, float]
    words: float  # share of the looks with a sentence that are given by it
    parameters: float  # share of the others that are given by their parameters; the rest is given by pairs


@dataclass
class Batch:
    """G looks of two photos. ``ids`` holds a sentence for each look, then the carrier's and the empty one's."""

    before: Tensor  # [G, M, 3, H, W] in [0, 1]
    after: Tensor
    ids: Tensor  # [G + 2, LENGTH]
    worded: Tensor  # [G] the look has a sentence
    by_words: Tensor  # [G] the UNet receives the sentence
    by_parameters: Tensor  # [G] the UNet receives the look's parameters; otherwise the pair
    parameters: Tensor  # [G, PARAMETERS]


def make_batch(rng: random.Random, tokenizer, crops: Crops, groups: int, size: int, stage: Stage) -> Batch:
    looks = [draw(rng, stage.shares) for _ in range(groups)]
    x = crops.jittered(crops(groups * PHOTOS, size))
    # Crops are ordered by scale: a group takes one of each.
    before = x.unflatten(0, (PHOTOS, groups)).transpose(0, 1)
    with torch.no_grad():
        after = apply_all(looks, before)
    worded = [bool(look.text) for look in looks]
    by_words = [w and rng.random() < stage.words for w in worded]
    return Batch(before, after, tokenize(tokenizer, [look.text for look in looks] + [CARRIER, ""]).to(crops.device),
                 torch.tensor(worded, device=crops.device),
                 torch.tensor(by_words, device=crops.device),
                 torch.tensor([not w and rng.random() < stage.parameters for w in by_words], device=crops.device),
                 torch.tensor(np.stack([parameters(look) for look in looks]), device=crops.device))
