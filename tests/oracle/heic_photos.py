"""Generates tests/fixtures/heic: small photos as phones write them. Needs pillow and pillow-heif; `p3.icc` is any Display P3 profile.

    python tests/oracle/heic_photos.py p3.icc tests/fixtures/heic
"""
import sys

import numpy as np
import pillow_heif
from PIL import Image

profile, out = sys.argv[1:]
pillow_heif.register_heif_opener()
pillow_heif.options.SAVE_HDR_TO_12_BIT = False
pixels = np.zeros((32, 48, 3), np.uint8)
pixels[:, :24], pixels[:, 24:], pixels[:12, :12] = (200, 30, 30), (30, 160, 30), (30, 30, 200)
picture, options = Image.fromarray(pixels), dict(format="HEIF", quality=90, chroma="444")
picture.save(f"{out}/plain.heic", **options)
turned = Image.Exif()
turned[0x0112] = 6  # becomes an `irot` box
picture.save(f"{out}/turned.heic", exif=turned.tobytes(), **options)
with open(profile, "rb") as icc:
    picture.save(f"{out}/p3.heic", icc_profile=icc.read(), **options)
deep = (pixels.astype(np.uint16) * 257).tobytes()
pillow_heif.from_bytes(mode="RGB;16", size=(48, 32), data=deep).save(f"{out}/ten-bits.heic", quality=90, chroma="444")
# The primary image is the second of two.
two = pillow_heif.from_pillow(Image.new("RGB", (64, 64), "white"))
two.add_from_pillow(picture)
two.save(f"{out}/second.heic", primary_index=1, quality=90, chroma="444")
alpha = Image.fromarray(np.dstack([pixels, np.full((32, 48), 128, np.uint8)]), "RGBA")
alpha.save(f"{out}/alpha.heic", **options)
