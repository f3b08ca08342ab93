"""The paper's loop, in PyTorch and diffusers: 1000 steps, each timestep once, three branches forward and backward.

    reference_loop.py MODEL_FOLDER INPUTS OUTPUTS OPTIONS_JSON

INPUTS (safetensors): `before` c_I and `after` z_0 [1, C, h, w], `text` E(init) and `nothing` E("") [1, L, d], `direction` d [p].
OPTIONS: seed, tokens n, learning_rate, text_guidance, image_guidance, checkpoints (steps, rising; the last one ends the run),
threads, and idle_work: "done" as published, or "left out". Idle are the branches of weight 0, and the backward pass of those
that do not see <ins>: neither changes the loss or its gradient, so leaving them out saves time and no more than rounding differs.
OUTPUTS: for each checkpoint k `last_k`, the tokens after k steps, and `best_k`, those of the lowest single-timestep MSE so far,
[n, d] each. Prints seconds and losses as JSON.

    <ins>   rows 1 … n of the text embedding P[0], the only learned values      z_t, target   diffusers' noising of z_0
    L_mse = mean (e − target)²,  e = e_none + s_T (e_text − e_image) + s_I (e_image − e_none)
    u     = normalize(W_text · mean over positions of P[0]),   L_clip = clamp(cos(d, u), −1, ½)
    loss  = 4·L_mse − 0.1·L_clip,   AdamW with PyTorch's defaults
"""
import json
import sys
import time

import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file

folder, inputs_path, outputs_path = sys.argv[1:4]
options = json.loads(sys.argv[4])
torch.set_num_threads(options["threads"])
s_text, s_image = options["text_guidance"], options["image_guidance"]
weights = {"text": s_text, "image": s_image - s_text, "none": 1 - s_image}
all_work = options["idle_work"] == "done"
learning = list(weights) if all_work else ["text"]
frozen = [name for name in weights if weights[name] and name not in learning]

unet = UNet2DConditionModel.from_pretrained(f"{folder}/unet", torch_dtype=torch.float32).eval().requires_grad_(False)
scheduler = DDPMScheduler.from_pretrained(f"{folder}/scheduler")
projection = load_file(f"{folder}/clip/model.safetensors")["text_projection.weight"].float()
inputs = load_file(inputs_path)
before, after, nothing = inputs["before"], inputs["after"], inputs["nothing"]

n = options["tokens"]
ins = inputs["text"][0, 1 : 1 + n].clone().requires_grad_(True)
start, rest = inputs["text"][0, :1], inputs["text"][0, 1 + n :]
optimizer = torch.optim.AdamW([ins], lr=options["learning_rate"])


def predict(branches, noisy, timestep, text):
    """The weighted sum of some branches' predictions, in one batch."""
    if not branches:
        return []
    images = torch.cat([torch.zeros_like(before) if name == "none" else before for name in branches])
    embeddings = torch.cat([text if name == "text" else nothing for name in branches])
    sample = torch.cat([noisy.expand(len(branches), -1, -1, -1), images], dim=1)
    predictions = unet(sample, timestep, encoder_hidden_states=embeddings).sample
    return [weights[name] * prediction[None] for name, prediction in zip(branches, predictions)]


def losses(timestep, noise):
    text = torch.cat([start, ins, rest])[None]
    t = torch.tensor([timestep])
    noisy = scheduler.add_noise(after, noise, t)
    velocity = scheduler.config.prediction_type == "v_prediction"
    target = scheduler.get_velocity(after, noise, t) if velocity else noise
    with torch.no_grad():
        kept_still = predict(frozen, noisy, timestep, text)
    # e as defined at the head of this file, ordered by branch.
    guided = sum(predict(learning, noisy, timestep, text) + kept_still)
    mse = torch.nn.functional.mse_loss(guided, target)
    cosine = torch.nn.functional.cosine_similarity(text.mean(1) @ projection.T, inputs["direction"][None])[0]
    return mse, 4 * mse - 0.1 * cosine.clamp(-1, 0.5)


draw = torch.Generator().manual_seed(options["seed"])
total = scheduler.config.num_train_timesteps
order = torch.randperm(total, generator=draw).tolist()
noises = torch.randn(total, *after.shape, generator=draw)
best, best_mse, kept, curve = ins.detach().clone(), float("inf"), {}, []
started = time.perf_counter()
for step in range(1, options["checkpoints"][-1] + 1):
    timestep = order[(step - 1) % total]
    optimizer.zero_grad()
    mse, loss = losses(timestep, noises[timestep])
    loss.backward()
    if mse.item() < best_mse:
        best, best_mse = ins.detach().clone(), mse.item()
    optimizer.step()
    curve.append(round(loss.item(), 6))
    if step in options["checkpoints"]:
        kept[f"last_{step}"] = ins.detach().clone()
        kept[f"best_{step}"] = best.clone()
save_file(kept, outputs_path)
print(json.dumps({"seconds": time.perf_counter() - started, "best_mse": best_mse, "losses": curve}))
