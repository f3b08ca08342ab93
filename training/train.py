"""Trains the model: one process, or several that average their gradients (on a CPU: one thread each).

    python train.py --minutes 90 --workers 2          # two CPU cores
    python train.py --minutes 7 --device cuda --workers 1 --planners 12 --batch64 2048 --batch128 512 --batch256 128

Edits are made on the fly, so no pair is ever seen twice. The length is wall-clock time; a run that was stopped goes on
from its last checkpoint with the time it had used.
"""
from __future__ import annotations

import argparse
import json
import os
import time
from functools import lru_cache
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from autoencoder import PatchAutoencoder
from batches import Crops, Plan, plans
from model import Mini, make_tokenizer, schedule
from muon import Muon
from photos import CACHE


def size_at(done: float, step: int, small: float, large: float) -> int:
    """The side of the crops: 64 pixels for the first ``small`` share of the time, then 128; in the last ``large`` share every
    third batch has 256."""
    return 64 if done < small else 256 if done >= 1 - large and step % 3 == 0 else 128


def options(argv: list[str] | None = None) -> argparse.Namespace:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--minutes", type=float, default=90)
    a.add_argument("--workers", type=int, default=2)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--device", default="cpu")
    a.add_argument("--batch64", type=int, default=32, help="per worker")
    a.add_argument("--batch128", type=int, default=12, help="per worker")
    a.add_argument("--batch256", type=int, default=3, help="per worker")
    a.add_argument("--small", type=float, default=0.6, help="share of the time that goes to 64-pixel crops")
    a.add_argument("--large", type=float, default=0.1, help="share of the time, at the end, when some batches have 256")
    a.add_argument("--planners", type=int, default=0, help="processes that prepare edits and sentences")
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
    if device != "cpu":
        model.fuse()
    return model.to(device), autoencoder, tokenizer


