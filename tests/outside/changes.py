"""What faults of all sets share: changes to a port, sources, and options of the decorator."""

# ruff: noqa: ARG005

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as nn
from PIL import Image

from .numpy_port import layer_names

NSTYLE = "https://github.com/jcjohnson/neural-style"
BUNDLE = {"way": "bundle"}
LASAGNE = "https://github.com/Lasagne/Recipes/issues/32"
LAYERS = list(layer_names())
GATYS_PT = "https://github.com/leongatys/PytorchNeuralStyleTransfer/issues/14"
OPTIMIZERS = {"hands_over": "optimizers"}
WIKI = "https://github.com/jcjohnson/neural-style/pull/451"


def after(port, method, change):
    """Let `change(result, *arguments)` alter what a method of this port returns."""
    healthy = getattr(port, method)
    setattr(port, method, lambda *arguments: change(healthy(*arguments), *arguments))


def planes(rgb, size, how):
    """Every channel by PIL in float32; size is (width, height)."""
    channels = [Image.fromarray(rgb[..., c].astype(np.float32)) for c in range(3)]
    return np.stack([np.asarray(channel.resize(size, how)) for channel in channels], -1)


def by_pil(how):
    return lambda rgb, height, width: planes(rgb, (width, height), how)


def by_torch(**options):
    def resize(rgb, height, width):
        x = torch.tensor(rgb).permute(2, 0, 1)[None]
        return torch.nn.functional.interpolate(x, (height, width), **options)[0].permute(1, 2, 0).numpy()

    return resize


def padded(p, **options):
    """Convolutions with another padding, of every layer or of those named."""
    names = options.pop("names", None)
    healthy = p.conv

    def conv(x, name):
        if names and name not in names:
            return healthy(x, name)
        return nn.conv2d(nn.pad(x, (1, 1, 1, 1), **options), p.state[f"{name}.weight"], p.state[f"{name}.bias"])

    p.conv = conv


def change_kernels(p, change, names=None):
    """Every kernel (HWIO of the NumPy port, OIHW of the torch port), or those named, by `change`."""
    if hasattr(p, "kernels"):
        for name in names or list(p.kernels):
            p.kernels[name] = np.ascontiguousarray(change(p.kernels[name]))
    else:
        for name in names or [key[:-7] for key in p.state if key.endswith("weight")]:
            p.state[f"{name}.weight"] = change(p.state[f"{name}.weight"]).contiguous()


def change_biases(p, change, names=None):
    if hasattr(p, "kernels"):
        for name in names or list(p.biases):
            p.biases[name] = change(p.biases[name])
    else:
        for name in names or [key[:-5] for key in p.state if key.endswith("bias")]:
            p.state[f"{name}.bias"] = change(p.state[f"{name}.bias"])


def pooling(p, kind):
    p.recipe = replace(p.recipe, pooling=kind)


def moved(p, term, table):
    """Taps of a term (content, style, or both if None) look at other layers."""
    healthy = p.layer_of
    p.layer_of = lambda tap, of: table.get(tap, tap) if term in (None, of) else healthy(tap, of)
    names = p.layers if hasattr(p, "layers") else p.index
    deepest = max(list(table.values()) + list(p.style_taps + p.content_taps), key=LAYERS.index)
    names[:] = LAYERS[: LAYERS.index(deepest) + 1] if len(names) < LAYERS.index(deepest) + 1 else names


def scaled_gram(p, factor):
    """Gram matrices times a factor of (height, width, channels), with their derivative."""
    if hasattr(p, "gram_backward"):
        after(p, "gram", lambda out, f: factor(*f.shape) * out)
        after(p, "gram_backward", lambda out, f, d: factor(*f.shape) * out)
    else:
        after(p, "gram", lambda out, f: factor(f.shape[2], f.shape[3], f.shape[1]) * out)


def scaled_style(p, factor):
    """Style coefficients times a factor of (height, width, channels)."""
    if hasattr(p, "gram_backward"):
        after(p, "style_k", lambda out, shape, *_: factor(*shape) * out)
    else:
        after(p, "style_k", lambda out, f, *_: factor(f.shape[2], f.shape[3], f.shape[1]) * out)


def scaled_content(p, factor):
    if hasattr(p, "gram_backward"):
        after(p, "content_k", lambda out, shape: factor(*shape) * out)
    else:
        after(p, "content_loss", lambda out, f, _: factor(f.shape[2], f.shape[3], f.shape[1]) * out)


def scaled_tv(p, factor):
    """Total variation times a factor of its number of values."""
    if hasattr(p, "gram_backward"):
        after(p, "tv", lambda out, x: (factor(x.size) * out[0], factor(x.size) * out[1]))
    else:
        after(p, "tv", lambda out, x: factor(x.numel()) * out)


def tv_power(p, power):
    def tv(x):
        dy, dx, d = x[1:, :-1] - x[:-1, :-1], x[:-1, 1:] - x[:-1, :-1], np.zeros_like(x)
        s = dy**2 + dx**2
        slope = 2 * power * np.maximum(s, 1e-30) ** (power - 1)
        d[1:, :-1] += slope * dy
        d[:-1, :-1] -= slope * (dy + dx)
        d[:-1, 1:] += slope * dx
        return (s**power).sum(), d

    p.tv = tv


def with_torch(p, make):
    p.make_adam = make


def update_by(p, update):
    """A step of the NumPy port from the gradient, the step's number, and the averages kept on the port."""

    def adam_update(g, step):
        s = p.adam_settings
        p.m = s["beta1"] * (p.m if step > 1 else 0) + (1 - s["beta1"]) * g
        p.v = s["beta2"] * (p.v if step > 1 else 0) + (1 - s["beta2"]) * g**2
        return update(s, p.m, p.v, step)

    p.adam_update = adam_update


def clamped(p, clamp):
    def adam(pixels, gradient, steps=5):
        x = pixels.detach().clone().requires_grad_()
        optimizer = p.make_adam(x)
        for step in range(1, steps + 1):
            x.grad = gradient(x)[1].clone()
            given = x.grad.clone()
            optimizer.step()
            x.data = clamp(x.data)
            yield step, given, x.detach().clone()

    p.adam = adam


def torch_lbfgs(p, **options):
    def lbfgs(pixels, gradient, evaluations=24):
        x, seen = pixels.detach().clone().requires_grad_(), []
        optimizer = torch.optim.LBFGS([x], max_iter=1000, max_eval=evaluations, history_size=p.history, **options)

        def closure():
            loss, x.grad = gradient(x)
            seen.append((_hwc(x), float(loss.detach()), _hwc(x.grad)))
            return loss.detach()

        optimizer.step(closure)
        return [np.stack(column[:evaluations]) for column in zip(*seen, strict=True)]

    p.lbfgs = lbfgs


def _hwc(x):
    return x.detach()[0].permute(1, 2, 0).numpy().copy()


def handed(p, change):
    """Let `change(name, array)` return what is handed over under that name: an array, or a dictionary."""

    def give(out, name, _):
        changed = {}
        for key, value in out.items():
            new = change(key, np.asarray(value))
            changed |= new if isinstance(new, dict) else {key: new}
        return changed

    after(p, "give", give)
