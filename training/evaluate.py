"""Figures on photos that training never saw: unedited, best text, learned from one pair, autoencoder ceiling.

    python evaluate.py --jobs 2             # the table, and a picture of every case
    python evaluate.py --sweep              # sampler and inversion settings, on a few cases
"""
from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from edits import Edit
from export import DEFAULTS
from phrases import COLOURS
from photos import CACHE, evaluation
from sampling import Editor, Sampler, psnr, save_grid, ssim

C = COLOURS
TEAL, ORANGE, MOSS = (0.02, 0.42, 0.45), (0.98, 0.6, 0.25), (0.36, 0.5, 0.2)


@dataclass(frozen=True)
class Case:
    """An edit, the texts that come nearest to it, and whether training could have drawn it at all."""

    name: str
    steps: tuple
    texts: tuple[str, ...]
    held_out: bool = False
    learn: bool = True  # learning takes most of the time; some nameable edits go without unless --all asks for them

    def __call__(self, x: Tensor) -> Tensor:
        return Edit(self.steps)(x)


def one(name: str, *values: float) -> tuple:
    return ((name, values),)


CASES = (
    Case("brighten 60%", one("brighten", 0.6), ("make it brighter by 60 percent", "brighten the photo a lot", "make it moderately brighter")),
    Case("darken 70%", one("darken", 0.7), ("darken the photo by 70 percent", "make it very darker", "darken the image strongly")),
    Case("contrast 60%", one("contrast", 0.6), ("increase the contrast by 60 percent", "boost contrast a lot", "add more contrast"), learn=False),
    Case("saturate 70%", one("saturate", 0.7), ("increase the saturation by 70 percent", "make the colors strongly more vivid"), learn=False),
    Case("grayscale", one("grayscale"), ("make it black and white", "convert the photo to grayscale", "remove all color"), learn=False),
    Case("sepia 80%", one("sepia", 0.8), ("make it sepia by 80 percent", "turn the photo sepia strongly", "apply a sepia effect")),
    Case("warm 70%", one("warm", 0.7), ("make it warmer by 70 percent", "warm up the photo a lot", "add warm light"), learn=False),
    Case("cool 70%", one("cool", 0.7), ("make it cooler by 70 percent", "cool down the photo a lot", "add cold light"), learn=False),
    Case("teal tint 80%", one("tint", *C["teal"], 0.8), ("tint it teal by 80 percent", "add a strongly teal tint", "teal light")),
    Case("pink overlay 60%", one("wash", *C["pink"], 0.6), ("overlay pink by 60 percent", "wash it with pink", "add a pink overlay"), learn=False),
    Case("duotone navy/peach", one("duotone", *C["navy"], *C["peach"]), ("make it a duotone of navy and peach", "navy and peach duotone")),
    Case("hue 90 degrees", one("hue", 0.25), ("rotate the hue by 90 degrees", "hue 90 degrees"), learn=False),
    Case("invert", one("invert", 1.0), ("invert the colors by 100 percent", "invert the colors completely", "make it a negative completely")),
    Case("swap red and blue", one("swap_bgr"), ("swap the red and blue channels", "exchange red and blue")),
    Case("thermal", one("thermal"), ("apply a thermal palette", "make it look like a thermal camera", "heat map")),
    Case("night 80%", one("night", 0.8), ("turn day into night by 80 percent", "make it look like night strongly")),
    Case("fog 60%", one("fog", 0.6), ("add fog by 60 percent", "make it foggy", "cover it in mist")),
    Case("sunset 70%", one("sunset", 0.7), ("make it sunset by 70 percent", "add a strongly golden hour glow", "golden hour"), learn=False),
    Case("vintage 80%", one("vintage", 0.8), ("make it vintage by 80 percent", "make it look like an old faded photo strongly"), learn=False),
    Case("cinematic 80%", one("cinematic", 0.8), ("make it cinematic by 80 percent", "grade it like a film strongly"), learn=False),
    Case("vignette 80%", one("vignette", 0.8), ("add a vignette by 80 percent", "darken the corners strongly")),
    Case("posterize 75%", one("posterize", 0.75), ("posterize it by 75 percent", "posterize it strongly"), learn=False),
    Case("blur 60%", one("blur", 0.6), ("blur it by 60 percent", "make it blurry", "make it moderately blurry"), learn=False),
    Case("pixelate 50%", one("pixelate", 0.5), ("pixelate it by 50 percent", "turn it into pixel art", "add a mosaic"), learn=False),
    Case("pencil sketch 50%", one("sketch", 0.5), ("turn it into a pencil sketch by 50 percent", "make it a drawing", "sketch it")),
    Case("emboss 60%", one("emboss", 0.6), ("emboss it by 60 percent", "make it a relief", "emboss it"), learn=False),
    Case("neon edges 60%", one("neon", 0.6), ("neon lights by 60 percent", "make it neon", "add glowing neon edges")),
    Case("cartoon 60%", one("cartoon", 0.6), ("cartoonize it by 60 percent", "make it a cartoon", "turn it into a comic"), learn=False),
    # Below: settings and combinations that training never draws.
    Case("duotone teal/orange", one("duotone", *TEAL, *ORANGE),
         ("make it a duotone of teal and orange", "make it a duotone of teal and peach", "teal and gold duotone"), True),
    Case("moss tint", one("tint", *MOSS, 0.85), ("tint it olive by 85 percent", "tint it green by 85 percent", "add a moss tint"), True),
    Case("hue 144 degrees", one("hue", 0.4), ("rotate the hue by 144 degrees", "rotate the hue by 135 degrees", "hue 150 degrees"), True),
    Case("split teal/orange + matte", (("splittone", (*TEAL, *ORANGE, 0.8)), ("matte", (0.6,))),
         ("make it cinematic and give it a matte look", "split tone with teal shadows and orange highlights by 80 percent",
          "teal shadows and orange highlights and then fade the blacks by 60 percent", "make it vintage by 80 percent"), True),
    Case("channel mix", one("matrix", 0.2, 0.75, 0.45, 0.55, 0.3, 0.6, 0.4, 0.35, 0.8),
         ("cross process it strongly", "rotate the hue by 60 degrees", "make it look like infrared film", "make it cooler"), True),
    Case("channel curves", one("curves", 0.3, 0.6, 0.7, 0.7, 0.5, 0.4, 0.8, 0.3, 0.35),
         ("cross process it by 80 percent", "make it vintage by 80 percent", "tint it teal by 50 percent", "add a cyan overlay"), True),
    Case("fog + warm", (("fog", (0.5,)), ("warm", (0.8,))),
         ("add fog by 50 percent and make it warmer by 80 percent", "make it foggy, then warm up the photo a lot", "make it sunset"), True),
    Case("vintage + vignette", (("vintage", (0.8,)), ("vignette", (0.8,))),
         ("make it vintage by 80 percent and add a vignette by 80 percent", "age it a lot, darken the corners strongly"), True),
    Case("sketch + sepia", (("sketch", (0.5,)), ("sepia", (0.9,))),
         ("turn it into a pencil sketch by 50 percent and make it sepia by 90 percent", "make it a drawing, then turn it sepia strongly"), True),
    Case("solarize + cool", (("solarize", (0.5,)), ("cool", (0.7,))),
         ("solarize it by 50 percent and make it cooler by 70 percent", "solarize it, then cool down the photo a lot"), True),
)


