"""Trains the model: one process, or several that average their gradients (on a CPU: one thread each).

    python train.py --minutes 90 --workers 2          # two CPU cores
    python train.py --minutes 25 --device cuda --batch64 512 --batch128 256

Edits are made on the fly, so no pair is ever seen twice. The length is wall-clock time; a run that was stopped goes on
from its last checkpoint with the time it had used.
"""
from __future__ import annotations

import argparse
import json
import os
import random
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from autoencoder import PatchAutoencoder
from edits import apply_batch
from model import Mini, make_tokenizer, schedule, tokenize
from muon import Muon
from phrases import GENERIC, WIDTH, Drawing, draw, vector
from photos import CACHE, pool

SMALL_SHARE = 0.62  # of the time, on 64-pixel crops; then 128


def options(argv: list[str] | None = None) -> argparse.Namespace:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--minutes", type=float, default=90)
    a.add_argument("--workers", type=int, default=2)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--device", default="cpu")
    a.add_argument("--batch64", type=int, default=32, help="per worker")
    a.add_argument("--batch128", type=int, default=12, help="per worker")
    a.add_argument("--lr", type=float, default=1e-3)
    a.add_argument("--optimiser", choices=("muon", "adamw"), default="muon")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--run", type=Path, default=CACHE / "run")
    a.add_argument("--save-every", type=float, default=3, help="minutes")
    return a.parse_args(argv)


def load_autoencoder(device: str = "cpu") -> PatchAutoencoder:
    saved = torch.load(CACHE / "autoencoder.pt", map_location=device)
    model = PatchAutoencoder(**saved["config"]).to(device)
    model.load_state_dict(saved["state"])
    return model.eval().requires_grad_(False)


def make_model(device: str = "cpu") -> tuple[Mini, PatchAutoencoder, object]:
    tokenizer = make_tokenizer(CACHE / "tokenizer")
    autoencoder = load_autoencoder(device)
    model = Mini(autoencoder.config["latent_channels"], tokenizer.bos_token_id, tokenizer.eos_token_id, len(tokenizer))
    return model.to(device), autoencoder, tokenizer


