"""The edits the model is trained on: batched filters on [B, 3, H, W] images in [0, 1].

A *kind* of edit has up to ``WIDTH`` parameters, each normalized to [0, 1]; a filter takes the images and the [B, k] matrix
of parameters. ``phrases.py`` has the English descriptions; ``is_held_out`` below defines the settings that are excluded from
training. No edit moves pixels: there are no flips, crops or rotations.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

WIDTH = 9  # maximum number of parameters of a kind
Filter = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Kind:
    """``params`` names the columns: "s" a strength, "colour"/"colour2" three columns each, anything else a plain number."""

    name: str
    params: tuple[str, ...]
    apply: Filter
    weight: float = 1.0
    tonal: bool = True
    worded: bool = True  # False: no English describes it; trained through its parameters only

    @property
    def columns(self) -> int:
        return sum(3 if p.startswith("colour") else 1 for p in self.params)


KINDS: dict[str, Kind] = {}


def kind(*params: str, weight: float = 1.0, tonal: bool = True, worded: bool = True):
    def register(function: Filter) -> Filter:
        KINDS[function.__name__] = Kind(function.__name__, params, function, weight, tonal, worded)
        return function
    return register


# ---- helpers -------------------------------------------------------------------------------------------------------

def col(p: Tensor, index: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    return (low + (high - low) * p[:, index]).view(-1, 1, 1, 1)


def rgb(p: Tensor, index: int) -> Tensor:
    return p[:, index:index + 3].reshape(-1, 3, 1, 1)


@lru_cache(maxsize=None)
def _constant(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device)


def const(x: Tensor, *values: float) -> Tensor:
    """Cached, because a transfer to a GPU would wait for all queued work."""
    return _constant(values, x.dtype, x.device).view(1, -1, 1, 1)


def luma(x: Tensor) -> Tensor:
    return (x * const(x, 0.299, 0.587, 0.114)).sum(1, keepdim=True)


def mix(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return a + (b - a) * t


def saturation(x: Tensor, gain: Tensor) -> Tensor:
    grey = luma(x)
    return grey + (x - grey) * gain


def blurred(x: Tensor, sigma: float) -> Tensor:
    radius = max(1, int(round(2.5 * sigma)))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device) / sigma) ** 2)
    taps = (taps / taps.sum()).view(1, 1, -1)
    c = x.shape[1]
    x = F.pad(x, (radius, radius, radius, radius), mode="replicate" if radius >= min(x.shape[-2:]) else "reflect")
    x = F.conv2d(x, taps.unsqueeze(2).expand(c, 1, 1, -1), groups=c)
    return F.conv2d(x, taps.unsqueeze(3).expand(c, 1, -1, 1), groups=c)


def gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    y = F.pad(luma(x), (1, 1, 1, 1), mode="replicate")
    sobel = const(x, 1, 2, 1, 0, 0, 0, -1, -2, -1).view(1, 1, 3, 3)
    return F.conv2d(y, sobel.transpose(2, 3)), F.conv2d(y, sobel)


def ramp(x: Tensor, stops: list[tuple[float, float, float]]) -> Tensor:
    """Maps brightness to a palette, interpolating linearly between evenly spaced stops."""
    y = luma(x).clamp(0, 1) * (len(stops) - 1)
    out = torch.zeros_like(x)
    for i, stop in enumerate(stops):
        out = out + const(x, *stop) * (1 - (y - i).abs()).clamp(0, 1)
    return out


def grid(x: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates from -1 to 1: y as [1, 1, H, 1], x as [1, 1, 1, W]."""
    h, w = x.shape[-2:]
    ys = (torch.arange(h, dtype=x.dtype, device=x.device) + 0.5) / h * 2 - 1
    xs = (torch.arange(w, dtype=x.dtype, device=x.device) + 0.5) / w * 2 - 1
    return ys.view(1, 1, -1, 1), xs.view(1, 1, 1, -1)


# ---- tone ------------------------------------------------------------------------------------------------------------

@kind("s", weight=1.5)
def brighten(x, p):
    return 1 - (1 - x) ** (1 + 2.2 * col(p, 0))