def photographs(zoomed: bool = True) -> tuple[Tensor, Tensor]:
    """The before picture of the pair, and the test pictures."""
    sets = [torch.from_numpy(p).float() / 255 for p in evaluation(zoomed=zoomed).values()]
    return sets[0][:1], torch.cat(sets[1:])


class Bench:
    """What every case is measured with. The instruction is learned from one photo; the figures are means over the others."""

    def __init__(self, checkpoint: Path, device: str, threads: int, zoomed: bool, sampler: Sampler, everything: bool):
        torch.set_num_threads(threads)
        self.editor = Editor.from_checkpoint(checkpoint, device)
        self.pair, self.tests = photographs(zoomed)
        self.sampler, self.everything = sampler, everything

    def measure(self, case: Case) -> tuple[dict, Tensor]:
        """The figures of a case, and a row of pictures: three photos, their true edits, by text, learned."""
        editor, tests, truth, begun = self.editor, self.tests, case(self.tests), time.time()
        outputs = {text: editor.edit(tests, editor.encode_text([text]), self.sampler) for text in case.texts}
        best = max(outputs, key=lambda t: float(psnr(outputs[t], truth).mean()))
        vae = editor.autoencoder
        shown = {"unedited": tests, "text": outputs[best], "ceiling": (vae.decode(vae.encode(truth * 2 - 1)) + 1).clamp(0, 2) / 2}
        if case.learn or self.everything:
            shown["learned"] = editor.edit(tests, editor.invert(self.pair, case(self.pair), **INVERSION), self.sampler)
        line = {"case": case.name, "held_out": case.held_out, "best_text": best}
        for name, pictures in shown.items():
            line[name] = round(float(psnr(pictures, truth).mean()), 2)
            line[name + "_ssim"] = round(float(ssim(pictures, truth).mean()), 3)
        print(f"{case.name:28s} unedited {line['unedited']:5.1f}  text {line['text']:5.1f}  learned {line.get('learned', '-'):>5}  "
              f"ceiling {line['ceiling']:5.1f}  ({time.time() - begun:.0f} s; {best})", flush=True)
        return line, torch.cat([tests[:3], truth[:3], outputs[best][:3], shown.get("learned", torch.ones_like(tests))[:3]])


INVERSION = {"init": DEFAULTS["init"], "steps": DEFAULTS["inversion"]["steps"], "rate": DEFAULTS["inversion"]["learning_rate"],
             "batch": DEFAULTS["inversion"]["batch_size"]}
_bench: Bench | None = None  # of a worker process


def _start(*arguments) -> None:
    global _bench
    _bench = Bench(*arguments)


