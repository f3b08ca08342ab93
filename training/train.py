"""Trains the model: one process, or several that average their gradients (on a CPU: one thread each).

    python train.py --minutes 90 --workers 2          # two CPU cores
    python train.py --minutes 25 --device cuda --workers 1 --groups64 512 --groups128 128 --groups256 32

Looks are drawn and applied on the fly, so no pair repeats. The length is wall-clock time; an interrupted run resumes
from its last checkpoint with the time already used.
"""
from __future__ import annotations

import argparse
import json
import os
import time
import random
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPTokenizer

from autoencoder import PatchAutoencoder
from batches import PHOTOS, Batch, Crops, Stage, make_batch
from looks import FIRST_SHARES, PARAMETERS, SHARES
from model import Mini, make_tokenizer, schedule
from muon import Muon, half_precision
from photos import CACHE
from teachers import hasten


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
    a.add_argument("--start", type=Path, default=CACHE / "start",
                   help="a model folder to start from; one with a pair encoder is trained on by pairs and words alone")
    a.add_argument("--groups64", type=int, default=16, help="looks a batch, each on two photos, per worker")
    a.add_argument("--groups128", type=int, default=5, help="per worker")
    a.add_argument("--groups256", type=int, default=1, help="per worker")
    a.add_argument("--small", type=float, default=0.6, help="share of the time that goes to 64-pixel crops")
    a.add_argument("--large", type=float, default=0.1, help="share of the time, at the end, when some batches have 256")
    a.add_argument("--lr", type=float, default=1e-3)
    a.add_argument("--optimiser", choices=("muon", "adamw"), default="muon")
    a.add_argument("--adversarial", type=float, default=0.0, help="trains the UNet alone, with a discriminator of this weight (adversarial.py)")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--run", type=Path, default=CACHE / "run")
    a.add_argument("--save-every", type=float, default=3, help="minutes")
    return a.parse_args(argv)


def load_autoencoder(folder: Path, device: str = "cpu") -> PatchAutoencoder:
    return PatchAutoencoder.load(folder / "vae").to(device).eval().requires_grad_(False)


def make_model(start: Path, device: str = "cpu") -> tuple[Mini, PatchAutoencoder, object]:
    """A model with the weights of ``start``, a folder written by ``export.py``; missing weights are initialized randomly."""
    tokenizer = make_tokenizer(CACHE / "tokenizer")
    autoencoder = load_autoencoder(start, device)
    model = Mini(autoencoder.config["latent_channels"], tokenizer, PARAMETERS)
    load_weights(model, tokenizer, start)
    if device != "cpu":
        model.fuse()
    return model.to(device), autoencoder, tokenizer


PAIR_ENCODER = "pair_encoder/model.safetensors"


def has_pair_encoder(start: Path) -> bool:
    return (start / PAIR_ENCODER).exists()


def load_weights(model: Mini, tokenizer, start: Path) -> None:
    unet = {k: v.float() for k, v in load_file(start / "unet/diffusion_pytorch_model.safetensors").items()}
    model.unet.load_state_dict(unet)
    clip = {k: v.float() for k, v in load_file(start / "clip/model.safetensors").items()}
    # A token missing from the earlier tokenizer starts as the mean of the tokens that it is split into.
    earlier = CLIPTokenizer.from_pretrained(start / "tokenizer")
    table, name = clip["text_model.embeddings.token_embedding.weight"], "text_model.embeddings.token_embedding.weight"
    known, rows = earlier.get_vocab(), []
    for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):
        pieces = [known[token]] if token in known else earlier(token.removesuffix("</w>")).input_ids[1:-1]
        rows.append(table[pieces].mean(0))
    clip[name] = torch.stack(rows)
    report = model.clip.load_state_dict(clip, strict=False)
    assert not report.unexpected_keys and all("position_ids" in k for k in report.missing_keys), report
    if has_pair_encoder(start):
        model.pair_encoder.load_state_dict({k: v.float() for k, v in load_file(start / PAIR_ENCODER).items()})


