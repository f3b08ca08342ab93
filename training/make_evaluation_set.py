"""Makes evaluation-set/: held-out photos, 23 edits of them, and what words can say of each, in the format of docs/evaluation-set.md.

    python make_evaluation_set.py ../evaluation-set

Photos are stored as JPEG (4:4:4, quality 97). Every after picture and truth is computed from the stored files and kept in the
smallest JPEG that is within ``CLOSE`` decibels of it, or losslessly as WebP where none is. Nothing is drawn at random.
"""
from __future__ import annotations

import io
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from edits import Edit, is_held_out
from evaluate import CASES, Case
from make_demo import EDIT as PLUM, NOTES, TEXT as PLUM_TEXT
from photos import EVALUATION, find, load

HERE = Path(__file__).resolve().parent
SIDE = 128  # pixels
CLOSE = 45.0  # dB: what storing a picture may cost, 6 above the best that the model's autoencoder reaches

OPENCV = "opencv-doc:usr/share/doc/opencv-doc/"
# name: its file, where the square's centre lies, and its licence; no photo is both in a pair and a test.
PAIRS = {
    "china": (EVALUATION["china"][0], (0.45, 0.5), NOTES["china"]),
    "apple": (OPENCV + "examples/data/apple.jpg", (0.5, 0.5), "OpenCV's samples: “apple.jpg”, Apache-2.0"),
    "building": (OPENCV + "examples/data/building.jpg", (0.5, 0.5), "OpenCV's samples: “building.jpg”, Apache-2.0"),
    "lake": (OPENCV + "opencv4/html/boat.jpg", (0.5, 0.5), "OpenCV's documentation: “boat.jpg”, Apache-2.0"),
}
TESTS = {name: (EVALUATION[name][0], centre, NOTES[name]) for name, centre in {
    "flower": (0.5, 0.45), "coffee": (0.5, 0.5), "chelsea": (0.45, 0.5), "astronaut": (0.5, 0.3), "rocket": (0.5, 0.5),
    "mountain": (0.5, 0.5), "nuthatch": (0.42, 0.5)}.items()}

# The edits whose learning the recipe itself measures (evaluate.py), all of them, and the demo's.
EDITS = (*(c for c in CASES if c.learn), Case("plum film", PLUM.steps, (PLUM_TEXT, "tint it purple by 40 percent and give it a matte look"), True))


def folder_name(case: Case) -> str:
    return re.sub(r"[^a-z0-9]+", "-", case.name.lower().replace("%", "")).strip("-")


def square(where: str, centre: tuple[float, float]) -> Image.Image:
    image = load(find(where), most=2048)
    side = min(image.size)
    left = min(max(0.0, centre[0] * image.width - side / 2), image.width - side)
    top = min(max(0.0, centre[1] * image.height - side / 2), image.height - side)
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))


def decibels(a: Image.Image, b: Image.Image) -> float:
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return float(10 * np.log10(255 ** 2 / max((difference ** 2).mean(), 1e-9)))


def store(image: Image.Image, path: Path) -> float:
    """Writes ``path`` with the ending of the format it took, and returns how near it is to ``image`` in dB."""
    for quality in (90, 92, 94, 96, 97, 98, 99):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
        kept = decibels(Image.open(buffer).convert("RGB"), image)
        if kept >= CLOSE:
            path.with_suffix(".jpg").write_bytes(buffer.getvalue())
            return kept
    image.save(path.with_suffix(".webp"), lossless=True, quality=100, method=6)
    return float("inf")


def edited(edit: Edit, path: Path) -> Image.Image:
    x = torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1)[None].float() / 255
    return Image.fromarray((edit(x)[0].permute(1, 2, 0) * 255).round().byte().numpy())