def _measure(case: Case) -> tuple[dict, Tensor]:
    return _bench.measure(case)


def table(jobs: int, cases: tuple[Case, ...], folder: Path, *arguments) -> list[dict]:
    with torch.multiprocessing.get_context("spawn").Pool(jobs, _start, arguments) as workers:
        measured = workers.map(_measure, cases, chunksize=1)
    results = [line for line, _ in measured]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1))
    save_grid(folder / "cases.jpg", [row for _, row in measured])
    return results


def summary(results: list[dict]) -> str:
    def cell(value) -> str:
        return "-" if value is None else f"{value:.1f}"

    def mean(key: str, rows: list[dict], digits: int = 2) -> str:
        return f"{sum(r[key] for r in rows) / len(rows):.{digits}f}" if rows else "-"

    columns = ("unedited", "text", "ceiling")
    lines = ["| edit | unedited | best text | autoencoder ceiling | SSIM: unedited / text |", "|---|---|---|---|---|"]
    for r in results:
        lines.append(f"| {r['case']}{' *' if r['held_out'] else ''} | " + " | ".join(cell(r.get(k)) for k in columns) +
                     " | " + " / ".join(f"{r[k + '_ssim']:.3f}" for k in columns[:2]) + " |")
    groups = (("mean of all", results), ("mean, nameable", [r for r in results if not r["held_out"]]),
              ("mean, never trained on *", [r for r in results if r["held_out"]]))
    for title, rows in groups:
        lines.append(f"| **{title}** ({len(rows)}) | " + " | ".join(mean(k, rows) for k in columns) +
                     " | " + " / ".join(mean(k + "_ssim", rows, 3) for k in columns[:2]) + " |")
    return "\n".join(lines)


def sweep(editor: Editor, zoomed: bool) -> None:
    """What the defaults in visii.json are chosen from."""
    from phrases import CARRIER
    chosen = [c for c in CASES if c.name in ("contrast 60%", "teal tint 80%", "night 80%", "pencil sketch 50%", "duotone teal/orange",
                                             "channel mix", "split teal/orange + matte", "sketch + sepia")]
    pair, tests = photographs(zoomed)

    def score(states: dict[str, Tensor], sampler: Sampler) -> float:
        return sum(float(psnr(editor.edit(tests, states[c.name], sampler), c(tests)).mean()) for c in chosen) / len(chosen)

    said = {c.name: editor.encode_text([c.texts[0]]) for c in chosen}
    for scheduler in ("ddim", "euler-ancestral"):
        for steps in (1, 2, 4, 8):
            print(f"text, {scheduler}, {steps} steps: {score(said, Sampler(scheduler, steps)):.2f}", flush=True)
    for text, image in ((1.3, 1.0), (1.6, 1.0), (1.3, 1.2), (2.0, 1.2)):
        print(f"text, ddim, 2 steps, guidance {text} / {image}: {score(said, Sampler('ddim', 2, text, image)):.2f}", flush=True)
    variants = [dict(rate=r) for r in (0.03, 0.06, 0.12, 0.25)] + [dict(steps=60), dict(steps=300), dict(clip=0.1)]
    for init in (None, CARRIER, "edit the photo"):
        for extra in variants if init is None else [{}]:
            begun = time.time()
            states = {c.name: editor.invert(pair, c(pair), init, **extra) for c in chosen}
            print(f"learned, init {init!r}, {extra or 'defaults'}: {score(states, Sampler(steps=2)):.2f} "
                  f"({(time.time() - begun) / len(chosen):.0f} s each)", flush=True)


def main() -> None:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--zoomed", action="store_true", help="two crops of each photo, not one")
    a.add_argument("--device", default="cpu")
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--sweep", action="store_true")
    a.add_argument("--only", default="", help="cases whose name contains this")
    a.add_argument("--steps", type=int, default=DEFAULTS["sampler"]["steps"])
    a.add_argument("--scheduler", default=DEFAULTS["sampler"]["scheduler"])
    a.add_argument("--out", type=Path, default=CACHE / "evaluation")
    a.add_argument("--jobs", type=int, default=1, help="processes")
    a.add_argument("--all", action="store_true", help="learn every case from a pair")
    a.add_argument("--checkpoint", type=Path, default=CACHE / "run" / "checkpoint.pt")
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    if o.sweep:
        sweep(Editor.from_checkpoint(o.checkpoint, o.device), o.zoomed)
        return
    sampler = Sampler(o.scheduler, o.steps)
    cases = tuple(c for c in CASES if o.only in c.name)
    results = table(o.jobs, cases, o.out, o.checkpoint, o.device, o.threads, o.zoomed, sampler, o.all)
    (o.out / "settings.json").write_text(json.dumps({"tests": 18 if o.zoomed else 9, "sampler": (
        f"{sampler.scheduler}, {sampler.steps} step(s), text guidance {sampler.text_guidance}, image guidance {sampler.image_guidance}")}))
    text = summary(results)
    (o.out / "table.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
