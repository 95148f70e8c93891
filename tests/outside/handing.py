"""What a port hands over: every tensor of docs/tensors.md by name, in that page's order."""

import numpy as np

GROUPS = {
    "all": None,
    "without optimizers": (
        "content",
        "style",
        "image",
        "pixels",
        "input",
        "features",
        "gram",
        "target",
        "loss",
        "gradient",
        "saved",
    ),
    "without features": (
        "content",
        "style",
        "pixels",
        "input",
        "gram",
        "target",
        "loss",
        "gradient",
        "adam",
        "lbfgs",
        "saved",
    ),
    "loss and gradient": ("loss", "gradient/pixels"),
    "images and loss": ("content", "style", "pixels", "input", "loss", "saved"),
    "losses alone": ("loss",),
    "features and loss": ("pixels", "input", "features", "loss"),
    "optimizers": ("pixels", "loss", "gradient/pixels", "adam", "lbfgs"),
}


def wanted(name, only):
    return only is None or any(name == part or name.startswith(part + "/") for part in only)


def tensors(port, content, style, image, only=None, decoded=None):
    """Named arrays of a port at `image`; with `decoded` (two 8-bit pictures) they are resized here."""
    out = {}

    def give(name, value):
        if wanted(name, only):
            out.update(port.give(name, value))

    if decoded is not None:
        content, style = (port.decode(picture) for picture in decoded)
        give("content/decoded", content)
        give("style/decoded", style)
        content, style = (port.resized(rgb, *image.shape[:2]) for rgb in (content, style))
    content, style, x = (port.prepare(rgb, w) for rgb, w in ((content, "content"), (style, "style"), (image, "image")))
    give("content/resized", content)
    give("style/resized", style)
    give("image", image)
    pixels = port.to_pixels(x)
    give("pixels", pixels)
    port.targets(content, style, image.shape[:2])
    evaluated = port.evaluate(pixels)
    _evaluation(port, give, evaluated)
    if wanted("adam", only):
        for step, g, after in port.adam(pixels, port.loss_and_gradient):
            give(f"adam/{step}/gradient", g)
            give(f"adam/{step}/pixels", after)
    if wanted("lbfgs", only):
        points, losses, gradients = port.lbfgs(pixels, port.loss_and_gradient)
        give("lbfgs/pixels", points)
        give("lbfgs/losses", losses)
        give("lbfgs/gradients", gradients)
    give("saved", port.save(image))
    return out


def _evaluation(port, give, evaluated):
    x, features, terms, total, whole, gradient = evaluated
    give("input", x)
    for name, feature in features.items():
        give(f"features/{name}", feature)
    for tap in port.style_taps:
        give(f"gram/{tap}", port.gram(features[port.layer_of(tap, "style")]))
    for tap, feature in port.content_targets.items():
        give(f"target/content/{tap}", feature)
    for tap, gram in port.style_targets.items():
        give(f"target/style/{tap}", gram)
    for name, value in terms.items():
        give(f"loss/{name}", value)
    give("loss/total", total)
    for name in reversed(list(features)):
        if name in port.style_taps + port.content_taps and np.ndim(whole[name]):
            give(f"gradient/features/{name}", whole[name])
    give("gradient/pixels", gradient)


def stage(name, layers):
    """A sorting key: the order in which docs/tensors.md names the tensors, gradients from the deepest tap up."""
    parts = name.split("/")
    order = (
        "decoded",
        "resized",
        "image",
        "pixels",
        "input",
        "features",
        "gram",
        "target/content",
        "target/style",
        "loss/content",
        "loss/style",
        "loss/tv",
        "loss/total",
        "gradient/features",
        "gradient/pixels",
        "adam",
        "lbfgs",
        "saved",
    )
    key = (
        parts[1]
        if parts[-1] in ("decoded", "resized")
        else "/".join(parts[:2])
        if "/".join(parts[:2]) in order
        else parts[0]
    )
    depth = layers.index(parts[-1]) if parts[-1] in layers else 0
    if key == "adam":
        depth = 2 * int(parts[1]) + (parts[2] == "pixels")
    return (order.index(key) if key in order else len(order), -depth if key == "gradient/features" else depth, name)


def difference(mine, theirs):
    """Relative L2, infinite where the shapes or the finiteness differ."""
    mine, theirs = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    if mine.shape != theirs.shape or not np.isfinite(theirs).all():
        return np.inf
    largest = max(np.abs(mine).max(initial=0), 1e-300)
    mine, theirs = mine / largest, theirs / largest
    return float(np.linalg.norm(theirs - mine) / max(np.linalg.norm(mine), 1e-300))


def first_difference(healthy, faulty, tolerance=1e-6):
    """The first tensor of the documented order that the fault changes, with its relative difference; None if none."""
    layers = [name.removeprefix("features/") for name in healthy if name.startswith("features/")]
    both = sorted(set(healthy) & set(faulty), key=lambda name: stage(name, layers))
    for name in both:
        if name.startswith("lbfgs/"):
            found = _first_lbfgs(healthy, faulty, tolerance)
            if found:
                return found
        elif (size := difference(healthy[name], faulty[name])) > tolerance:
            return name, size
    missing = sorted(set(healthy) ^ set(faulty), key=lambda name: stage(name, layers))
    return (missing[0], None) if missing else None


def largest_difference(healthy, faulty):
    """The largest relative difference of any tensor that both hand over; infinite where shapes differ."""
    return max((difference(healthy[name], faulty[name]) for name in healthy if name in faulty), default=0.0)


def _first_lbfgs(healthy, faulty, tolerance):
    names = ("lbfgs/pixels", "lbfgs/losses", "lbfgs/gradients")
    count = min(len(tensors[name]) for tensors in (healthy, faulty) for name in names if name in tensors)
    for index in range(count):
        for name in names:
            size = difference(healthy[name][index], faulty[name][index])
            if size > tolerance:
                return f"{name}[{index}]", size
    lengths = {len(tensors["lbfgs/pixels"]) for tensors in (healthy, faulty)}
    return ("lbfgs/pixels (how many)", None) if len(lengths) > 1 else None