class Losses:
    """``exact``: the losses that need exact tokens, which a trained pair encoder no longer does."""

    def __init__(self, model: Mini, autoencoder: PatchAutoencoder, device: str, exact: bool = True):
        self.model, self.autoencoder, self.device, self.exact = model, autoencoder, device, exact
        self.alphas = schedule().to(device)
        self.dtype = half_precision(device)

    def times(self, count: int) -> tuple[Tensor, Tensor]:
        """Timesteps [count], and which rows are at pure noise: two in five, where the edit is decided; one in five is
        high; the others are uniform."""
        t = torch.randint(0, 1000, (count,), device=self.device)
        kind = torch.arange(count, device=self.device) % 5
        t = torch.where(kind == 2, 600 + t * 4 // 10, t)
        return torch.where(kind < 2, torch.full_like(t, 999), t), torch.arange(count, device=self.device)[kind < 2]

    def states(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The UNet's text conditioning for each image, [2 G, 32, 128]; the states of the empty prompt; those of the prompts
        [G, 32, 128]; those of the parameters; and the distance of the pairs' tokens from the parameters'."""
        m = self.model
        said = m.encode_text(batch.ids)
        sentences, carrier, null = said[:-2], said[-2], said[-1]
        known = m.parameter_encoder(batch.parameters)
        # Each photo is edited by the other's pair.
        shown = m.pair_encoder(*(p.flip(1).flatten(0, 1) * 2 - 1 for p in (batch.before, batch.after)))
        each = [v.repeat_interleave(PHOTOS, 0) for v in (known, batch.by_parameters, batch.by_words, sentences)]
        apart = (shown.float() - each[0].float().detach()).square().mean()
        tokens = torch.where(each[1][:, None, None], each[0], shown)
        told = torch.where(each[2][:, None, None], each[3], m.with_tokens(carrier, tokens))
        ends = torch.where(each[2], m.ends(batch.ids[:-2]).repeat_interleave(PHOTOS, 0), m.ends(batch.ids[-2:-1]))
        # Padding must not encode the meaning, or learned tokens could not change it: often the padding of "" is used.
        place = torch.arange(told.shape[1], device=self.device)
        bare = (torch.rand(len(told), 1, device=self.device) < 0.3) & (place >= ends[:, None])
        told = torch.where(bare[..., None], null, told)
        return told, null, sentences, m.with_tokens(carrier, known), apart

    def __call__(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        config, m = self.autoencoder.config, self.model
        before, after = batch.before.flatten(0, 1), batch.after.flatten(0, 1)
        with torch.no_grad():
            condition = self.autoencoder.encode(before * 2 - 1)
            target = (self.autoencoder.encode(after * 2 - 1) - config["shift_factor"]) * config["scaling_factor"]
        t, top = self.times(len(before))
        a = self.alphas[t].view(-1, 1, 1, 1)
        noise = torch.randn_like(target)
        noisy = a.sqrt() * target + (1 - a).sqrt() * noise
        velocity = a.sqrt() * noise - (1 - a).sqrt() * target
        dropped = torch.rand(len(before), device=self.device)
        blind = (dropped >= 0.05) & (dropped < 0.15)
        with torch.autocast(self.device, self.dtype, enabled=self.dtype != torch.float32):
            told, null, sentences, known, apart = self.states(batch)
            told = torch.where((dropped < 0.1)[:, None, None], null, told)
            condition = condition * (~blind).float()[:, None, None, None]
            out = m.predict(noisy, condition, t, told).float()
            # At pure noise the prediction is minus the image's latents, so a pixel loss is added. It is an absolute
            # difference, which prefers few large errors over many small ones.
            picture = self.autoencoder.decode(-out[top] / config["scaling_factor"] + config["shift_factor"]).float()
            direction = m.image_features(batch.after[:, 0]) - m.image_features(batch.before[:, 0])
            said = m.text_direction(sentences)
            # The pooled prompt should equal the pooled parameters of its look: a teacher that needs no image.
            like = (m.unet.add_embedding(sentences).float() - m.unet.add_embedding(known).float().detach()).square().mean(1)
        error = (out - velocity).square().mean((1, 2, 3))
        seen = (~blind[top]).float()
        picture = ((picture - (after[top] * 2 - 1)).abs().mean((1, 2, 3)) * seen).sum() / seen.sum().clamp_min(1)
        worded = batch.worded.float()
        words = worded.sum().clamp_min(1)
        logits = F.normalize(direction.float(), dim=-1, eps=0.1) @ said.float().T * m.clip.logit_scale.exp().clamp(max=50)
        logits = logits.masked_fill(~(batch.worded[:, None] & batch.worded), -1e4)
        labels = torch.arange(len(logits), device=self.device)
        both = F.cross_entropy(logits, labels, reduction="none") + F.cross_entropy(logits.T, labels, reduction="none")
        clip, likeness = (both * worded).sum() / (2 * words), (like * worded).sum() / words
        seen_top = ~blind[top] & (dropped[top] >= 0.1)

        def mean_told(by: Tensor) -> Tensor:
            rows = by.repeat_interleave(PHOTOS)[top] & seen_top
            return error[top][rows].sum() / rows.sum().clamp_min(1)
        parts = {"loss": error.mean(), "top": error[top].mean(), "parameters": mean_told(batch.by_parameters),
                 "pair": mean_told(~batch.by_words & ~batch.by_parameters), "apart": apart, "picture": picture, "clip": clip,
                 "likeness": likeness}
        total = error.mean() + 0.5 * picture + 0.03 * clip
        if self.exact:
            total = total + 0.3 * likeness + 0.5 * apart
        return total, {k: v.detach() for k, v in parts.items()}


def stage_at(done: float, exact: bool) -> Stage:
    """Starts with painting styles and exact tokens, while the UNet learns to paint and the meaning of tokens; then all
    edits, also by prompts and pairs. Without exact tokens, all edits by prompts and pairs."""
    if not exact:
        return Stage(SHARES, words=0.42, parameters=0.0)
    if done < 0.35:
        return Stage(FIRST_SHARES, words=0.1, parameters=0.9)
    return Stage(SHARES, words=0.42, parameters=max(0.15, 1.0 - 1.4 * done))


def rate(done: float, step: int) -> float:
    """Warm-up, a long plateau, then linearly to (nearly) zero over the last 45% of the time."""
    return min(1.0, (step + 1) / 100) * max(0.01, min(1.0, (1 - done) / 0.45))


def hardware(o: argparse.Namespace) -> str:
    return f"{o.workers} CPU core(s)" if o.device == "cpu" else f"one {torch.cuda.get_device_name()}"


def train(rank: int, o: argparse.Namespace) -> None:
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    if o.device == "cpu":
        hasten()
    torch.backends.cudnn.allow_tf32 = False  # filters and autoencoder are float32; the model is bfloat16 where it may be
    if o.workers > 1:
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", str(29500 + os.getppid() % 999))
        dist.init_process_group("gloo", rank=rank, world_size=o.workers)
    model, autoencoder, tokenizer = make_model(o.start, o.device)
    named, discriminator, discriminator_optimiser = list(model.named_parameters()), None, None
    if o.adversarial:
        from adversarial import AdversarialLosses, Discriminator
        torch.manual_seed(o.seed)
        discriminator = Discriminator().to(o.device)
        discriminator_optimiser = torch.optim.AdamW(discriminator.parameters(), lr=5e-4, betas=(0.0, 0.99), weight_decay=0.0)
        model.requires_grad_(False).unet.requires_grad_(True)
        named = [(n, p) for n, p in named if n.startswith("unet.")]
    trained = [p for _, p in named]
    weights = trained + (list(discriminator.parameters()) if discriminator else [])
    # Embeddings, position tables and the first and last layers of a tower are not rotations: AdamW for those.
    plain = ("embedding", "conv_in", "conv_out", "class_token", "fc_out", "pair_encoder.conv_in") if o.optimiser == "muon" else ("",)
    optimiser = Muon(named, o.lr, plain)
    average = {k: v.detach().clone() for k, v in model.state_dict().items()}
    used, step = 0.0, 0
    checkpoint = o.run / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=o.device, weights_only=False)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        average, used, step = saved["average"], saved["used"], saved["step"]
        if discriminator:
            discriminator.load_state_dict(saved["discriminator"])
            discriminator_optimiser.load_state_dict(saved["discriminator_optimiser"])
    seed = o.seed * 1000 + rank * 7 + step
    torch.manual_seed(seed)
    groups = {64: o.groups64, 128: o.groups128, 256: o.groups256}
    exact = not has_pair_encoder(o.start)
    rng, crops = random.Random(seed), Crops(seed, o.device)
    losses = (AdversarialLosses(model, autoencoder, o.device, discriminator, o.adversarial, step) if discriminator
              else Losses(model, autoencoder, o.device, exact))
    if rank == 0:
        o.run.mkdir(parents=True, exist_ok=True)
        log = (o.run / "log.jsonl").open("a")
    sizes = [p.numel() for p in weights]
    flat = torch.zeros(sum(sizes) + 1)

    def average_gradients() -> None:
        flat[-1] = used if rank == 0 else 0.0  # all workers use the first one's clock, so that they stop together
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
        batch = make_batch(rng, tokenizer, crops, groups[size], size, stage_at(used / total, exact))
        optimiser.lr.fill_(o.lr * rate(used / total, step))
        loss, parts = losses(batch)
        for p in weights:
            p.grad = None
        loss.backward()
        if o.workers > 1:
            average_gradients()
        norm = torch.nn.utils.clip_grad_norm_(trained, 2.0)
        optimiser.step()
        if discriminator:
            torch.nn.utils.clip_grad_norm_(discriminator.parameters(), 2.0)
            discriminator_optimiser.step()
        step += 1
        clock = float(flat[-1]) if o.workers > 1 else used  # all workers' alike
        if rank == 0:
            keep = min(0.999, (step + 1) / (step + 20))
            with torch.no_grad():
                torch._foreach_lerp_([a for a, _ in averaged], [v for _, v in averaged], 1 - keep)
        used = used + time.time() - begun if rank == 0 else clock
        if rank == 0:
            recent.append(torch.stack([*parts.values()]))
            seen += groups[size] * PHOTOS * o.workers
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
                adversary = {"discriminator": discriminator.state_dict(),
                             "discriminator_optimiser": discriminator_optimiser.state_dict()} if discriminator else {}
                torch.save({"model": model.state_dict(), "average": average, "optimiser": optimiser.state_dict(), **adversary,
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