@kind("s", weight=1.5)
def darken(x, p):
    return x ** (1 + 1.6 * col(p, 0)) * (1 - 0.4 * col(p, 0))


@kind("s", weight=1.5)
def contrast(x, p):
    return (x - 0.5) * (1 + 1.8 * col(p, 0)) + 0.5


@kind("s")
def flatten(x, p):
    return (x - 0.5) * (1 - 0.8 * col(p, 0)) + 0.5


@kind("s")
def shadows(x, p):
    return x + 0.7 * col(p, 0) * (1 - luma(x)) ** 3


@kind("s")
def highlights(x, p):
    return x * (1 - 0.65 * col(p, 0) * luma(x).clamp(0, 1) ** 2)


@kind("s")
def solarize(x, p):
    level = 1 - 0.8 * col(p, 0)
    return torch.where(x > level, 1 - x, x)


@kind("s", weight=2.2)
def invert(x, p):
    return mix(x, 1 - x, col(p, 0))


# ---- color -------------------------------------------------------------------------------------------------------------

@kind("s", weight=1.2)
def saturate(x, p):
    return saturation(x, 1 + 2.5 * col(p, 0))


@kind("s")
def desaturate(x, p):
    return saturation(x, 1 - col(p, 0))


@kind(weight=0.8)
def grayscale(x, p):
    return luma(x).expand_as(x)


@kind("s", weight=1.2)
def sepia(x, p):
    return mix(x, luma(x) * const(x, 1.12, 0.92, 0.66) + const(x, 0.05, 0.02, 0.0), col(p, 0) ** 0.5)


@kind("s", weight=1.2)
def warm(x, p):
    return x * (1 + col(p, 0) * const(x, 0.45, 0.05, -0.5))


@kind("s", weight=1.2)
def cool(x, p):
    return x * (1 + col(p, 0) * const(x, -0.5, -0.02, 0.45))


@kind("colour", "s", weight=2.2)
def tint(x, p):
    """Multiplies by the color and partly keeps brightness: a colored light."""
    c = rgb(p, 0)
    return x * mix(torch.ones_like(c), c / luma(c).clamp_min(0.25).sqrt(), col(p, 3))


@kind("colour", "s", weight=2.2)
def wash(x, p):
    """Overlays the color on the image."""
    return mix(x, rgb(p, 0), 0.75 * col(p, 3))


@kind("colour", "colour2", weight=3.0)
def duotone(x, p):
    return mix(rgb(p, 0), rgb(p, 3), luma(x))


@kind("colour", "colour2", "s", weight=1.6)
def splittone(x, p):
    """One color for the shadows, another for the highlights."""
    y = luma(x).clamp(0, 1)
    shade, light = (c - luma(c) for c in (rgb(p, 0), rgb(p, 3)))
    return x + col(p, 6, 0.0, 0.9) * (shade * (1 - y) ** 2 + light * y ** 2)


@kind("angle", weight=2.2)
def hue(x, p):
    """Rotates every hue by up to a full turn, in the plane orthogonal to the gray axis."""
    a = (p[:, 0] * 2 * torch.pi).view(-1, 1, 1)
    third, root = 1 / 3, (1 / 3) ** 0.5
    eye = torch.eye(3, dtype=x.dtype, device=x.device)
    skew = const(x, 0, -1, 1, 1, 0, -1, -1, 1, 0).view(3, 3) * root
    turn = torch.cos(a) * eye + (1 - torch.cos(a)) * third + torch.sin(a) * skew
    return torch.einsum("bij,bjhw->bihw", turn, x)


def _swapped(order: str, name: str) -> None:
    index = ["rgb".index(c) for c in order]
    KINDS[name] = Kind(name, (), lambda x, p: torch.stack([x[:, i] for i in index], 1), weight=0.45)


for _order in ("rbg", "grb", "bgr", "brg", "gbr"):
    _swapped(_order, f"swap_{_order}")


@kind("colour", "s")
def keepcolour(x, p):
    """Gray, except for hues close to the color."""
    c = rgb(p, 0)
    chroma, target = x - luma(x), c - luma(c)
    alike = (chroma * target).sum(1, keepdim=True) / (
        chroma.norm(dim=1, keepdim=True) * target.norm(dim=1, keepdim=True) + 0.02)
    return mix(x, saturation(x, ((alike - 0.4) * 4).clamp(0, 1)), col(p, 3) ** 0.5)