def write_case(folder: Path, case: Case, photos: Path) -> list[float]:
    """The case's folder; returns how near each stored picture is to the edit it stands for, in dB."""
    assert case.held_out == is_held_out(case.steps), f"{case.name}: drawn in training or not?"
    edit, near = Edit(case.steps), []
    for number, name in enumerate(PAIRS, 1):
        pair = folder / "pairs" / f"{number:02d}"
        pair.mkdir(parents=True)
        shutil.copy(photos / f"{name}.jpg", pair / "before.jpg")
        near.append(store(edited(edit, pair / "before.jpg"), pair / "after"))
    for part in ("tests", "truth"):
        (folder / part).mkdir()
    for name in TESTS:
        shutil.copy(photos / f"{name}.jpg", folder / "tests" / f"{name}.jpg")
        near.append(store(edited(edit, folder / "tests" / f"{name}.jpg"), folder / "truth" / name))
    said = {} if case.held_out else {"caption_before": "this photo", "caption_after": case.texts[0]}
    (folder / "case.json").write_text(json.dumps(
        {"group": "never trained on" if case.held_out else "nameable", "texts": list(case.texts), **said}, indent=2) + "\n")
    return near


README = """# The bundled evaluation set

{count} edits in the format of [docs/evaluation-set.md](../docs/evaluation-set.md), for `visii eval` and `npm run research -- ablate`:

```sh
npx visii eval evaluation-set --method unedited,text,learned,learned-4
npm run research -- ablate
```

Every case has the same {pairs} pairs ({pair_names}) and the same {tests} photos to edit ({test_names}), {side} pixels square; no
photo is in both. The model was trained on none of them.

| group | cases |
|---|---|
| nameable | {nameable} |
| never trained on | {unnamed} |

*Nameable*: training drew such edits, with sentences for them. *Never trained on*: settings and combinations that training
never drew (`is_held_out` in `training/edits.py`); channel mixes, curves and the plum film have no sentence at all. `texts` are
the sentences that come nearest all the same.

Made by `training/make_evaluation_set.py`. Photos are JPEG (4:4:4, quality 97); after pictures and truths are computed from
those files, then stored as the smallest JPEG within {close:.0f} dB of the edit ({stored}: {worst:.1f} dB at worst, {mean:.1f} in the
mean) or losslessly ({lossless}).

[LICENSES.md](LICENSES.md) names every photo's author and licence.
"""


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    photos = folder.parent / f".{folder.name}-photos"
    for old in (folder, photos):
        shutil.rmtree(old, ignore_errors=True)
    photos.mkdir()
    for name, (where, centre, _) in {**PAIRS, **TESTS}.items():
        square(where, centre).save(photos / f"{name}.jpg", quality=97, subsampling=0, optimize=True)
    near = [value for case in EDITS for value in write_case(folder / folder_name(case), case, photos)]
    shutil.rmtree(photos)
    lossy = [value for value in near if value != float("inf")]
    names = {held: ", ".join(f"`{folder_name(c)}`" for c in EDITS if c.held_out == held) for held in (False, True)}
    (folder / "README.md").write_text(README.format(
        count=len(EDITS), pairs=len(PAIRS), pair_names=", ".join(PAIRS), tests=len(TESTS), test_names=", ".join(TESTS), side=SIDE,
        nameable=names[False], unnamed=names[True], close=CLOSE, stored=len(lossy), worst=min(lossy), mean=sum(lossy) / len(lossy),
        lossless=len(near) - len(lossy)))
    lines = ["# Licences of the evaluation set's pictures", "",
             "Cropped and resized by `training/make_evaluation_set.py`; what is beside them in `after` and `truth/` are edits of the same",
             "pictures, by `training/edits.py`, under the same licences. None of them was trained on (`training/split.json`).", ""]
    lines += [f"- `pairs/{number:02d}/` of every case: {note}." for number, (_, _, note) in enumerate(PAIRS.values(), 1)]
    lines += [f"- `tests/{name}.*`, `truth/{name}.*` of every case: {note}." for name, (_, _, note) in TESTS.items()]
    (folder / "LICENSES.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "evaluation-set"))
