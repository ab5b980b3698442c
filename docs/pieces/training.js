// What a network redraws while it is trained: a slider over its epochs, and the losses.

(() => {
const { add, element, numbers, row, slider, words } = window.pieces;
const { fixed } = window.explorerCalculate;
const { add: draw, panel } = window.explorerChart;

const START = 1;
const MARGIN = { left: 62, right: 18, top: 30, bottom: 44 };
const LINES = [["val_loss", "explorer-curve", "validation"], ["loss", "piece-second", "training"]];

// The losses of all epochs, with a line at the one that is shown.
function chart(place, data, epoch) {
  const [width, height] = [place.clientWidth, place.clientHeight];
  if (width < 2 * MARGIN.left) return; // not laid out yet
  const box = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
  const last = data.val_loss.length - 1;
  const x = (value) => box.left + ((box.right - box.left) * value) / last;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-hidden", "true"); // the words say what it shows
  place.replaceChildren(svg);
  // Before training the loss is several times as high; it would press the rest together.
  const y = panel(svg, box, 1.05 * Math.max(...data.val_loss.slice(1), ...data.loss.slice(1)), "Mean absolute error");
  let left = box.left;
  for (const [name, kind, title] of LINES) {
    const points = data[name].map((loss, i) => [i, loss]).slice(1);
    draw(svg, "polyline", { class: kind, points: points.map(([i, loss]) => `${x(i)},${y(loss)}`).join(" ") });
    draw(svg, "line", { class: kind, x1: left, x2: left + 26, y1: 14, y2: 14 });
    const text = draw(svg, "text", { class: "explorer-tick", x: left + 32, y: 18 }, title);
    left += 48 + text.getComputedTextLength();
  }
  for (let tick = 0; tick <= last; tick += 5) {
    draw(svg, "line", { class: "explorer-axis", x1: x(tick), x2: x(tick), y1: box.bottom, y2: box.bottom + 5 });
    draw(svg, "text", { class: "explorer-tick", x: x(tick), y: box.bottom + 19, "text-anchor": "middle" }, String(tick));
  }
  const title = { class: "explorer-title", x: (box.left + box.right) / 2, y: box.bottom + 38, "text-anchor": "middle" };
  draw(svg, "text", title, "Epoch");
  draw(svg, "line", { class: "explorer-threshold", x1: x(epoch), x2: x(epoch), y1: box.top, y2: box.bottom });
}

function build(place, data) {
  const originals = numbers(data.originals);
  const images = numbers(data.images); // epoch, digit, pixel
  const labels = numbers(data.digits);
  const [original, redrawn] = [row(labels), row(labels)];
  const figure = element("div", { className: "explorer-chart piece-losses" });
  const said = words();
  const last = data.val_loss.length - 1;
  const epochs = slider("Epoch", { max: last }, show);
  let epoch = START;

  function show(chosen) {
    epoch = chosen;
    const heading = epoch ? `Redrawn after epoch ${epoch} of ${last}` : "Redrawn before training";
    const errors = data.row_errors[epoch].map((error) => fixed(error, 3));
    redrawn.show(heading, images.subarray(epoch * originals.length, (epoch + 1) * originals.length), errors);
    epochs.set(epoch, epoch ? `epoch ${epoch} of ${last}` : "before training");
    chart(figure, data, epoch);
    const validation = `validation loss ${fixed(data.val_loss[epoch], 4)}`;
    said.say(epoch
      ? `After epoch ${epoch}: training loss ${fixed(data.loss[epoch], 4)}, ${validation}. Below each digit is its mean absolute error.`
      : `Before training: ${validation}. Below each digit is its mean absolute error.`);
  }

  original.show("Original", originals);
  place.append(epochs.part, original.part, redrawn.part, ...said.parts, figure);
  show(START);
  // A sidebar that opens or closes changes the width, and not the window's.
  new ResizeObserver(() => chart(figure, data, epoch)).observe(figure);
}

add("training", build);
})();
