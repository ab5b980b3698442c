"""Make what `tests/test_conformal.py` compares with: p-values and selections by the package nonconform.

``python make_nonconform.py PLACE`` runs in an environment of its own, with Python 3.12 or later and the
package nonconform 2.0 (``pip install nonconform``); nothing else of the course is needed. PLACE is
``tests/nonconform.json`` in a copy of the course. The course does not depend on nonconform.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

LEVEL, CONFIDENCE = 0.2, 0.9


def case(rng: np.random.Generator, n: int, m: int, decimals: int) -> dict[str, Any]:
    """Return drawn scores and weights, with what nonconform makes of them."""
    from nonconform._internal.p_value_selection import (
        adjusted_p_values,
        storey_lambda,
        storey_null_proportion,
    )
    from nonconform.fdr import weighted_false_discovery_control_from_arrays
    from nonconform.scoring import ConditionalEmpirical, Empirical, calculate_weighted_p_val

    calibration = rng.normal(size=n).round(decimals)
    scores = (rng.normal(size=m) + 4 * (np.arange(m) < m // 3)).round(decimals)
    weights, calibration_weights = np.exp(scores / 4).round(3), np.exp(calibration / 4).round(3)
    p = Empirical().compute_p_values(scores, calibration)
    weighted = calculate_weighted_p_val(scores, calibration, weights, calibration_weights)
    conditional = ConditionalEmpirical(method="simes", delta=1 - CONFIDENCE)
    selected = weighted_false_discovery_control_from_arrays(
        p_values=weighted,
        test_scores=scores,
        calib_scores=calibration,
        test_weights=weights,
        calib_weights=calibration_weights,
        alpha=LEVEL,
    )
    found = {
        "scores": scores,
        "calibration_scores": calibration,
        "weights": weights,
        "calibration_weights": calibration_weights,
        "p_values": p,
        "weighted_p_values": weighted,
        "conditional_p_values": conditional.compute_p_values(scores, calibration),
        "selected": adjusted_p_values(p, method="bh", n_calibration=n) <= LEVEL,
        "selected_storey": adjusted_p_values(p, method="storey", n_calibration=n) <= LEVEL,
        "selected_weighted": selected,
    }
    null_share = storey_null_proportion(p, n_calibration=n)
    return {
        "cut": storey_lambda(n),
        "null_share": null_share,
        **{name: value.tolist() for name, value in found.items()},
    }


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(0)
    cases = [
        case(rng, n, m, decimals) for n, m, decimals in ((199, 30, 8), (99, 40, 8), (60, 12, 8), (79, 30, 1))
    ]
    content = {
        "made by": "tools/make_nonconform.py",
        "nonconform": version("nonconform"),
        "level": LEVEL,
        "confidence": CONFIDENCE,
        "cases": cases,
    }
    Path(sys.argv[1]).write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
