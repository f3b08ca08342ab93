"""fixtures/autoencoder-tiny: diffusers' AutoencoderTiny (TAESD) shrunk, with seeded weights."""

from pathlib import Path

from diffusers import AutoencoderTiny

from expected_file import Expected
from seeded_weights import draw, draw_image, fill


def make(folder: Path):
    model = fill(AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 2, 1, 1), num_decoder_blocks=(2, 1, 1, 1),
    ), seed=4)
    model.save_pretrained(folder)
    model = model.double()
    expected = Expected()
    image, latents = draw_image((1, 3, 32, 64), seed=60), draw((1, 4, 4, 8), seed=61, scale=2.0)
    expected.add("inputs", {"image": image, "latents": latents})
    expected.add("outputs", {"latents": model.encode(image).latents, "image": model.decode(latents).sample})
    expected.save(folder / "expected.safetensors")
