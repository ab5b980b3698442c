// The page of the threshold explorer: controls, chart and numbers. What they say is in calculate.js.

import { cheapest, describe, fixed, nearest, outcome, short } from "./calculate.js";

const BY_HAND = "by hand";
const CHEAPEST = "cheapest on these rows";
const SETTLED = 600; // milliseconds without a change before a screen reader is told

// How each number is shown.
const SHOW = {
  caught: 0, missed: 0, falseAlarms: 0, passed: 0,
  precision: 4, recall: 4, f1: 4, falseAlarmRate: 4,
  alerts: 2, falseAlerts: 2, misses: 2, precisionInUse: 4, cost: 2,
};

// What the inputs of a day take.
const DAY_INPUTS = [
  { id: "rows", name: "rows", takes: (n) => Number.isInteger(n) && n >= 1, says: "Rows a day must be a whole number, 1 or more." },
  { id: "base-rate", name: "baseRate", takes: (n) => n > 0 && n < 1, says: "The base rate must be a share between 0 and 1, such as 0.01." },
  { id: "cost-miss", name: "costMiss", takes: (n) => n > 0, says: "The cost of a miss must be above 0." },
  { id: "cost-false-alarm", name: "costFalseAlarm", takes: (n) => n > 0, says: "The cost of a false alarm must be above 0." },
];

const element = (name) => document.getElementById(`explorer-${name}`);
const chart = element("chart");
const state = { labs: {}, lab: null, day: null, rule: "", threshold: 0 };
let drawing = false;
let telling = 0;

// --- Numbers ------------------------------------------------------------------------------------

function numberIn(input) {
  return input.value.trim() === "" ? NaN : Number(input.value);
}

function complain(input, message, place) {
  input.setAttribute("aria-invalid", message ? "true" : "false");
  element(place).textContent = message;
}

// Show everything anew. `from` is the control that the reader is using: what stands in it is left alone.
function show(from) {
  const { lab, day, threshold } = state;
  const found = outcome(lab, threshold, day);
  for (const cell of document.querySelectorAll("#explorer [data-show]")) {
    cell.textContent = fixed(found[cell.dataset.show], SHOW[cell.dataset.show]);
  }
  if (from !== "threshold") {
    element("threshold").value = String(threshold);
    complain(element("threshold"), "", "threshold-error");
  }
  if (from !== "slider") element("slider").value = String(nearest(lab.steps, threshold));
  element("slider").setAttribute("aria-valuetext", `threshold ${short(threshold)}`);
  element("rule").value = state.rule;
  element("rule-text").textContent = landing();
  const words = describe(lab, found, day);
  element("description").textContent = words;
  clearTimeout(telling);
  telling = setTimeout(() => { element("live").textContent = words; }, SETTLED);
  if (!drawing) {
    drawing = true;
    requestAnimationFrame(() => { drawing = false; draw(); });
  }
}

function landing() {
  const rule = state.lab.rules[state.rule];
  if (rule) {
    const flattered = rule.learned ? " It learned from half of the rows shown here, so the numbers above flatter it." : "";
    return `${rule.sentence} It promises ${rule.promised}; of normal test rows that took no part in choosing it, ` +
      `it flags ${rule.realised}.${flattered} What it assumes: ${rule.assumption}`;
  }
  if (state.rule === CHEAPEST) {
    return "The lowest expected cost on these rows, at the costs and the base rate of the day below.";
  }
  return "The threshold was set by hand. Choose a rule above to see where it lands.";
}

function set(threshold, rule, from) {
  state.threshold = threshold;
  state.rule = rule;
  show(from);
}

// --- Chart --------------------------------------------------------------------------------------

// Where a threshold lies on the axis: a logarithmic axis is drawn in powers of ten.
const place = (threshold) => (state.lab.log ? Math.log10(threshold) : threshold);
const unplace = (x) => (state.lab.log ? 10 ** x : x);

