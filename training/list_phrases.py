"""Writes models/mini/phrases.txt: prompts known from training, one for each edit and setting, for captions by similarity.

    python list_phrases.py ../models/mini/phrases.txt
"""
from __future__ import annotations

import sys
from pathlib import Path

import families
from phrases import COLOURS, TEMPLATES, VIVID

STROKES = tuple(" ".join(w for w in (size, length) if w) for size in ("fine", "broad", "") for length in ("short", "long", ""))
STRENGTHS = ("slightly", "", "strongly")
DUOTONES = tuple((c, d) for c in ("navy", "purple", "teal", "brown", "black", "crimson", "blue", "green")
                 for d in ("peach", "orange", "gold", "cream", "pink", "cyan", "mint", "yellow"))


def sentences(name: str, template: str):
    two = DUOTONES if "{d}" in template else ((c, "") for c in (COLOURS if name in ("wash", "frame", "topgradient") else VIVID))
    colours = tuple(two) if "{c}" in template else (("", ""),)
    numbers = tuple(range(15, 360, 15)) if name == "hue" else tuple(range(10, 100, 10)) if "{n}" in template else ("",)
    for strength in STRENGTHS if "{a}" in template else ("",):
        for c, d in colours:
            for n in numbers:
                yield " ".join(template.format(it="the photo", a=strength, c=c, d=d, n=n, w="").split())


def artistic():
    inks = DUOTONES + (("black", "white"), ("navy", "beige"), ("brown", "cream"))
    for name in families.TRAINED_FAMILIES:
        template = families.TEMPLATES[name][0]
        for size in ("fine", "medium", "coarse") if "{z}" in template else ("",):
            for strength in STRENGTHS if "{a}" in template else ("",):
                for c, d in inks if "{c}" in template else (("", ""),):
                    yield " ".join(template.format(it="the photo", a=strength, z=size, c=c, d=d).split())


def painted():
    for strokes in STROKES:
        for c, d in DUOTONES:
            yield " ".join(f"a painting in {c} and {d} with {strokes} strokes".split())
    for mood in ("vivid", "muted", "bright", "dark"):
        yield f"turn the photo into a {mood} painting"
    yield "turn the photo into a painting"


def main(path: Path) -> None:
    lines = [line for name, (template, *_) in TEMPLATES.items() for line in sentences(name, template)]
    lines += [*artistic(), *painted()]
    path.write_text("\n".join(dict.fromkeys(lines)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
