"""A program as users with a type checker write it: `make lint` checks its types, nothing runs it."""

import numpy as np

from fcnet import Dense, Sequential, callbacks, layers, losses, metrics, optimizers, schedules


class Watch(callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is not None and logs["loss"] < 0.1:
            self.model.stop_training = True


class Halving(schedules.Schedule):
    def rates(self, steps: np.ndarray) -> np.ndarray:
        return 0.1 * 0.5 ** (steps // 10)


def program(X: np.ndarray, y: np.ndarray) -> float:
    model = Sequential([layers.Dense(8, "relu", input_dim=2, kernel_regularizer="l2"), Dense(1, "sigmoid")])
    optimizer = optimizers.SGD(Halving(), momentum=0.9, clipnorm=1.0)
    model.compile(optimizer, losses.BinaryCrossentropy(label_smoothing=0.1), metrics=["accuracy", metrics.AUC()])
    history = model.fit(X, y, epochs=3, validation_split=0.1, callbacks=[Watch()]).history
    loss, accuracy, area = model.evaluate(X, y)
    named = model.evaluate(X, y, return_dict=True)
    best: float = min(*history["val_loss"], loss, named["loss"], model.train_on_batch(X, y)[0])

    seen = model.inspect(X, y)
    Z: np.ndarray = seen["dense"].Z
    names: list[str] = [layer.name for layer in seen[1:]]
    seconds: float = model.profile(32)["dense", "forward"].seconds
    gradient: np.ndarray = model.loss_and_gradient(X, y)[1]
    first = model.layers[0]
    assert isinstance(first, Dense)
    first.kernel[...] = 0.0
    model.parameters[:] -= 0.01 * gradient
    print(accuracy, area, Z.shape, names, model.predict(X).mean())
    return best + seconds
