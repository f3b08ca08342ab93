"""Extracts glyph outlines from the Inter typeface (OFL, see OFL.txt), to draw text without an installed font.

    pip install fonttools && npm pack @fontsource/inter@5.3.0 && tar xzf fontsource-inter-5.3.0.tgz
    python extract-outlines.py package/files > outlines.json

Units: 1000 to the em, y downward from the baseline.
"""
import json
import sys

from fontTools.misc.transform import Transform
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

CHARACTERS = "".join(map(chr, range(32, 127))) + "·–—‘’“”…×±°−→éèêëàâäçîïôöùûüßñ"


def outlines(path):
    font = TTFont(path)
    names, glyphs = font.getBestCmap(), font.getGlyphSet()
    scale = 1000 / font["head"].unitsPerEm
    table = {}
    for character in CHARACTERS:
        if ord(character) not in names:
            continue
        glyph = glyphs[names[ord(character)]]
        pen = SVGPathPen(glyphs, ntos=lambda value: str(round(value)))
        glyph.draw(TransformPen(pen, Transform(scale, 0, 0, -scale, 0, 0)))
        table[character] = [round(glyph.width * scale), pen.getCommands()]
    return table


folder = sys.argv[1]
json.dump(
    {
        "source": "Inter, Copyright 2016 The Inter Project Authors, SIL Open Font License 1.1 (OFL.txt)",
        "regular": outlines(f"{folder}/inter-latin-400-normal.woff"),
        "semibold": outlines(f"{folder}/inter-latin-600-normal.woff"),
    },
    sys.stdout,
    ensure_ascii=False,
    separators=(",", ":"),
)
