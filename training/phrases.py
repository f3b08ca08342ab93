"""English for the edits: templates with synonyms, adverbs, percentages and color names, and drawing of edits."""
from __future__ import annotations

import random

from edits import KINDS, NAMES, PALETTES, TONAL, WORDED, is_held_out

COLOURS = {
    "red": (0.86, 0.12, 0.12), "crimson": (0.7, 0.05, 0.2), "pink": (1.0, 0.6, 0.75), "magenta": (0.9, 0.1, 0.8),
    "purple": (0.5, 0.12, 0.65), "violet": (0.55, 0.3, 0.9), "lavender": (0.75, 0.7, 0.95), "navy": (0.05, 0.08, 0.35),
    "blue": (0.12, 0.25, 0.9), "sky blue": (0.5, 0.78, 0.98), "cyan": (0.05, 0.85, 0.9), "teal": (0.0, 0.45, 0.47),
    "turquoise": (0.2, 0.82, 0.75), "green": (0.1, 0.65, 0.2), "mint": (0.65, 0.95, 0.78), "olive": (0.45, 0.45, 0.1),
    "yellow": (0.98, 0.9, 0.12), "gold": (0.9, 0.7, 0.15), "cream": (1.0, 0.95, 0.8), "orange": (1.0, 0.52, 0.08),
    "brown": (0.42, 0.25, 0.12), "peach": (1.0, 0.77, 0.62), "white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0),
    "gray": (0.5, 0.5, 0.5),
}
VIVID = tuple(c for c in COLOURS if c not in ("white", "black", "gray", "cream"))
NOUNS = ("the photo", "the image", "the picture", "it", "this photo", "this image")
# The prompt whose tokens the pair encoder replaces. It does not describe the look.
CARRIER = "make the photo look like the example: same colors, light, lines and strokes"

