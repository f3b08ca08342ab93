"""Batches to train on: photographs from the pool, and plans of what is to happen to them.

A ``Plan`` is everything about a batch that needs no picture: the edits drawn, their sentences as tokens, their parameters.
Plans are made by processes of their own, so that a GPU need not wait for them; pictures are edited where the model is.
"""
from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from edits import KINDS
from model import LENGTH, make_tokenizer, tokenize
from phrases import GENERIC, VECTOR_SIZE, WIDTH, Drawing, draw, vector
from photos import CACHE, CROP, pool

LIKENESS = 64  # sentences a batch for Losses.likeness


class Crops:
    """Random pictures of the pool, [count, 3, size, size] in [0, 1], at scales of 1, 1/2 and 1/4 where the size allows."""

    def __init__(self, seed: int, device: str):
        self.rng = np.random.default_rng(seed)
        pictures, sharp = pool()
        self.pictures = torch.from_numpy(np.ascontiguousarray(pictures)).to(device) if device != "cpu" else pictures
        self.sharp, self.all, self.device = np.flatnonzero(sharp), np.arange(len(pictures)), device

    def rows(self, chosen: np.ndarray) -> Tensor:
        if self.device == "cpu":
            return torch.from_numpy(self.pictures[np.sort(chosen)])
        return self.pictures[torch.from_numpy(chosen).pin_memory().to(self.device, non_blocking=True)]

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
        """Other exposures and white balances for a third of them: it widens the colours that photographs have."""
        n, device = len(x), x.device
        gamma = torch.exp(0.3 * torch.randn(n, 1, 1, 1, device=device))
        gain = torch.exp(0.2 * torch.randn(n, 3, 1, 1, device=device))
        some = torch.rand(n, 1, 1, 1, device=device) < 0.35
        return torch.where(some, (x.clamp_min(1e-4) ** gamma * gain).clamp(0, 1), x)


@dataclass
class Steps:
    """The first or the second edit of every picture, pictures of one kind together."""

    spans: list[tuple[str, int, int]]  # a kind, and its part of ``rows``
    rows: Tensor  # [M] which pictures
    values: Tensor  # [M, WIDTH] their parameters

    @classmethod
    def of(cls, drawings: list[Drawing], place: int) -> Steps:
        drawn = sorted(((d.steps[place][0], i) for i, d in enumerate(drawings) if place < len(d.steps)))
        values, spans = np.zeros((len(drawn), WIDTH), np.float32), []
        for at, (name, i) in enumerate(drawn):
            parameters = drawings[i].steps[place][1]
            values[at, :len(parameters)] = parameters
            if spans and spans[-1][0] == name:
                spans[-1] = (name, spans[-1][1], at + 1)
            else:
                spans.append((name, at, at + 1))
        return cls(spans, torch.tensor([i for _, i in drawn], dtype=torch.long), torch.from_numpy(values))

    def to(self, device: str) -> Steps:
        return Steps(self.spans, self.rows.to(device, non_blocking=True), self.values.to(device, non_blocking=True))

    def pin_memory(self) -> Steps:
        return Steps(self.spans, self.rows.pin_memory(), self.values.pin_memory())

    def __call__(self, x: Tensor) -> Tensor:
        if not self.spans:
            return x
        taken, done = x[self.rows], []
        for name, start, end in self.spans:
            kind = KINDS[name]
            done.append(kind.apply(taken[start:end], self.values[start:end, :kind.columns]).clamp(0, 1))
        out = x.clone()
        out[self.rows] = torch.cat(done)
        return out


