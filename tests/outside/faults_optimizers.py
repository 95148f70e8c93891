"""Faults in Adam and in what wraps L-BFGS."""

import numpy as np
import torch

from .faults import after, fault

OPTIMIZERS = {"hands_over": "optimizers"}
WIKI = "https://github.com/jcjohnson/neural-style/pull/451"


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


@fault("adam-rate-tenth", port="numpy", recipe="d2l", truth="Adam's rate is 0.03 instead of 0.3")
def _(p):
    p.adam_settings["rate"] = 0.03


@fault(
    "adam-eps-tenth", port="torch", recipe="pytorch-blog", truth="Adam's epsilon is 0.1 instead of 1e-8", seen_in=WIKI
)
def _(p):
    p.eps = 0.1


@fault(
    "adam-as-in-keras",
    port="numpy",
    recipe="d2l",
    truth="epsilon is 1e-7 and is added to sqrt(v) before the bias correction (Keras' form)",
    seen_in="https://github.com/tensorflow/tensorflow/issues/9047",
)
def _(p):
    def update(s, m, v, t):
        rate = p.rate_at(t - 1) * np.sqrt(1 - s["beta2"] ** t) / (1 - s["beta1"] ** t)
        return rate * m / (np.sqrt(v) + 1e-7)

    update_by(p, update)


@fault("adam-no-correction", port="numpy", recipe="gatys", truth="Adam has no bias correction")
def _(p):
    update_by(p, lambda s, m, v, t: p.rate_at(t - 1) * m / (np.sqrt(v) + s["eps"]))


@fault(
    "adam-step-off-by-one",
    port="numpy",
    recipe="neural-style",
    truth="the bias corrections count the first step as step 2",
)
def _(p):
    update_by(
        p,
        lambda s, m, v, t: (
            p.rate_at(t - 1) * m / (1 - s["beta1"] ** (t + 1)) / (np.sqrt(v / (1 - s["beta2"] ** (t + 1))) + s["eps"])
        ),
    )


@fault(
    "adam-no-second-correction",
    port="numpy",
    recipe="keras-notebook",
    **OPTIMIZERS,
    truth="only the first average is bias-corrected",
)
def _(p):
    update_by(p, lambda s, m, v, t: p.rate_at(t - 1) * m / (1 - s["beta1"] ** t) / (np.sqrt(v) + s["eps"]))


@fault("adam-beta1", port="torch", recipe="gatys", truth="beta1 is 0.5 instead of 0.9")
def _(p):
    p.betas = (0.5, 0.999)


@fault(
    "adam-beta2",
    port="torch",
    recipe="neural-style",
    **OPTIMIZERS,
    truth="beta2 is 0.99 instead of 0.999",
    seen_in=WIKI,
)
def _(p):
    p.betas = (0.9, 0.99)


@fault("adam-betas-099", port="numpy", recipe="gatys", truth="beta1 is 0.99 instead of 0.9", seen_in=WIKI)
def _(p):
    p.adam_settings["beta1"] = 0.99


@fault("adam-w", port="torch", recipe="d2l", truth="AdamW with its default weight decay 0.01 in place of Adam")
def _(p):
    with_torch(p, lambda x: torch.optim.AdamW([x], lr=p.lr, betas=p.betas, eps=p.eps))


@fault("adam-nadam", port="torch", recipe="pytorch-blog", truth="NAdam in place of Adam")
def _(p):
    with_torch(p, lambda x: torch.optim.NAdam([x], lr=p.lr, betas=p.betas, eps=p.eps))


@fault("adam-rmsprop", port="torch", recipe="gatys", **OPTIMIZERS, truth="RMSprop (alpha 0.99) in place of Adam")
def _(p):
    with_torch(p, lambda x: torch.optim.RMSprop([x], lr=p.lr))


@fault(
    "adam-sgd",
    port="torch",
    recipe="neural-style",
    truth="plain gradient descent with the same rate",
    seen_in="https://github.com/nfmcclure/tensorflow_cookbook/pull/73",
)
def _(p):
    with_torch(p, lambda x: torch.optim.SGD([x], lr=p.lr))


