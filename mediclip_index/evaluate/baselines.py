"""The methods that the blend is held against. Each learns from vectors and answers for vectors.

One-class methods learn from one class alone (the first of the prompt set) and cut its scores at the
quantile `REJECTED`, as they are meant to: they are shown no other picture. PyOD's Deep SVDD needs
the extra `compare`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mediclip_index.evaluate.leave_one_out import Floats
from mediclip_index.types import Ids, UsageError, Vectors

REJECTED = 0.05  # share of its own class that a one-class method may turn away
Answer = Callable[[Vectors], Ids]


@dataclass(frozen=True)
class TrainingSet:
    """What a method may learn from: unit vectors (n, dim), their classes (n,), how many classes
    there are, and what the words say of a class (c, dim) as vectors."""

    vectors: Vectors
    truth: Ids
    classes: int
    words: Vectors
    scale: float
    seed: int


def linear_probe(lesson: TrainingSet) -> Answer:
    """Logistic regression on the vectors (Radford et al. 2021), classes balanced."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(lesson.truth)) < 2:
        only = int(lesson.truth[0])
        return lambda x: np.full(len(x), only, dtype=np.int64)
    model = LogisticRegression(C=10.0, max_iter=2000, class_weight="balanced")
    model.fit(lesson.vectors, lesson.truth)
    return lambda x: np.asarray(model.predict(x), dtype=np.int64)


def tip_adapter(lesson: TrainingSet) -> Answer:
    """Training-free Tip-Adapter (Zhang et al. 2022): class words plus a cache of the support, with
    the paper's alpha 1 and beta 5.5."""
    known = np.eye(lesson.classes)[lesson.truth]

    def answer(x: Vectors) -> Ids:
        cache = np.exp(-5.5 * (1 - x @ lesson.vectors.T)) @ known
        return np.asarray((100 * x @ lesson.words.T + cache).argmax(axis=1))

    return answer


def one_class_svm(lesson: TrainingSet) -> Answer:
    """scikit-learn's One-Class SVM, RBF kernel."""
    from sklearn.svm import OneClassSVM

    model = OneClassSVM(kernel="rbf", gamma="scale", nu=REJECTED)
    model.fit(lesson.vectors[lesson.truth == 0])
    return lambda x: np.where(model.predict(x) > 0, 0, 1).astype(np.int64)


def deep_svdd(lesson: TrainingSet) -> Answer:
    """PyOD's Deep SVDD (Ruff et al. 2018) on the vectors."""
    try:
        from pyod.models.deep_svdd import DeepSVDD
    except ImportError:
        raise UsageError("Deep SVDD needs PyOD: pip install 'mediclip-index[compare]'.") from None
    own = lesson.vectors[lesson.truth == 0]
    model = DeepSVDD(
        n_features=own.shape[1],
        contamination=REJECTED,
        hidden_neurons=[128, 64],
        epochs=20,
        batch_size=64,
        preprocessing=False,  # standardised, unit vectors of a small class lie anywhere but here
        random_state=lesson.seed,
        verbose=0,
    )
    model.fit(own.astype(np.float64))
    return lambda x: np.asarray(model.predict(x.astype(np.float64)), dtype=np.int64)


def oc_nn(lesson: TrainingSet) -> Answer:
    """OC-NN (Chalapathy et al. 2018): one hidden layer under the one-class SVM's loss; r is set to
    the nu-quantile of the scores after each round, as in the paper."""
    import torch

    torch.manual_seed(lesson.seed)
    x = torch.from_numpy(lesson.vectors[lesson.truth == 0])
    hidden = torch.nn.Linear(x.shape[1], 64)
    out = torch.nn.Linear(64, 1, bias=False)
    layers = torch.nn.Sequential(hidden, torch.nn.Sigmoid(), out)
    optimizer = torch.optim.Adam(layers.parameters(), lr=1e-3)
    r = 0.0
    for _ in range(100):
        for _ in range(5):
            score = layers(x)[:, 0]
            loss = (
                0.5 * (hidden.weight**2).sum()
                + 0.5 * (out.weight**2).sum()
                + torch.relu(r - score).mean() / REJECTED
                - r
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        with torch.inference_mode():
            r = float(torch.quantile(layers(x)[:, 0], REJECTED))

    def answer(vectors: Vectors) -> Ids:
        with torch.inference_mode():
            scores: Floats = layers(torch.from_numpy(vectors))[:, 0].numpy()
        return np.where(scores >= r, 0, 1).astype(np.int64)

    return answer
