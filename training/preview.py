"""Evaluates a checkpoint: instructions of single pairs on unseen photos, compared with a least-squares fit of the pair.

    python preview.py [--steps 4] [--learn 30] [--size 256]     # prints PSNR and writes preview.png beside the checkpoint

Rows of the image are looks; columns are photo, truth, cubic fit, pair encoder in 1 step, and in ``--steps``.
"""
from __future__ import annotations

import argparse
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from cases import CASES
from photos import CACHE, evaluation
from sampling import Editor, Sampler, psnr, save_grid


def cubic(before: Tensor) -> Tensor:
    """The 20 monomials of r, g and b up to degree 3, [N * H * W, 20]."""
    c = before.permute(0, 2, 3, 1).reshape(-1, 3).double()
    return torch.stack([torch.ones_like(c[:, 0])] + [c[:, list(m)].prod(1) for d in (1, 2, 3) for m in combinations_with_replacement(range(3), d)], 1)


def fit(before: Tensor, after: Tensor, photos: Tensor, ridge: float = 1e-3) -> Tensor:
    x, y = cubic(before), after.permute(0, 2, 3, 1).reshape(-1, 3).double()
    weights = torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)
    out = (cubic(photos) @ weights).float().clamp(0, 1)
    return out.view(len(photos), *photos.shape[2:], 3).permute(0, 3, 1, 2)


def energy(x: Tensor) -> Tensor:
    """Mean square of the differences between neighbors of each picture."""
    return (x[..., 1:] - x[..., :-1]).square().mean((1, 2, 3)) + (x[..., 1:, :] - x[..., :-1, :]).square().mean((1, 2, 3))


def main() -> None:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--steps", type=int, default=4)
    a.add_argument("--learn", type=int, default=0, help="steps of inversion after the pair encoder")
    a.add_argument("--size", type=int, default=256)
    a.add_argument("--photos", type=int, default=4)
    a.add_argument("--run", default="run", help="folder of the run in the cache")
    a.add_argument("--only", default="", help="cases whose group or name contains this")
    o = a.parse_args()
    torch.set_num_threads(1)
    editor = Editor.from_checkpoint(CACHE / o.run / "checkpoint.pt")
    pictures = {k: torch.tensor(v).float() / 255 for k, v in evaluation(o.size, zoomed=False).items()}
    pair, photos = pictures["china"], torch.cat([pictures[k] for k in ("flower", "chelsea", "coffee", "mountain", "astronaut", "rocket")][:o.photos])
    rows = []
    for case in CASES:
        if o.only not in case.group + case.name:
            continue
        with torch.no_grad():
            after, truth = case.look(pair), case.look(photos)
        states = editor.instruct(pair, after)
        shown = [fit(pair, after, photos), editor.edit(photos, states, Sampler(steps=1)), editor.edit(photos, states, Sampler(steps=o.steps))]
        if o.learn:
            states = editor.invert(pair, after, steps=o.learn)
            shown += [editor.edit(photos, states, Sampler(steps=1))]
        sharpness = [f"{float((energy(s) / energy(truth)).mean()):4.2f}" for s in shown[1:3]]
        figures = [f"{float(psnr(s, truth).mean()):5.1f}" for s in [photos, *shown]]
        print(f"{case.group:24} {case.name:20} unedited {figures[0]}  fit {figures[1]}  pair {figures[2]}  {o.steps} steps {figures[3]}"
              + (f"  learned {figures[4]}" if o.learn else "") + f"  sharpness {', '.join(sharpness)}", flush=True)
        rows.append(torch.cat([photos[:1], truth[:1], *(s[:1] for s in shown), truth[1:2], *(s[1:2] for s in shown[1:])]))
    save_grid(CACHE / o.run / "preview.png", rows)


if __name__ == "__main__":
    main()
