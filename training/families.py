"""Procedural artistic filters: families of drawing, print and paint with continuous settings, and English descriptions.

As in ``edits.py``, a filter takes images [B, 3, H, W] in [0, 1] and parameters [B, k] in [0, 1]. Sizes are in pixels of
the filtered image. ``HELD_OUT_FAMILIES`` are only used in evaluation, never in training.
"""
from __future__ import annotations

import math
import random
from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from edits import Kind, blurred, col, const, gradients, luma, mix, rgb, saturation
from phrases import ADVERBS, COLOURS, NOUNS, draw_colour

KINDS: dict[str, Kind] = {}
TEMPLATES: dict[str, tuple[str, ...]] = {}
HELD_OUT_FAMILIES = ("charcoal", "watercolour", "linocut", "stained_glass")


def art(*params: str, say: tuple[str, ...], weight: float = 1.0):
    """``params``: text describes "size" as fine or coarse, "s" by an adverb, "colour" and "colour2" by name, others not."""
    def register(function: Callable[[Tensor, Tensor], Tensor]):
        KINDS[function.__name__] = Kind(function.__name__, params, function, weight, tonal=False)
        TEMPLATES[function.__name__] = say
        return function
    return register


# ---- helpers --------------------------------------------------------------------------------------------------------------

def between(level: Tensor, versions: list[Tensor]) -> Tensor:
    """Interpolates linearly between versions of a picture; ``level`` [B, 1, 1, 1] in [0, 1] runs from the first to the last."""
    at = level * (len(versions) - 1)
    return sum(v * (1 - (at - i).abs()).clamp(0, 1) for i, v in enumerate(versions))


def box(x: Tensor, size: int) -> Tensor:
    """Means of ``size`` x ``size`` windows; output [H + size - 1, W + size - 1], one for each window that covers a pixel."""
    pad = size - 1
    return F.avg_pool2d(F.avg_pool2d(F.pad(x, [pad] * 4, mode="replicate"), (size, 1), 1), (1, size), 1)


def kuwahara(x: Tensor, radius: int) -> Tensor:
    """Averages the means of the four quadrants around each pixel, weighted towards low variance (Kuwahara et al. 1976)."""
    size, h, w = radius + 1, *x.shape[-2:]
    y = luma(x)
    mean, spread = box(x, size), (box(y * y, size) - box(y, size) ** 2).clamp_min(0)
    total, out = 0, 0
    for top in (0, radius):
        for left in (0, radius):
            weight = (spread[..., top:top + h, left:left + w] + 3e-4) ** -3
            total, out = total + weight, out + weight * mean[..., top:top + h, left:left + w]
    return out / total


