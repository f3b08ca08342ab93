"""Regenerate tests/fixtures/operators.json: `python tests/oracle/operators.py` (torch; Node for the case list).

Every case of tests/engine/numerics/operator-cases.ts, forward and by autograd, in float64, stored as float32. The loss is
sum(first output * cotangent), as in the tests.
"""

import base64
import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURE = ROOT / "tests/fixtures/operators.json"


def layer_norm(x, epsilon):
    y = F.layer_norm(x, x.shape[-1:], eps=epsilon)
    variance, mean = torch.var_mean(x, dim=-1, unbiased=False, keepdim=True)
    return y, mean, torch.rsqrt(variance + epsilon)


def matmul(a, b, transA, transB, alpha):
    return alpha * torch.matmul(a.mT if transA else a, b.mT if transB else b)


def multi_head_attention(q, k, v, heads, scale):
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    return (torch.softmax(scale * q @ k.mT, -1) @ v).transpose(1, 2).flatten(2)


def conv(x, w, b=None, *, stride, pads, dilation):
    top, left, bottom, right = pads
    return F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, stride=stride, dilation=dilation)


def conv_transpose(x, w, stride, pads, dilation, outputPadding):
    """Uncropped first; then each side is cut by its pad, and the output padding is more of the far side."""
    top, left, bottom, right = pads
    whole = F.conv_transpose2d(x, w, stride=stride, dilation=dilation)
    return F.pad(whole, (-left, outputPadding[1] - right, -top, outputPadding[0] - bottom))


def nhwc_conv(x, w, b=None, *, kernel, **attributes):
    return conv(x.permute(0, 3, 1, 2), w.permute(0, 3, 1, 2), b, **attributes).permute(0, 2, 3, 1)


def group_norm(x, scale, shift, groups, epsilon, silu):
    y = F.group_norm(x.permute(0, 3, 1, 2), groups, scale, shift, epsilon).permute(0, 2, 3, 1)
    return F.silu(y) if silu else y


def bias_split_gelu(x, bias):
    a, b = (x + bias).chunk(2, -1)
    return a * F.gelu(b)


def quantize_weight(w):
    """In float32, because a rounding may depend on the last bit."""
    rows = w.float().flatten(0, -2)
    scales = rows.abs().amax(0) / 63
    return torch.round(rows / scales), scales


def dynamic_quantize(x):
    x = x.float()
    low, high = x.min().clamp(max=0), x.max().clamp(min=0)
    scale = (high - low) / 255
    zero = torch.round((-low / scale).clamp(0, 255))
    return (torch.round(x / scale) + zero).clamp(0, 255) - zero, scale


def dynamic_quantize_matmul(x, w, b=0):
    (integers, scales), (quantized, scale) = quantize_weight(w), dynamic_quantize(x)
    return (quantized.double() @ integers.double()) * scale * scales + b


def dynamic_quantize_conv(x, w, b=None, *, kernel, **attributes):
    (integers, scales), (quantized, scale) = quantize_weight(w), dynamic_quantize(x)
    kernels = integers.double().reshape(w.shape).permute(3, 2, 0, 1)
    made = conv(quantized.double(), kernels, **attributes) * scale * scales[:, None, None]
    return made if b is None else made + b[:, None, None]


def take(x, axis, start, end, reverse):
    return x.flip(axis) if reverse else x.narrow(axis, start, end - start)


def pad(x, axis, before, after):
    return F.pad(x, [0, 0] * (x.dim() - 1 - axis) + [before, after])


OPERATORS = {
    "Add": torch.add,
    "Sub": torch.sub,
    "Mul": torch.mul,
    "Div": torch.div,
    "Neg": torch.neg,
    "Exp": torch.exp,
    "Sqrt": torch.sqrt,
    "Reciprocal": torch.reciprocal,
    "Sin": torch.sin,
    "Cos": torch.cos,
    "Tanh": torch.tanh,
    "Erf": torch.erf,
    "Relu": torch.relu,
    "Sigmoid": torch.sigmoid,
    "Gelu": F.gelu,
    "QuickGelu": lambda x, alpha: x * torch.sigmoid(alpha * x),
    "Clip": lambda x, min, max: torch.clamp(x, min, max),
    "InRange": lambda x, min, max: ((x >= min) & (x <= max)).to(x.dtype),
    "Cast": lambda x, to: x.to(getattr(torch, to)),
    "MatMul": matmul,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MultiHeadAttention": multi_head_attention,
    "NhwcConv": nhwc_conv,
    "GroupNorm": group_norm,
    "BiasSplitGelu": bias_split_gelu,
    "QuantizeWeight": quantize_weight,
    "DynamicQuantizeMatMul": dynamic_quantize_matmul,
    "DynamicQuantizeConv": dynamic_quantize_conv,
    "Softmax": lambda x: torch.softmax(x, -1),
    "LayerNormalization": layer_norm,
    "ReduceSum": lambda x, axes: x.sum(axes, keepdim=True),
    "ReduceMean": lambda x, axes: x.mean(axes, keepdim=True),
    "AveragePool": lambda x, kernel: F.avg_pool2d(x, kernel),
    "Resize": lambda x, factor: F.interpolate(x, scale_factor=factor, mode="nearest"),
    "Reshape": lambda x, shape: x.reshape(shape),
    "Transpose": lambda x, permutation: x.permute(permutation),
    "Expand": lambda x, shape: x.expand(shape),
    "Concat": lambda *parts, axis: torch.cat(parts, axis),
    "Slice": take,
    "Pad": pad,
    "Gather": lambda table, ids: F.embedding(ids, table),
    "After": lambda x, signal: x.clone(),
}


def tensor(spec):
    dtype = torch.int64 if spec["dtype"] == "int64" else torch.float64
    return torch.tensor(spec["data"], dtype=dtype).reshape(spec["shape"])


def packed(x):
    return base64.b64encode(x.detach().numpy().astype(np.float32).tobytes()).decode()


def run(case):
    """One case: outputs y0, y1 ... and gradients dx0, dx1 ..., each as base64 of float32."""
    leaves = {spec["name"]: tensor(spec) for spec in case["inputs"]}
    wanted = [leaves[name].requires_grad_() for name in case["differentiable"]]
    operands = [
        leaves[spec["name"]].half() if spec["dtype"] == "float16" else leaves[spec["name"]] for spec in case["inputs"]
    ]
    outputs = OPERATORS[case["op"]](*operands, **case["attributes"])
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    made = {f"y{index}": packed(y.double()) for index, y in enumerate(outputs)}
    if wanted:
        loss = (outputs[0].double().flatten() * torch.tensor(case["cotangent"], dtype=torch.float64)).sum()
        gradients = torch.autograd.grad(loss, wanted)
        made |= {f"d{name}": packed(dx) for name, dx in zip(case["differentiable"], gradients)}
    return made


def main():
    torch.set_num_threads(1)
    script = ["npx", "tsx", "tests/engine/numerics/export-operator-cases.ts"]
    text = subprocess.run(script, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    fixture = {
        "torch": torch.__version__,
        "casesSha256": hashlib.sha256(text).hexdigest(),
        "cases": {case["title"]: run(case) for case in json.loads(text)},
    }
    FIXTURE.write_text(json.dumps(fixture, indent=1) + "\n")
    print(f"{FIXTURE.relative_to(ROOT)}: {len(fixture['cases'])} cases, {FIXTURE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