function draw() {
  const { lab, day, threshold } = state;
  const style = getComputedStyle(element("chart").closest(".explorer"));
  const colour = (name) => style.getPropertyValue(`--explorer-${name}`).trim();
  const [low, high] = [place(lab.edges[0]), place(lab.edges.at(-1))];
  const x = threshold > 0 || !lab.log ? Math.min(Math.max(place(threshold), low), high) : low;
  const nothing = day.rows * day.baseRate * day.costMiss;
  const now = outcome(lab, threshold, day).cost;
  const width = (high - low) / lab.normalBars.length;
  const middles = lab.normalBars.map((_, i) => low + (i + 0.5) * width);
  const bars = (counts, rows, name, paint, shape) => ({
    type: "bar", x: middles, y: counts.map((count) => (100 * count) / rows), width, name,
    marker: { color: paint, opacity: 0.75, line: { color: paint, width: 1 }, pattern: { shape, fgcolor: paint, bgcolor: "rgba(0,0,0,0)", solidity: 0.35 } },
  });
  const line = (name, xs, ys, extra) => ({ type: "scatter", mode: "lines", x: xs, y: ys, name, yaxis: "y2", ...extra });
  const traces = [
    bars(lab.normalBars, lab.normal.length, lab.names[0], colour("normal"), ""),
    bars(lab.anomalyBars, lab.anomaly.length, lab.names[1], colour("anomaly"), "/"),
    line("cost", lab.steps.map(place), lab.steps.map((step) => outcome(lab, step, day).cost), {
      line: { color: colour("normal"), width: 2 }, showlegend: false,
    }),
    line("flag nothing", [low, high], [nothing, nothing], {
      line: { color: colour("line"), dash: "dot" }, showlegend: false,
    }),
    line("now", [x], [now], { mode: "markers", marker: { color: colour("threshold"), size: 11 }, showlegend: false }),
  ];
  const axis = { color: colour("text"), gridcolor: colour("grid"), zeroline: false, linecolor: colour("line"), showline: true };
  const layout = {
    barmode: "overlay", dragmode: false,
    paper_bgcolor: colour("surface"), plot_bgcolor: colour("surface"),
    font: { color: colour("text"), size: 13, family: style.fontFamily },
    margin: { l: 62, r: 12, t: 34, b: 48 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    xaxis: {
      ...axis, range: [low, high], tickvals: lab.ticks.map(place), ticktext: lab.ticks.map(String), anchor: "y2",
      title: { text: `Score (${lab.unit})`, standoff: 8 },
    },
    yaxis: { ...axis, domain: [0.45, 1], rangemode: "tozero", title: { text: "Share of rows, %" } },
    yaxis2: {
      ...axis, domain: [0, 0.36], range: [0, 1.6 * Math.max(nothing, now)], title: { text: "Cost a day" },
      nticks: 4,
    },
    shapes: [
      { type: "rect", xref: "x", yref: "paper", x0: x, x1: high, y0: 0, y1: 1, line: { width: 0 }, fillcolor: colour("line"), opacity: 0.14, layer: "below" },
      { type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line: { color: colour("threshold"), width: 3, dash: "dash" } },
    ],
    annotations: [
      // The word stands where there is room for it.
      { text: "flagged →", xref: "x", yref: "paper", x, y: 1, showarrow: false, yanchor: "top", font: { color: colour("text") },
        xanchor: x > low + 0.8 * (high - low) ? "right" : "left" },
      { text: "· · · flag nothing", xref: "paper", yref: "y2", x: 1, y: nothing, xanchor: "right", yanchor: "bottom",
        showarrow: false, font: { color: colour("text"), size: 12 } },
    ],
  };
  window.Plotly.react(chart, traces, layout, { staticPlot: true });
}

// The step of the slider that is nearest to where the pointer is.
function pointed(event) {
  const axis = chart._fullLayout.xaxis; // where plotly.js keeps what it has laid out, in pixels
  const along = event.clientX - chart.getBoundingClientRect().left - axis._offset;
  const share = Math.min(Math.max(along / axis._length, 0), 1);
  const [low, high] = [place(state.lab.edges[0]), place(state.lab.edges.at(-1))];
  return state.lab.steps[nearest(state.lab.steps, unplace(low + share * (high - low)))];
}

// --- Controls -----------------------------------------------------------------------------------

function options(select, names) {
  select.replaceChildren(...names.map(([value, text]) => new Option(text, value)));
}

function choose(name) {
  if (name in state.lab.rules) set(state.lab.rules[name].threshold, name);
  else if (name === CHEAPEST) set(cheapest(state.lab, state.day), CHEAPEST);
  else set(state.threshold, BY_HAND);
}

function open(key) {
  state.lab = state.labs[key];
  const [normal, anomaly] = state.lab.names;
  element("normal-name").textContent = normal;
  element("anomaly-name").textContent = anomaly;
  element("slider").max = String(state.lab.steps.length - 1);
  options(element("rule"), [...Object.keys(state.lab.rules), CHEAPEST, BY_HAND].map((name) => [name, name]));
}

function listen() {
  element("lab").addEventListener("change", (event) => {
    const { rule } = state;
    open(event.target.value);
    if (rule === BY_HAND) set(state.lab.steps[state.lab.steps.length >> 1], BY_HAND); // another lab, another scale
    else choose(rule);
  });
  element("rule").addEventListener("change", (event) => choose(event.target.value));
  element("cheapest").addEventListener("click", () => choose(CHEAPEST));
  element("slider").addEventListener("input", (event) => set(state.lab.steps[Number(event.target.value)], BY_HAND, "slider"));
  element("threshold").addEventListener("input", (event) => {
    const threshold = numberIn(event.target);
    const usable = Number.isFinite(threshold);
    complain(event.target, usable ? "" : "The threshold must be a number; the last one stays.", "threshold-error");
    if (usable) set(threshold, BY_HAND, "threshold");
  });
  for (const { id, name, takes, says } of DAY_INPUTS) {
    element(id).value = String(state.day[name]);
    element(id).addEventListener("input", (event) => {
      const number = numberIn(event.target);
      const usable = Number.isFinite(number) && takes(number);
      complain(event.target, usable ? "" : `${says} The last one stays.`, `${id}-error`);
      if (!usable) return;
      state.day = { ...state.day, [name]: number };
      // The cheapest threshold moves with the costs; the others do not know of them.
      if (state.rule === CHEAPEST) choose(CHEAPEST);
      else show();
    });
  }
  chart.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    chart.setPointerCapture(event.pointerId);
    set(pointed(event), BY_HAND);
  });
  chart.addEventListener("pointermove", (event) => {
    if (chart.hasPointerCapture(event.pointerId)) set(pointed(event), BY_HAND);
  });
  // A sidebar that opens or closes changes the chart's width, and not the window's.
  new ResizeObserver(() => window.Plotly.Plots.resize(chart)).observe(chart);
  // Colours of the chart follow the page's theme.
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

async function start() {
  const answer = await fetch(new URL("data.json", import.meta.url));
  if (!answer.ok) throw new Error(`data.json: ${answer.status}`);
  const data = await answer.json();
  for (const lab of data.labs) state.labs[lab.key] = lab;
  options(element("lab"), data.labs.map((lab) => [lab.key, lab.title]));
  state.day = data.day;
  open(data.labs[0].key);
  listen();
  choose(data.start);
  element("status").textContent = "";
  element("chart").closest(".explorer").dataset.ready = "true";
}

start().catch((error) => {
  element("status").textContent = `The explorer could not start: ${error.message}.`;
  throw error;
});