@kind("s")
def infrared(x, p):
    r, g, b = x.unbind(1)
    false = torch.stack([0.2 * r + 1.1 * g - 0.2 * b + 0.1, 0.6 * r + 0.3 * b, 0.4 * b + 0.4 * r], 1)
    return mix(x, false, col(p, 0) ** 0.5)


@kind("s")
def bleach(x, p):
    y = luma(x)
    hard = torch.where(y < 0.5, 2 * x * y, 1 - 2 * (1 - x) * (1 - y))
    return mix(x, saturation(hard, torch.full_like(y[:, :, :1, :1], 0.5)), col(p, 0))


@kind("s")
def crossprocess(x, p):
    def curve(v, k):
        v = v.clamp(0, 1)
        return mix(v, v * v * (3 - 2 * v), col(p, 0) * k)
    r, g, b = (x[:, i:i + 1] for i in range(3))
    return torch.cat([curve(r, 1.6), curve(g, 1.1) + 0.06 * col(p, 0), b * (1 - 0.5 * col(p, 0)) + 0.28 * col(p, 0)], 1)


@kind("s")
def vintage(x, p):
    old = saturation(x, torch.full_like(x[:, :1, :1, :1], 0.55)) * const(x, 0.85, 0.75, 0.55) + const(x, 0.17, 0.12, 0.13)
    return mix(x, old, col(p, 0) ** 0.7)


@kind("s")
def matte(x, p):
    return x * (1 - 0.45 * col(p, 0)) + col(p, 0) * const(x, 0.27, 0.27, 0.31)


@kind("s")
def cinematic(x, p):
    y = luma(x).clamp(0, 1)
    graded = x + (1 - y) * const(x, -0.16, 0.03, 0.14) + y * const(x, 0.18, 0.04, -0.18)
    return mix(x, (graded - 0.5) * 1.2 + 0.48, col(p, 0))


# ---- palettes ----------------------------------------------------------------------------------------------------------

