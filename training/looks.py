"""Looks: the edit of a before/after pair. A look is one or two edits with all settings, and text prompts for it.

Five sources: painting styles and their blends, styles composed of several (``teachers.py``: the layers of the network in three
groups, each by a style of its own), other pictures as styles, artistic filters (``families.py``), and tonal and local edits
(``edits.py``). ``draw`` never returns a held-out style, setting or family;
``is_held_out`` defines them.
"""
from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import edits
import families
import phrases
from edits import KINDS, Kind, blurred, luma, mix
from phrases import COLOURS, NOUNS
from photos import CACHE
from teachers import CODE, FOLDER, GROUPS, STYLES, TRAINED_STYLES, HELD_OUT_STYLES, codes, painting_network, picture_network

# Share of each source in the draws. Tonal and local edits have at most a third.
SHARES = {"painting": 0.30, "composed": 0.14, "picture": 0.10, "art": 0.24, "tonal": 0.22}
# At the start of training, when the UNet learns to paint: more variety would slow this down.
FIRST_SHARES = {"painting": 0.74, "picture": 0.06, "art": 0.10, "tonal": 0.10}


def painting(x: Tensor, p: Tensor) -> Tensor:
    """``p``: [B, 27], the weights of the 26 styles and the strength."""
    return mix(x, painting_network()(x, p[:, :STYLES]), p[:, STYLES].view(-1, 1, 1, 1))


def composed(x: Tensor, p: Tensor) -> Tensor:
    """``p``: [B, 79], the weights of the 26 styles for each group of layers and the strength."""
    return mix(x, painting_network()(x, p[:, :-1].unflatten(1, (GROUPS, STYLES))), p[:, -1].view(-1, 1, 1, 1))


def picture(x: Tensor, p: Tensor) -> Tensor:
    """``p``: [B, 101], the code of a style picture and the strength."""
    return mix(x, picture_network()(x, p[:, :CODE]), p[:, CODE].view(-1, 1, 1, 1))


TEACHERS = {name: Kind(name, (), apply, tonal=False)
            for name, apply in (("painting", painting), ("picture", picture), ("composed", composed))}
ALL_KINDS = {**KINDS, **families.KINDS, **TEACHERS}


@dataclass(frozen=True)
class Look:
    """``steps``: kinds with their parameters, applied in order. ``texts``: prompts that describe it, "" if there is none."""

    steps: tuple[tuple[str, tuple[float, ...]], ...]
    text: str = ""

    def __call__(self, x: Tensor) -> Tensor:
        for name, values in self.steps:
            p = torch.tensor([values], dtype=x.dtype).reshape(1, -1).expand(len(x), -1)
            x = ALL_KINDS[name].apply(x, p).clamp(0, 1)
        return x


def _columns(name: str) -> int:
    return {"painting": STYLES + 1, "picture": CODE + 1, "composed": GROUPS * STYLES + 1}.get(name) or ALL_KINDS[name].columns


# Position of each kind in a vector of parameters: a flag for its presence, then its parameters.
PLACES = dict(zip(ALL_KINDS, accumulate((1 + _columns(n) for n in ALL_KINDS), initial=0)))
PARAMETERS = 2 * sum(1 + _columns(n) for n in ALL_KINDS)


