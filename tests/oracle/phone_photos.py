"""Generates tests/fixtures/photos: photos with the metadata of phones and editors. Needs pillow, pillow-heif, piexif and exiftool.

    python tests/oracle/phone_photos.py tests/fixtures/photos
"""
import io
import subprocess
import sys

import numpy as np
import piexif
import pillow_heif
from PIL import Image

out = sys.argv[1]
pillow_heif.register_heif_opener()
pixels = np.zeros((32, 48, 3), np.uint8)
pixels[:, :24], pixels[:, 24:], pixels[:12, :12] = (200, 30, 30), (30, 160, 30), (30, 30, 200)
picture = Image.fromarray(pixels)
thumbnail = io.BytesIO()
picture.resize((24, 16)).save(thumbnail, "JPEG")
exif = piexif.dump({
    "0th": {
        piexif.ImageIFD.Make: "Apple",
        piexif.ImageIFD.Model: "iPhone 15",
        piexif.ImageIFD.Orientation: 6,
        piexif.ImageIFD.Artist: "Ana Müller".encode(),
        piexif.ImageIFD.Copyright: "(c) Ana",
        piexif.ImageIFD.DateTime: "2026:05:06 07:08:09",
    },
    "Exif": {
        piexif.ExifIFD.DateTimeOriginal: "2026:05:06 07:08:09",
        piexif.ExifIFD.OffsetTimeOriginal: "+02:00",
        piexif.ExifIFD.ExposureTime: (1, 250),
        piexif.ExifIFD.ISOSpeedRatings: 64,
        piexif.ExifIFD.LensModel: "back camera 6.86mm",
        piexif.ExifIFD.PixelXDimension: 48,
        piexif.ExifIFD.PixelYDimension: 32,
        piexif.ExifIFD.SubjectArea: (10, 10, 4, 4),
        piexif.ExifIFD.ColorSpace: 65535,
        piexif.ExifIFD.MakerNote: b"Apple iOS\0\0\1MM" + bytes(range(60)),
    },
    "GPS": {
        piexif.GPSIFD.GPSLatitudeRef: "N",
        piexif.GPSIFD.GPSLatitude: ((48, 1), (51, 1), (30, 1)),
        piexif.GPSIFD.GPSLongitudeRef: "E",
        piexif.GPSIFD.GPSLongitude: ((2, 1), (17, 1), (40, 1)),
    },
    "1st": {piexif.ImageIFD.Compression: 6},
    "thumbnail": thumbnail.getvalue(),
})
described = [
    "-IPTC:CodedCharacterSet=UTF8", "-IPTC:By-line=Ana Müller", "-IPTC:CopyrightNotice=(c) Ana", "-IPTC:Keywords=dusk",
    "-IPTC:Keywords=river", "-IPTC:City=Paris", "-IPTC:Country-PrimaryLocationName=France", "-IPTC:Sub-location=Quai",
    "-XMP-dc:Title=Evening", "-XMP-xmp:Rating=4", "-XMP-xmpRights:UsageTerms=Ask first", "-XMP-photoshop:City=Paris",
    "-XMP-iptcCore:Location=Quai", "-XMP-iptcExt:LocationShownCity=Paris", "-XMP-exif:GPSLatitude=48.858333",
    "-XMP-tiff:Orientation=6", "-XMP-exif:ExifImageWidth=48", "-XMP-GCamera:MicroVideo=1", "-XMP-xmpMM:DocumentID=xmp.did:1",
    "-XMP-iptcExt:DigitalSourceType=http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
]
picture.save(f"{out}/phone.jpg", quality=95, subsampling=0, exif=exif)
picture.save(f"{out}/phone.tif")
picture.save(f"{out}/phone.heic", format="HEIF", quality=90, chroma="444", exif=exif)
# -n: numbers as stored. -m: keep the maker note, which is not a real one, unchanged.
tags = ["exiftool", "-q", "-m", "-n", "-overwrite_original"]
subprocess.run([*tags, *described, f"{out}/phone.jpg"], check=True)
subprocess.run([*tags, "-TagsFromFile", f"{out}/phone.jpg", "-exif:all", "-gps:all", "-iptc:all", "-xmp:all", f"{out}/phone.tif"], check=True)
subprocess.run([*tags, "-TagsFromFile", f"{out}/phone.jpg", "-xmp:all", f"{out}/phone.heic"], check=True)
# As iPhones do: the rotation as an `irot` box and in Exif.
subprocess.run([*tags, "-Orientation=6", f"{out}/phone.heic"], check=True)
