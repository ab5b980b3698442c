"""The page that ``aecourse detect`` writes: one file, pictures inside, nothing loaded or executed."""

import base64
import html
import io

import numpy as np

__all__ = ["render"]

MOST_ROWS = 20  # flagged rows shown; all of them are in flagged.csv
MOST_COUNTED = 1000  # flagged rows whose leading columns are counted

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.9rem; }
th, td { border-bottom: 1px solid #bbb; padding: 0.3rem 0.7rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } img { max-width: 100%; height: auto; }
code { background: #f2f2f2; padding: 0 0.2rem; }
"""

_CHECKS = (
    (
        "Are the normal rows normal?",
        "Anomalies among the rows trained on teach the detector that they are usual. Look at the flagged rows "
        "that were used for training.",
    ),
    (
        "Does a column give the answer away?",
        "A column that is filled in after the fact, such as a treatment or a repair, is not known when it "
        "matters. If one column leads nearly all flagged rows, ask when it is written.",
    ),
    (
        "Are rows repeated or related?",
        "If rows of one person, machine or day are on both sides of the division, the threshold is too low. It "
        "holds for new rows of the same kind only.",
    ),
    (
        "How rare are anomalies?",
        "With a budget of {budget:.3%} and one anomaly in a thousand rows, at most {precision:.0%} of the "
        "flagged rows are anomalies, even if every one of them is found.",
    ),
    (
        "Would a simple method do?",
        "Compare with k-NN and Mahalanobis distance on labelled rows before you rely on this; lesson 14 shows "
        "how.",
    ),
    (
        "Is it still true?",
        "The promise ends when the data change. 'aecourse score' says when new rows lie outside of what was "
        "seen in training.",
    ),
)


def _picture(ax, alt):
    """Return an image element that holds the figure, and close it."""
    import matplotlib.pyplot as plt

    figure = ax.get_figure()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, facecolor="white")
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<p><img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{data}"></p>'


def _cell(value):
    if isinstance(value, (float, np.floating)):
        return f'<td class="number">{value:.4g}</td>'
    if isinstance(value, (int, np.integer)):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{html.escape(str(value))}</td>"


def _table(caption, heads, rows):
    head = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in heads)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>\n" for row in rows)
    label = html.escape(caption, quote=True)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{label}"><table>'
        f"<caption>{html.escape(caption)}</caption>\n<tr>{head}</tr>\n{body}</table></div>"
    )


def _paragraph(text):
    return f"<p>{html.escape(text)}</p>"


def _plain(text):
    """Keep signs in a column's name from being read as a formula by the plotting library."""
    return str(text).replace("$", r"\$")


def _score_picture(scored, threshold):
    from aecourse import plots

    others = scored["used_for"] != "training"
    score = scored.loc[others, "score"].to_numpy()
    held = (scored.loc[others, "used_for"] == "threshold").to_numpy()
    top = max(2 * threshold, float(np.quantile(score, 0.98)))
    low = min(0.0, float(score.min()))
    ax = plots.score_histogram(
        score[held],
        score[~held] if (~held).any() else None,
        threshold=threshold,
        bins=40,
        range=(low, top),
        share=True,
        unit="minus log probability",
        title="Scores of the rows that were not trained on",
        names=("normal, set the threshold", "used for nothing"),
    )
    alt = (
        f"Histogram of anomaly scores. Of {int(held.sum()):,} normal rows that set the threshold "
        f"{int((score[held] > threshold).sum()):,} lie above it, of {int((~held).sum()):,} rows used for "
        f"nothing {int((score[~held] > threshold).sum()):,}."
    )
    return _picture(ax, alt)


def _row_picture(errors, row):
    from aecourse import plots

    values = errors.to_numpy()
    ax = plots.feature_errors_bar(
        values,
        [_plain(name) for name in errors.index],
        top=8,
        typical=np.ones(len(values)),
        unit="times that of a normal row",
        title=f"Row {row:,}, the most anomalous",
    )
    first = errors.sort_values(ascending=False, kind="stable").head(3)
    named = ", ".join(f"{name} ({value:.2g})" for name, value in first.items())
    return _picture(
        ax, f"Bars of the columns with the largest error of row {row:,}: {named} times the usual."
    )


def render(name, table, found, scored, explained):
    """Make the page.

    Parameters
    ----------
    name : str
        Name of the table.
    table : pandas.DataFrame of shape (n, columns)
        The table.
    found : detect.TableDetector
        The fitted detector.
    scored : pandas.DataFrame of shape (n, 6)
        Row, score, p-value, flag, columns outside, and use of each row.
    explained : pandas.DataFrame
        The flagged rows, the highest score first, with their reasons.

    Returns
    -------
    str
        A page in HTML.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from aecourse import detect
    >>> table = pd.DataFrame({"width": np.random.default_rng(0).normal(size=100)})
    >>> found = detect.TableDetector(budget=0.05).fit(table)
    >>> scored = found.score(table).assign(row=range(1, 101), used_for=found.used_for_)
    >>> flagged = scored[scored["flagged"] == 1]
    >>> explained = flagged.assign(reasons=found.reasons(table.loc[flagged.index]))
    >>> page = render("widths.csv", table, found, scored, explained)
    >>> page.startswith("<!doctype html>"), "<script" in page
    (True, False)
    """
    preparation = found.preparation_
    n_flagged = len(explained)
    parts = [f"<h1>Anomalies in {html.escape(name)}</h1>"]
    parts.append(_paragraph(f"{n_flagged:,} of {len(table):,} rows are flagged."))
    if found.train_on_ is None:
        parts.append(
            "<p><strong>No query says which rows are normal, so all are taken for it.</strong> "
            "Rows that were trained on look more normal than they are, and anomalies among them "
            "make the detector blunt. Read the flags as a list to look through, not as a measured "
            "result.</p>"
        )
    else:
        parts.append(
            f"<p>Normal rows are those with <code>{html.escape(found.train_on_)}</code>. The "
            "columns named there are not used as features.</p>"
        )
    parts.append("<h2>Threshold</h2>")
    parts.append(
        _paragraph(
            f"A row is flagged when its score is above {found.threshold_:.4g}. Of new normal rows at most "
            f"{found.budget:.3%} are flagged, on average over divisions of the rows, whatever their "
            "distribution, if they come from the same source as the rows that set the threshold."
        )
    )
    roles = scored.groupby("used_for")["flagged"].agg(["size", "sum"])
    parts.append(
        _table(
            "Rows by what they were used for",
            ["used for", "rows", "flagged", "share flagged"],
            [
                (role, int(size), int(total), f"{total / size:.1%}")
                for role, (size, total) in roles.iterrows()
            ],
        )
    )
    parts.append(
        _paragraph(
            "Only the rows used for nothing are a test. Among those that set the threshold "
            "the share is fixed by construction, and rows trained on look more normal than "
            "new ones."
        )
    )
    parts.append(_score_picture(scored, found.threshold_))
    parts.append("<h2>Flagged rows</h2>")
    if n_flagged:
        rows = table.loc[explained.index]
        counted = rows.head(MOST_COUNTED)
        leading = found.errors(counted).idxmax(axis=1).value_counts()
        parts.append(_row_picture(found.errors(rows.head(1)).iloc[0], int(explained["row"].iloc[0])))
        shown = explained.head(MOST_ROWS)
        columns = ["row", "score", "p_value", "outside", "used_for", "reasons"]
        parts.append(
            _table(
                f"The {len(shown)} flagged rows with the highest scores; all are in flagged.csv",
                columns,
                shown[columns].itertuples(index=False),
            )
        )
        parts.append(_paragraph("'outside' counts the columns whose value was never seen in training."))
        parts.append(
            _table(
                f"Columns by how many of the {len(counted):,} highest flagged rows they lead",
                ["column", "flagged rows"],
                leading.head(10).items(),
            )
        )
        parts.append(
            _paragraph(
                "An error says where the row departs from what the detector expects, not "
                "what caused it. Columns that belong together share the blame."
            )
        )
    else:
        parts.append(_paragraph("None."))
    parts.append("<h2>Columns</h2>")
    parts.append(
        _paragraph(
            f"{len(preparation.source_names_)} columns are used, as "
            f"{len(preparation.feature_names_)} features: "
            f"{', '.join(preparation.source_names_)}."
        )
    )
    if preparation.left_out_:
        parts.append(_table("Columns left out", ["column", "why"], preparation.left_out_.items()))
    if preparation.notes_:
        items = "".join(f"<li>{html.escape(note)}</li>" for note in preparation.notes_)
        parts.append(f"<ul>{items}</ul>")
    parts.append("<h2>Before you trust this</h2>\n<dl>")
    precision = 0.001 / (0.001 + 0.999 * found.budget)
    for question, answer in _CHECKS:
        answer = answer.format(budget=found.budget, precision=precision)
        parts.append(f"<dt><strong>{html.escape(question)}</strong></dt><dd>{html.escape(answer)}</dd>")
    parts.append("</dl>")
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Anomalies in {html.escape(name)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{body}\n</main>\n</body>\n</html>\n"
    )