def flow(x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Unit vectors along the edges of a picture: the minor eigenvector of the smoothed structure tensor. Each [B, H, W]."""
    gx, gy = gradients(x)
    jxx, jyy, jxy = (blurred(v, sigma)[:, 0] for v in (gx * gx, gy * gy, gx * gy))
    angle = 0.5 * torch.atan2(2 * jxy, jxx - jyy) + math.pi / 2
    return torch.cos(angle), torch.sin(angle)


def along(x: Tensor, vx: Tensor, vy: Tensor, steps: int) -> Tensor:
    """The mean of a picture along streamlines, ``steps`` pixels to either side (line integral convolution)."""
    b, _, h, w = x.shape
    ys, xs = torch.meshgrid(torch.arange(h, dtype=x.dtype, device=x.device), torch.arange(w, dtype=x.dtype, device=x.device), indexing="ij")
    field, total = torch.stack([vx, vy], 1), x.clone()
    scale = torch.tensor([2 / w, 2 / h], dtype=x.dtype, device=x.device)
    for sign in (1.0, -1.0):
        place, last = torch.stack([xs, ys], -1).expand(b, h, w, 2), sign * torch.stack([vx, vy], -1)
        for _ in range(steps):
            place = place + last
            grid = (place + 0.5) * scale - 1
            total = total + F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
            here = F.grid_sample(field, grid, mode="nearest", padding_mode="border", align_corners=False).permute(0, 2, 3, 1)
            # A direction and its opposite are the same line: continue in the current direction.
            last = here * torch.where((here * last).sum(-1, keepdim=True) < 0, -1.0, 1.0)
    return total / (2 * steps + 1)


def coordinates(x: Tensor) -> tuple[Tensor, Tensor]:
    """Pixel rows [1, 1, H, 1] and columns [1, 1, 1, W]."""
    h, w = x.shape[-2:]
    return (torch.arange(h, dtype=x.dtype, device=x.device).view(1, 1, -1, 1), torch.arange(w, dtype=x.dtype, device=x.device).view(1, 1, 1, -1))


def ridges(x: Tensor, angle: Tensor, period: Tensor) -> Tensor:
    """Parallel lines as a wave in [0, 1]; angle in radians and period in pixels, [B, 1, 1, 1]."""
    rows, columns = coordinates(x)
    return 0.5 + 0.5 * torch.cos((columns * torch.cos(angle) + rows * torch.sin(angle)) * (2 * math.pi) / period)


def two_inks(tone: Tensor, ink: Tensor, paper: Tensor) -> Tensor:
    return mix(ink, paper, tone.clamp(0, 1))


def dog_lines(x: Tensor, level: Tensor) -> Tensor:
    """Extended difference of Gaussians, [B, 1, H, W]: 1 on paper, towards 0 on lines (Winnemöller et al. 2012)."""
    y = luma(x)
    return between(level, [blurred(y, s) * 21 - blurred(y, 1.6 * s) * 20 for s in (0.7, 1.4, 2.6)])


def stepped(x: Tensor, steps: Tensor, hardness: float) -> Tensor:
    """Quantizes to a few tones with soft borders; black stays black and white stays white."""
    y = x * steps
    below = torch.floor(y)
    return (below + torch.sigmoid((y - below - 0.5) * hardness)).clamp_max(1e6) / steps


def noise(x: Tensor, cell: float, seed: int) -> Tensor:
    """The same random field for every picture: values in [0, 1] that change every ``cell`` pixels, [1, 1, H, W]."""
    rows, columns = coordinates(x)
    value = torch.sin(torch.floor(rows / cell) * 127.1 + torch.floor(columns / cell) * 311.7 + seed * 74.7) * 43758.5453
    return value - torch.floor(value)


# ---- paint ----------------------------------------------------------------------------------------------------------------------

@art("size", "s", weight=1.6, say=("turn {it} into an oil painting with {z} strokes", "{a} {z} oil paint", "paint {it} in oil {a}"))
def oil(x, p):
    y = between(col(p, 0), [kuwahara(x, r) for r in (2, 5, 9, 13)])
    return saturation(y, 1 + 0.6 * col(p, 1)) + (y - blurred(y, 1.5)) * 0.8 * col(p, 1)


@art("size", "s", weight=1.6, say=("paint {it} with {z} long brush strokes", "{a} {z} brush strokes that follow the shapes", "make {it} {a} painted with long strokes"))
def brush(x, p):
    vx, vy = flow(x, 4.0)
    strokes = between(col(p, 0), [along(kuwahara(x, radius), vx, vy, length) for radius, length in ((2, 5), (5, 10), (8, 18))])
    # Bristles: contrast across the stroke, which smoothing along the stroke preserves.
    return strokes + (0.5 + 4.0 * col(p, 1)) * (strokes - blurred(strokes, 2.0))


@art("size", "s", "angle", weight=1.2, say=("paint {it} with a palette knife {a}", "a {z} palette knife painting", "{a} {z} slanted strokes of thick paint"))
def palette_knife(x, p):
    angle = math.pi * col(p, 2)[:, :, :, 0].expand(-1, *x.shape[-2:])
    vx, vy = torch.cos(angle), torch.sin(angle)
    y = between(col(p, 0), [kuwahara(along(x, vx, vy, length), radius) for length, radius in ((4, 3), (9, 5), (15, 8))])
    # Light from above on the edges of the paint.
    gx, gy = gradients(blurred(y, 0.7))
    return saturation(y, 1.2 + 0 * col(p, 0)) + (0.2 + 0.8 * col(p, 1)) * (gx + gy)


@art("size", "s", weight=1.0, say=("turn {it} into a gouache poster with {z} shapes", "paint {it} in {z} flat patches {a}", "{a} flat gouache colors"))
def gouache(x, p):
    y = between(col(p, 0), [blurred(kuwahara(kuwahara(x, r), r), 0.8) for r in (3, 6, 9)])
    return saturation(stepped(y, 8 - 4 * col(p, 1), 10), 1.25 + 0 * col(p, 0))


@art("size", "s", say=("turn {it} into a watercolor", "make {it} a {z} watercolor {a}", "paint {it} in {a} wet watercolor"))
def watercolour(x, p):
    """Bright washes that leave highlights as paper, with darker edges."""
    y = between(col(p, 0), [blurred(kuwahara(x, r), 0.8) for r in (3, 6, 10)])
    wash = saturation(1 - (1 - y) * (0.95 - 0.3 * col(p, 1)), 1.3 + 0 * col(p, 0))
    wash = mix(wash, torch.ones_like(wash), ((luma(y) - 0.62) * 2.5).clamp(0, 1))
    rim = (blurred(luma(y), 3.0) - luma(y)).clamp(0, 0.25)
    return wash * (1 - 2.2 * rim)


# ---- drawing ----------------------------------------------------------------------------------------------------------------------

@art("size", "s", "colour", "colour2", weight=1.4, say=("draw {it} in {c} ink on {d} paper", "a {z} {c} ink drawing on {d}", "{a} ink lines in {c} on {d} paper"))
def ink(x, p):
    tone = 0.5 + (dog_lines(x, col(p, 0)) - 0.45 + 0.25 * col(p, 1)) * 3
    return two_inks(tone, rgb(p, 2), rgb(p, 5))


@art("size", "s", weight=1.2, say=("draw {it} in colored pencil {a}", "a {z} colored pencil drawing", "make {it} a {a} crayon drawing"))
def colour_pencil(x, p):
    y = luma(x)
    paper = between(col(p, 0), [(y / (blurred(y, s) + 0.03)).clamp(0, 1.1) for s in (1.5, 4.0)])
    vivid = saturation(x, 1.3 + 0 * y[:, :, :1, :1])
    pale = 1 - (1 - vivid) * (0.25 + 0.6 * col(p, 1))
    return pale * paper.clamp(0, 1) ** 1.6


@art("size", "s", "angle", weight=1.2, say=("hatch {it} with {z} lines", "a {z} pen drawing with hatching {a}", "turn {it} into {a} {z} cross-hatching"))
def hatching(x, p):
    """Each darker tone adds a layer of lines whose width depends on the tone; outlines mark the shapes."""
    y = blurred(luma(x), 1.2)
    period, angle = 3.5 + 6.5 * col(p, 0), math.pi * col(p, 2)
    paper = torch.ones_like(y)
    for k, level in enumerate((0.8, 0.5, 0.25)):
        line = ridges(x, angle + k * 1.1, period)
        width = ((level - y) * (1.2 + 0.8 * col(p, 1))).clamp(0, 0.75)
        paper = paper * (1 - ((line - 1 + width) * 6).clamp(0, 1) * (width > 0))
    outline = (0.5 + (dog_lines(x, col(p, 0)) - 0.3) * 3).clamp(0, 1)
    return (0.05 + 0.93 * paper * outline).expand_as(x)


@art("size", "s", say=("turn {it} into a charcoal drawing", "draw {it} in {z} charcoal {a}", "a {a} smudged charcoal drawing"))
def charcoal(x, p):
    y = luma(x)
    vx, vy = flow(x, 2.0)
    smudged = between(col(p, 0), [along(y, vx, vy, n) for n in (3, 8)])
    lines = 1 - ((blurred(y, 2.5) - smudged).clamp_min(0) * (6 + 6 * col(p, 1)))
    tone = (smudged * 1.3 - 0.05 - 0.25 * col(p, 1)).clamp(0, 1) ** 0.8
    return (tone * lines.clamp(0, 1) * 0.92 + 0.04).expand_as(x)


# ---- print ------------------------------------------------------------------------------------------------------------------------

@art("size", "s", "colour", "colour2", weight=1.2, say=("turn {it} into a {c} woodcut on {d} paper", "a {z} woodcut in {c} and {d}", "{a} carved lines in {c} on {d}"))
def woodcut(x, p):
    """Gouges along the shapes of the image, wide in dark areas."""
    y = luma(kuwahara(x, 3))
    vx, vy = flow(x, 4.0)
    grain = luma(x) - blurred(luma(x), 3.0)
    gouge = between(col(p, 0), [along(grain, vx, vy, n) for n in (5, 10)])
    tone = (y - 0.5 + 0.25 * col(p, 1) + (4 + 5 * col(p, 1)) * gouge) * 7 + 0.5
    return two_inks(tone, rgb(p, 2), rgb(p, 5))


@art("size", "s", "colour", "colour2", weight=0.5, say=("engrave {it} in {c} on {d}", "a {z} {c} engraving on {d} paper", "print {it} as a {z} banknote engraving in {c}"))
def engraving(x, p):
    """Parallel lines that bend with the brightness of the image and widen in dark areas."""
    y = blurred(luma(x), 1.5)
    rows, _ = coordinates(x)
    period = 4 + 6 * col(p, 0)
    wave = 0.5 + 0.5 * torch.cos((rows + (4 + 12 * col(p, 1)) * blurred(y, 4.0)) * (2 * math.pi) / period)
    return two_inks((y * 1.1 - wave) * 3 + 0.6, rgb(p, 2), rgb(p, 5))


@art("size", "s", "colour", "colour2", say=("turn {it} into a {c} linocut on {d}", "a {z} linocut print in {c} and {d}", "a {a} two color linocut in {c} on {d}"))
def linocut(x, p):
    y = luma(between(col(p, 0), [kuwahara(x, 3), kuwahara(x, 6)]))
    vx, vy = flow(x, 4.0)
    carved = along(dog_lines(x, col(p, 0)), vx, vy, 3)
    tone = (carved * 0.5 + y - 0.7 + 0.2 * col(p, 1)) * 9 + 0.5
    return two_inks(tone, rgb(p, 2), rgb(p, 5))


@art("colour", "colour2", "s", weight=1.2, say=("print {it} as a risograph in {c} and {d}", "a two ink risograph print in {c} and {d}", "{c} and {d} screen print {a}"))
def risograph(x, p):
    """Two transparent inks on paper: the first for the darks, the second for the middle tones, each with hard steps."""
    y = luma(kuwahara(x, 2))
    dark = (((0.42 + 0.1 * col(p, 6)) - y) * 9 + 0.5).clamp(0, 1)
    middle = ((0.74 - y) * 6 + 0.5).clamp(0, 1)
    paper = const(x, 0.97, 0.95, 0.9)
    return paper * mix(torch.ones_like(x), rgb(p, 3), 0.85 * middle) * mix(torch.ones_like(x), rgb(p, 0), 0.9 * dark)


@art("size", "s", weight=0.7, say=("turn {it} into a mosaic of {z} tiles", "{z} square tiles {a}", "make {it} a {z} tile mosaic"))
def mosaic(x, p):
    h, w = x.shape[-2:]
    rows, columns = coordinates(x)

    def tiled(size: int) -> Tensor:
        flat = F.interpolate(F.avg_pool2d(x, size, ceil_mode=True), scale_factor=size)[..., :h, :w]
        grout = torch.maximum((rows % size == 0).float(), (columns % size == 0).float())
        bevel = 0.08 * ((rows % size < 2).float() - (rows % size >= size - 1).float())
        return mix(flat + bevel * col(p, 1), const(x, 0.2, 0.19, 0.18), 0.8 * grout)
    level = col(p, 0)
    return torch.where(level < 0.34, tiled(6), torch.where(level < 0.67, tiled(10), tiled(16)))


@art("size", weight=0.5, say=("turn {it} into {z} low poly triangles", "a {z} low poly picture", "make {it} of {z} flat triangles"))
def low_poly(x, p):
    h, w = x.shape[-2:]
    rows, columns = coordinates(x)

    def triangles(size: int) -> Tensor:
        upper = ((rows % size) + (columns % size) < size).to(x.dtype)
        sides = []
        for half in (upper, 1 - upper):
            sums = [F.avg_pool2d(v, size, ceil_mode=True) for v in (x * half, half)]
            sides.append(F.interpolate(sums[0] / sums[1].clamp_min(1e-3), scale_factor=size)[..., :h, :w])
        return mix(sides[1], sides[0], upper)
    return torch.where(col(p, 0) < 0.5, triangles(8), triangles(14))


@art("size", "s", weight=0.5, say=("turn {it} into {z} dots of paint", "a pointillist painting with {z} dots", "{a} {z} pointillism"))
def pointillism(x, p):
    """Dots of paint in rows, each of one vivid color, on a pale ground."""
    h, w = x.shape[-2:]
    rows, columns = coordinates(x)

    def dots(size: int) -> Tensor:
        out = mix(x.mean((2, 3), keepdim=True), torch.ones_like(x), 0.55)
        for shift in (0, size // 2):
            moved = F.pad(x, [shift, size, shift, size], mode="replicate")
            flat = F.interpolate(F.avg_pool2d(moved, size), scale_factor=size)
            flat = flat[..., shift:shift + h, shift:shift + w]
            distance = (((rows + shift) % size - size / 2 + 0.5) ** 2 + ((columns + shift) % size - size / 2 + 0.5) ** 2).sqrt()
            out = mix(out, saturation(flat, 1.3 + 0.7 * col(p, 1)), (size * 0.42 - distance + 0.5).clamp(0, 1))
        return out
    return torch.where(col(p, 0) < 0.5, dots(6), dots(10))


@art("size", "s", "colour", "colour2", weight=0.4, say=("draw {it} with {z} dots of {c} ink on {d}", "a {z} stipple drawing in {c} on {d}", "{a} stippling in {c} on {d} paper"))
def stipple(x, p):
    y = luma(x)
    return two_inks((y - between(col(p, 0), [noise(x, 1, 1), noise(x, 2, 2)]) * 0.8 - 0.1 * col(p, 1)) * 6 + 0.5, rgb(p, 2), rgb(p, 5))


@art("size", "s", weight=0.5, say=("print {it} in {z} halftone colors", "a {z} comic print with color dots {a}", "{a} {z} color halftone"))
def colour_halftone(x, p):
    y, period = blurred(x, 1.2), 4 + 6 * col(p, 0)
    inks = []
    for i, angle in enumerate((0.26, 1.31, 0.0)):
        screen = 0.5 * (ridges(x, torch.full_like(period, angle), period) + ridges(x, torch.full_like(period, angle + math.pi / 2), period))
        # The screen covers the range of tones, so that a middle tone is half covered.
        inks.append(((y[:, i:i + 1] - 0.15 - 0.7 * screen) * (2.5 + 4 * col(p, 1)) + 0.5).clamp(0, 1))
    return torch.cat(inks, 1)


@art("size", "s", weight=1.2, say=("turn {it} into a comic with {z} outlines", "a {a} graphic novel look with {z} black lines", "draw {it} as a comic {a}"))
def comic(x, p):
    base = kuwahara(x, 3)
    # Shadows are lifted before quantization; otherwise a dark background would be solid black.
    flat = stepped(base.clamp_min(0) ** 0.75, 6 - 3 * col(p, 1), 14)
    line = (0.5 + (dog_lines(base.clamp_min(0) ** 0.6, col(p, 0)) - 0.1) * 4).clamp(0, 1)
    return saturation(flat, 1.4 + 0 * col(p, 0)) * line


@art("size", "s", say=("turn {it} into a stained glass window", "{z} stained glass {a}", "make {it} a window of {z} colored glass"))
def stained_glass(x, p):
    """Flat, bright panes separated by lead lines."""
    flat = between(col(p, 0), [kuwahara(kuwahara(x, r), r) for r in (4, 7, 10)])
    panes = saturation(stepped(flat.clamp_min(0) ** 0.8, 4 + 0 * col(p, 0), 20), 1.8 + 0 * col(p, 0))
    gx, gy = gradients(blurred(panes, 1.0))
    lead = ((gx ** 2 + gy ** 2).sqrt() * (3 + 3 * col(p, 1)) - 0.3).clamp(0, 1)
    return panes * (1 - F.max_pool2d(lead, 3, 1, 1))


@art("size", "s", weight=0.4, say=("print {it} on canvas", "a {z} canvas weave {a}", "{a} woven {z} texture"))
def canvas(x, p):
    rows, columns = coordinates(x)
    period = 3 + 3 * col(p, 0)
    weave = torch.sin(rows * 2 * math.pi / period) * torch.sin(columns * 2 * math.pi / period)
    return kuwahara(x, 2) * (1 + (0.1 + 0.3 * col(p, 1)) * weave)


# ---- light and space ----------------------------------------------------------------------------------------------------------------

@art("s", weight=0.7, say=("turn {it} into a {a} colored relief", "emboss {it} in color {a}", "{a} raised relief in its own colors"))
def relief(x, p):
    gx, gy = gradients(blurred(x, 0.8))
    return x * 0.75 + 0.12 + (0.3 + 0.9 * col(p, 0)) * (gx + gy) * 0.5


@art("s", "size", weight=0.8, say=("add a {a} soft bloom to the lights", "let the bright parts bloom {a}", "a {a} halo around the lights"))
def bloom(x, p):
    bright = x * ((luma(x) - 0.45) * 4).clamp(0, 1)
    halo = between(col(p, 1), [blurred(bright, 3.0), blurred(bright, 8.0)])
    return 1 - (1 - x) * (1 - (0.4 + 0.9 * col(p, 0)) * halo.clamp(0, 1))


@art("at", "s", weight=0.8, say=("blur all but a band of {it} {a}", "make {it} look like a miniature {a}", "{a} tilt-shift focus"))
def focus_band(x, p):
    rows, _ = coordinates(x)
    far = ((rows / x.shape[-2] - (0.25 + 0.5 * col(p, 0))).abs() * 3.5 - 0.25).clamp(0, 1)
    return between(far * (0.4 + 0.6 * col(p, 1)), [x, blurred(x, 1.2), blurred(x, 2.6), blurred(x, 5.0)])


TRAINED_FAMILIES = tuple(k for k in KINDS if k not in HELD_OUT_FAMILIES)
SIZES = ((0.34, ("fine", "small", "thin")), (0.67, ("", "medium")), (1.01, ("coarse", "large", "broad")))


def setting(name: str, rng: random.Random, named: bool) -> tuple[tuple[float, ...], dict[str, str]]:
    """Draws the parameters of a family and their description."""
    values: list[float] = []
    words = {"it": rng.choice(NOUNS), "a": "", "z": "", "c": "", "d": ""}
    for param in KINDS[name].params:
        if param.startswith("colour"):
            word, value = draw_colour(rng, named)
            if name in ("ink", "woodcut", "engraving", "stipple") and rng.random() < 0.35:  # black on white is the common case
                word, value = ("black", (0.05, 0.05, 0.06)) if param == "colour" else ("white", (0.98, 0.97, 0.95))
            words["c" if param == "colour" else "d"] = word or rng.choice(tuple(COLOURS))
            values += value
            continue
        v = rng.random()
        if param == "size":
            words["z"] = rng.choice(next(ws for top, ws in SIZES if v < top))
        elif param == "s":
            words["a"] = rng.choice(next(ws for top, ws in ADVERBS if v < top)) if rng.random() < 0.6 else ""
        values.append(v)
    return tuple(values), words


def draw(rng: random.Random) -> tuple[tuple[str, tuple[float, ...]], str]:
    """A trained family at a random setting, and a sentence ("" in a third of the draws)."""
    name = rng.choices(TRAINED_FAMILIES, [KINDS[n].weight for n in TRAINED_FAMILIES])[0]
    named = rng.random() < 0.67
    values, words = setting(name, rng, named)
    return (name, values), " ".join(rng.choice(TEMPLATES[name]).format(**words).split()) if named else ""
