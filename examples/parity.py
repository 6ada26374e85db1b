"""A network small enough to check by hand: is the number with these two bits even or odd?

    python examples/parity.py

Two bits in, two ReLU units, softmax over (even, odd). The bits 1, 1 are the number 3, so the right class is
odd. The first layer's weights are given; those of the second are completed here such that the outputs are
0.56 and 0.44. Every number of the forward and the backward pass is printed with its arithmetic and compared
with what `model.inspect` returns; then one step of gradient descent with learning rate 0.1 is taken, and the
probability of "odd" has to rise. It ends with an AssertionError if a number does not come out.
"""

import numpy as np

from fcnet import Dense, Sequential
from fcnet.optimizers import SGD

# Row convention: Z = x W + b, so W has a row for every input and a column for every unit.
W1 = np.array([[0.5, 0.2], [0.1, 0.2]])
b1 = np.array([0.1, 0.1])
# Completed: any W2, b2 with a difference of ln(0.56 / 0.44) = 0.24 between the two logits will do.
W2 = np.array([[0.4, 0.2], [0.3, 0.1]])
b2 = np.array([0.1, 0.1])

x = np.array([[1.0, 1.0]])
y = np.array([[0.0, 1.0]])  # (even, odd), one-hot


def show(name, value, arithmetic):
    print(f"{name:4} = {np.array2string(np.squeeze(value), precision=4, floatmode='fixed'):20} {arithmetic}")


def main():
    model = Sequential(dtype="float64")
    model.add(Dense(2, input_dim=2, activation="relu", name="hidden"))
    model.add(Dense(2, activation="softmax", name="output"))
    model.set_weights([W1, b1, W2, b2])
    model.compile(loss="categorical_crossentropy", optimizer=SGD(learning_rate=0.1))
    seen = model.inspect(x, y)
    hidden, output = seen["hidden"], seen["output"]

    print("forward")
    show("Z1", hidden.Z, "0.5 + 0.1 + 0.1,  0.2 + 0.2 + 0.1")
    np.testing.assert_allclose(hidden.Z, [[0.7, 0.5]])
    show("A1", hidden.A, "both positive: ReLU changes nothing")
    np.testing.assert_allclose(hidden.A, hidden.Z)
    show("Z2", output.Z, "0.7*0.4 + 0.5*0.3 + 0.1,  0.7*0.2 + 0.5*0.1 + 0.1")
    np.testing.assert_allclose(output.Z, [[0.53, 0.29]])
    show("p", output.A, "e^0.53 and e^0.29 over their sum")
    np.testing.assert_allclose(output.A, [[0.56, 0.44]], atol=0.005)
    show("loss", seen.loss, "-ln 0.4403")
    np.testing.assert_allclose(seen.loss, 0.82, atol=0.005)

    print("backward")
    show("dZ2", output.dZ, "p - y")
    np.testing.assert_allclose(output.dZ, output.A - y)
    show("dW2", output.dW.ravel(), "A1 as a column times dZ2 as a row; row by row")
    np.testing.assert_allclose(output.dW, hidden.A.T @ output.dZ)
    show("dZ1", hidden.dZ, "dZ2 W2^T = 0.5597*0.4 - 0.5597*0.2,  0.5597*0.3 - 0.5597*0.1; ReLU' = 1")
    np.testing.assert_allclose(hidden.dZ, output.dZ @ W2.T)
    show("dW1", hidden.dW.ravel(), "x as a column times dZ1 as a row; row by row")
    np.testing.assert_allclose(hidden.dW, x.T @ hidden.dZ)

    model.train_on_batch(x, y)
    p = model.predict(x)
    print("after one step of gradient descent, W -= 0.1 dW, b -= 0.1 db")
    show("p", p, f"odd rose from {output.A[0, 1]:.4f} to {p[0, 1]:.4f}")
    assert p[0, 1] > output.A[0, 1]
    expected = [W1 - 0.1 * hidden.dW, b1 - 0.1 * hidden.db, W2 - 0.1 * output.dW, b2 - 0.1 * output.db]
    for got, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(got, wanted)


if __name__ == "__main__":
    main()
