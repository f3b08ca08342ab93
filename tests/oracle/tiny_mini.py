"""fixtures/tiny-mini: the bundled model's layout shrunk and stored in float16; v prediction, zero terminal SNR."""

import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from transformers import CLIPConfig, CLIPModel, CLIPTextModel, CLIPTokenizer

import tiny_tokenizer
from clip_checkpoint import save_clip
from expected_file import Expected
from patch_autoencoder import PatchAutoencoder
from seeded_weights import draw, draw_image, fill
from tiny_ip2p import PROJECTION, WIDTH, add_losses, text_config

POSITIONS = 32


def unet():
    return UNet2DConditionModel(
        sample_size=32, in_channels=24, out_channels=12, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), norm_num_groups=8, attention_head_dim=4,
        cross_attention_dim=WIDTH, use_linear_projection=True, resnet_time_scale_shift="scale_shift",
        addition_embed_type="text", addition_embed_type_num_heads=4,
    )


def halve(module, keep_as: str):
    """Rounds the weights to float16, writes them and returns the module in float64, so that the oracle uses rounded weights."""
    module.half()
    module.save_pretrained(keep_as) if not isinstance(module, (CLIPModel, CLIPTextModel)) else save_clip(module, keep_as)
    return module.double()


def make(folder: Path):
    vocabulary = tiny_tokenizer.save(folder / "tokenizer", POSITIONS)
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    tokens = {"bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1, "pad_token_id": vocabulary - 1}
    text_options = {"max_position_embeddings": POSITIONS, "hidden_act": "gelu", **tokens}

    clip = fill(CLIPModel(CLIPConfig(
        text_config=text_config(vocabulary, **text_options).to_dict(), projection_dim=PROJECTION,
        vision_config={"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3,
                       "image_size": 32, "patch_size": 8, "projection_dim": PROJECTION, "hidden_act": "gelu"},
    )), seed=101)
    text = CLIPTextModel(text_config(vocabulary, **text_options)).eval()
    text.load_state_dict({name.removeprefix("text_model."): value for name, value in clip.state_dict().items()
                          if name.startswith("text_model.")})
    clip, text = halve(clip, folder / "clip"), halve(text, folder / "text_encoder")
    preprocessor = {
        "crop_size": {"height": 32, "width": 32}, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True,
        "do_rescale": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "CLIPImageProcessor",
        "image_std": [0.5, 0.5, 0.5], "resample": 3, "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 32},
    }
    (folder / "clip" / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")

    denoiser = halve(fill(unet(), seed=102), folder / "unet")
    autoencoder = halve(fill(PatchAutoencoder(scaling_factor=0.75, shift_factor=0.05), seed=103), folder / "vae")
    linear = halve(fill(PatchAutoencoder(encoder_layers=0, decoder_layers=0), seed=104), folder / "vae_linear")

    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=True,
        prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing",
    )
    scheduler.save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionInstructPix2PixPipeline", "_diffusers_version": "0.42.1",
        "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["visii", "PatchAutoencoder"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    defaults = {"resolution": 64, "sampler": {"steps": 3}, "inversion": {"steps": 20, "learning_rate": 0.05, "batch_size": 2}}
    (folder / "visii.json").write_text(json.dumps(defaults, indent=2) + "\n")
    expect(folder, tokenizer, clip, text, denoiser, autoencoder, linear, scheduler.alphas_cumprod)


def expect(folder, tokenizer, clip, text, denoiser, autoencoder, linear, alphas_cumprod):
    expected = Expected()
    prompts = ["sepia tone, slightly brighter", "", "turn the sky into the sea"]
    ids = tokenizer(prompts, padding="max_length", max_length=POSITIONS, truncation=True, return_tensors="pt").input_ids
    eos_index = ids[0].tolist().index(tokenizer.eos_token_id)
    hidden = text(ids).last_hidden_state.float().double()
    expected.add("inputs.text", {"ids": ids, "eos_index": eos_index})
    expected.add("outputs.text", {"last_hidden_state": hidden,
                                  "projected_mean": hidden.mean(dim=1) @ clip.text_projection.weight.T})

    pixels = draw((2, 3, 32, 32), seed=110)
    vision = clip.vision_model(pixel_values=pixels)
    expected.add("inputs.clip", {"pixel_values": pixels})
    expected.add("outputs.clip", {"last_hidden_state": vision.last_hidden_state,
                                  "image_embeds": clip.visual_projection(vision.pooler_output)})

    image = draw_image((2, 3, 32, 64), seed=111)
    expected.add("inputs.vae", {"image": image})
    for name, module in (("vae", autoencoder), ("vae_linear", linear)):
        latents = module.encode(image).float().double()
        expected.add(f"outputs.{name}", {"mode": latents, "decoded": module.decode(latents)})

    sample, steps, context = draw((2, 24, 8, 16), seed=112), torch.tensor([999, 37]), hidden[:2]
    expected.add("inputs.unet", {"sample": sample, "timesteps": steps, "encoder_hidden_states": context})
    expected.add("outputs.unet", {"sample": denoiser(sample, steps, encoder_hidden_states=context).sample})
    add_losses(expected, denoiser, clip.text_projection.weight, alphas_cumprod, "v_prediction", hidden[:1], hidden[1:2],
               eos_index, size=(1, 12, 8, 16), timesteps=(37, 999, 600))
    expected.save(folder / "expected.safetensors")
