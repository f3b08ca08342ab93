"""Generates tests/fixtures/heic/iphone*.heic: photos in the layout of an iPhone's file. Needs numpy, pillow and pillow-heif.

    python tests/oracle/iphone_photos.py tests/fixtures

The photo of 1120 × 840 is a grid of hidden 512 × 512 tiles that an `irot` box turns, in Display P3. Beside it are a thumbnail, a
depth map and a gain map (auxiliary images), Exif, and XMP that describes the gain map. `iphone-ten-bits.heic` has 10 bits and, as
since iOS 18, a tone-mapped HDR image (`tmap`) as an alternative. Encoders write no such files, so the boxes are written here
(ISO/IEC 14496-12 and 23008-12).
"""
import io
import struct
import sys

import numpy as np
import pillow_heif
from PIL import Image

out = sys.argv[1]
width, height, tile, patch = 1120, 840, 512, 140
columns, rows = -(-width // tile), -(-height // tile)


def color(column, row):
    return 60 + 18 * column, 70 + 22 * row, 190 - 14 * column


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind.encode()) + body


def full(kind, version, flags, *parts):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def children(data, at, end):
    while at < end:
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind.decode("latin1"), data[at + 8:at + size]
        at += size


def encode(pixels, bits=8, chroma=None):
    """Encodes an image as HEVC. Returns its hvcC box and its data."""
    mode = "L" if pixels.ndim == 2 else "RGB"
    if bits == 10:
        data, mode = np.round(pixels / 255 * 65535).astype(np.uint16), f"{mode};16"
    else:
        data = pixels
    file = io.BytesIO()
    one = pillow_heif.from_bytes(mode, (pixels.shape[1], pixels.shape[0]), data.tobytes())
    one.save(file, quality=95, **({"chroma": chroma} if chroma else {}))
    data = file.getvalue()
    top = dict(children(data, 0, len(data)))
    meta = dict(children(top["meta"], 4, len(top["meta"])))
    iprp = dict(children(meta["iprp"], 0, len(meta["iprp"])))
    properties = dict(children(iprp["ipco"], 0, len(iprp["ipco"])))
    return box("hvcC", properties["hvcC"]), top["mdat"]


class File:
    """Items with their properties and references, written as one file."""

    def __init__(self):
        self.items, self.properties, self.references = [], [], []

    def add(self, kind, data, properties=(), hidden=False, inside=False, name=b"", extra=b""):
        self.items.append((kind, data, properties, hidden, inside, name, extra))
        return len(self.items)

    def refer(self, kind, source, *targets):
        self.references.append(box(kind, struct.pack(f">HH{len(targets)}H", source, len(targets), *targets)))

    def place(self, one):
        if one not in self.properties:
            self.properties.append(one)
        return self.properties.index(one) + 1

    def write(self, path, primary, brands, groups=b""):
        info = [
            full("infe", 2, hidden, struct.pack(">HH4s", number, 0, kind.encode()), name, b"\0", extra)
            for number, (kind, _, _, hidden, _, name, extra) in enumerate(self.items, 1)
        ]
        associations = [
            struct.pack(">HB", number, len(properties))
            # Properties that change the image are essential.
            + bytes(self.place(one) | (0x80 if one[4:8] in (b"hvcC", b"irot") else 0) for one in properties)
            for number, (_, _, properties, *_) in enumerate(self.items, 1)
            if properties
        ]
        inner = b"".join(data for _, data, _, _, inside, *_ in self.items if inside)
        ftyp = box("ftyp", b"heic", struct.pack(">I", 0), *brands)

        def meta(start):
            places, at, inner_at = [], start, 0
            for number, (_, data, _, _, inside, *_) in enumerate(self.items, 1):
                offset = inner_at if inside else at
                places.append(struct.pack(">HHHHII", number, int(inside), 0, 1, offset, len(data)))
                if inside:
                    inner_at += len(data)
                else:
                    at += len(data)
            return full(
                "meta", 0, 0,
                full("hdlr", 0, 0, struct.pack(">I4s12s", 0, b"pict", b""), b"\0"),
                box("dinf", full("dref", 0, 0, struct.pack(">I", 1), full("url ", 0, 1))),
                full("pitm", 0, 0, struct.pack(">H", primary)),
                full("iinf", 0, 0, struct.pack(">H", len(info)), *info),
                full("iref", 0, 0, *self.references),
                box("iprp", box("ipco", *self.properties), full("ipma", 0, 0, struct.pack(">I", len(associations)), *associations)),
                *([box("grpl", groups)] if groups else []),
                box("idat", inner),
                full("iloc", 1, 0, struct.pack(">HH", 0x4400, len(places)), *places),
            )

        before = len(ftyp) + len(meta(0)) + 8
        body = b"".join(data for _, data, _, _, inside, *_ in self.items if not inside)
        with open(path, "wb") as file:
            file.write(ftyp + meta(before) + box("mdat", body))