@dataclass
class Plan:
    """N pictures' edits. ``ids`` holds N sentences, then the empty one, then the second sentences of hybrids."""

    steps: tuple[Steps, Steps]
    ids: Tensor  # [N + 1 + hybrids(N), LENGTH]
    source_row: Tensor  # [N, LENGTH] which sentence's state stands at a position ...
    source_place: Tensor  # [N, LENGTH] ... and which of its positions
    word_ends: Tensor  # [N] where the first sentence ends
    ends: Tensor  # [N] where all that was said ends
    vectors: Tensor  # [N, VECTOR_SIZE] the edits' parameters
    by_numbers: Tensor  # [N] told by parameters
    worded: Tensor  # [N] a plain sentence
    like_ids: Tensor  # [LIKENESS, LENGTH] further sentences,
    like_carriers: Tensor  # neutral ones in their place,
    like_carrier_ends: Tensor
    like_vectors: Tensor  # and the parameters they mean

    def each(self, move: Callable) -> Plan:
        return Plan(tuple(move(s) for s in self.steps), *(move(getattr(self, f.name)) for f in fields(self)[1:]))

    def to(self, device: str) -> Plan:
        return self.each(lambda part: part.to(device) if isinstance(part, Steps) else part.to(device, non_blocking=True))

    def pin_memory(self) -> Plan:
        return self.each(lambda part: part.pin_memory())


def hybrids(count: int) -> int:
    """How many hybrids there is room for among ``count``: three times as many as are drawn in the mean."""
    return count // 6 + 1


def vectors(edits: list[tuple]) -> Tensor:
    return torch.tensor([vector(e) for e in edits]).view(-1, VECTOR_SIZE)


def make_plan(rng: random.Random, tokenizer, count: int) -> Plan:
    eos = tokenizer.eos_token_id

    def encoded(texts: list[str]) -> tuple[Tensor, Tensor]:
        ids = tokenize(tokenizer, texts)
        return ids, (ids == eos).int().argmax(1)

    drawings = [draw(rng, named=rng.random() < 0.6) for _ in range(count)]
    # Of the sentences that say two edits, some are given as a hybrid instruction is: the first edit as tokens, by
    # words or by parameters, and then the tokens of the second sentence, encoded alone.
    double = [i for i, d in enumerate(drawings) if len(d.parts) == 2 and rng.random() < 0.5]
    hybrid = {i: rng.random() < 0.5 for i in double[:hybrids(count)]}
    texts = [d.text or rng.choice(GENERIC) for d in drawings]
    for i, by_words in hybrid.items():
        texts[i] = drawings[i].parts[0] if by_words else rng.choice(GENERIC[:4])
    ids, all_ends = encoded(texts + [""] + [drawings[i].parts[1] for i in hybrid] + [""] * (hybrids(count) - len(hybrid)))
    source_row = torch.arange(count)[:, None].repeat(1, LENGTH)
    source_place = torch.arange(LENGTH)[None].repeat(count, 1)
    ends = all_ends[:count].clone()
    for k, i in enumerate(hybrid):
        start = int(ends[i])
        more = min(int(all_ends[count + 1 + k]) - 1, LENGTH - start)
        source_row[i, start:start + more] = count + 1 + k
        source_place[i, start:start + more] = torch.arange(1, 1 + more)
        ends[i] = start + more
    likeness = [draw(rng, named=True) for _ in range(LIKENESS)]
    carriers, carrier_ends = encoded([rng.choice(GENERIC) for _ in likeness])
    return Plan(
        (Steps.of(drawings, 0), Steps.of(drawings, 1)), ids, source_row, source_place, all_ends[:count], ends,
        vectors([d.steps[:1] if i in hybrid else d.steps for i, d in enumerate(drawings)]),
        torch.tensor([not d.text or hybrid.get(i) is False for i, d in enumerate(drawings)]),
        torch.tensor([bool(d.text) and i not in hybrid for i, d in enumerate(drawings)]),
        encoded([d.text for d in likeness])[0], carriers, carrier_ends, vectors([d.steps for d in likeness]))


class Plans(IterableDataset):
    def __init__(self, seed: int, count: int):
        self.seed, self.count = seed, count

    def __iter__(self) -> Iterator[Plan]:
        worker = torch.utils.data.get_worker_info()
        rng = random.Random(self.seed * 1000 + (worker.id + 1 if worker else 0))
        tokenizer = make_tokenizer(CACHE / "tokenizer")
        while True:
            yield make_plan(rng, tokenizer, self.count)


def plans(seed: int, count: int, device: str, workers: int) -> Iterator[Plan]:
    """Endless plans of ``count`` pictures, made by as many processes beside this one; 0: in this one."""
    options = {"prefetch_factor": 6, "pin_memory": device != "cpu"} if workers else {}
    return iter(DataLoader(Plans(seed, count), batch_size=None, num_workers=workers, **options))
