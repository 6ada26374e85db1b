"""When to stop: a network that could learn its few noisy samples by heart, with and without early stopping.

    python examples/early_stopping.py

Two noisy moons, 60 samples to train on and 60 to watch. EarlyStopping ends the fit when the loss of those 60 has not
improved for 20 epochs and restores the best weights; before that, ReduceLROnPlateau has halved the learning rate when
it had not improved for 8. On 2,000 other samples the loss is lower than after all 400 epochs, in a fraction of the
time.
"""

import fcnet
from fcnet import Dense, Sequential
from fcnet.callbacks import EarlyStopping, ReduceLROnPlateau
from fcnet.datasets import make_moons

EPOCHS = 400


def fitted(X, y, X_watch, y_watch, callbacks):
    fcnet.set_seed(1)
    model = Sequential([Dense(64, "relu", input_dim=2), Dense(64, "relu"), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.005
    model.fit(X, y, epochs=EPOCHS, validation_data=(X_watch, y_watch), callbacks=callbacks, verbose=0)
    return model


def main():
    """The test losses of the network that was stopped, and of the one that was not."""
    X, y = make_moons(120, noise=0.35, random_state=0)
    X_test, y_test = make_moons(2000, noise=0.35, random_state=1)
    data = X[:60], y[:60], X[60:], y[60:]
    stopping = EarlyStopping("val_loss", patience=20, restore_best_weights=True)
    callbacks = [ReduceLROnPlateau("val_loss", factor=0.5, patience=8), stopping]
    losses = []
    for name, chosen in (("with EarlyStopping", callbacks), ("without", [])):
        model = fitted(*data, chosen)
        loss, accuracy = model.evaluate(X_test, y_test)
        losses.append(loss)
        print(f"{name:18}  {len(model.history.epoch):3} epochs, test loss {loss:.3f}, test accuracy {accuracy:.3f}")
    rate = stopping.model.optimizer.learning_rate
    print(f"best epoch {stopping.best_epoch + 1}, last learning rate {rate:g}")
    return losses


if __name__ == "__main__":
    main()
