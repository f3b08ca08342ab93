"""The loss of Visual Instruction Inversion and its gradient by autograd, in the paper's notation.

z_t = q(z_0, t, eps); e = e_none + s_T (e_text - e_image) + s_I (e_image - e_none);
loss = 4 mean((e - target)^2) - 0.1 clamp(cos(d, u), -1, 0.5), u = normalize(W_text mean_positions(P)).
"""

import torch
from torch.nn import functional as F

TEXT_GUIDANCE, IMAGE_GUIDANCE = 7.5, 1.5


def inversion_loss(*, unet, text_projection, alphas_cumprod, prediction_type, instruction, null_text, eos_index, after,
                   before, noise, timestep: int, direction, added=(None, None), clip_state=lambda embedding: embedding):
    """Outputs by name (float64): loss, mse, cosine, the three predictions, and the gradient of rows 1 … eos-1.

    instruction, null_text [1, L, d]; after (diffused), before (condition), noise [1, c, h, w]; direction [p], unit norm;
    added: the UNet's added_cond_kwargs beside instruction and null_text; clip_state: P to the state that L_clip reads.
    """
    alpha = alphas_cumprod[timestep].double()
    noisy = alpha.sqrt() * after + (1 - alpha).sqrt() * noise
    target = noise if prediction_type == "epsilon" else alpha.sqrt() * noise - (1 - alpha).sqrt() * after

    instruction = instruction.clone().requires_grad_(True)
    steps = torch.tensor([timestep])

    def predict(text, condition, added):
        sample = torch.cat([noisy, condition], dim=1)
        return unet(sample, steps, encoder_hidden_states=text, added_cond_kwargs=added).sample

    with_text = predict(instruction, before, added[0])
    with_image = predict(null_text, before, added[1])
    with_none = predict(null_text, torch.zeros_like(before), added[1])
    guided = with_none + TEXT_GUIDANCE * (with_text - with_image) + IMAGE_GUIDANCE * (with_image - with_none)
    mse = F.mse_loss(guided, target)

    pooled = text_projection @ clip_state(instruction).mean(dim=1)[0]
    cosine = torch.dot(pooled / pooled.norm(), direction)
    loss = 4 * mse - 0.1 * cosine.clamp(-1, 0.5)
    (gradient,) = torch.autograd.grad(loss, instruction)
    return {
        "noisy": noisy, "target": target, "prediction_text": with_text, "prediction_image": with_image,
        "prediction_none": with_none, "guided": guided, "mse": mse, "cosine": cosine, "loss": loss,
        "gradient": gradient[:, 1:eos_index],
    }


def text_attentions(unet):
    """Names and modules of every attention to the text, by name: the cross-attentions, and the pooling of the text."""
    found = {name: module for name, module in unet.named_modules() if name.endswith(".attn2") or name == "add_embedding.pool"}
    return sorted(found.items())


def keys_values_loss(*, unet, alphas_cumprod, prediction_type, instruction, null_text, eos_index, after, before, noise,
                     timestep: int, change, added=(None, None)):
    """The loss without L_clip where keys and values of positions 1 … eos-1 are leaves: the projected ones plus `change`.

    change [eos - 1, D], D columns in the order of the attentions' names, each one's keys and then its values. Outputs
    (float64): those keys and values as `rows`, prediction_text, mse, loss, and the gradient of `rows`.
    """
    alpha = alphas_cumprod[timestep].double()
    noisy = alpha.sqrt() * after + (1 - alpha).sqrt() * noise
    target = noise if prediction_type == "epsilon" else alpha.sqrt() * noise - (1 - alpha).sqrt() * after
    leaves, handles, column = [], [], 0
    for name, module in text_attentions(unet):
        pooling = name == "add_embedding.pool"
        # Behind the pooling's query, a row of its own, the text's position 1 is row 2.
        first = 2 if pooling else 1
        text = unet.add_embedding.norm1(instruction) if pooling else instruction
        for projection in (module.k_proj, module.v_proj) if pooling else (module.to_k, module.to_v):
            projected = projection(text)[0, 1:eos_index].detach()
            moved = change[:, column:column + projected.shape[1]]
            leaf = (projected + moved).float().double().requires_grad_(True)
            column += projected.shape[1]

            def replace(module, inputs, output, leaf=leaf, first=first):
                return torch.cat([output[:, :first], leaf[None], output[:, first + len(leaf):]], dim=1)

            leaves.append(leaf)
            handles.append(projection.register_forward_hook(replace))
    assert column == change.shape[1]

    steps = torch.tensor([timestep])

    def predict(text, condition, added):
        sample = torch.cat([noisy, condition], dim=1)
        return unet(sample, steps, encoder_hidden_states=text, added_cond_kwargs=added).sample

    with_text = predict(instruction, before, added[0])
    for handle in handles:
        handle.remove()
    with_image = predict(null_text, before, added[1])
    with_none = predict(null_text, torch.zeros_like(before), added[1])
    guided = with_none + TEXT_GUIDANCE * (with_text - with_image) + IMAGE_GUIDANCE * (with_image - with_none)
    mse = F.mse_loss(guided, target)
    loss = 4 * mse
    gradients = torch.autograd.grad(loss, leaves)
    return {"rows": torch.cat(leaves, dim=1), "prediction_text": with_text, "mse": mse, "loss": loss,
            "gradient": torch.cat(gradients, dim=1)}


def keys_values_width(unet):
    """D: numbers in one position's keys and values of all attentions."""
    return sum(2 * (module.k_proj if name == "add_embedding.pool" else module.to_k).out_features
               for name, module in text_attentions(unet))
