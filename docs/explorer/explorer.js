// The page of the threshold explorer: controls, chart and numbers. What they say is in calculate.js, and
// what the chart looks like is in chart.js. Plain scripts: a browser loads no module from a file on disk.

(() => {
const { cheapest, describe, fixed, nearest, outcome, short } = window.explorerCalculate;

const HERE = document.currentScript.src; // its folder holds the pictures, too
const BY_HAND = "by hand";
const CHEAPEST = "cheapest on these rows";
const IMAGES = 5; // on each side of the threshold
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
const state = { labs: {}, lab: null, day: null, usual: null, rule: "", threshold: 0 };
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
  telling = setTimeout(() => {
    element("live").textContent = words;
    writeAddress();
  }, SETTLED);
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

function draw() {
  const { lab, day, threshold } = state;
  window.explorerChart.draw(chart, lab, {
    threshold,
    nothing: day.rows * day.baseRate * day.costMiss,
    costs: lab.steps.map((step) => outcome(lab, step, day).cost),
    now: outcome(lab, threshold, day).cost,
  });
  showImages();
}

// The step of the slider that is nearest to where the pointer is.
function pointed(event) {
  const { steps } = state.lab;
  return steps[nearest(steps, window.explorerChart.thresholdAt(chart, state.lab, event.clientX))];
}

// --- Images -------------------------------------------------------------------------------------

// The images whose scores are nearest to the threshold: on the left what just passes, on the right what is just
// flagged. They are a part of the rows, spread evenly over the scores of each class.
function showImages() {
  const { images, names } = state.lab;
  element("images").hidden = !images;
  if (!images) return;
  const first = images.scores.length - window.explorerCalculate.countAbove(images.scores, state.threshold);
  const all = images.scores.map((_, place) => place);
  fill(element("passed-images"), all.slice(Math.max(0, first - IMAGES), first), images, names);
  fill(element("flagged-images"), all.slice(first, first + IMAGES), images, names);
}

function fill(list, places, images, names) {
  list.replaceChildren(...places.map((place) => {
    const item = document.createElement("li");
    const picture = document.createElement("span");
    picture.className = "explorer-image";
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", `a ${images.digits[place]}, one of the ${names[images.digits[place] ? 1 : 0]}`);
    picture.style.backgroundImage = `url("${new URL(images.file, HERE).href}")`;
    const [row, column] = [Math.floor(place / images.columns), place % images.columns];
    picture.style.backgroundPosition = `${-column * images.side}px ${-row * images.side}px`;
    const score = document.createElement("span");
    score.textContent = short(images.scores[place]);
    item.append(picture, score);
    return item;
  }));
}

// --- The address --------------------------------------------------------------------------------

// What is chosen stands in the address behind the #, so that a link shows the same to someone else.
function writeAddress() {
  const { lab, day, rule, threshold } = state;
  const chosen = new URLSearchParams({ lab: lab.key, ...(rule === BY_HAND ? { threshold } : { rule }) });
  for (const { id, name } of DAY_INPUTS) if (day[name] !== state.usual[name]) chosen.set(id, day[name]);
  history.replaceState(null, "", `#${chosen}`);
}

// Choose what the address asks for. What it does not say, or says wrongly, stays as the page opens.
function readAddress(usual) {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.get("lab") in state.labs) open(asked.get("lab"));
  element("lab").value = state.lab.key;
  for (const { id, name, takes } of DAY_INPUTS) {
    const number = Number(asked.get(id));
    if (asked.has(id) && Number.isFinite(number) && takes(number)) state.day = { ...state.day, [name]: number };
  }
  const threshold = Number(asked.get("threshold"));
  if (asked.get("threshold") && Number.isFinite(threshold)) set(threshold, BY_HAND);
  else choose(asked.get("rule") in state.lab.rules || asked.get("rule") === CHEAPEST ? asked.get("rule") : usual);
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
  new ResizeObserver(draw).observe(chart);
}

function start() {
  const data = window.explorerData;
  if (!data) throw new Error("its data did not arrive (data.js)");
  for (const lab of data.labs) state.labs[lab.key] = lab;
  options(element("lab"), data.labs.map((lab) => [lab.key, lab.title]));
  state.day = state.usual = data.day;
  open(data.labs[0].key);
  readAddress(data.start);
  listen();
  element("status").textContent = "";
  element("chart").closest(".explorer").dataset.ready = "true";
}

try {
  start();
} catch (error) {
  element("status").textContent = `The explorer could not start: ${error.message}.`;
  throw error;
}
})();
