// The moving threshold: the scores of both classes, the point on the ROC curve, and the counts.

(() => {
const { add, element, slider, table, words } = window.pieces;
const { countAbove, fixed, nearest, outcome, short } = window.explorerCalculate;
const { add: draw, draw: drawScores, panel, thresholdAt } = window.explorerChart;

const DAY = { rows: 1, baseRate: 0.5, costMiss: 1, costFalseAlarm: 1 }; // the counts do not depend on it
const MARGIN = { left: 62, right: 18, top: 14, bottom: 48 };

// The points of the ROC curve, [false-alarm rate, recall], from the highest threshold down.
function curve(lab) {
  const cuts = [...new Set([...lab.normal, ...lab.anomaly])].sort((a, b) => b - a);
  return [...cuts, lab.belowAll].map((cut) => [
    countAbove(lab.normal, cut) / lab.normal.length,
    countAbove(lab.anomaly, cut) / lab.anomaly.length,
  ]);
}

function drawCurve(place, points, found) {
  const [width, height] = [place.clientWidth, place.clientHeight];
  if (width < 2 * MARGIN.left) return; // not laid out yet
  const box = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
  const x = (rate) => box.left + (box.right - box.left) * rate;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-hidden", "true"); // the words say what it shows
  place.replaceChildren(svg);
  const y = panel(svg, box, 1, "Recall");
  draw(svg, "line", { class: "explorer-nothing", x1: x(0), y1: y(0), x2: x(1), y2: y(1) });
  draw(svg, "polyline", { class: "explorer-curve", points: points.map(([rate, recall]) => `${x(rate)},${y(recall)}`).join(" ") });
  for (const tick of [0, 0.5, 1]) {
    draw(svg, "line", { class: "explorer-axis", x1: x(tick), x2: x(tick), y1: box.bottom, y2: box.bottom + 5 });
    draw(svg, "text", { class: "explorer-tick", x: x(tick), y: box.bottom + 19, "text-anchor": "middle" }, String(tick));
  }
  const title = { class: "explorer-title", x: (box.left + box.right) / 2, y: box.bottom + 40, "text-anchor": "middle" };
  draw(svg, "text", title, "False-alarm rate");
  draw(svg, "text", { class: "explorer-tick", x: x(0.62), y: y(0.5), "text-anchor": "start" }, "random scores");
  draw(svg, "circle", { class: "explorer-now", cx: x(found.falseAlarmRate), cy: y(found.recall), r: 6.5 });
}

function build(place, lab) {
  const points = curve(lab);
  const scores = element("div", { className: "explorer-chart piece-scores" });
  const roc = element("div", { className: "explorer-chart piece-roc" });
  const said = words();
  const counts = table("Decisions", ["passed", "flagged"], lab.names);
  const rates = table("Rates", ["value"], ["Recall", "False-alarm rate", "Precision"]);
  const { steps } = lab;
  const control = slider("Move the threshold: drag here or on the scores, or use the arrow keys",
    { max: steps.length - 1 }, (step) => show(steps[step]));
  let threshold = lab.start;

  function pictures() {
    drawScores(scores, lab, { threshold });
    drawCurve(roc, points, outcome(lab, threshold, DAY));
  }

  function show(chosen) {
    threshold = chosen;
    const found = outcome(lab, threshold, DAY);
    const whole = (count) => fixed(count, 0);
    counts.fill([[whole(found.passed), whole(found.falseAlarms)], [whole(found.missed), whole(found.caught)]]);
    const three = [found.recall, found.falseAlarmRate, found.precision].map((rate) => fixed(rate, 3));
    rates.fill(three.map((text) => [text]));
    control.set(nearest(steps, threshold), `threshold ${short(threshold)}`);
    said.say(
      `At the threshold ${short(threshold)}: ${whole(found.caught)} of ${whole(lab.anomaly.length)} anomalies caught, ` +
      `${whole(found.falseAlarms)} false alarms among ${whole(lab.normal.length)} normal rows. The point on the ROC ` +
      `curve has the false-alarm rate ${three[1]} and the recall ${three[0]}; the precision is ${three[2]}.`);
    pictures();
  }

  const pointed = (event) => show(steps[nearest(steps, thresholdAt(scores, lab, event.clientX))]);
  scores.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    scores.setPointerCapture(event.pointerId);
    pointed(event);
  });
  scores.addEventListener("pointermove", (event) => { if (scores.hasPointerCapture(event.pointerId)) pointed(event); });
  place.append(
    control.part,
    element("div", { className: "explorer-columns" }, scores, roc),
    ...said.parts,
    element("div", { className: "explorer-columns" }, counts.part, rates.part),
  );
  show(threshold);
  // A sidebar that opens or closes changes the width, and not the window's.
  new ResizeObserver(pictures).observe(scores);
}

window.pieceThreshold = { curve };
add("threshold", build);
})();
