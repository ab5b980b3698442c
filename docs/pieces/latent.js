// A walk through a two-unit latent space: the reader moves a point, and the page decodes it.

(() => {
const { add, digit, element, numbers, slider, words } = window.pieces;
const { fixed } = window.explorerCalculate;

const SHARP = 832; // pixels of the map in each direction, about two for each on the screen
const DRAWN = 500; // test digits on the map; more hide each other
const STEP = 0.25; // of the point, in units of the code
const KEYS = { ArrowLeft: [-2, 0], ArrowRight: [2, 0], ArrowUp: [0, 2], ArrowDown: [0, -2] }; // in steps
// Those of the ten classes in aecourse.plots, darker where a small figure on white would be hard to read.
const COLOURS = ["#0072B2", "#c25500", "#00795a", "#a8487e", "#111111", "#7a6200", "#6a3d9a", "#00757f", "#8c2d04", "#6b6b6b"];

const scaled = (data, name, place) => Float64Array.from(numbers(data[name]), (one) => one * data.scales[place]);

// The decoder, as a function from a point to 784 values between 0 (paper) and 1 (ink).
function decoder(data) {
  const [kernel, bias, outKernel, outBias] = ["kernel_1", "bias_1", "kernel_2", "bias_2"].map(
    (name, place) => scaled(data, name, place));
  const units = bias.length;
  const pixels = outBias.length;
  return ([first, second]) => {
    const sums = Float64Array.from(outBias);
    for (let unit = 0; unit < units; unit += 1) {
      const active = first * kernel[unit] + second * kernel[units + unit] + bias[unit];
      if (active <= 0) continue; // relu
      for (let pixel = 0; pixel < pixels; pixel += 1) sums[pixel] += active * outKernel[unit * pixels + pixel];
    }
    return sums.map((sum) => 1 / (1 + Math.exp(-sum)));
  };
}

// The test digit whose code is nearest to a point: {digit, distance}.
function nearestCode(codes, labels, [first, second]) {
  let best = 0;
  let distance = Infinity;
  for (let place = 0; place < labels.length; place += 1) {
    const found = Math.hypot(codes[2 * place] - first, codes[2 * place + 1] - second);
    if (found < distance) [best, distance] = [place, found];
  }
  return { digit: labels[best], distance };
}

// The plane's corners, rounded outwards to whole steps.
function corners([low, high]) {
  return [low.map((one) => STEP * Math.floor(one / STEP)), high.map((one) => STEP * Math.ceil(one / STEP))];
}

// The map without the point: each test digit drawn as its own figure, in the colour of its class.
function background(codes, labels, toPixels) {
  const paper = element("canvas", { width: SHARP, height: SHARP });
  const context = paper.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, SHARP, SHARP);
  Object.assign(context, { font: "bold 28px sans-serif", textAlign: "center", textBaseline: "middle" });
  for (let place = 0; place < DRAWN; place += 1) {
    context.fillStyle = COLOURS[labels[place]];
    context.fillText(labels[place], ...toPixels([codes[2 * place], codes[2 * place + 1]]));
  }
  return paper;
}

function mark(context, [x, y]) {
  const [radius, reach] = [22, 46];
  for (const [colour, width] of [["white", 14], ["black", 7]]) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + radius * dx, y + radius * dy);
      context.lineTo(x + reach * dx, y + reach * dy);
    }
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.stroke();
  }
}

function build(place, data) {
  const decode = decoder(data);
  const codes = scaled(data, "codes", 4);
  const labels = numbers(data.labels);
  const [low, high] = corners(data.view);
  const toPixels = ([first, second]) => [
    (SHARP * (first - low[0])) / (high[0] - low[0]),
    (SHARP * (high[1] - second)) / (high[1] - low[1]),
  ];
  const inside = (value, unit) => {
    const whole = low[unit] + STEP * Math.round((value - low[unit]) / STEP);
    return Math.min(Math.max(whole, low[unit]), high[unit]);
  };
  const map = element("canvas", { width: SHARP, height: SHARP, className: "piece-map", tabIndex: 0 });
  const picture = digit();
  const said = words();
  map.setAttribute("role", "application");
  map.setAttribute("aria-label", "Map of the plane: the arrow keys move the point");
  map.setAttribute("aria-describedby", said.id);
  const names = ["First code unit (left to right)", "Second code unit (bottom to top)"];
  const sliders = names.map((name, unit) => slider(name, { min: low[unit], max: high[unit], step: STEP }, (value) => {
    move(unit === 0 ? [value, point[1]] : [point[0], value]);
  }));
  const behind = background(codes, labels, toPixels);
  let point = [];

  function move(wanted) {
    point = wanted.map(inside);
    const { digit: label, distance } = nearestCode(codes, labels, point);
    const text = point.map((value) => fixed(value, 2));
    const context = map.getContext("2d");
    context.drawImage(behind, 0, 0);
    mark(context, toPixels(point));
    picture.draw(decode(point).map((value) => Math.round(255 * value)), `The decoded image, near a ${label}`);
    sliders.forEach(({ set }, unit) => set(point[unit], text[unit]));
    said.say(
      `The point is at (${text.join(", ")}). The nearest of the ${fixed(labels.length, 0)} test digits is a ` +
      `${label}, at a distance of ${fixed(distance, 2)}.`);
  }

  const pointed = (event) => {
    const box = map.getBoundingClientRect();
    move([
      low[0] + ((high[0] - low[0]) * (event.clientX - box.left)) / box.width,
      high[1] - ((high[1] - low[1]) * (event.clientY - box.top)) / box.height,
    ]);
  };
  map.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    map.setPointerCapture(event.pointerId);
    pointed(event);
  });
  map.addEventListener("pointermove", (event) => { if (map.hasPointerCapture(event.pointerId)) pointed(event); });
  map.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // the page stays where it is
    move(point.map((value, unit) => value + STEP * KEYS[event.key][unit]));
  });
  const note = `On the map ${fixed(DRAWN, 0)} of the test digits stand at their codes; a few lie beyond its edges.`;
  place.append(
    element("div", { className: "piece-pair" }, map,
      element("div", {}, element("p", { className: "piece-row-title", textContent: "Decoded" }), picture.part)),
    ...said.parts,
    ...sliders.map(({ part }) => part),
    element("p", { className: "explorer-note", textContent: note }),
  );
  move(data.start);
}

window.pieceLatent = { decoder, nearestCode };
add("latent", build);
})();
