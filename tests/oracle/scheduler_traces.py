"""fixtures/schedulers: results of diffusers' schedulers for given model outputs and given noises.

configs.json holds each scheduler_config.json; traces.json one entry per trace (config, kind, steps); traces.safetensors
per trace N of e evaluations (Heun's 2 · steps − 1, else steps): `N.timesteps` [e], `N.init_noise_sigma`, `N.start`, `N.outputs` [e, n],
`N.noises` [e, n], `N.scaled` [e, n] and `N.samples` [e, n] (both also `…_in_double`); per config C: `C.alphas_cumprod`, `C.noisy`, `C.velocity`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, HeunDiscreteScheduler,
    LCMScheduler, UniPCMultistepScheduler,
)
from safetensors.torch import save_file

KINDS = {
    "euler-ancestral": (EulerAncestralDiscreteScheduler, {}), "ddim": (DDIMScheduler, {}), "euler": (EulerDiscreteScheduler, {}),
    "heun": (HeunDiscreteScheduler, {}), "unipc": (UniPCMultistepScheduler, {}), "lcm": (LCMScheduler, {}),
    "dpmpp-2m-karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
}
LATENT = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}

CONFIGS = {
    "instruct-pix2pix": {
        "_class_name": "EulerAncestralDiscreteScheduler", "_diffusers_version": "0.12.0.dev0", **LATENT,
        "clip_sample": False, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None,
    },
    "stable-diffusion": {
        "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", **LATENT, "clip_sample": False,
        "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None,
        "prediction_type": "epsilon", "timestep_spacing": "leading",
    },
    "mini": {
        "_class_name": "DDIMScheduler", **LATENT, "clip_sample": False, "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True, "set_alpha_to_one": True, "timestep_spacing": "trailing", "thresholding": False,
    },
    "clipped-sample": {
        "_class_name": "DDIMScheduler", "beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02,
        "prediction_type": "sample", "timestep_spacing": "linspace", "clip_sample": True, "clip_sample_range": 0.8,
    },
    "cosine": {
        "_class_name": "DDPMScheduler", "beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction",
        "timestep_spacing": "trailing", "clip_sample": False, "variance_type": "fixed_small", "num_train_timesteps": 400,
    },
    "trained-betas": {
        "_class_name": "DDIMScheduler", "num_train_timesteps": 60, "clip_sample": False, "timestep_spacing": "leading",
        "trained_betas": [round(0.001 + 0.0007 * index, 4) for index in range(60)], "set_alpha_to_one": False,
    },
}

TRACES = [
    ("instruct-pix2pix", "euler-ancestral", 20), ("instruct-pix2pix", "ddim", 20), ("instruct-pix2pix", "ddim", 1),
    ("instruct-pix2pix", "euler-ancestral", 1), ("stable-diffusion", "euler-ancestral", 12), ("stable-diffusion", "ddim", 50),
    ("mini", "euler-ancestral", 8), ("mini", "ddim", 8), ("mini", "ddim", 2), ("mini", "ddim", 7), ("mini", "euler-ancestral", 2),
    ("clipped-sample", "ddim", 5), ("cosine", "euler-ancestral", 9), ("cosine", "ddim", 6), ("trained-betas", "ddim", 6),
    ("trained-betas", "euler-ancestral", 11),
    ("instruct-pix2pix", "euler", 20), ("mini", "euler", 8), ("clipped-sample", "euler", 5), ("trained-betas", "euler", 1),
    ("instruct-pix2pix", "heun", 10), ("clipped-sample", "heun", 5), ("cosine", "heun", 4), ("stable-diffusion", "heun", 1),
    ("instruct-pix2pix", "dpmpp-2m-karras", 10), ("stable-diffusion", "dpmpp-2m-karras", 20), ("mini", "dpmpp-2m-karras", 8),
    ("cosine", "dpmpp-2m-karras", 6), ("clipped-sample", "dpmpp-2m-karras", 2), ("trained-betas", "dpmpp-2m-karras", 9),
    ("instruct-pix2pix", "unipc", 10), ("stable-diffusion", "unipc", 20), ("mini", "unipc", 8), ("cosine", "unipc", 6),
    ("clipped-sample", "unipc", 2), ("trained-betas", "unipc", 9),
    ("instruct-pix2pix", "lcm", 4), ("mini", "lcm", 8), ("clipped-sample", "lcm", 1), ("cosine", "lcm", 7), ("trained-betas", "lcm", 50),
]
SIZE = 24


class InDouble:
    """torch, except that what a module calls float32 is float64: runs a scheduler's own step in double precision."""

    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


