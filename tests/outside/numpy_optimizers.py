"""The optimizers of the NumPy port."""

import numpy as np
from scipy.optimize import fmin_l_bfgs_b


class Optimizers:
    """Adam by hand and SciPy's L-BFGS; the port has their settings."""

    def loss_and_gradient(self, pixels):
        *_, total, _, gradient = self.evaluate(pixels)
        return total, gradient

    def rate_at(self, step):
        s = self.adam_settings
        return s["rate"] * s["decay"] ** (0 if s["every"] is None else step // s["every"])

    def adam_update(self, g, step):
        """What is subtracted in step 1, 2, ...; keeps the two averages."""
        s = self.adam_settings
        self.m = s["beta1"] * (self.m if step > 1 else 0) + (1 - s["beta1"]) * g
        self.v = s["beta2"] * (self.v if step > 1 else 0) + (1 - s["beta2"]) * g**2
        m, v = self.m / (1 - s["beta1"] ** step), self.v / (1 - s["beta2"] ** step)
        return self.rate_at(step - 1) * m / (np.sqrt(v) + s["eps"])

    def adam(self, pixels, gradient, steps=5):
        for step in range(1, steps + 1):
            g = gradient(pixels)[1]
            pixels = pixels - self.adam_update(g, step)
            yield step, g, pixels

    def flatten(self, x):
        return np.asarray(x, np.float64).ravel()

    def unflatten(self, v, shape):
        return v.reshape(shape)

    def lbfgs_options(self, left):
        return {"m": self.memory, "factr": 0, "pgtol": 0, "maxiter": 10**6, "maxfun": self.maxfun or left}

    def lbfgs(self, pixels, gradient, evaluations=24):
        """The points, losses and gradients that SciPy's L-BFGS evaluates."""
        seen = []

        def objective(v):
            if len(seen) == evaluations:
                raise StopIteration
            loss, g = gradient(self.unflatten(v, pixels.shape))
            seen.append((self.unflatten(v, pixels.shape).copy(), loss, g))
            return float(loss), self.flatten(g)

        start = self.flatten(pixels)
        try:
            while len(seen) < evaluations:
                start, _, _ = fmin_l_bfgs_b(objective, start, **self.lbfgs_options(10**6))
                if self.maxfun is None:
                    break
        except StopIteration:
            pass
        return [np.stack(column) for column in zip(*seen, strict=True)]