class Losses:
    def __init__(self, model: Mini, autoencoder: PatchAutoencoder, device: str):
        self.model, self.autoencoder, self.device = model, autoencoder, device
        self.alphas = schedule().to(device)

    def times(self, count: int) -> tuple[Tensor, Tensor]:
        """Timesteps [count], and which rows are at pure noise: two in five, where the whole edit is decided; one in five is
        high; the rest anywhere."""
        t = torch.randint(0, 1000, (count,), device=self.device)
        kind = torch.arange(count, device=self.device) % 5
        t = torch.where(kind == 2, 700 + t * 3 // 10, t)
        return torch.where(kind < 2, torch.full_like(t, 999), t), self.top_rows(count)

    @lru_cache(maxsize=None)
    def top_rows(self, count: int) -> Tensor:
        return torch.tensor([i for i in range(count) if i % 5 < 2], device=self.device)

    def states(self, plan: Plan) -> tuple[Tensor, Tensor, Tensor]:
        """What the UNet is told, [N, 32, 128]; the plain sentences' states; and which pictures it is not shown, [N]."""
        m, n = self.model, len(plan.ends)
        said = m.encode_text(plan.ids)
        plain, null = said[:n], said[n]
        told = torch.cat([m.with_parameters(plain, plan.word_ends, plan.vectors, plan.by_numbers), said[n:]])
        states = told[plan.source_row, plan.source_place]
        # Padding must not carry the meaning, or learned tokens could not say anything else: often it is that of "".
        place = torch.arange(states.shape[1], device=self.device)
        bare = (torch.rand(n, 1, device=self.device) < 0.3) & (place >= plan.ends[:, None])
        states = torch.where(bare[..., None], null, states)
        dropped = torch.rand(n, device=self.device)
        states = torch.where((dropped < 0.1)[:, None, None], null, states)
        return states, plain, (dropped >= 0.05) & (dropped < 0.15)

    def likeness(self, plan: Plan) -> Tensor:
        """How far sentences are from the parameters of the same edits, as the UNet's time embedding reads both: a cheap
        teacher for the text encoder, which needs no picture. The parameters' side is taken as it is."""
        m = self.model
        with torch.no_grad():
            all_rows = torch.ones(len(plan.like_ids), dtype=torch.bool, device=self.device)
            wanted = m.unet.add_embedding(
                m.with_parameters(m.encode_text(plan.like_carriers), plan.like_carrier_ends, plan.like_vectors, all_rows))
        return F.mse_loss(m.unet.add_embedding(m.encode_text(plan.like_ids)).float(), wanted.float())

    def __call__(self, before: Tensor, after: Tensor, plan: Plan) -> tuple[Tensor, dict[str, Tensor]]:
        config = self.autoencoder.config
        with torch.no_grad():
            condition = self.autoencoder.encode(before * 2 - 1)
            target = (self.autoencoder.encode(after * 2 - 1) - config["shift_factor"]) * config["scaling_factor"]
        t, top = self.times(len(before))
        a = self.alphas[t].view(-1, 1, 1, 1)
        noise = torch.randn_like(target)
        noisy = a.sqrt() * target + (1 - a).sqrt() * noise
        velocity = a.sqrt() * noise - (1 - a).sqrt() * target
        with torch.autocast(self.device, torch.bfloat16):
            states, plain, blind = self.states(plan)
            condition = condition * (~blind).float()[:, None, None, None]
            out = self.model.predict(noisy, condition, t, states).float()
            # At pure noise the prediction is minus the picture's latents: what they look like counts too, by absolute
            # difference, which would rather be right in most places than a little wrong in all.
            shown = self.autoencoder.decode(-out[top] / config["scaling_factor"] + config["shift_factor"]).float()
            direction = self.model.image_features(after) - self.model.image_features(before)
            said = self.model.text_direction(plain)
            likeness = self.likeness(plan)
        error = (out - velocity).square().mean((1, 2, 3))
        seen = (~blind[top]).float()
        picture = ((shown - (after[top] * 2 - 1)).abs().mean((1, 2, 3)) * seen).sum() / seen.sum().clamp_min(1)
        logits = F.normalize(direction.float(), dim=-1, eps=0.1) @ said.float().T * self.model.clip.logit_scale.exp().clamp(max=50)
        logits = logits.masked_fill(~(plan.worded[:, None] & plan.worded), -1e4)
        labels, weight = torch.arange(len(logits), device=self.device), plan.worded.float()
        both = F.cross_entropy(logits, labels, reduction="none") + F.cross_entropy(logits.T, labels, reduction="none")
        clip = (both * weight).sum() / (2 * weight.sum()).clamp_min(1)
        parts = {"loss": error.mean(), "top": error[top].mean(), "picture": picture, "clip": clip, "likeness": likeness}
        return error.mean() + 0.5 * picture + 0.03 * clip + likeness, {k: v.detach() for k, v in parts.items()}


def rate(done: float, step: int) -> float:
    """Warm-up, a long plateau, then linearly to (nearly) zero over the last 45% of the time."""
    return min(1.0, (step + 1) / 100) * max(0.01, min(1.0, (1 - done) / 0.45))


def hardware(o: argparse.Namespace) -> str:
    return f"{o.workers} CPU core(s)" if o.device == "cpu" else f"one {torch.cuda.get_device_name()}"


def train(rank: int, o: argparse.Namespace) -> None:
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    torch.backends.cudnn.allow_tf32 = False  # filters and autoencoder are float32; the model is bfloat16 where it may be
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
    seed = o.seed * 1000 + rank * 7 + step
    torch.manual_seed(seed)
    batch = {64: o.batch64, 128: o.batch128, 256: o.batch256}
    crops, losses = Crops(seed, o.device), Losses(model, autoencoder, o.device)
    # One set of planners a size, since they work ahead; those of a size to come wait with full hands.
    planned = {size: plans(seed + size, count, o.device, o.planners // 3) for size, count in batch.items()}
    if rank == 0:
        o.run.mkdir(parents=True, exist_ok=True)
        log = (o.run / "log.jsonl").open("a")
    sizes = [p.numel() for p in weights]
    flat = torch.zeros(sum(sizes) + 1)

    def average_gradients() -> None:
        flat[-1] = used if rank == 0 else 0.0  # the first worker's clock is everyone's, or they would not stop together
        torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in weights], out=flat[:-1])
        flat[:-1] /= o.workers
        dist.all_reduce(flat)
        for p, g in zip(weights, flat[:-1].split(sizes)):
            p.grad = g.view_as(p)

    averaged = [(average[k], v) for k, v in model.state_dict().items() if v.is_floating_point()]
    total, last_save, recent, mark, seen = 60 * o.minutes, time.time(), [], time.time(), 0
    while True:
        begun = time.time()
        size = size_at(used / total, step, o.small, o.large)
        plan = next(planned[size]).to(o.device)
        with torch.no_grad():
            before = crops.jittered(crops(batch[size], size))
            after = plan.steps[1](plan.steps[0](before))
        optimiser.lr.fill_(o.lr * rate(used / total, step))
        loss, parts = losses(before, after, plan)
        for p in weights:
            p.grad = None
        loss.backward()
        if o.workers > 1:
            average_gradients()
        norm = torch.nn.utils.clip_grad_norm_(weights, 2.0)
        optimiser.step()
        step += 1
        clock = float(flat[-1]) if o.workers > 1 else used  # all workers' alike
        if rank == 0:
            keep = min(0.999, (step + 1) / (step + 20))
            with torch.no_grad():
                torch._foreach_lerp_([a for a, _ in averaged], [v for _, v in averaged], 1 - keep)
        used = used + time.time() - begun if rank == 0 else clock
        if rank == 0:
            recent.append(torch.stack([*parts.values()]))
            seen += batch[size] * o.workers
            if step % 50 == 0:
                means = dict(zip(parts, torch.stack(recent).mean(0).tolist()))
                line = {"step": step, "minutes": round(used / 60, 2), "size": size, **{k: round(v, 4) for k, v in means.items()},
                        "norm": round(float(norm), 3), "samples_per_second": round(seen / (time.time() - mark), 1)}
                print(json.dumps(line), flush=True)
                log.write(json.dumps(line) + "\n")
                log.flush()
                recent, mark, seen = [], time.time(), 0
            if time.time() - last_save > 60 * o.save_every or clock >= total:
                aside = checkpoint.with_suffix(".new")
                torch.save({"model": model.state_dict(), "average": average, "optimiser": optimiser.state_dict(),
                            "used": used, "step": step, "options": {**{k: str(v) for k, v in vars(o).items()}, "hardware": hardware(o)}}, aside)
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