def parameters(look: Look) -> np.ndarray:
    """A look as a vector [PARAMETERS]: the parameters of its first step, then of its second."""
    out = np.zeros((2, PARAMETERS // 2), np.float32)
    for row, (name, values) in zip(out, look.steps):
        place = PLACES[name]
        row[place] = 1
        row[place + 1:place + 1 + len(values)] = values
    return out.ravel()


def is_held_out(look: Look) -> bool:
    for name, values in look.steps:
        if name in families.HELD_OUT_FAMILIES:
            return True
        if name in ("painting", "composed") and any(values[i] for i in range(len(values) - 1) if i % STYLES in HELD_OUT_STYLES):
            return True
    plain = tuple(s for s in look.steps if s[0] in KINDS)
    return edits.is_held_out(plain)


# ---- descriptions of painting styles ---------------------------------------------------------------------------

OPEN = ("turn {it} into a painting", "make {it} a painting", "paint {it}", "make {it} look painted", "turn {it} into a work of art",
        "make {it} look like an oil painting by an artist", "give {it} a painted style")
SHOWN = ("a painting in {c} and {d} with {s} strokes", "turn {it} into a {m} painting in {c} and {d}", "paint {it} in {c} and {d} with {s} strokes",
         "make {it} a {m} {c} and {d} painting", "a {m} painting with {s} strokes in {c} and {d}")
PART = ("a painting with {s} strokes", "turn {it} into a {m} painting", "paint {it} in {c} and {d}", "make {it} a {c} painting", "a {c} and {d} painting")


def statistics(styled: Tensor) -> dict:
    """Statistics of a style's images [N, 3, H, W]: its two main colors, the fineness and length of its strokes, its lightness and saturation."""
    small = F.avg_pool2d(styled, 8).permute(0, 2, 3, 1).reshape(-1, 3)
    names = [n for n in COLOURS if n != "gray"]  # a middle tone, nearest to many colors and therefore not descriptive
    nearest = torch.cdist(small, torch.tensor([COLOURS[n] for n in names])).argmin(1)
    first, second = nearest.bincount(minlength=len(names)).topk(2).indices.tolist()
    y = luma(styled)
    gx, gy = edits.gradients(styled)
    coarse = blurred(y, 3.0)
    fine = (y - blurred(y, 1.2)).abs().mean() / (blurred(y, 1.2) - coarse).abs().mean()
    jxx, jyy, jxy = (blurred(v, 4.0) for v in (gx * gx, gy * gy, gx * gy))
    coherence = (((jxx - jyy) ** 2 + 4 * jxy ** 2).sqrt() / (jxx + jyy + 1e-4)).mean()
    chroma = (styled.amax(1) - styled.amin(1)).mean()
    return {"colours": [names[first], names[second]], "fine": float(fine), "long": float(coherence), "light": float(y.mean()),
            "vivid": float(chroma)}


def _described(kind: str, conditions: np.ndarray) -> list[dict]:
    from photos import pool
    reference = F.avg_pool2d(torch.tensor(np.asarray(pool()[0][40:44]), dtype=torch.float32) / 255, 2)
    network = painting_network() if kind == "painting" else picture_network()
    return [statistics(network(reference, torch.tensor(c)[None].expand(len(reference), -1))) for c in conditions]


@lru_cache(maxsize=None)
def descriptions(kind: str) -> list[dict]:
    """The words of each style or style picture, from the statistics of all of them; kept in the cache."""
    path = FOLDER / f"words-{kind}.json"
    if not path.exists():
        measured = _described(kind, np.eye(STYLES, dtype=np.float32) if kind == "painting" else codes())
        for key, low, high in (("fine", "broad", "fine"), ("long", "short", "long"), ("light", "dark", "bright"), ("vivid", "muted", "vivid")):
            bottom, top = np.quantile([m[key] for m in measured], (0.35, 0.65))
            for m in measured:
                m[f"{key}_word"] = low if m[key] < bottom else high if m[key] > top else ""
        path.write_text(json.dumps(measured))
    return json.loads(path.read_text())


def painted_sentence(description: dict, rng: random.Random) -> str:
    """A third of the prompts are detailed, a third partial, and a third vague."""
    d = description
    strokes = " ".join(w for w in (d["fine_word"], d["long_word"]) if w and (rng.random() < 0.75)) or rng.choice(("visible", "soft"))
    mood = rng.choice([w for w in (d["light_word"], d["vivid_word"]) if w] or [""])
    words = {"it": rng.choice(NOUNS), "c": d["colours"][0], "d": d["colours"][1], "s": strokes, "m": mood}
    return " ".join(rng.choice(rng.choice((SHOWN, PART, OPEN))).format(**words).split())


# ---- drawing ------------------------------------------------------------------------------------------------------------------

def strength(rng: random.Random) -> float:
    return 1.0 if rng.random() < 0.6 else rng.uniform(0.35, 1.0)


def draw_painting(rng: random.Random) -> Look:
    weights = np.zeros(STYLES)
    if rng.random() < 0.55:
        weights[rng.choice(TRAINED_STYLES)] = 1
    else:
        for i in rng.sample(TRAINED_STYLES, rng.choice((2, 2, 3))):
            weights[i] = rng.expovariate(1) + 0.05
    weights /= weights.sum()
    text = painted_sentence(descriptions("painting")[int(weights.argmax())], rng) if weights.max() > 0.6 else \
        rng.choice(OPEN).format(it=rng.choice(NOUNS))
    return Look((("painting", (*weights.tolist(), strength(rng))),), text)


def draw_composed(rng: random.Random) -> Look:
    """A style that no painting has: a style for each group of layers, some beyond a blend of two. Prompts leave it open."""
    weights = np.zeros((GROUPS, STYLES))
    for row in weights:
        first, second = rng.sample(TRAINED_STYLES, 2)
        row[first], row[second] = 1, 0
        if rng.random() < 0.6:
            share = rng.uniform(-0.35, 0.5)
            row[first], row[second] = 1 - share, share
    if rng.random() < 0.5:
        weights[rng.choice((1, 2))] = weights[0]
    return Look((("composed", (*weights.ravel().tolist(), strength(rng))),), rng.choice(OPEN).format(it=rng.choice(NOUNS)))


def draw_picture(rng: random.Random) -> Look:
    table, i = codes(), rng.randrange(len(codes()))
    code = table[i]
    if rng.random() < 0.5:
        # Interpolates between two images or extrapolates from the mean: a continuous space of styles.
        code = code + rng.uniform(-0.4, 0.7) * (table[rng.randrange(len(table))] - code)
    text = painted_sentence(descriptions("picture")[i], rng)
    return Look((("picture", (*code.tolist(), strength(rng))),), text)


def draw_tonal(rng: random.Random) -> Look:
    drawn = phrases.draw(rng, named=rng.random() < 0.6)
    return Look(tuple(drawn.steps), drawn.text)


def draw_art(rng: random.Random) -> Look:
    step, text = families.draw(rng)
    return Look((step,), text)


DRAWS = {"painting": draw_painting, "composed": draw_composed, "picture": draw_picture, "art": draw_art, "tonal": draw_tonal}


def draw(rng: random.Random, shares: dict[str, float] = SHARES) -> Look:
    """A look for training. One in eight is followed by a tonal edit that the prompt does not mention."""
    source = rng.choices(tuple(shares), tuple(shares.values()))[0]
    look = DRAWS[source](rng)
    if source != "tonal" and rng.random() < 0.12:
        after = phrases.draw(rng, named=False, combined=0)
        look = Look(look.steps + tuple(after.steps), "")
    return look


def apply_all(looks: list[Look], x: Tensor) -> Tensor:
    """Photos [len(looks), M, 3, H, W] -> edited. Photos of one kind go through it together."""
    for place in (0, 1):
        rows: dict[str, list[int]] = {}
        for i, look in enumerate(looks):
            if place < len(look.steps):
                rows.setdefault(look.steps[place][0], []).append(i)
        x = x.clone()
        for name, chosen in rows.items():
            m = x.shape[1]
            p = torch.tensor([looks[i].steps[place][1] for i in chosen], dtype=x.dtype).reshape(len(chosen), -1)
            y = ALL_KINDS[name].apply(x[chosen].flatten(0, 1), p.repeat_interleave(m, 0)).clamp(0, 1)
            x[chosen] = y.unflatten(0, (len(chosen), m))
    return x


def corpus(count: int = 60000, seed: int = 1) -> list[str]:
    """Sentences for the tokenizer."""
    rng = random.Random(seed)
    return [t for t in (DRAWS[rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]](rng).text for _ in range(count)) if t] + \
        [phrases.CARRIER] * 50