@fault(
    "adam-gradients-pile-up", port="torch", recipe="d2l", truth="gradients are not set to zero between steps and add up"
)
def _(p):
    healthy = p.adam

    def adam(pixels, gradient, steps=5):
        piled = [0]

        def sum_of(x):
            total, g = gradient(x)
            piled[0] = piled[0] + g
            return total, piled[0]

        return healthy(pixels, sum_of, steps)

    p.adam = adam


@fault(
    "adam-decay-every-step",
    port="numpy",
    recipe="d2l",
    truth="the rate falls by 0.8 after every step instead of every 50",
    seen_in="https://github.com/apache/mxnet/pull/622",
)
def _(p):
    p.adam_settings["every"] = 1


@fault(
    "adam-forgets",
    port="torch",
    recipe="pytorch-blog",
    **OPTIMIZERS,
    truth="the optimizer is made anew at every step, so its averages are lost",
)
def _(p):
    def adam(pixels, gradient, steps=5):
        x = pixels.detach().clone().requires_grad_()
        for step in range(1, steps + 1):
            optimizer = p.make_adam(x)
            x.grad = gradient(x)[1].clone()
            given = x.grad.clone()
            optimizer.step()
            yield step, given, x.detach().clone()

    p.adam = adam


@fault(
    "adam-clamped-unit",
    port="torch",
    recipe="d2l",
    truth="pixels are clamped to [0, 1] after each step, though they are normalised values",
    seen_in="https://pytorch.org/tutorials/advanced/neural_style_tutorial.html",
)
def _(p):
    clamped(p, lambda x: x.clamp(0, 1))


@fault(
    "adam-clamped-picture",
    port="torch",
    recipe="gatys",
    truth="after each step the picture is clamped to 0..255 (less the means)",
    seen_in="https://www.tensorflow.org/tutorials/generative/style_transfer",
)
def _(p):
    clamped(p, lambda x: (x + p.caffe_mean).clamp(0, 255) - p.caffe_mean)


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


@fault(
    "adam-first-step-plain",
    port="numpy",
    recipe="pytorch-blog",
    **OPTIMIZERS,
    truth="v starts as the first squared gradient and is bias-corrected all the same",
)
def _(p):
    def adam_update(g, step):
        s = p.adam_settings
        p.m = s["beta1"] * (p.m if step > 1 else 0) + (1 - s["beta1"]) * g
        p.v = s["beta2"] * p.v + (1 - s["beta2"]) * g**2 if step > 1 else g**2
        m, v = p.m / (1 - s["beta1"] ** step), p.v / (1 - s["beta2"] ** step)
        return p.rate_at(step - 1) * m / (np.sqrt(v) + s["eps"])

    p.adam_update = adam_update


@fault("lbfgs-memory-3", port="numpy", recipe="gatys", **OPTIMIZERS, truth="L-BFGS keeps 3 corrections instead of 10")
def _(p):
    p.memory = 3


@fault(
    "lbfgs-memory-scipy-default",
    port="torch",
    recipe="neural-style",
    truth="L-BFGS keeps 10 corrections (SciPy's default) instead of 100",
    seen_in="https://github.com/ProGamerGov/neural-style-pt/issues/7",
)
def _(p):
    p.history = 10


@fault(
    "lbfgs-not-restarted",
    port="numpy",
    recipe="keras-notebook",
    **OPTIMIZERS,
    truth="L-BFGS runs in one go instead of calls of 20 evaluations",
)
def _(p):
    p.maxfun = None


@fault(
    "lbfgs-restarted",
    port="torch",
    recipe="gatys",
    truth="L-BFGS is called for 10 evaluations at a time, each call with an empty memory",
    seen_in="https://github.com/anishathalye/neural-style/pull/79",
)
def _(p):
    p.restart = 10


