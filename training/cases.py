"""The edits of the bundled evaluation set, and the closest text prompts for each.

Six groups: painting styles, artistic filters, and tonal and local edits, each drawn in training or held out from it.
``make_evaluation_set.py`` writes them as images, and ``preview.py`` evaluates training on them.
"""
from __future__ import annotations

from dataclasses import dataclass

import families
from looks import Look
from phrases import COLOURS as C
from teachers import STYLES

TEAL, ORANGE, NAVY, CREAM = (0.02, 0.42, 0.45), (0.98, 0.6, 0.25), (0.1, 0.12, 0.3), (0.96, 0.93, 0.86)
BLACK, WHITE = (0.05, 0.05, 0.06), (0.98, 0.97, 0.95)
OPEN = ("turn it into a painting", "paint this photo")
GROUPS = ("painting, trained", "painting, held out", "filter, trained", "filter, held-out family", "tonal, trained", "tonal, held out")


@dataclass(frozen=True)
class Case:
    name: str
    group: str
    look: Look
    texts: tuple[str, ...]
    said: str  # what the edit is, for people


def painting(weights: dict[int, float], group: str, said: str, *texts: str) -> Case:
    """``weights``: of the styles, summing to 1."""
    number = "-".join(str(i) for i in weights)
    look = Look((("painting", (*(weights.get(i, 0.0) for i in range(STYLES)), 1.0)),))
    return Case(f"painting-{number}", f"painting, {group}", look, (*texts, *OPEN), said)


def art(name: str, family: str, values: tuple[float, ...], said: str, *texts: str) -> Case:
    held_out = family in families.HELD_OUT_FAMILIES
    return Case(name, "filter, held-out family" if held_out else "filter, trained", Look(((family, values),)), texts, said)


def tonal(name: str, steps: tuple, said: str, *texts: str, held_out: bool = False) -> Case:
    return Case(name, "tonal, held out" if held_out else "tonal, trained", Look(steps), texts, said)


CASES = (
    painting({0: 1.0}, "trained", "painting style 0",
             "a painting in gold and mint with fine short strokes", "a bright painting with fine strokes"),
    painting({6: 1.0}, "trained", "painting style 6",
             "a painting in navy and purple with fine short strokes", "turn it into a dark painting"),
    painting({9: 1.0}, "trained", "painting style 9",
             "a muted painting in teal and olive", "paint it in teal and olive"),
    painting({16: 1.0}, "trained", "painting style 16",
             "a painting in purple and teal with fine short strokes", "a dark purple and teal painting"),
    painting({3: 1.0}, "held out", "painting style 3",
             "a painting in brown and black with broad long strokes", "a dark painting with broad long strokes"),
    painting({12: 1.0}, "held out", "painting style 12",
             "a painting in lavender and peach with short strokes", "a bright lavender and peach painting"),
    painting({19: 1.0}, "held out", "painting style 19",
             "a painting in teal and navy with fine short strokes", "a vivid teal and navy painting"),
    painting({24: 1.0}, "held out", "painting style 24",
             "a bright painting in peach and mint", "a muted painting with visible strokes"),
    painting({3: 0.5, 12: 0.5}, "held out", "halfway between painting styles 3 and 12",
             "a painting in brown and lavender with short strokes", "a vivid painting with broad strokes"),
    art("oil-broad", "oil", (0.75, 0.5), "oil paint with broad strokes", "turn it into an oil painting with broad strokes", "coarse oil paint"),
    art("brush-medium", "brush", (0.5, 0.5), "brush strokes along the shapes", "paint it with medium long brush strokes", "brush strokes that follow the shapes"),
    art("ink-navy", "ink", (0.4, 0.5, *NAVY, *CREAM), "navy ink on cream paper", "draw it in navy ink on beige paper", "a medium navy ink drawing on white"),
    art("woodcut-black", "woodcut", (0.5, 0.5, *BLACK, *WHITE), "a black woodcut on white paper", "turn it into a black woodcut on white paper",
        "a medium woodcut in black and white"),
    art("comic-medium", "comic", (0.4, 0.5), "a comic with medium outlines", "turn it into a comic with medium outlines", "draw it as a comic"),
    art("charcoal-fine", "charcoal", (0.2, 0.4), "a fine charcoal drawing", "turn it into a pencil sketch", "make it black and white", "draw it in black ink on white paper"),
    art("charcoal-broad", "charcoal", (0.9, 0.8), "a broad, dark charcoal drawing", "turn it into a pencil sketch", "make it black and white",
        "turn it into a black woodcut on white paper"),
    art("watercolor-fine", "watercolour", (0.15, 0.3), "a fine watercolor", "paint it in fine flat patches", "turn it into a gouache poster with fine shapes", *OPEN),
    art("watercolor-wet", "watercolour", (0.8, 0.8), "a wet watercolor", "paint it in coarse flat patches", "a bright painting with broad strokes", *OPEN),
    art("linocut-teal", "linocut", (0.4, 0.5, *TEAL, *CREAM), "a teal linocut on cream", "turn it into a teal woodcut on beige paper", "draw it in coarse teal ink on beige paper"),
    art("stained-glass", "stained_glass", (0.4, 0.5), "stained glass with lead between the panes", "turn it into a comic with coarse outlines",
        "turn it into a gouache poster with coarse shapes", "make it a mosaic of large tiles"),
    tonal("fog", (("fog", (0.6,)),), "fog by 60 percent", "add fog by 60 percent", "make it foggy"),
    tonal("sepia", (("sepia", (0.8,)),), "sepia by 80 percent", "make it sepia by 80 percent", "apply a sepia effect"),
    tonal("night", (("night", (0.8,)),), "night by 80 percent", "turn day into night by 80 percent", "make it look like night strongly"),
    tonal("vignette", (("vignette", (0.8,)),), "a vignette by 80 percent", "add a vignette by 80 percent", "darken the corners strongly"),
    tonal("neon-edges", (("neon", (0.6,)),), "neon edges by 60 percent", "neon lights by 60 percent", "add glowing neon edges"),
    tonal("pencil-sketch", (("sketch", (0.5,)),), "a pencil sketch by 50 percent", "turn it into a pencil sketch by 50 percent", "sketch it"),
    tonal("teal-orange-duotone", (("duotone", (*TEAL, *ORANGE)),), "a duotone of teal and orange", "make it a duotone of teal and orange",
          "teal and gold duotone", held_out=True),
    tonal("hue-144", (("hue", (0.4,)),), "the hue turned by 144 degrees", "rotate the hue by 144 degrees", "hue 150 degrees", held_out=True),
    tonal("vintage-vignette", (("vintage", (0.8,)), ("vignette", (0.8,))), "vintage by 80 percent and a vignette by 80 percent",
          "make it vintage by 80 percent and add a vignette by 80 percent", "age it a lot, darken the corners strongly", held_out=True),
    tonal("sketch-sepia", (("sketch", (0.5,)), ("sepia", (0.9,))), "a pencil sketch in sepia",
          "turn it into a pencil sketch by 50 percent and make it sepia by 90 percent", "make it a drawing, then turn it sepia strongly", held_out=True),
)