def create(kind: str, config: dict, steps: int):
    cls, settings = KINDS[kind]
    scheduler = cls.from_config(config, **settings)
    scheduler.set_timesteps(steps)
    # Otherwise a first timestep that comes twice (cosine betas, Karras's levels) is taken for the second one.
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)
    return scheduler


def run(kind: str, config: dict, steps: int, given: dict[str, torch.Tensor], double: bool) -> dict[str, torch.Tensor]:
    """One trace by diffusers, unchanged in float32, or with the arithmetic of its steps (not its tables) in float64."""
    scheduler = create(kind, config, steps)
    module = sys.modules[type(scheduler).__module__]
    module.torch = InDouble() if double else torch
    if double:
        given = {name: value.double() for name, value in given.items()}
        for table in ("sigmas", "alphas_cumprod", "final_alpha_cumprod"):
            if hasattr(scheduler, table):
                setattr(scheduler, table, getattr(scheduler, table).double())
    # UniPC requires a batch dimension.
    sample, scaled, samples = given["start"][None], [], []
    for index, timestep in enumerate(scheduler.timesteps):
        scaled.append(scheduler.scale_model_input(sample, timestep)[0])
        module.randn_tensor = lambda *_, index=index, **__: given["noises"][index][None]
        sample = scheduler.step(given["outputs"][index][None], timestep, sample).prev_sample
        samples.append(sample[0])
    return {"scaled": torch.stack(scaled), "samples": torch.stack(samples)}


def trace(kind: str, config: dict, steps: int, seed: int) -> dict[str, torch.Tensor]:
    scheduler = create(kind, config, steps)
    generator = torch.Generator().manual_seed(seed)
    given = {name: torch.randn((len(scheduler.timesteps), SIZE), generator=generator) for name in ("noises", "outputs")}
    given["start"] = torch.randn((SIZE,), generator=generator) * float(scheduler.init_noise_sigma)
    exact = run(kind, config, steps, given, double=True)
    return {
        **given, **run(kind, config, steps, given, double=False),
        **{f"{name}_in_double": value.float() for name, value in exact.items()},
        "timesteps": scheduler.timesteps.double(),
        "init_noise_sigma": torch.tensor(float(scheduler.init_noise_sigma)).double(),
    }


def make(folder: Path):
    tensors = {}
    for name, config in CONFIGS.items():
        scheduler = DDIMScheduler.from_config(config)
        count = scheduler.config.num_train_timesteps
        steps = torch.tensor(np.linspace(0, count - 1, 5).round().astype(int))
        generator = torch.Generator().manual_seed(count)
        clean, noise = (torch.randn((5, SIZE), generator=generator) for _ in range(2))
        tensors |= {
            f"{name}.alphas_cumprod": scheduler.alphas_cumprod, f"{name}.timesteps": steps, f"{name}.clean": clean,
            f"{name}.noise": noise, f"{name}.noisy": scheduler.add_noise(clean, noise, steps),
            f"{name}.velocity": scheduler.get_velocity(clean, noise, steps),
        }
    for number, (name, kind, steps) in enumerate(TRACES):
        tensors |= {f"{number}.{key}": value.contiguous() for key, value in trace(kind, CONFIGS[name], steps, number).items()}
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "traces.safetensors", {"format": "pt"})
    (folder / "configs.json").write_text(json.dumps(CONFIGS, indent=1) + "\n")
    described = [{"config": name, "kind": kind, "steps": steps} for name, kind, steps in TRACES]
    (folder / "traces.json").write_text(json.dumps(described, indent=1) + "\n")
