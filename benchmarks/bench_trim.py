"""Measure what undetected anomalies among the training rows cost, and what ``trim`` brings back.

``python -m benchmarks.bench_trim --data DIR`` prints, for each share of anomalies among the training rows,
the mean over the tables in DIR of AUROC, average precision, false-alarm rate and recall: of
`AutoencoderDetector` as it is, with ``trim`` at the true share, at twice the share and at a tenth; and AUROC
and average precision of Isolation Forest and of the robust covariance (minimum covariance determinant).

The protocol is that of `benchmarks.bench_quality`, with two changes: half of the anomalies are kept for the
test, and of the other half as many as make the share are added to the training rows, unlabelled. A table with
too few anomalies gets all of that half, so its share is smaller. Columns are standardised on all training
rows.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ["AECOURSE_PROGRESS"] = "0"

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import MinCovDet
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

from aecourse import AutoencoderDetector
from benchmarks.bench_quality import measures

SHARES = (0.0, 0.01, 0.05, 0.10, 0.20)
Rows = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], float]


def polluted(X: NDArray, y: NDArray, share: float) -> Rows:
    """Return training rows with anomalies among them, test rows, test labels, and the share reached."""
    rng = np.random.RandomState(0)
    normal, anomalous = (rng.permutation(np.flatnonzero(y == label)) for label in (0, 1))
    cut, half = int(0.7 * len(normal)), len(anomalous) // 2
    n_added = min(round(share * cut / (1 - share)), half)
    train = np.concatenate([normal[:cut], anomalous[:n_added]])
    test = np.concatenate([normal[cut:], anomalous[half:]])
    scaler = StandardScaler().fit(X[train])
    return scaler.transform(X[train]), scaler.transform(X[test]), y[test], n_added / len(train)


def results(train: NDArray, test: NDArray, y: NDArray, share: float) -> Iterator[tuple[str, list[float]]]:
    """Yield each method's AUROC, average precision, false-alarm rate and recall, NaN without a threshold."""
    trims = {
        "as it is": 0.0,
        "trim = share": share,
        "trim = 2 x share": min(0.5, 2 * share),
        "trim = 0.1": 0.1,
    }
    for name, trim in trims.items():
        if trim or name == "as it is":
            detector = AutoencoderDetector(trim=trim, random_state=0).fit(train)
            flagged = detector.predict(test) == -1
            rates = [float(flagged[y == label].mean()) for label in (0, 1)]
            yield name, measures(y, detector.anomaly_score(test)) + rates
    forest = IsolationForest(random_state=0).fit(train)
    yield "Isolation Forest", [*measures(y, -forest.score_samples(test)), np.nan, np.nan]
    robust = MinCovDet(random_state=0).fit(train)
    yield "robust covariance", [*measures(y, robust.mahalanobis(test)), np.nan, np.nan]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(description="Undetected anomalies among the training rows.")
    parser.add_argument("--data", type=Path, required=True, help="folder of .npz files with X and y")
    parser.add_argument("--only", nargs="+", help="names of tables; all of them by default")
    options = parser.parse_args(arguments)
    found: dict[tuple[float, str], list[list[float]]] = {}
    for path in sorted(options.data.glob("*.npz")):
        if options.only and path.stem.split("_", 1)[-1] not in options.only:
            continue
        with np.load(path, allow_pickle=False) as archive:
            X, y = archive["X"].astype(float), archive["y"].astype(int)
        for share in SHARES:
            train, test, labels, reached = polluted(X, y, share)
            for name, row in results(train, test, labels, reached):
                found.setdefault((share, name), []).append(row)
        print(f"{path.stem}: done", flush=True)
    print(f"{'share':>5} {'method':<20}{'tables':>7}{'AUROC':>8}{'AP':>8}{'false alarms':>14}{'recall':>8}")
    for (share, name), rows in found.items():
        auroc, precision, alarms, recall = np.mean(rows, axis=0)
        print(f"{share:5.0%} {name:<20}{len(rows):7}{auroc:8.3f}{precision:8.3f}{alarms:14.3f}{recall:8.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
