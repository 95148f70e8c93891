"""A port of neural style transfer to plain NumPy, channels last, with a backward pass by hand."""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import as_strided

from common import RECIPES, load_weights

from .numpy_optimizers import Optimizers
from .pictures import Pictures

BLOCKS = (2, 2, 4, 4, 4)
MEAN_BGR = np.array([103.939, 116.779, 123.68])
IMAGENET_MEAN, IMAGENET_STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
RATES = {"imagenet": 0.1, "caffe": 5.0, "unit": 0.02}


def layer_names():
    """conv1_1, relu1_1, conv1_2, relu1_2, pool1, ..."""
    for block, count in enumerate(BLOCKS, start=1):
        for place in range(1, count + 1):
            yield f"conv{block}_{place}"
            yield f"relu{block}_{place}"
        yield f"pool{block}"


@cache
def read(weights, dtype):
    """Kernels (3, 3, in, out) and biases by name."""
    return tuple(
        {name: np.asarray(value, dtype) for name, value in values.items()}
        for values in (weights.kernels_hwio, weights.biases)
    )


class Port(Pictures, Optimizers):
    """One recipe. Every method and attribute is a stage that a fault may replace on the instance."""

    def __init__(self, recipe, weights=None, dtype=np.float64):
        self.recipe = r = RECIPES[recipe] if isinstance(recipe, str) else recipe
        self.dtype = dtype
        self.style_taps, self.content_taps = r.style_taps, r.content_taps
        self.content_weight, self.style_weight, self.tv_weight = r.content_weight, r.style_weight, r.tv_weight
        names = list(layer_names())
        self.layers = names[: max(names.index(tap) for tap in self.style_taps + self.content_taps) + 1]
        self.unit = 57.63 if r.family == "imagenet" else 1.0
        self.mean, self.scale = MEAN_BGR, 255.0
        self.kernels, biases = (dict(values) for values in read(weights or load_weights(), dtype))
        self.biases = {name: bias / self.unit for name, bias in biases.items()}
        optimizer = r.stages[-1].optimizer
        self.adam_settings = {"rate": RATES[r.pixel_space.name], "decay": 1.0, "every": None}
        self.adam_settings |= {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
        if hasattr(optimizer, "learning_rate"):
            self.adam_settings |= {"rate": optimizer.learning_rate, "decay": optimizer.decay}
            self.adam_settings["every"] = optimizer.decay_every
        self.memory, self.maxfun = getattr(optimizer, "memory", 10), getattr(optimizer, "maxfun", None)

    # Pictures

    def prepare(self, rgb, which):
        """What happens to a resized picture before it is used; `which` is content, style or image."""
        return np.asarray(rgb, self.dtype)

    def to_pixels(self, rgb):
        if self.recipe.pixel_space.name == "caffe":
            return self.scale * rgb[..., ::-1] - self.mean
        return (rgb - IMAGENET_MEAN) / IMAGENET_STD

    def to_input(self, pixels):
        if self.recipe.pixel_space.name == "caffe":
            return pixels / self.unit
        return (self.scale * (pixels * IMAGENET_STD + IMAGENET_MEAN)[..., ::-1] - self.mean) / self.unit

    def input_backward(self, d):
        if self.recipe.pixel_space.name == "caffe":
            return d / self.unit
        return d[..., ::-1] * self.scale * IMAGENET_STD / self.unit

    # Network

    def pad(self, x):
        return np.pad(x, ((1, 1), (1, 1), (0, 0)))

    def correlate(self, x, kernel):
        h, w, c = x.shape
        padded = np.ascontiguousarray(self.pad(x))
        s = padded.strides
        windows = as_strided(padded, (h, w, 3, 3, c), (s[0], s[1], s[0], s[1], s[2]))
        return (windows.reshape(h * w, 9 * c) @ kernel.reshape(9 * c, -1)).reshape(h, w, -1)

    def conv(self, x, name):
        return self.correlate(x, self.kernels[name]) + self.biases[name]

    def conv_backward(self, d, below, name):
        return self.correlate(d, np.ascontiguousarray(self.kernels[name][::-1, ::-1].transpose(0, 1, 3, 2)))

    def relu(self, x, name):
        return np.maximum(x, 0)

    def relu_backward(self, d, x, name):
        return d * (x > 0)

    def windows2x2(self, x):
        h, w, c = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
        return x[: 2 * h, : 2 * w].reshape(h, 2, w, 2, c).transpose(0, 2, 4, 1, 3).reshape(h, w, c, 4)

    def pool(self, x, name):
        windows = self.windows2x2(x)
        return windows.mean(-1) if self.recipe.pooling == "average" else windows.max(-1)

    def pool_backward(self, d, x, name):
        h, w, c = d.shape
        if self.recipe.pooling == "average":
            spread = np.repeat(d[..., None], 4, -1) / 4
        else:
            spread = np.zeros((h, w, c, 4), d.dtype)
            np.put_along_axis(spread, self.windows2x2(x).argmax(-1)[..., None], d[..., None], -1)
        out = np.zeros(x.shape, d.dtype)
        out[: 2 * h, : 2 * w] = spread.reshape(h, w, c, 2, 2).transpose(0, 3, 1, 4, 2).reshape(2 * h, 2 * w, c)
        return out

    def features(self, x):
        kept = {}
        for name in self.layers:
            x = kept[name] = getattr(self, name[:4])(x, name)
        return kept

    def backward(self, seeds, features, x):
        """From derivatives at layers to the one at the input, and the whole derivative at each of those layers."""
        whole, d = {}, 0
        for index in reversed(range(len(self.layers))):
            name = self.layers[index]
            below = features[self.layers[index - 1]] if index else x
            d = d + seeds.get(name, 0)
            whole[name] = d
            if np.ndim(d):
                d = getattr(self, name[:4] + "_backward")(d, below, name)
        return d, whole

    def layer_of(self, tap, term):
        """The layer that a tap of a term (content or style) stands for."""
        return tap

    # Loss

    def gram(self, f):
        flat = f.reshape(-1, f.shape[-1])
        return flat.T @ flat / flat.shape[0]

    def gram_backward(self, f, d):
        flat = f.reshape(-1, f.shape[-1])
        return (flat @ (d + d.T) / flat.shape[0]).reshape(f.shape)

    def content_k(self, shape):
        h, w, c = shape
        whole = {"mean": 1 / (h * w * c), "gatys": 0.5, "image": 1.0, "blog": 1 / (h * w * c)}
        return self.content_weight * whole[self.recipe.convention]

    def style_k(self, shape, style_positions, pixels_shape):
        m, c, n = shape[0] * shape[1], shape[2], len(self.style_taps)
        each = {
            "mean": 1 / c**4,
            "gatys": 1 / (4 * c**2 * n),
            "image": m**2 / (36 * (pixels_shape[0] * pixels_shape[1]) ** 2 * n),
            "blog": m**2 / (c**3 * style_positions * n),
        }
        return self.style_weight * each[self.recipe.convention]

    def target_scale(self, shape, style_positions):
        return style_positions / (shape[0] * shape[1]) if self.recipe.convention in ("image", "blog") else 1.0

    def tv(self, x):
        """Total variation without its weight, and its derivative."""
        dy, dx, d = x[1:] - x[:-1], x[:, 1:] - x[:, :-1], np.zeros_like(x)
        form = self.recipe.tv_form
        if form == "power":
            dy, dx = dy[:, :-1], dx[:-1]
            s = dy**2 + dx**2
            gy, gx = 2.5 * s**0.25 * dy, 2.5 * s**0.25 * dx
            d[1:, :-1] += gy
            d[:-1, :-1] -= gy + gx
            d[:-1, 1:] += gx
            return (s**1.25).sum(), d
        ky, kx = (0.5 / dy.size, 0.5 / dx.size) if form == "mean_abs" else (1.0, 1.0)
        d[1:] += ky * np.sign(dy)
        d[:-1] -= ky * np.sign(dy)
        d[:, 1:] += kx * np.sign(dx)
        d[:, :-1] -= kx * np.sign(dx)
        return ky * np.abs(dy).sum() + kx * np.abs(dx).sum(), d

    def targets(self, content, style, image_px):
        """Content features, scaled style Gram matrices and the style's numbers of positions."""
        content_features = self.features(self.to_input(self.to_pixels(content)))
        style_features = self.features(self.to_input(self.to_pixels(style)))
        self.content_targets = {t: content_features[self.layer_of(t, "content")] for t in self.content_taps}
        self.style_targets, self.style_positions = {}, {}
        for tap in self.style_taps:
            f = style_features[self.layer_of(tap, "style")]
            depth = int(tap[4]) - 1
            shape = (image_px[0] >> depth, image_px[1] >> depth, f.shape[-1])
            self.style_positions[tap] = f.shape[0] * f.shape[1]
            self.style_targets[tap] = self.target_scale(shape, self.style_positions[tap]) * self.gram(f)

    def losses(self, pixels, features):
        """Every term, and the derivatives at the layers and at the pixels directly."""
        terms, seeds = {}, {}
        for tap in self.content_taps:
            layer = self.layer_of(tap, "content")
            f, k = features[layer], self.content_k(features[layer].shape)
            difference = f - self.content_targets[tap]
            terms[f"content/{tap}"] = k * (difference**2).sum()
            seeds[layer] = seeds.get(layer, 0) + 2 * k * difference
        for tap in self.style_taps:
            layer = self.layer_of(tap, "style")
            f = features[layer]
            k = self.style_k(f.shape, self.style_positions[tap], pixels.shape)
            difference = self.gram(f) - self.style_targets[tap]
            terms[f"style/{tap}"] = k * (difference**2).sum()
            seeds[layer] = seeds.get(layer, 0) + self.gram_backward(f, 2 * k * difference)
        direct = 0
        if self.recipe.tv_form != "none":
            value, slope = self.tv(pixels)
            terms["tv"], direct = self.tv_weight * value, self.tv_weight * slope
        return terms, seeds, direct

    def total(self, terms):
        return sum(terms.values())

    def evaluate(self, pixels):
        """Everything at a point: features, terms, total, derivative at the taps and at the pixels."""
        x = self.to_input(pixels)
        features = self.features(x)
        terms, seeds, direct = self.losses(pixels, features)
        d_input, whole = self.backward(seeds, features, x)
        return x, features, terms, self.total(terms), whole, self.input_backward(d_input) + direct

    # Handing over

    def give(self, name, value):
        """Name and value as they are handed over."""
        return {name: np.asarray(value)}
