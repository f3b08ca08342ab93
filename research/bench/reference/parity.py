"""Results of diffusers and transformers with the same weights and inputs, one component after the other.

    parity.py MODEL_FOLDER INPUTS OUTPUTS TIMESTEP TEXT_GUIDANCE IMAGE_GUIDANCE

INPUTS: latents, image, target [1, 4, h, w]; pixels [1, 3, 8h, 8w]; clip_pixels [1, 3, S, S]; ids [1, 77];
text, nothing [1, 77, d]; direction [1, p]. Rows 1 ... 8 of `text` are learned. OUTPUTS: prediction, latents,
pixels, hidden, embedding, gradient (of 4 mse - 0.1 cosine) and loss.
"""
import gc
import json
import sys

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPModel, CLIPTextModel

folder, inputs_path, outputs_path = sys.argv[1:4]
timestep, text_guidance, image_guidance = int(sys.argv[4]), float(sys.argv[5]), float(sys.argv[6])
tokens = 8
x = load_file(inputs_path)
made = {}


def opened(kind, name):
    return kind.from_pretrained(f"{folder}/{name}", torch_dtype=torch.float32).eval().requires_grad_(False)


with torch.no_grad():
    made["hidden"] = opened(CLIPTextModel, "text_encoder")(x["ids"].long()).last_hidden_state
    clip = opened(CLIPModel, "clip")
    pooled = clip.vision_model(pixel_values=x["clip_pixels"]).pooler_output
    made["embedding"] = clip.visual_projection(pooled)
    projection = clip.text_projection.weight.clone()
    del clip
    gc.collect()
    vae = opened(AutoencoderKL, "vae")
    made["latents"] = vae.encode(x["pixels"]).latent_dist.mode()
    made["pixels"] = vae.decode(x["image"]).sample
    del vae
    gc.collect()

unet = opened(UNet2DConditionModel, "unet")
unet.enable_gradient_checkpointing()  # the same numbers, in a third of the memory


def branch(image, text):
    return unet(torch.cat([x["latents"], image], 1), timestep, encoder_hidden_states=text).sample


with torch.no_grad():
    image_only = branch(x["image"], x["nothing"])
    none = branch(torch.zeros_like(x["image"]), x["nothing"])
text = x["text"].clone().requires_grad_(True)
prediction = branch(x["image"], text)
guided = none + text_guidance * (prediction - image_only) + image_guidance * (image_only - none)
u = F.normalize(text[0].mean(0) @ projection.T, dim=0)
cosine = (u * x["direction"][0]).sum()
loss = 4 * F.mse_loss(guided, x["target"]) - 0.1 * cosine.clamp(-1, 0.5)
loss.backward()
made["prediction"] = prediction.detach()
made["loss"] = loss.detach().reshape(1)
made["gradient"] = text.grad[0, 1 : 1 + tokens].contiguous()
save_file({name: value.contiguous() for name, value in made.items()}, outputs_path)
print(json.dumps({"torch": torch.__version__}))
