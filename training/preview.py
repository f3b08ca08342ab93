"""How training stands: one pair's instruction on unseen photos, beside a least-squares fit of the same pair.

    python preview.py [--steps 4] [--learn 30] [--size 256]     # prints PSNR and writes preview.png beside the checkpoint

Rows of the picture are looks; columns are photo, truth, cubic fit, pair encoder in 1 step, and in ``--steps``.
"""
from __future__ import annotations

import argparse
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

import families
from looks import Look
from photos import CACHE, evaluation
from sampling import Editor, Sampler, psnr, save_grid
from teachers import CODE, HELD_OUT_STYLES, STYLES, picture_codes


def style(index: int) -> Look:
    return Look((("painting", (*(float(i == index) for i in range(STYLES)), 1.0)),))


def looks() -> dict[str, Look]:
    code = picture_codes(evaluation(256, zoomed=False)["retina" if "retina" in evaluation(8, False) else "grass"])[0]
    return {
        **{f"style {i} (trained)": style(i) for i in (0, 6, 9, 16)},
        **{f"style {i} (held out)": style(i) for i in HELD_OUT_STYLES},
        "picture style (held out)": Look((("picture", (*code.tolist(), 1.0)),)),
        "oil (trained)": Look((("oil", (0.5, 0.5)),)),
        "ink (trained)": Look((("ink", (0.4, 0.5, 0.05, 0.05, 0.06, 0.98, 0.97, 0.95)),)),
        **{f"{name} (held-out family)": Look(((name, (0.5, 0.5, 0.1, 0.15, 0.3, 0.95, 0.9, 0.8)[:families.KINDS[name].columns]),))
           for name in families.HELD_OUT_FAMILIES},
    }


def cubic(before: Tensor) -> Tensor:
    """The 20 monomials of r, g and b up to degree 3, [N * H * W, 20]."""
    c = before.permute(0, 2, 3, 1).reshape(-1, 3).double()
    return torch.stack([torch.ones_like(c[:, 0])] + [c[:, list(m)].prod(1) for d in (1, 2, 3) for m in combinations_with_replacement(range(3), d)], 1)


def fit(before: Tensor, after: Tensor, photos: Tensor, ridge: float = 1e-3) -> Tensor:
    x, y = cubic(before), after.permute(0, 2, 3, 1).reshape(-1, 3).double()
    weights = torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)
    out = (cubic(photos) @ weights).float().clamp(0, 1)
    return out.view(len(photos), *photos.shape[2:], 3).permute(0, 3, 1, 2)


def main() -> None:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--steps", type=int, default=4)
    a.add_argument("--learn", type=int, default=0, help="steps of inversion after the pair encoder")
    a.add_argument("--size", type=int, default=256)
    a.add_argument("--photos", type=int, default=4)
    o = a.parse_args()
    torch.set_num_threads(1)
    editor = Editor.from_checkpoint()
    pictures = {k: torch.tensor(v).float() / 255 for k, v in evaluation(o.size, zoomed=False).items()}
    pair, photos = pictures["china"], torch.cat([pictures[k] for k in ("flower", "chelsea", "coffee", "mountain", "astronaut", "rocket")][:o.photos])
    rows = []
    for name, look in looks().items():
        with torch.no_grad():
            after, truth = look(pair), look(photos)
        states = editor.instruct(pair, after)
        shown = [fit(pair, after, photos), editor.edit(photos, states, Sampler(steps=1)), editor.edit(photos, states, Sampler(steps=o.steps))]
        if o.learn:
            states = editor.invert(pair, after, steps=o.learn)
            shown += [editor.edit(photos, states, Sampler(steps=1))]
        figures = [f"{float(psnr(s, truth).mean()):5.1f}" for s in [photos, *shown]]
        print(f"{name:28} unedited {figures[0]}  fit {figures[1]}  pair {figures[2]}  {o.steps} steps {figures[3]}"
              + (f"  learned {figures[4]}" if o.learn else ""), flush=True)
        rows.append(torch.cat([photos[:1], truth[:1], *(s[:1] for s in shown), truth[1:2], *(s[1:2] for s in shown[1:])]))
    save_grid(CACHE / "run" / "preview.png", rows)


if __name__ == "__main__":
    main()
