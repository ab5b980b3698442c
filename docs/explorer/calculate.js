// What a threshold does. No page is needed here: arrays in, numbers and words out.
//
// A lab is {normal, anomaly, belowAll, ...}: the scores of the test rows of each class, sorted, and
// a threshold below all of them. A day is {rows, baseRate, costMiss, costFalseAlarm}.
// The order of the operations is that of the Python package, so that results agree to the last bit.
//
// A plain script, not a module: a browser loads no module from a file on disk.

window.explorerCalculate = (() => {

// Number of scores strictly above the threshold.
function countAbove(sorted, threshold) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] > threshold) high = middle;
    else low = middle + 1;
  }
  return sorted.length - low;
}

// As aecourse.explorer.outcome, and the measures of aecourse.evaluation.report at a threshold.
function outcome(lab, threshold, day) {
  const anomalies = lab.anomaly.length;
  const normals = lab.normal.length;
  const caught = countAbove(lab.anomaly, threshold);
  const falseAlarms = countAbove(lab.normal, threshold);
  const flagged = caught + falseAlarms;
  const recall = caught / anomalies;
  const falseAlarmRate = falseAlarms / normals;
  const trueAlerts = day.rows * day.baseRate * recall;
  const falseAlerts = day.rows * (1 - day.baseRate) * falseAlarmRate;
  const alerts = trueAlerts + falseAlerts;
  const misses = day.rows * day.baseRate * (1 - recall);
  return {
    threshold,
    caught,
    missed: anomalies - caught,
    falseAlarms,
    passed: normals - falseAlarms,
    recall,
    falseAlarmRate,
    precision: flagged ? caught / flagged : NaN,
    f1: (2 * caught) / (flagged + anomalies),
    alerts,
    falseAlerts,
    misses,
    precisionInUse: alerts ? trueAlerts / alerts : NaN,
    cost: misses * day.costMiss + falseAlerts * day.costFalseAlarm,
  };
}

// The threshold with the lowest expected cost on these rows, as thresholds.ExpectedCost finds it:
// every cut between different scores is tried, and of equally good ones the highest is taken.
function cheapest(lab, day) {
  const anomalies = lab.anomaly.length;
  const normals = lab.normal.length;
  let best = lab.belowAll;
  let lowest = Infinity;
  let missed = 0;
  let passed = 0;
  for (let cut = lab.belowAll; ; ) {
    while (missed < anomalies && lab.anomaly[missed] <= cut) missed += 1;
    while (passed < normals && lab.normal[passed] <= cut) passed += 1;
    const cost =
      (day.baseRate * day.costMiss * missed) / anomalies +
      ((1 - day.baseRate) * day.costFalseAlarm * (normals - passed)) / normals;
    if (cost <= lowest) {
      lowest = cost;
      best = cut;
    }
    if (missed === anomalies && passed === normals) return best;
    cut = Math.min(lab.anomaly[missed] ?? Infinity, lab.normal[passed] ?? Infinity);
  }
}

// Index of the number nearest to a value, in a rising list.
function nearest(rising, value) {
  const above = rising.length - countAbove(rising, value);
  if (above === 0) return 0;
  if (above === rising.length) return above - 1;
  return value - rising[above - 1] <= rising[above] - value ? above - 1 : above;
}

// A number with so many decimals and commas between thousands, as Python's format(number, ",.2f").
// toFixed rounds a number half-way between two upwards; Python takes the even one.
function fixed(number, decimals) {
  if (Number.isNaN(number)) return "undefined";
  if (Math.abs(number) >= 1e21) return number.toPrecision(6); // toFixed goes no further
  let text = number.toFixed(decimals);
  const exact = number.toFixed(100);
  const rest = exact.slice(exact.indexOf(".") + 1 + decimals);
  if (/^50*$/.test(rest)) {
    const cut = exact.slice(0, exact.length - rest.length).replace(/\.$/, "");
    if ("02468".includes(cut.at(-1))) text = cut;
  }
  const [whole, fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

// A share in per cent, as Python's format(share, ".2%") but with a space.
function percent(share, decimals) {
  return Number.isNaN(share) ? "undefined" : `${fixed(share * 100, decimals)} %`;
}

// A threshold to four significant digits.
function short(threshold) {
  return String(Number(threshold.toPrecision(4)));
}

// What the chart shows, in words.
function describe(lab, found, day) {
  const [normal, anomaly] = lab.names;
  const nothing = day.rows * day.baseRate * day.costMiss;
  return (
    `The threshold is at ${short(found.threshold)} (${lab.unit}). Flagged, to its right: ` +
    `${fixed(found.caught, 0)} of ${fixed(lab.anomaly.length, 0)} ${anomaly} (${percent(found.recall, 2)}) and ` +
    `${fixed(found.falseAlarms, 0)} of ${fixed(lab.normal.length, 0)} ${normal} ` +
    `(${percent(found.falseAlarmRate, 2)}). A day of ${fixed(day.rows, 0)} rows brings ` +
    `${fixed(found.alerts, 2)} alerts and costs ${fixed(found.cost, 2)}; flagging nothing would cost ` +
    `${fixed(nothing, 2)}.`
  );
}

return { countAbove, outcome, cheapest, nearest, fixed, percent, short, describe };
})();
