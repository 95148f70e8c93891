"""A port of neural style transfer to plain PyTorch, channels first, with gradients by autograd."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as nn
from scipy.optimize import minimize

from common import RECIPES, load_weights

from .pictures import Pictures

# The layers in the order of torchvision's vgg19().features; every ReLU is out of place here.
INDEX = []
for block, count in enumerate((2, 2, 4, 4, 4), start=1):
    INDEX += [f"{kind}{block}_{place}" for place in range(1, count + 1) for kind in ("conv", "relu")] + [f"pool{block}"]
MEAN_RGB, STD_RGB = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
ADAM_RATES = {"imagenet": 0.1, "caffe": 5.0, "unit": 0.02}


@cache
def read(weights, dtype):
    """Kernels (out, in, 3, 3) and biases, as in a state_dict."""
    state = {f"{name}.bias": torch.tensor(bias, dtype=dtype) for name, bias in weights.biases.items()}
    for name, kernel in weights.kernels_hwio.items():
        state[f"{name}.weight"] = torch.tensor(kernel.transpose(3, 2, 0, 1).copy(), dtype=dtype)
    return state


class Port(Pictures):
    """One recipe. Every method and attribute is a stage that a fault may replace on the instance."""

    def __init__(self, recipe, weights=None, dtype=torch.float64):
        self.recipe = r = RECIPES[recipe] if isinstance(recipe, str) else recipe
        self.dtype = dtype
        self.style_taps, self.content_taps = r.style_taps, r.content_taps
        self.content_weight, self.style_weight, self.tv_weight = r.content_weight, r.style_weight, r.tv_weight
        self.index = INDEX[: max(INDEX.index(tap) for tap in self.style_taps + self.content_taps) + 1]
        self.unit = 57.63 if r.family == "imagenet" else 1.0
        self.caffe_mean = self.column(CAFFE_MEAN_BGR)
        self.mean, self.std = self.column(MEAN_RGB), self.column(STD_RGB)
        self.state = dict(read(weights or load_weights(), dtype))
        for name in self.state:
            if name.endswith("bias"):
                self.state[name] = self.state[name] / self.unit
        self.optimizer = r.stages[-1].optimizer
        self.betas, self.eps = (0.9, 0.999), 1e-8
        self.lr = getattr(self.optimizer, "learning_rate", ADAM_RATES[r.pixel_space.name])
        self.gamma, self.step_size = getattr(self.optimizer, "decay", 1.0), getattr(self.optimizer, "decay_every", None)
        self.history, self.restart = getattr(self.optimizer, "memory", 10), getattr(self.optimizer, "maxfun", None)

    def column(self, values):
        return torch.tensor(values, dtype=self.dtype)[None, :, None, None]

    # Pictures

    def prepare(self, rgb, which):
        """A batch of one picture; `which` is content, style or image."""
        return torch.tensor(np.ascontiguousarray(rgb)).to(self.dtype).permute(2, 0, 1)[None]

    def to_pixels(self, rgb):
        if self.recipe.pixel_space.name == "caffe":
            return rgb.flip(1) * 255 - self.caffe_mean
        return (rgb - self.mean) / self.std

    def to_input(self, pixels):
        if self.recipe.pixel_space.name == "caffe":
            return pixels / self.unit
        return ((pixels * self.std + self.mean).flip(1) * 255 - self.caffe_mean) / self.unit

    # Network

    def conv(self, x, name):
        return nn.conv2d(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"], padding=1)

    def relu(self, x, name):
        return nn.relu(x)

    def pool(self, x, name):
        return nn.avg_pool2d(x, 2) if self.recipe.pooling == "average" else nn.max_pool2d(x, 2)

    def features(self, x):
        kept = {}
        for name in self.index:
            x = kept[name] = getattr(self, name[:4])(x, name)
        return kept

    def layer_of(self, tap, term):
        """The layer that a tap of a term (content or style) stands for."""
        return tap

    # Loss

    def gram(self, f):
        flat = f[0].flatten(1)
        return flat @ flat.T / flat.shape[1]

    def content_loss(self, f, target):
        """One content term without its weight."""
        convention = self.recipe.convention
        if convention in ("mean", "blog"):
            return nn.mse_loss(f, target)
        return (f - target).square().sum() * (0.5 if convention == "gatys" else 1.0)

    def style_k(self, f, style_positions, pixels):
        """The coefficient of a style term without its weight, after the mean over taps where there is one."""
        c, m, taps = f.shape[1], f.shape[2] * f.shape[3], len(self.style_taps)
        match self.recipe.convention:
            case "mean":
                return 1 / c**4
            case "gatys":
                return 1 / (4 * c**2) / taps
            case "image":
                return (m / (6 * pixels.shape[2] * pixels.shape[3])) ** 2 / taps
            case "blog":
                return m**2 / (c**3 * style_positions) / taps

    def style_loss(self, f, target, style_positions, pixels):
        return self.style_k(f, style_positions, pixels) * (self.gram(f) - target).square().sum()

    def target_gram(self, f, positions):
        """The style picture's Gram matrix as a target, for an image with so many positions at the tap."""
        scale = f.shape[2] * f.shape[3] / positions if self.recipe.convention in ("image", "blog") else 1
        return self.gram(f) * scale

    def tv(self, x):
        """Total variation without its weight."""
        dy, dx = x[:, :, 1:] - x[:, :, :-1], x[:, :, :, 1:] - x[:, :, :, :-1]
        form = self.recipe.tv_form
        if form == "power":
            return (dy[..., :-1].square() + dx[:, :, :-1].square()).pow(1.25).sum()
        if form == "mean_abs":
            return (dy.abs().mean() + dx.abs().mean()) / 2
        return dy.abs().sum() + dx.abs().sum()

    def targets(self, content, style, image_px):
        """Content features, scaled style Gram matrices and the style's numbers of positions."""
        with torch.no_grad():
            content_features = self.features(self.to_input(self.to_pixels(content)))
            style_features = self.features(self.to_input(self.to_pixels(style)))
            self.content_targets = {t: content_features[self.layer_of(t, "content")] for t in self.content_taps}
            self.style_targets, self.style_positions = {}, {}
            for tap in self.style_taps:
                f = style_features[self.layer_of(tap, "style")]
                depth = int(tap[4]) - 1
                self.style_positions[tap] = f.shape[2] * f.shape[3]
                self.style_targets[tap] = self.target_gram(f, (image_px[0] >> depth) * (image_px[1] >> depth))

    def losses(self, pixels, features):
        terms = {}
        for tap in self.content_taps:
            f = features[self.layer_of(tap, "content")]
            terms[f"content/{tap}"] = self.content_weight * self.content_loss(f, self.content_targets[tap])
        for tap in self.style_taps:
            f = features[self.layer_of(tap, "style")]
            value = self.style_loss(f, self.style_targets[tap], self.style_positions[tap], pixels)
            terms[f"style/{tap}"] = self.style_weight * value
        if self.recipe.tv_form != "none":
            terms["tv"] = self.tv_weight * self.tv(pixels)
        return terms

    def total(self, terms):
        return sum(terms.values())

    def differentiate(self, total, variables):
        return torch.autograd.grad(total, variables, allow_unused=True)

    def evaluate(self, pixels):
        """Everything at a point: features, terms, total, derivative at the taps and at the pixels."""
        pixels = pixels.detach().clone().requires_grad_()
        x = self.to_input(pixels)
        features = self.features(x)
        terms = self.losses(pixels, features)
        total = self.total(terms)
        gradient, *whole = self.differentiate(total, [pixels, *features.values()])
        return x, features, terms, total, dict(zip(features, whole, strict=True)), gradient

    def loss_and_gradient(self, pixels):
        *_, total, _, gradient = self.evaluate(pixels)
        return total, gradient

    # Optimizers

    def rate_at(self, step):
        return self.lr * self.gamma ** (step // self.step_size if self.step_size else 0)

    def make_adam(self, x):
        return torch.optim.Adam([x], lr=self.lr, betas=self.betas, eps=self.eps)

    def adam(self, pixels, gradient, steps=5):
        x = pixels.detach().clone().requires_grad_()
        optimizer = self.make_adam(x)
        for step in range(1, steps + 1):
            optimizer.param_groups[0]["lr"] = self.rate_at(step - 1)
            optimizer.zero_grad()
            x.grad = gradient(x)[1].clone()
            given = x.grad.clone()
            optimizer.step()
            yield step, given, x.detach().clone()

    def flatten(self, x):
        return x.detach()[0].permute(1, 2, 0).reshape(-1).numpy().astype(np.float64)

    def unflatten(self, v, like):
        return torch.tensor(v).to(self.dtype).reshape(*like.shape[2:], 3).permute(2, 0, 1)[None]

    def lbfgs_options(self):
        return {"maxcor": self.history, "ftol": 0, "gtol": 0, "maxiter": 10**6, "maxfun": self.restart or 10**6}

    def lbfgs(self, pixels, gradient, evaluations=24):
        """The points, losses and gradients that SciPy's L-BFGS evaluates."""
        seen = []

        def objective(v):
            if len(seen) == evaluations:
                raise StopIteration
            x = self.unflatten(v, pixels)
            loss, g = gradient(x)
            seen.append(
                (x[0].permute(1, 2, 0).numpy().copy(), float(loss.detach()), g[0].permute(1, 2, 0).numpy().copy())
            )
            return float(loss.detach()), self.flatten(g)

        start = self.flatten(pixels)
        try:
            while len(seen) < evaluations:
                start = minimize(objective, start, jac=True, method="L-BFGS-B", options=self.lbfgs_options()).x
                if self.restart is None:
                    break
        except StopIteration:
            pass
        return [np.stack(column) for column in zip(*seen, strict=True)]

    # Handing over

    def give(self, name, value):
        """Name and value as they are handed over."""
        return {name: value.detach().numpy() if torch.is_tensor(value) else np.asarray(value)}