# {it}: a noun. {a}: an adverb. {c} and {d}: colors. A percentage is appended.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "brighten": ("make {it} {a} brighter", "brighten {it} {a}", "increase the brightness {a}", "{a} lighten {it}"),
    "darken": ("make {it} {a} darker", "darken {it} {a}", "decrease the brightness {a}", "{a} underexpose {it}"),
    "contrast": ("increase the contrast {a}", "add {a} more contrast", "make {it} {a} more contrasty", "boost contrast {a}"),
    "flatten": ("decrease the contrast {a}", "reduce contrast {a}", "make {it} {a} flatter", "lower the contrast {a}"),
    "shadows": ("lift the shadows {a}", "brighten the shadows {a}", "open up the dark areas {a}"),
    "highlights": ("darken the highlights {a}", "recover the highlights {a}", "tone down the bright areas {a}"),
    "solarize": ("solarize {it} {a}", "{a} solarized", "add a {a} solarize effect"),
    "invert": ("invert the colors {a}", "make {it} a negative {a}", "{a} invert {it}", "turn {it} into a film negative {a}"),
    "saturate": ("increase the saturation {a}", "make the colors {a} more vivid", "{a} saturate {it}", "make {it} {a} more colorful"),
    "desaturate": ("decrease the saturation {a}", "make the colors {a} duller", "{a} desaturate {it}", "mute the colors {a}"),
    "grayscale": ("make {it} black and white", "convert {it} to grayscale", "turn {it} to monochrome", "remove all color"),
    "sepia": ("make {it} {a} sepia", "add a {a} sepia tone", "turn {it} sepia {a}", "apply a {a} sepia effect"),
    "warm": ("make {it} {a} warmer", "warm up {it} {a}", "add {a} warm light", "{a} warmer color temperature"),
    "cool": ("make {it} {a} cooler", "cool down {it} {a}", "add {a} cold light", "{a} colder color temperature"),
    "tint": ("tint {it} {c} {a}", "add a {a} {c} tint", "{a} {c} light", "light {it} in {c} {a}", "apply a {a} {c} filter"),
    "wash": ("overlay {c} {a}", "wash {it} with {c} {a}", "add a {a} {c} overlay", "cover {it} with a {a} veil of {c}"),
    "duotone": ("make {it} a duotone of {c} and {d}", "{c} and {d} duotone", "color {it} from {c} to {d}",
                "use only {c} shadows and {d} highlights in duotone"),
    "splittone": ("split tone with {c} shadows and {d} highlights {a}", "make the shadows {c} and the highlights {d} {a}",
                  "{a} {c} shadows and {d} highlights"),
    "hue": ("rotate the hue by {n} degrees", "shift the hues by {n} degrees", "turn the color wheel {n} degrees", "hue {n} degrees"),
    "swap_rbg": ("swap the green and blue channels", "exchange green and blue"),
    "swap_grb": ("swap the red and green channels", "exchange red and green"),
    "swap_bgr": ("swap the red and blue channels", "exchange red and blue"),
    "swap_brg": ("rotate the color channels forward", "cycle the channels once"),
    "swap_gbr": ("rotate the color channels backward", "cycle the channels twice"),
    "keepcolour": ("keep only the {c} colors {a}", "selective color {c} {a}", "desaturate everything except {c} {a}"),
    "infrared": ("make {it} look like infrared film {a}", "{a} infrared", "apply a {a} infrared effect"),
    "bleach": ("bleach bypass {a}", "apply a {a} bleach bypass look", "give {it} a {a} gritty silver look"),
    "crossprocess": ("cross process {it} {a}", "give {it} a {a} cross processed look", "{a} cross processing"),
    "vintage": ("make {it} {a} vintage", "make {it} look like an old faded photo {a}", "give {it} a {a} retro look", "age {it} {a}"),
    "matte": ("give {it} a {a} matte look", "fade the blacks {a}", "make {it} {a} faded", "{a} matte finish"),
    "cinematic": ("make {it} {a} cinematic", "give {it} a {a} movie look", "{a} cinematic color grading", "grade {it} like a film {a}"),
    "thermal": ("make {it} look like a thermal camera", "heat map", "apply a thermal palette"),
    "fire": ("color {it} like fire", "apply a fire palette", "make {it} look like flames"),
    "ocean": ("color {it} like the ocean", "apply an ocean palette", "make {it} look under water"),
    "rainbow": ("apply a rainbow palette", "color {it} like a rainbow", "rainbow colors"),
    "toxic": ("apply a toxic palette", "make {it} look toxic", "radioactive green colors"),
    "candy": ("apply a candy palette", "make {it} look like candy", "bubblegum colors"),
    "night": ("make it {a} night", "turn day into night {a}", "make {it} look like night {a}", "add {a} moonlight"),
    "fog": ("add {a} fog", "make {it} {a} foggy", "cover {it} in {a} mist", "make it {a} misty"),
    "sunset": ("make it {a} sunset", "add a {a} golden hour glow", "make {it} look like sunset {a}", "golden hour {a}"),
    "vignette": ("add a {a} vignette", "darken the corners {a}", "darken the edges of {it} {a}"),
    "topgradient": ("add a {a} {c} gradient from the top", "fade the top to {c} {a}", "color the sky {c} {a}"),
    "glow": ("add a {a} glow", "make {it} {a} dreamy", "add {a} bloom", "make {it} glow {a}"),
    "posterize": ("posterize {it} {a}", "reduce the number of colors {a}", "add a {a} posterize effect"),
    "threshold": ("threshold {it} at {n} percent", "make {it} pure black and white at {n} percent", "binary at {n} percent"),
    "blur": ("blur {it} {a}", "make {it} {a} blurry", "make it {a} out of focus", "soften {it} {a}"),
    "sharpen": ("sharpen {it} {a}", "make {it} {a} sharper", "enhance the details {a}"),
    "pixelate": ("pixelate {it} {a}", "make {it} {a} blocky", "turn {it} into {a} pixel art", "add a {a} mosaic"),
    "emboss": ("emboss {it} {a}", "make {it} a {a} relief", "make {it} look carved in stone {a}"),
    "sketch": ("turn {it} into a {a} pencil sketch", "make it a {a} drawing", "sketch {it} {a}", "make {it} look hand drawn {a}"),
    "edges": ("show only the edges {a}", "detect the edges {a}", "white outlines on black {a}"),
    "neon": ("make {it} {a} neon", "add {a} glowing neon edges", "neon lights {a}"),
    "cartoon": ("make {it} a {a} cartoon", "turn {it} into a {a} comic", "cartoonize {it} {a}"),
    "scanlines": ("add {a} scan lines", "make {it} look like an old television {a}", "add {a} horizontal lines"),
    "frame": ("add a {w} {c} frame", "put a {w} {c} border around {it}", "frame {it} in {c} {w}"),
    "halftone": ("halftone {it} {a}", "print {it} with {a} dots", "make {it} look like newspaper print {a}"),
}
ADVERBS = ((0.15, ("very slightly", "a tiny bit", "barely")), (0.38, ("slightly", "a little", "subtly", "a bit")),
           (0.65, ("moderately", "somewhat", "fairly")), (0.86, ("strongly", "a lot", "very", "much")),
           (1.01, ("extremely", "very strongly", "completely", "as much as possible")))
