"""One step of the inversion as the paper's authors wrote it: three UNet branches in one batch, the gradient through all.

    reference_step.py UNET_FOLDER INPUTS OUTPUTS THREADS TIMESTEP TEXT_GUIDANCE IMAGE_GUIDANCE REPEATS DTYPE

Prints the median seconds of forward 3 + backward 3 and the peak of its memory as JSON, and writes the gradient of 4·mse w.r.t. the text embedding.
"""
import json
import resource
import statistics
import sys
import time

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

folder, inputs_path, outputs_path = sys.argv[1:4]
threads, timestep = int(sys.argv[4]), int(sys.argv[5])
text_guidance, image_guidance, repeats = float(sys.argv[6]), float(sys.argv[7]), int(sys.argv[8])
dtype = getattr(torch, sys.argv[9])

torch.set_num_threads(threads)
unet = UNet2DConditionModel.from_pretrained(folder, torch_dtype=dtype).eval().requires_grad_(False)
inputs = {name: tensor.to(dtype) for name, tensor in load_file(inputs_path).items()}
embeddings = torch.cat([inputs["text"], inputs["nothing"], inputs["nothing"]]).requires_grad_(True)
conditions = torch.cat([inputs["image"], inputs["image"], torch.zeros_like(inputs["image"])])
sample = torch.cat([inputs["latents"].repeat(3, 1, 1, 1), conditions], dim=1)


def step():
    embeddings.grad = None
    text, image, none = unet(sample, timestep, encoder_hidden_states=embeddings).sample.chunk(3)
    guided = none + text_guidance * (text - image) + image_guidance * (image - none)
    (4 * torch.nn.functional.mse_loss(guided, inputs["target"])).backward()


step()
times = []
for _ in range(repeats):
    started = time.perf_counter()
    step()
    times.append(time.perf_counter() - started)
save_file({"gradient": embeddings.grad[0].float().contiguous()}, outputs_path)
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": statistics.median(times), "peakBytes": peak}))