def extents(w, h):
    return full("ispe", 0, 0, struct.pack(">II", w, h))


def pixi(*bits):
    return full("pixi", 0, 0, bytes([len(bits), *bits]))


def auxiliary(urn):
    return full("auxC", 0, 0, urn.encode() + b"\0")


pixels = np.zeros((rows * tile, columns * tile, 3), np.uint8)
for y in range(0, height, patch):
    for x in range(0, width, patch):
        pixels[y:y + patch, x:x + patch] = color(x // patch, y // patch)
photo = Image.fromarray(pixels[:height, :width])
gray = np.tile(np.linspace(0, 255, width // 4).astype(np.uint8), (height // 4, 1))
p3 = pillow_heif.open_heif(f"{out}/heic/p3.heic").info["icc_profile"]
exif = pillow_heif.open_heif(f"{out}/photos/phone.heic").info["exif"].removeprefix(b"Exif\0\0")
# pillow-heif resets the orientation when it reads; cameras write both.
tag = exif.index(struct.pack(">HHI", 0x0112, 3, 1)) + 8
exif = exif[:tag] + struct.pack(">H", 6) + exif[tag + 2:]
turned = box("irot", bytes([3]))  # 270° anticlockwise
gain_map_xmp = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
    b' xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" HDRGainMap:HDRGainMapVersion="65536"'
    b" dc:source=\"the gain map's own\"/></rdf:RDF></x:xmpmeta>"
)


def make(name, bits):
    file = File()
    profile = box("colr", b"prof", p3)
    hdr = box("colr", b"nclx", struct.pack(">HHHB", 12, 16, 12, 0x80))
    tiles = []
    for row in range(rows):
        for column in range(columns):
            part = pixels[row * tile:(row + 1) * tile, column * tile:(column + 1) * tile]
            config, data = encode(part, bits)
            tiles.append(file.add("hvc1", data, [profile, config, extents(tile, tile)], hidden=True))
    size = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    channels = pixi(bits, bits, bits)
    primary = file.add("grid", size, [profile, extents(width, height), channels, turned], inside=True)
    file.refer("dimg", primary, *tiles)
    config, data = encode(np.array(photo.resize((320, 240))))
    thumbnail = file.add("hvc1", data, [profile, config, extents(320, 240), pixi(8, 8, 8), turned])
    file.refer("thmb", thumbnail, primary)
    config, data = encode(gray)
    described = [config, extents(width // 4, height // 4), pixi(8), turned]
    depth = file.add("hvc1", data, [*described, auxiliary("urn:mpeg:hevc:2015:auxid:2")])
    gain = file.add("hvc1", data, [*described, auxiliary("urn:com:apple:photo:2020:aux:hdrgainmap")])
    file.refer("auxl", depth, primary)
    file.refer("auxl", gain, primary)
    told = file.add("Exif", struct.pack(">I", 6) + b"Exif\0\0" + exif)
    file.refer("cdsc", told, primary)
    told = file.add("mime", gain_map_xmp, extra=b"application/rdf+xml\0")
    file.refer("cdsc", told, gain)
    brands, groups = [b"mif1", b"MiHE", b"MiPr", b"miaf", b"heic"], b""
    if bits == 10:
        # ISO 21496-1: version, flags, and the gain map's parameters as fractions.
        curve = struct.pack(">BHHB", 0, 0, 0, 0x40) + struct.pack(">14I", 0, 1, 2, 1, 0, 1, 2, 1, 1, 1, 0, 1, 0, 1)
        toned = file.add("tmap", curve, [hdr, extents(width, height), pixi(10, 10, 10), turned])
        file.refer("dimg", toned, primary, gain)
        groups = full("altr", 0, 0, struct.pack(">IIII", 100, 2, toned, primary))
        brands.append(b"tmap")
    file.write(f"{out}/heic/{name}.heic", primary, brands, groups)


make("iphone", 8)
make("iphone-ten-bits", 10)
