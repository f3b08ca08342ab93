"""A step of the inversion and edits in plain PyTorch and diffusers, on any device and in any precision.

    full_size.py MODEL_FOLDER INPUTS OUTPUTS OPTIONS_JSON

OPTIONS: device ("cuda:0", "cpu"), precision (fp16, fp32), timestep, text_guidance, image_guidance, steps (of the long edit), repeats.
INPUTS as `reference_step.py` and `reference_edit.py` take them. Prints as JSON: `matmul`, the rate in FLOP/s of square products in
this precision; for `step_3_3` (three branches in one batch, the gradient through all, as published), `step_3_1` (two branches forward,
one forward and backward), `step_1_1` (the other two kept from before), `edit_1`, `edit_n` and `autoencoder` (encode and decode) the
`first` and the median of the later `seconds`; `peakBytes`, the most that PyTorch held on the device. Writes the `gradient` of 4·mse
with respect to the text in this precision, and `gradient_fp32`, the same in float32 without TF32.

Attention is diffusers' default (scaled_dot_product_attention); cuDNN may search for its fastest algorithms, as onnxruntime does.
Without diffusers only `matmul` is measured, and `missing` says so.
"""
import glob
import json
import statistics
import sys
import time

import torch
from safetensors.torch import load_file, save_file

folder, inputs_path, outputs_path = sys.argv[1:4]
options = json.loads(sys.argv[4])
device = torch.device(options["device"])
on_gpu = device.type == "cuda"
half = options["precision"] == "fp16"
dtype = torch.float16 if half else torch.float32
repeats = options["repeats"]
s_text, s_image = options["text_guidance"], options["image_guidance"]
torch.backends.cudnn.benchmark = True
# In half precision, the remaining float32 products may round to TF32, on both sides.
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = half
answer = {"torch": torch.__version__, "device": torch.cuda.get_device_name(device) if on_gpu else "cpu"}


def done():
    if on_gpu:
        torch.cuda.synchronize(device)


def timed(call, count=repeats):
    """Seconds of the first call, and the median of `count` further ones."""
    taken = []
    for _ in range(1 + count):
        done()
        started = time.perf_counter()
        call()
        done()
        taken.append(time.perf_counter() - started)
    return {"first": taken[0], "seconds": statistics.median(taken[1:])}


def matmul_rate():
    size = 8192 if on_gpu else 512
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / timed(lambda: a @ b, 10)["seconds"]


answer["matmul"] = matmul_rate()
try:
    from diffusers import AutoencoderKL, EulerAncestralDiscreteScheduler, UNet2DConditionModel
except Exception as error:  # a broken installation may raise any exception
    answer["missing"] = f"no diffusers, so no model to compare with ({error})"
    print(json.dumps(answer))
    sys.exit()


def opened(kind, name):
    variant = "fp16" if glob.glob(f"{folder}/{name}/*.fp16.safetensors") else None
    model = kind.from_pretrained(f"{folder}/{name}", torch_dtype=dtype, variant=variant, use_safetensors=True)
    return model.eval().requires_grad_(False).to(device)


x = {name: value.to(device, dtype) for name, value in load_file(inputs_path).items()}
unet, vae = opened(UNet2DConditionModel, "unet"), opened(AutoencoderKL, "vae")
scheduler = EulerAncestralDiscreteScheduler.from_pretrained(f"{folder}/scheduler")
zeros = torch.zeros_like(x["image"])
t = options["timestep"]
# Half precision requires a scaled loss. A fixed power of two is sufficient, because nothing is learned.
scale = 2.0**10 if half else 1.0


def predict(images, texts, model=None):
    latents = x["latents"].to(texts.dtype).expand(len(texts), -1, -1, -1)
    sample = torch.cat([latents, images.to(texts.dtype)], 1)
    return (model or unet)(sample, t, encoder_hidden_states=texts).sample


def loss_of(text, image, none):
    guided = none + s_text * (text - image) + s_image * (image - none)
    return 4 * torch.nn.functional.mse_loss(guided.float(), x["target"].float())


three_texts = torch.cat([x["text"], x["nothing"], x["nothing"]])
three_images = torch.cat([x["image"], x["image"], zeros])


def step_3_3():
    texts = three_texts.clone().requires_grad_(True)
    (scale * loss_of(*predict(three_images, texts).chunk(3))).backward()


def frozen():
    with torch.no_grad():
        return predict(three_images[1:], three_texts[1:]).chunk(2)


def step_1_1(kept, model=None, kind=dtype, by=scale):
    text = x["text"].to(kind).clone().requires_grad_(True)
    (by * loss_of(predict(x["image"], text, model), *kept)).backward()
    return text.grad.float() / by


@torch.no_grad()
def edit(count):
    image = vae.encode(x["pixels"]).latent_dist.mode()
    conditions = torch.cat([image, image, torch.zeros_like(image)])
    scheduler.set_timesteps(count, device=device)
    z = torch.randn(image.shape, device=device, dtype=dtype) * scheduler.init_noise_sigma
    for at in scheduler.timesteps:
        sample = scheduler.scale_model_input(z.repeat(3, 1, 1, 1), at)
        prediction = unet(torch.cat([sample, conditions], 1), at, encoder_hidden_states=three_texts).sample
        text, image_only, none = prediction.chunk(3)
        guided = none + s_text * (text - image_only) + s_image * (image_only - none)
        z = scheduler.step(guided, at, z).prev_sample
    return vae.decode(z / vae.config.scaling_factor).sample


@torch.no_grad()
def autoencoder():
    return vae.decode(vae.encode(x["pixels"]).latent_dist.mode()).sample


kept = frozen()
answer["step_1_1"] = timed(lambda: step_1_1(kept))
answer["step_3_1"] = timed(lambda: step_1_1(frozen()))
answer["step_3_3"] = timed(step_3_3)
answer["autoencoder"] = timed(autoencoder)
answer["edit_1"] = timed(lambda: edit(1))
answer["edit_n"] = timed(lambda: edit(options["steps"]), max(2, repeats // 3))
answer["peakBytes"] = torch.cuda.max_memory_allocated(device) if on_gpu else 0
made = {"gradient": step_1_1(kept)}

torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
unet.float()
with torch.no_grad():
    exact = predict(three_images[1:].float(), three_texts[1:].float()).chunk(2)
made["gradient_fp32"] = step_1_1(exact, unet, torch.float32, 1.0)
save_file({name: value[0].cpu().contiguous() for name, value in made.items()}, outputs_path)
print(json.dumps(answer))