@fault(
    "lbfgs-gradient-chw",
    port="torch",
    recipe="neural-style",
    **OPTIMIZERS,
    truth="the gradient is flattened in the order channel, height, width, the picture in height, width, channel",
)
def _(p):
    flatten, first = p.flatten, [True]

    def mixed(x):
        if first[0]:  # the start
            first[0] = False
            return flatten(x)
        return x.detach().reshape(-1).numpy().astype(np.float64)

    p.flatten = mixed


@fault(
    "lbfgs-gradient-transposed",
    port="numpy",
    recipe="gatys",
    truth="the gradient is flattened in column-major order, the picture in row-major order",
)
def _(p):
    healthy, first = p.flatten, [True]

    def mixed(x):
        if first[0]:
            first[0] = False
            return healthy(x)
        return np.asarray(x, np.float64).ravel(order="F")

    p.flatten = mixed


@fault(
    "lbfgs-stops-early",
    port="torch",
    recipe="d2l",
    **OPTIMIZERS,
    truth="L-BFGS stops when the loss falls by less than 5 percent (a tolerance that is far too wide)",
    seen_in="https://github.com/cysmith/neural-style-tf/issues/39",
)
def _(p):
    after(p, "lbfgs_options", lambda out: {**out, "ftol": 0.05})


@fault(
    "lbfgs-float16-points",
    port="numpy",
    recipe="gatys",
    truth="the points that L-BFGS evaluates are rounded to float16 before the network sees them",
    seen_in="https://github.com/scipy/scipy/pull/18825 (single precision)",
)
def _(p):
    healthy = p.unflatten
    p.unflatten = lambda v, shape: healthy(v, shape).astype(np.float16).astype(np.float64)


@fault(
    "lbfgs-clamped-closure",
    port="torch",
    recipe="neural-style",
    truth="the picture is clamped to 0..255 (less the means) inside the objective",
    seen_in="https://github.com/pytorch/tutorials/issues/143",
)
def _(p):
    after(p, "unflatten", lambda out, *_: (out + p.caffe_mean).clamp(0, 255) - p.caffe_mean)


@fault(
    "lbfgs-of-torch",
    port="torch",
    recipe="gatys",
    **OPTIMIZERS,
    truth="PyTorch's own L-BFGS (rate 1, no line search) in place of SciPy's",
    seen_in="https://github.com/leongatys/PytorchNeuralStyleTransfer/issues/4",
)
def _(p):
    torch_lbfgs(p)


@fault(
    "lbfgs-of-torch-wolfe",
    port="torch",
    recipe="d2l",
    **OPTIMIZERS,
    truth="PyTorch's own L-BFGS with a strong Wolfe line search in place of SciPy's",
    seen_in="https://github.com/pytorch/pytorch/pull/8824",
)
def _(p):
    torch_lbfgs(p, line_search_fn="strong_wolfe")


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


@fault(
    "lbfgs-stale-gradient",
    port="numpy",
    recipe="keras-notebook",
    truth="loss and gradient are cached by two calls, and each gradient is that of the point before",
    seen_in="https://github.com/keras-team/keras/issues/3340",
)
def _(p):
    healthy = p.lbfgs

    def lbfgs(pixels, gradient, evaluations=24):
        last = [None]

        def stale(x):
            loss, g = gradient(x)
            given, last[0] = (g if last[0] is None else last[0]), g
            return loss, given

        return healthy(pixels, stale, evaluations)

    p.lbfgs = lbfgs


@fault(
    "lbfgs-picture-spoilt",
    port="numpy",
    recipe="neural-style",
    hands_over="without features",
    truth="showing the progress adds the means to the picture in place: from the second point on it is too light",
    seen_in="https://github.com/keras-team/keras/issues/3340",
)
def _(p):
    healthy, count = p.unflatten, [0]

    def unflatten(v, shape):
        count[0] += 1
        return healthy(v, shape) + (p.mean if count[0] > 2 else 0)

    p.unflatten = unflatten