PALETTES = {
    "thermal": [(0.0, 0.0, 0.25), (0.35, 0.0, 0.65), (0.85, 0.1, 0.35), (1.0, 0.6, 0.0), (1.0, 1.0, 0.75)],
    "fire": [(0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (1.0, 0.35, 0.0), (1.0, 0.85, 0.2), (1.0, 1.0, 0.9)],
    "ocean": [(0.0, 0.03, 0.15), (0.0, 0.2, 0.45), (0.0, 0.5, 0.65), (0.4, 0.85, 0.85), (0.95, 1.0, 1.0)],
    "rainbow": [(0.5, 0.0, 0.6), (0.0, 0.1, 1.0), (0.0, 0.9, 0.5), (1.0, 0.95, 0.0), (1.0, 0.1, 0.0)],
    "toxic": [(0.05, 0.0, 0.1), (0.0, 0.3, 0.15), (0.3, 0.75, 0.0), (0.85, 1.0, 0.2), (1.0, 1.0, 0.85)],
    "candy": [(0.15, 0.1, 0.45), (0.6, 0.2, 0.75), (1.0, 0.45, 0.7), (1.0, 0.75, 0.75), (1.0, 0.98, 0.85)],
}
for _name, _stops in PALETTES.items():
    KINDS[_name] = Kind(_name, (), lambda x, p, stops=_stops: ramp(x, stops), weight=0.7)


# ---- light and weather --------------------------------------------------------------------------------------------------

@kind("s", weight=1.2)
def night(x, p):
    dark = saturation(x, torch.full_like(x[:, :1, :1, :1], 0.5)) ** 1.5 * const(x, 0.2, 0.3, 0.6)
    return mix(x, dark, col(p, 0) ** 0.6)


@kind("s")
def fog(x, p):
    y, _ = grid(x)
    return mix(x, const(x, 0.84, 0.86, 0.89), col(p, 0) ** 0.7 * (0.95 - 0.25 * (y + 1) / 2))


@kind("s")
def sunset(x, p):
    y, _ = grid(x)
    down = (y + 1) / 2
    glow = mix(const(x, 1.0, 0.45, 0.25), const(x, 1.0, 0.75, 0.35), down)
    return mix(x, x * glow * 1.15 + 0.12 * glow, col(p, 0) ** 0.7)


@kind("s", weight=1.2)
def vignette(x, p):
    y, w = grid(x)
    return x * (1 - col(p, 0) * ((y ** 2 + w ** 2) / 1.5).clamp(0, 1))


@kind("colour", "s", weight=0.8)
def topgradient(x, p):
    """A gradient of the color from the top edge downwards."""
    y, _ = grid(x)
    return mix(x, rgb(p, 0), col(p, 3) * ((0.6 - y) / 1.6).clamp(0, 1))


@kind("s", tonal=False)
def glow(x, p):
    return 1 - (1 - x.clamp(0, 1)) * (1 - col(p, 0) * 0.8 * blurred(x, 4.0).clamp(0, 1) ** 1.5)


# ---- style -----------------------------------------------------------------------------------------------------------------

@kind("s")
def posterize(x, p):
    steps = torch.round(5 - 4 * col(p, 0))
    return torch.round(x.clamp(0, 1) * steps) / steps


@kind("level", weight=0.8)
def threshold(x, p):
    return (((luma(x) - col(p, 0, 0.2, 0.75)) * 12) + 0.5).clamp(0, 1).expand_as(x)


@kind("s", weight=1.2, tonal=False)
def blur(x, p):
    weak, mid, strong = blurred(x, 1.0), blurred(x, 2.2), blurred(x, 4.5)
    s = col(p, 0) * 3
    return x * (1 - s).clamp(0, 1) + weak * (1 - (s - 1).abs()).clamp(0, 1) + mid * (1 - (s - 2).abs()).clamp(0, 1) \
        + strong * (s - 2).clamp(0, 1)


@kind("s", tonal=False, weight=0.8)
def sharpen(x, p):
    return x + (0.5 + 3 * col(p, 0)) * (x - blurred(x, 1.3))


@kind("s", tonal=False)
def pixelate(x, p):
    small, middle, large = (
        F.interpolate(F.avg_pool2d(x, size, ceil_mode=True), scale_factor=size)[..., :x.shape[2], :x.shape[3]] for size in (4, 8, 16))
    return torch.where(col(p, 0) < 0.34, small, torch.where(col(p, 0) < 0.67, middle, large))


@kind("s", tonal=False)
def emboss(x, p):
    gx, gy = gradients(x)
    return (0.5 + (0.25 + 0.75 * col(p, 0)) * 0.5 * (gx + gy)).expand_as(x)


@kind("s", tonal=False)
def sketch(x, p):
    y = luma(x)
    soft = blurred(1 - y, 2.0)
    return (y / (1 - soft + 0.02)).clamp(0, 1).pow(1 + 3 * col(p, 0)).expand_as(x)


@kind("s", tonal=False)
def edges(x, p):
    gx, gy = gradients(blurred(x, 0.8))
    return ((gx ** 2 + gy ** 2 + 1e-6).sqrt() * (0.5 + 1.5 * col(p, 0))).expand_as(x)


@kind("s", tonal=False)
def neon(x, p):
    gx, gy = gradients(blurred(x, 0.8))
    light = ((gx ** 2 + gy ** 2 + 1e-6).sqrt() * (0.6 + 1.4 * col(p, 0)))
    return 0.12 * x + light * (x / (x.amax(1, keepdim=True) + 0.1))


@kind("s", tonal=False)
def cartoon(x, p):
    gx, gy = gradients(blurred(x, 1.0))
    ink = 1 - ((gx ** 2 + gy ** 2 + 1e-6).sqrt() * 2.5 - 0.4).clamp(0, 1) * col(p, 0, 0.3, 1)
    smooth = saturation(blurred(x, 1.2), 1 + 0.8 * col(p, 0))
    return torch.round(smooth.clamp(0, 1) * 5) / 5 * ink


@kind("s", tonal=False, weight=0.8)
def scanlines(x, p):
    rows = torch.arange(x.shape[2], device=x.device).view(1, 1, -1, 1) % 4 >= 2
    return torch.where(rows, x * (1 - 0.85 * col(p, 0)), x)


@kind("colour", "width", tonal=False)
def frame(x, p):
    y, w = grid(x)
    inside = torch.maximum(y.abs(), w.abs()) < 1 - col(p, 3, 0.08, 0.35)
    return torch.where(inside, x, rgb(p, 0))


@kind("s", tonal=False, weight=0.7)
def halftone(x, p):
    h, w = x.shape[-2:]
    step = torch.pi / 4
    ys = torch.arange(h, dtype=x.dtype, device=x.device).view(1, 1, -1, 1)
    xs = torch.arange(w, dtype=x.dtype, device=x.device).view(1, 1, 1, -1)
    screen = 0.5 + 0.25 * (torch.cos(ys * step) + torch.cos(xs * step))
    dots = ((luma(blurred(x, 1.5)) - screen) * 6 + 0.5).clamp(0, 1).expand_as(x)
    return mix(x, dots, col(p, 0, 0.4, 1.0))


# ---- without text: trained through their parameters only --------------------------------------------------------------------

@kind(*[f"m{i}" for i in range(9)], weight=3.0, worded=False)
def matrix(x, p):
    """Any mixing of the three channels."""
    m = torch.eye(3, dtype=x.dtype, device=x.device) * 0.8 + (p.view(-1, 3, 3) - 0.5) * 1.1
    return torch.einsum("bij,bjhw->bihw", m, x) + 0.08


@kind(*[f"c{i}" for i in range(9)], weight=3.0, worded=False)
def curves(x, p):
    """A separate curve for each channel: lift, gain and gamma."""
    lift, gain, gamma = ((p[:, i:i + 3]).reshape(-1, 3, 1, 1) for i in (0, 3, 6))
    return x.clamp(0, 1) ** (2.0 ** (3 * gamma - 1.5)) * (0.5 + 0.8 * gain) + 0.5 * lift - 0.2


NAMES = tuple(KINDS)
WORDED = tuple(k for k in NAMES if KINDS[k].worded)
TONAL = tuple(k for k in NAMES if KINDS[k].tonal)


# ---- edits as data -----------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Edit:
    """One or two kinds with their parameters, applied in order."""

    steps: tuple[tuple[str, tuple[float, ...]], ...] = field(default=())

    def __call__(self, x: Tensor) -> Tensor:
        for name, values in self.steps:
            p = torch.tensor([values], dtype=x.dtype, device=x.device).reshape(1, -1).expand(len(x), -1)
            x = KINDS[name].apply(x, p).clamp(0, 1)
        return x


HELD_OUT_PAIRS = frozenset(frozenset(p) for p in (
    ("sketch", "sepia"), ("vintage", "vignette"), ("night", "glow"), ("posterize", "hue"), ("invert", "tint"), ("fog", "warm"),
    ("duotone", "vignette"), ("splittone", "matte"), ("pixelate", "duotone"), ("solarize", "cool"), ("hue", "contrast"),
))


def _hue_of(r: float, g: float, b: float) -> float:
    import colorsys
    return colorsys.rgb_to_hsv(r, g, b)[0] * 360


def is_held_out(steps: tuple[tuple[str, tuple[float, ...]], ...]) -> bool:
    """Settings and combinations that are excluded from training, to test unseen edits."""
    if len(steps) == 2 and frozenset(n for n, _ in steps) in HELD_OUT_PAIRS:
        return True
    for name, v in steps:
        if name in ("duotone", "splittone") and 160 <= _hue_of(*v[:3]) <= 215 and 15 <= _hue_of(*v[3:6]) <= 50:
            return True  # teal shadows with orange lights
        if name in ("tint", "wash") and 75 <= _hue_of(*v[:3]) <= 105:
            return True  # moss and lime
        if name == "hue" and 0.36 <= v[0] <= 0.44:
            return True  # hues rotated by 130-158 degrees
        if name == "matrix" and v[0] < 0.35 and v[4] < 0.5 and v[8] > 0.6:
            return True
        if name == "curves" and v[6] > 0.65 and v[7] < 0.4 and v[8] < 0.5:
            return True
    return False
