"""The second article's network, worked by hand: is a two-bit number even or odd?

The article gives the first layer and the output; the output layer's weights are completed here so that the
given output comes out: the logits must differ by log(0.56/0.44) = 0.241, and 0.24 does it to two decimals.

    x = (1, 1), the number 3: odd, y = (0, 1) over (even, odd)

    Z1 = x W1 + b1 = (1*0.5 + 1*0.1 + 0.1, 1*0.2 + 1*0.2 + 0.1)   = (0.7, 0.5)      given
    A1 = relu(Z1)                                                  = (0.7, 0.5)
    Z2 = A1 W2 + b2 = (0.7*0.4 + 0.5*0.3 + 0.1, 0.7*0.2 + 0.5*0.1 + 0.1)
                    = (0.28 + 0.15 + 0.1, 0.14 + 0.05 + 0.1)       = (0.53, 0.29)
    p  = softmax(Z2) = 1/(1 + exp(-0.24)), 1/(1 + exp(0.24))       = (0.559714, 0.440286)   given: 0.56, 0.44
    loss = -log p_odd = -log 0.440286                              = 0.820330               given: 0.82

    dZ2 = p - y                                                    = (0.559714, -0.559714)
    dW2 = A1^T dZ2 = 0.7 * 0.559714 and 0.5 * 0.559714  = ((0.391800, -0.391800), (0.279857, -0.279857))
    db2 = dZ2
    dA1 = dZ2 W2^T = 0.559714*(0.4 - 0.2), 0.559714*(0.3 - 0.1)    = (0.111943, 0.111943)
    dZ1 = dA1, since both Z1 are positive
    dW1 = x^T dZ1, x = (1, 1)                                      = 0.111943 everywhere
    db1 = dZ1

    One step with learning rate 0.1 (W -= 0.1 dW):
    W1  = ((0.488806, 0.188806), (0.088806, 0.188806)),  b1 = (0.088806, 0.088806)
    W2  = ((0.360820, 0.239180), (0.272014, 0.127986)),  b2 = (0.044029, 0.155971)
    Z1  = (0.666417, 0.466417)
    Z2  = (0.240457 + 0.126872 + 0.044029, 0.159393 + 0.059695 + 0.155971) = (0.411357, 0.375060)
    p_odd = 1/(1 + exp(0.036298))                                  = 0.490927, raised from 0.440286
"""

import numpy as np
import pytest
import reference
from reference import Layer

X, Y = np.array([[1.0, 1.0]]), np.array([[0.0, 1.0]])
W1, B1 = np.array([[0.5, 0.2], [0.1, 0.2]]), np.array([0.1, 0.1])  # given
W2, B2 = np.array([[0.4, 0.2], [0.3, 0.1]]), np.array([0.1, 0.1])  # completed
LAYERS = [Layer(2, "relu"), Layer(2, "softmax")]
LOSS = "categorical_crossentropy"

# Rounded to six decimals, as above.
EXPECTED = [
    dict(Z=[[0.7, 0.5]], A=[[0.7, 0.5]], dZ=[[0.111943, 0.111943]],
         dW=[[0.111943, 0.111943], [0.111943, 0.111943]], db=[0.111943, 0.111943]),
    dict(Z=[[0.53, 0.29]], A=[[0.559714, 0.440286]], dZ=[[0.559714, -0.559714]],
         dW=[[0.391800, -0.391800], [0.279857, -0.279857]], db=[0.559714, -0.559714]),
]
LOSS_BEFORE, ODD_AFTER = 0.820330, 0.490927
AFTER = [[[0.488806, 0.188806], [0.088806, 0.188806]], [0.088806, 0.088806],
         [[0.360820, 0.239180], [0.272014, 0.127986]], [0.044029, 0.155971]]


def assert_rounds_to(got, expected):
    np.testing.assert_allclose(got, expected, rtol=0, atol=0.6e-6)  # half of the last decimal, and float32


def test_reference():
    params = reference.flatten([(W1, B1), (W2, B2)])
    for step, expected in zip(reference.backward(params, X, Y, LAYERS, LOSS), EXPECTED, strict=True):
        for name, value in expected.items():
            assert_rounds_to(step[name], value)
    assert_rounds_to(reference.mean_loss(params, X, Y, LAYERS, LOSS), LOSS_BEFORE)

    params, _ = reference.train(params, X, Y, LAYERS, LOSS, reference.SGD(0.1), [[0]])
    for got, expected in zip(sum(reference.unflatten(params, 2, LAYERS), ()), AFTER, strict=True):
        assert_rounds_to(got, expected)
    assert_rounds_to(reference.predict(params, X, LAYERS)[0, 1], ODD_AFTER)


@pytest.fixture
def model():
    from fcnet import Dense, Sequential, optimizers

    model = Sequential([Dense(2, activation="relu", input_dim=2), Dense(2, activation="softmax")])
    model.set_weights([W1, B1, W2, B2])
    model.compile(optimizer=optimizers.SGD(learning_rate=0.1), loss=LOSS)
    return model


def test_figures_of_the_article(model):
    """The given figures, to the decimals in which they are given."""
    found = model.inspect(X, Y)
    np.testing.assert_allclose(found[0].Z, [[0.7, 0.5]], rtol=1e-6)
    np.testing.assert_array_equal(np.round(model.predict(X), 2), np.array([[0.56, 0.44]], np.float32))
    assert round(found.loss, 2) == 0.82


def test_model(model):
    found = model.inspect(X, Y)
    for step, expected in zip(found, EXPECTED, strict=True):
        for name, value in expected.items():
            assert_rounds_to(getattr(step, name), value)
    assert_rounds_to(found.loss, LOSS_BEFORE)

    model.train_on_batch(X, Y)
    for got, expected in zip(model.get_weights(), AFTER, strict=True):
        assert_rounds_to(got, expected)
    assert_rounds_to(model.predict(X)[0, 1], ODD_AFTER)