WHOLE = ("invert",)  # without a strength in the text, these are at full strength
WIDTHS = ((0.34, "thin"), (0.67, ""), (1.01, "thick"))
NUMBERS = (" by {n} percent", " {n} percent", " by {n} %", " with strength {n} percent")


def clamp(v: float) -> float:
    return min(1.0, max(0.0, v))


def draw_colour(rng: random.Random, named: bool) -> tuple[str, tuple[float, float, float]]:
    if named:
        name = rng.choice(tuple(COLOURS))
        return name, tuple(clamp(v + rng.gauss(0, 0.02)) for v in COLOURS[name])
    return "", tuple(rng.random() for _ in range(3)) if rng.random() < 0.6 else tuple(
        clamp(v + rng.gauss(0, 0.12)) for v in COLOURS[rng.choice(VIVID)])


def values_and_words(name: str, rng: random.Random, named: bool) -> tuple[tuple[float, ...], dict[str, str]]:
    """Draws the parameters of a kind and, if ``named``, their description."""
    values: list[float] = []
    words = {"a": "", "n": "", "c": "", "d": "", "w": "", "suffix": ""}
    mode = rng.choice(("plain", "adverb", "adverb", "number", "number"))
    for p in KINDS[name].params:
        if p.startswith("colour"):
            word, value = draw_colour(rng, named)
            words["c" if p == "colour" else "d"] = word
            values += value
        elif p == "s" and named and mode == "plain":
            values.append(1.0 if name in WHOLE else rng.uniform(0.5, 0.75))
        else:
            v = rng.random() if p != "s" else rng.uniform(0.04, 1.0) ** 0.8
            if name in WHOLE and not named and rng.random() < 0.3:
                v = 1.0
            if named and p == "s" and mode == "adverb":
                words["a"] = rng.choice(next(ws for top, ws in ADVERBS if v < top))
            elif named and p == "s":
                n = 100 if rng.random() < 0.1 else max(1, round(v * 20)) * 5
                v, words["n"], words["suffix"] = n / 100, str(n), rng.choice(NUMBERS)
            elif p == "angle" and named:
                n = rng.randrange(1, 24) * 15
                v, words["n"] = n / 360, str(n)
            elif p == "level" and named:
                n = rng.randrange(0, 21) * 5
                v, words["n"] = n / 100, str(n)
            elif p == "width":
                words["w"] = next(w for top, w in WIDTHS if v < top)
            values.append(v)
    return tuple(values), words


def sentence(name: str, words: dict[str, str], rng: random.Random) -> str:
    text = rng.choice(TEMPLATES[name]) + words["suffix"]
    return " ".join(text.format(it=rng.choice(NOUNS), **{k: words[k] for k in "ancdw"}).split())


class Drawing:
    """A random edit: its steps, and its prompt ("" if only the parameters describe it)."""

    __slots__ = ("steps", "text", "parts")

    def __init__(self, steps, text: str, parts: tuple[str, ...] = ()):
        self.steps, self.text, self.parts = steps, text, parts


_WEIGHTS = {names: [KINDS[n].weight for n in names] for names in (NAMES, WORDED)}


def draw(rng: random.Random, named: bool, combined: float = 0.18) -> Drawing:
    """An edit for training. ``named``: settings that a prompt can describe, with the prompt."""
    names = WORDED if named else NAMES
    while True:
        chosen = rng.choices(names, _WEIGHTS[names])
        if rng.random() < combined:
            second = rng.choices(names, _WEIGHTS[names])[0]
            if second != chosen[0] and not (second in PALETTES or second.startswith("swap") and chosen[0].startswith("swap")):
                chosen.append(second)
                if second not in TONAL and chosen[0] in TONAL:
                    chosen.reverse()
        drawn = [values_and_words(n, rng, named) for n in chosen]
        steps = tuple((n, v) for n, (v, _) in zip(chosen, drawn))
        if is_held_out(steps):
            continue
        if not named:
            return Drawing(steps, "")
        parts = tuple(sentence(n, w, rng) for n, (_, w) in zip(chosen, drawn))
        text = parts[0] if len(parts) == 1 else rng.choice((" and ", ", ", ", then ", " and then ")).join(parts)
        return Drawing(steps, text, parts)
