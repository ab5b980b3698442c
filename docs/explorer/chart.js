// The explorer's chart, drawn as SVG: two histograms above, the cost of a day below, one axis of scores. Without
// costs the histograms take all of its height. The lessons' pieces draw with it, too.
//
// Colours come from explorer.css, so they follow the page's theme by themselves.

window.explorerChart = (() => {
const NAMESPACE = "http://www.w3.org/2000/svg";
const MARGIN = { left: 62, right: 18, top: 34, bottom: 48 };
const GAP = 0.09; // between the two panels, as a share of the height

// A logarithmic axis is drawn in powers of ten.
const place = (lab, threshold) => (lab.log ? Math.log10(threshold) : threshold);
const ends = (lab) => [place(lab, lab.edges[0]), place(lab, lab.edges.at(-1))];

function add(parent, kind, attributes, text = "") {
  const made = document.createElementNS(NAMESPACE, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

// Round numbers from 0 to the highest value, about five of them.
function ticks(highest) {
  const rough = highest / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  return Array.from({ length: Math.floor(highest / step) + 1 }, (_, place) => Number((place * step).toPrecision(12)));
}

// A panel of the chart: its box in pixels, and where a value of its own axis lies.
function panel(svg, box, highest, title) {
  const y = (value) => box.bottom - ((box.bottom - box.top) * value) / highest;
  for (const value of ticks(highest)) {
    add(svg, "line", { class: "explorer-grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) });
    add(svg, "text", { class: "explorer-tick", x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value));
  }
  add(svg, "path", { class: "explorer-axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` });
  const middle = (box.top + box.bottom) / 2;
  const turned = { x: 14, y: middle, "text-anchor": "middle", transform: `rotate(-90 14 ${middle})` };
  add(svg, "text", { class: "explorer-title", ...turned }, title);
  return y;
}

function bars(svg, shares, x, y, role) {
  const bottom = y(0);
  const d = shares.map((share, place) => `M${x(place)} ${bottom}V${y(share)}H${x(place + 1)}V${bottom}Z`).join("");
  add(svg, "path", { class: `explorer-bars explorer-${role}`, d });
}

function legend(svg, names, left) {
  let x = left;
  for (const [role, name] of Object.entries(names)) {
    add(svg, "rect", { class: `explorer-bars explorer-${role}`, x, y: 9, width: 14, height: 14 });
    const text = add(svg, "text", { class: "explorer-tick", x: x + 20, y: 21 }, name);
    x += 36 + text.getComputedTextLength();
  }
}

// The pattern of the anomalies' bars.
function stripes(svg) {
  const pattern = add(add(svg, "defs", {}), "pattern", {
    id: "explorer-stripes", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
  });
  add(pattern, "rect", { class: "explorer-stripe", width: 3, height: 6 });
}

// The cost of a day over the threshold, in a panel of its own; `at` is where the threshold lies.
function costs(svg, lab, found, box, x, at) {
  // Flagging nearly everything costs so much that the lowest part of the curve would not be seen.
  const cost = panel(svg, box, 1.6 * Math.max(found.nothing, found.now), "Cost a day");
  const inPanel = add(add(svg, "defs", {}), "clipPath", { id: "explorer-panel" });
  add(inPanel, "rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top });
  const curve = lab.steps.map((step, i) => `${x(place(lab, step))},${cost(found.costs[i])}`).join(" ");
  add(svg, "polyline", { class: "explorer-curve", points: curve, "clip-path": "url(#explorer-panel)" });
  const level = cost(found.nothing);
  add(svg, "line", { class: "explorer-nothing", x1: box.left, x2: box.right, y1: level, y2: level });
  add(svg, "text", { class: "explorer-tick", x: box.right - 4, y: level - 5, "text-anchor": "end" }, "· · · flag nothing");
  return { cx: at, cy: cost(found.now) };
}

// Draw into an element. `found` holds the threshold and, if they are to be drawn, the costs at the lab's steps, now
// and of flagging nothing.
function draw(element, lab, found) {
  const width = element.clientWidth;
  const height = element.clientHeight;
  if (width < 2 * MARGIN.left) return; // not shown, or not laid out yet
  const [low, high] = ends(lab);
  const left = MARGIN.left;
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const inside = bottom - MARGIN.top;
  const share = found.costs ? 0.55 : 1; // of the height, for the histograms
  const gap = found.costs ? GAP / 2 : 0;
  const upper = { left, right, top: MARGIN.top, bottom: MARGIN.top + (share - gap) * inside };
  const lower = { left, right, top: MARGIN.top + (share + gap) * inside, bottom };
  const x = (value) => left + ((right - left) * (value - low)) / (high - low);
  const count = lab.normalBars.length;
  const edge = (place) => left + ((right - left) * place) / count;
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-hidden", "true"); // the words below the chart say what it shows
  element.replaceChildren(svg);
  stripes(svg);

  const threshold = found.threshold > 0 || !lab.log ? place(lab, found.threshold) : low;
  const at = x(Math.min(Math.max(threshold, low), high));
  add(svg, "rect", { class: "explorer-flagged", x: at, y: MARGIN.top, width: right - at, height: inside });

  const normal = lab.normalBars.map((one) => (100 * one) / lab.normal.length);
  const anomaly = lab.anomalyBars.map((one) => (100 * one) / lab.anomaly.length);
  const rows = panel(svg, upper, 1.05 * Math.max(...normal, ...anomaly), "Share of rows, %");
  bars(svg, normal, edge, rows, "normal");
  bars(svg, anomaly, edge, rows, "anomaly");
  const now = found.costs && costs(svg, lab, found, lower, x, at);

  for (const tick of lab.ticks) {
    const along = x(place(lab, tick));
    add(svg, "line", { class: "explorer-axis", x1: along, x2: along, y1: bottom, y2: bottom + 5 });
    add(svg, "text", { class: "explorer-tick", x: along, y: bottom + 19, "text-anchor": "middle" }, String(tick));
  }
  const title = { class: "explorer-title", x: (left + right) / 2, y: bottom + 40, "text-anchor": "middle" };
  add(svg, "text", title, `Score (${lab.unit})`);
  legend(svg, { normal: lab.names[0], anomaly: lab.names[1] }, left);

  add(svg, "line", { class: "explorer-threshold", x1: at, x2: at, y1: MARGIN.top, y2: bottom });
  if (now) add(svg, "circle", { class: "explorer-now", ...now, r: 5.5 });
  const isFar = at > left + 0.8 * (right - left); // the word stands where there is room for it
  const word = { x: at + (isFar ? -7 : 7), y: MARGIN.top + 13, "text-anchor": isFar ? "end" : "start" };
  add(svg, "text", { class: "explorer-tick", ...word }, "flagged →");
}

// The threshold at a place on the screen.
function thresholdAt(element, lab, clientX) {
  const box = element.getBoundingClientRect();
  const share = (clientX - box.left - MARGIN.left) / (element.clientWidth - MARGIN.left - MARGIN.right);
  const [low, high] = ends(lab);
  const value = low + Math.min(Math.max(share, 0), 1) * (high - low);
  return lab.log ? 10 ** value : value;
}

return { add, draw, panel, thresholdAt };
})();
