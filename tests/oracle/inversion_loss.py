"""The loss of Visual Instruction Inversion and its gradient by autograd, in the method's own words.

z_t = q(z_0, t, eps); e = e_none + s_T (e_text - e_image) + s_I (e_image - e_none);
loss = 4 mean((e - target)^2) - 0.1 clamp(cos(d, u), -1, 0.5), u = normalise(W_text mean_positions(P)).
"""

import torch
from torch.nn import functional as F

TEXT_GUIDANCE, IMAGE_GUIDANCE = 7.5, 1.5


def inversion_loss(*, unet, text_projection, alphas_cumprod, prediction_type, instruction, null_text, eos_index, after,
                   before, noise, timestep: int, direction):
    """Outputs by name (float64): loss, mse, cosine, the three predictions, and the gradient of rows 1 … eos-1.

    instruction, null_text [1, L, d]; after (diffused), before (condition), noise [1, c, h, w]; direction [p], unit norm.
    """
    alpha = alphas_cumprod[timestep].double()
    noisy = alpha.sqrt() * after + (1 - alpha).sqrt() * noise
    target = noise if prediction_type == "epsilon" else alpha.sqrt() * noise - (1 - alpha).sqrt() * after

    instruction = instruction.clone().requires_grad_(True)
    steps = torch.tensor([timestep])

    def predict(text, condition):
        return unet(torch.cat([noisy, condition], dim=1), steps, encoder_hidden_states=text).sample

    with_text = predict(instruction, before)
    with_image = predict(null_text, before)
    with_none = predict(null_text, torch.zeros_like(before))
    guided = with_none + TEXT_GUIDANCE * (with_text - with_image) + IMAGE_GUIDANCE * (with_image - with_none)
    mse = F.mse_loss(guided, target)

    pooled = text_projection @ instruction.mean(dim=1)[0]
    cosine = torch.dot(pooled / pooled.norm(), direction)
    loss = 4 * mse - 0.1 * cosine.clamp(-1, 0.5)
    (gradient,) = torch.autograd.grad(loss, instruction)
    return {
        "noisy": noisy, "target": target, "prediction_text": with_text, "prediction_image": with_image,
        "prediction_none": with_none, "guided": guided, "mse": mse, "cosine": cosine, "loss": loss,
        "gradient": gradient[:, 1:eos_index],
    }