class Batches:
    """Endless batches of (before, after, drawings), pictures in [0, 1]."""

    def __init__(self, seed: int, device: str):
        self.rng = random.Random(seed)
        self.photos = pool("train")
        self.device = device

    def crops(self, count: int, size: int) -> Tensor:
        rng = self.rng
        rows = sorted(rng.randrange(len(self.photos)) for _ in range(count))
        x = torch.from_numpy(self.photos[rows]).to(self.device).float() / 255
        if size < 128:
            half = count // 3  # a third shrunk, the rest cut out
            top, left = (4 * rng.randrange((128 - size) // 4 + 1) for _ in range(2))
            x = torch.cat([F.avg_pool2d(x[:half], 128 // size), x[half:, :, top:top + size, left:left + size]])
        if rng.random() < 0.5:
            x = x.flip(3)
        # Colour jitter on a third of them widens the colours that photographs have.
        g = torch.Generator().manual_seed(rng.getrandbits(60))
        some = (torch.rand(count, 1, 1, 1, generator=g) < 0.35).float().to(self.device)
        gamma = torch.exp(0.3 * torch.randn(count, 1, 1, 1, generator=g)).to(self.device)
        gain = torch.exp(0.2 * torch.randn(count, 3, 1, 1, generator=g)).to(self.device)
        return torch.where(some > 0, (x.clamp_min(1e-4) ** gamma * gain).clamp(0, 1), x)

    def edited(self, x: Tensor, drawings: list[Drawing]) -> Tensor:
        for place in range(2):
            names = [d.steps[place][0] if place < len(d.steps) else "" for d in drawings]
            values = torch.zeros(len(drawings), WIDTH)
            for i, d in enumerate(drawings):
                if names[i]:
                    values[i, :len(d.steps[place][1])] = torch.tensor(d.steps[place][1])
            x = apply_batch(x, names, values.to(self.device))
        return x

    def next(self, count: int, size: int) -> tuple[Tensor, Tensor, list[Drawing]]:
        before = self.crops(count, size)
        drawings = [draw(self.rng, named=self.rng.random() < 0.6) for _ in range(count)]
        return before, self.edited(before, drawings), drawings


class Losses:
    def __init__(self, model: Mini, autoencoder: PatchAutoencoder, tokenizer, device: str, seed: int):
        self.model, self.autoencoder, self.tokenizer, self.device = model, autoencoder, tokenizer, device
        self.rng = random.Random(seed)
        self.alphas = schedule().to(device)
        self.empty = tokenize(tokenizer, [""]).to(device)

    def times(self, count: int) -> Tensor:
        """A quarter at pure noise, where the whole edit is decided; a quarter high; the rest anywhere."""
        kinds = torch.rand(count)
        t = torch.randint(0, 1000, (count,))
        t = torch.where(kinds < 0.5, torch.randint(700, 1000, (count,)), t)
        return torch.where(kinds < 0.25, torch.full_like(t, 999), t).to(self.device)

    def states(self, drawings: list[Drawing]) -> tuple[Tensor, Tensor, Tensor]:
        """What the UNet is told, [B, 32, 128]; the plain text states; and which rows are plain text."""
        m, rng = self.model, self.rng
        # Of the sentences that say two edits, some are given as a hybrid instruction is: the first edit as tokens, by
        # words or by parameters, and then the tokens of the second sentence, encoded alone.
        hybrid = {i: rng.random() < 0.5 for i, d in enumerate(drawings) if len(d.parts) == 2 and rng.random() < 0.5}
        texts = [d.text or rng.choice(GENERIC) for d in drawings]
        for i, by_words in hybrid.items():
            texts[i] = drawings[i].parts[0] if by_words else rng.choice(GENERIC[:4])
        vectors = torch.tensor([vector(d.steps[:1] if i in hybrid else d.steps) for i, d in enumerate(drawings)], device=self.device)
        worded = torch.tensor([bool(d.text) and i not in hybrid for i, d in enumerate(drawings)], device=self.device)
        by_numbers = torch.tensor([not d.text or hybrid.get(i) is False for i, d in enumerate(drawings)], device=self.device)
        ids = tokenize(self.tokenizer, texts + [""] + [drawings[i].parts[1] for i in hybrid]).to(self.device)
        all_states, all_ends = m.encode_text(ids), m.ends(ids)
        n = len(drawings)
        plain, null, ends = all_states[:n], all_states[n:n + 1], all_ends[:n]
        states = m.with_parameters(plain, ends, vectors, by_numbers)
        if hybrid:
            rows, ends = [*states], ends.clone()
            for k, i in enumerate(hybrid):
                start, more = int(ends[i]), min(int(all_ends[n + 1 + k]) - 1, ids.shape[1] - int(ends[i]))
                rows[i] = torch.cat([states[i, :start], all_states[n + 1 + k, 1:1 + more], states[i, start + more:]])
                ends[i] = start + more
            states = torch.stack(rows)
        # Padding must not carry the meaning, or learned tokens could not say anything else: often it is that of "".
        place = torch.arange(ids.shape[1], device=self.device)
        bare = (torch.rand(len(drawings), 1, device=self.device) < 0.3) & (place >= ends[:, None])
        states = torch.where(bare[..., None], null, states)
        dropped = torch.rand(len(drawings), device=self.device)
        states = torch.where((dropped < 0.1)[:, None, None], null, states)
        self.no_image = (dropped >= 0.05) & (dropped < 0.15)
        return states, plain, worded

    def likeness(self, count: int) -> Tensor:
        """How far sentences are from the parameters of the same edits, as the UNet's time embedding reads both: a cheap
        teacher for the text encoder, which needs no picture. The parameters' side is taken as it is."""
        m = self.model
        drawings = [draw(self.rng, named=True) for _ in range(count)]
        ids = tokenize(self.tokenizer, [d.text for d in drawings]).to(self.device)
        with torch.no_grad():
            carriers = tokenize(self.tokenizer, [self.rng.choice(GENERIC) for _ in drawings]).to(self.device)
            vectors = torch.tensor([vector(d.steps) for d in drawings], device=self.device)
            all_rows = torch.ones(count, dtype=torch.bool, device=self.device)
            wanted = m.unet.add_embedding(m.with_parameters(m.encode_text(carriers), m.ends(carriers), vectors, all_rows))
        return F.mse_loss(m.unet.add_embedding(m.encode_text(ids)).float(), wanted.float())

    def __call__(self, before: Tensor, after: Tensor, drawings: list[Drawing]) -> tuple[Tensor, dict[str, float]]:
        config = self.autoencoder.config
        with torch.no_grad():
            condition = self.autoencoder.encode(before * 2 - 1)
            target = (self.autoencoder.encode(after * 2 - 1) - config["shift_factor"]) * config["scaling_factor"]
        t = self.times(len(before))
        a = self.alphas[t].view(-1, 1, 1, 1)
        noise = torch.randn_like(target)
        noisy = a.sqrt() * target + (1 - a).sqrt() * noise
        velocity = a.sqrt() * noise - (1 - a).sqrt() * target
        with torch.autocast(self.device, torch.bfloat16):
            states, plain, worded = self.states(drawings)
            condition = condition * (~self.no_image).float()[:, None, None, None]
            out = self.model.predict(noisy, condition, t, states).float()
            error = (out - velocity).square().mean((1, 2, 3))
            direction = self.model.image_features(after) - self.model.image_features(before)
            said = self.model.text_direction(plain)
            likeness = self.likeness(64)
        pick = worded.nonzero()[:, 0]
        logits = F.normalize(direction.float(), dim=-1, eps=0.1)[pick] @ said.float()[pick].T * self.model.clip.logit_scale.exp().clamp(max=50)
        labels = torch.arange(len(pick), device=self.device)
        clip = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
        top = t == 999
        parts = {"loss": error.mean(), "top": error[top].mean() if top.any() else error.mean(), "clip": clip, "likeness": likeness}
        return error.mean() + 0.03 * clip + likeness, {k: float(v.detach()) for k, v in parts.items()}


def rate(done: float, step: int) -> float:
    """Warm-up, a long plateau, then linearly to (nearly) zero over the last 45% of the time."""
    return min(1.0, (step + 1) / 100) * max(0.01, min(1.0, (1 - done) / 0.45))


def train(rank: int, o: argparse.Namespace) -> None:
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    random.seed(o.seed)
    if o.workers > 1:
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", str(29500 + os.getppid() % 999))
        dist.init_process_group("gloo", rank=rank, world_size=o.workers)
    model, autoencoder, tokenizer = make_model(o.device)
    named = list(model.named_parameters())
    weights = [p for _, p in named]
    # Embeddings, position tables and the layers at either end of a tower are no rotations: AdamW for those.
    plain = ("embedding", "conv_in", "conv_out", "class_token", "parameters_encoder.layers.0", "layers.4") if o.optimiser == "muon" else ("",)
    optimiser = Muon(named, o.lr, plain)
    average = {k: v.detach().clone() for k, v in model.state_dict().items()}
    used, step = 0.0, 0
    checkpoint = o.run / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=o.device, weights_only=False)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        average, used, step = saved["average"], saved["used"], saved["step"]
    torch.manual_seed(o.seed * 1000 + rank * 7 + step)
    batches = Batches(o.seed * 1000 + rank * 7 + step, o.device)
    losses = Losses(model, autoencoder, tokenizer, o.device, o.seed * 1000 + rank * 7 + step + 1)
    if rank == 0:
        o.run.mkdir(parents=True, exist_ok=True)
        log = (o.run / "log.jsonl").open("a")
    sizes = [p.numel() for p in weights]
    flat = torch.zeros(sum(sizes) + 1)
    total, last_save, recent, mark = 60 * o.minutes, time.time(), [], time.time()
    while True:
        begun, clock = time.time(), used
        size = 64 if used < SMALL_SHARE * total else 128
        loss, parts = losses(*batches.next(o.batch64 if size == 64 else o.batch128, size))
        for p in weights:
            p.grad = None
        loss.backward()
        if o.workers > 1:
            flat[-1] = used if rank == 0 else 0.0  # the first worker's clock is everyone's, or they would not stop together
            torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in weights], out=flat[:-1])
            flat[:-1] /= o.workers
            dist.all_reduce(flat)
            for p, g in zip(weights, flat[:-1].split(sizes)):
                p.grad = g.view_as(p)
            clock = float(flat[-1])
        norm = torch.nn.utils.clip_grad_norm_(weights, 2.0)
        for group in optimiser.param_groups:
            group["lr"] = o.lr * rate(clock / total, step)
        optimiser.step()
        step += 1
        with torch.no_grad():
            if rank == 0:
                keep = min(0.999, (step + 1) / (step + 20))
                for k, v in model.state_dict().items():
                    average[k].lerp_(v, 1 - keep) if v.is_floating_point() else average[k].copy_(v)
        used = used + time.time() - begun if rank == 0 else clock
        if rank == 0:
            recent.append(parts)
            if step % 50 == 0:
                means = {k: round(sum(r[k] for r in recent) / len(recent), 4) for k in parts}
                speed = 50 * (o.batch64 if size == 64 else o.batch128) * o.workers / (time.time() - mark)
                line = {"step": step, "minutes": round(used / 60, 2), "size": size, **means, "norm": round(float(norm), 3),
                        "samples_per_second": round(speed, 1)}
                print(json.dumps(line), flush=True)
                log.write(json.dumps(line) + "\n")
                log.flush()
                recent, mark = [], time.time()
            if time.time() - last_save > 60 * o.save_every or clock >= total:
                aside = checkpoint.with_suffix(".new")
                torch.save({"model": model.state_dict(), "average": average, "optimiser": optimiser.state_dict(),
                            "used": used, "step": step, "options": {k: str(v) for k, v in vars(o).items()}}, aside)
                os.replace(aside, checkpoint)
                last_save = time.time()
        if clock >= total:
            break


def main() -> None:
    o = options()
    if o.workers == 1:
        train(0, o)
    else:
        torch.multiprocessing.spawn(train, (o,), nprocs=o.workers)


if __name__ == "__main__":
    main()
