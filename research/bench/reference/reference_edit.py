"""One edit in plain PyTorch and diffusers: encode the image, sample with three guided branches in one batch, decode.

    reference_edit.py MODEL_FOLDER INPUTS THREADS STEPS TEXT_GUIDANCE IMAGE_GUIDANCE DTYPE

Prints the seconds and the peak memory as JSON. The text is encoded beforehand, as in visii's benchmark.
"""
import json
import resource
import sys
import time

import torch
from diffusers import AutoencoderKL, EulerAncestralDiscreteScheduler, UNet2DConditionModel
from safetensors.torch import load_file

folder, inputs_path = sys.argv[1:3]
threads, steps = int(sys.argv[3]), int(sys.argv[4])
text_guidance, image_guidance = float(sys.argv[5]), float(sys.argv[6])
dtype = getattr(torch, sys.argv[7])

torch.set_num_threads(threads)
unet = UNet2DConditionModel.from_pretrained(f"{folder}/unet", torch_dtype=dtype).eval()
vae = AutoencoderKL.from_pretrained(f"{folder}/vae", torch_dtype=dtype).eval()
scheduler = EulerAncestralDiscreteScheduler.from_pretrained(f"{folder}/scheduler")
inputs = {name: tensor.to(dtype) for name, tensor in load_file(inputs_path).items()}
embeddings = torch.cat([inputs["text"], inputs["nothing"], inputs["nothing"]])


@torch.no_grad()
def edit(count):
    image = vae.encode(inputs["pixels"]).latent_dist.mode()
    conditions = torch.cat([image, image, torch.zeros_like(image)])
    scheduler.set_timesteps(count)
    z = torch.randn(image.shape, dtype=dtype) * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        sample = scheduler.scale_model_input(z.repeat(3, 1, 1, 1), t)
        prediction = unet(torch.cat([sample, conditions], 1), t, encoder_hidden_states=embeddings).sample
        text, image_only, none = prediction.chunk(3)
        guided = none + text_guidance * (text - image_only) + image_guidance * (image_only - none)
        z = scheduler.step(guided, t, z).prev_sample
    return vae.decode(z / vae.config.scaling_factor).sample


edit(1)
started = time.perf_counter()
edit(steps)
seconds = time.perf_counter() - started
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "peakBytes": peak}))
