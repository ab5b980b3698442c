// What the interactive pieces of the lessons share: a labelled slider, digits on a canvas with a text in their
// place, tables, words that are also told to a screen reader, and numbers that the page holds as text.
//
// A plain script, not a module: a browser loads no module from a file on disk.

window.pieces = (() => {
const SETTLED = 600; // milliseconds without a change before a screen reader is told
const SIDE = 28; // of a digit, in pixels
let made = 0; // of ids

function element(kind, settings = {}, ...children) {
  const one = Object.assign(document.createElement(kind), settings);
  one.append(...children);
  return one;
}

// An array of small whole numbers, which the page holds as {type, base64}.
function numbers({ type, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  return type === "int16" ? new Int16Array(bytes.buffer) : bytes;
}

// A slider with its label. `move` gets the value that the reader has chosen.
function slider(label, { min = 0, max, step = 1 }, move) {
  const input = element("input", { type: "range", id: `piece-part-${(made += 1)}`, min, max, step });
  input.addEventListener("input", () => move(Number(input.value)));
  return {
    part: element("p", {}, element("label", { htmlFor: input.id, textContent: label }), input),
    // Place it, and say what its place means.
    set(value, words) {
      input.value = String(value);
      input.setAttribute("aria-valuetext", words);
    },
  };
}

// A digit, dark ink on white paper. `ink` holds a number from 0 to 255 for each pixel.
function digit() {
  const canvas = element("canvas", { width: SIDE, height: SIDE, className: "piece-digit" });
  canvas.setAttribute("role", "img");
  return {
    part: canvas,
    draw(ink, words) {
      const image = new ImageData(SIDE, SIDE);
      ink.forEach((value, place) => image.data.set([255 - value, 255 - value, 255 - value, 255], 4 * place));
      canvas.getContext("2d").putImageData(image, 0, 0);
      canvas.setAttribute("aria-label", words);
    },
  };
}

// A row of digits with a heading, and a number below each of them.
function row(labels) {
  const title = element("p", { className: "piece-row-title" });
  const pictures = Array.from(labels, digit);
  const captions = pictures.map(() => element("span"));
  const items = pictures.map(({ part }, place) => element("li", {}, part, captions[place]));
  return {
    part: element("div", {}, title, element("ul", { className: "piece-row" }, ...items)),
    // `images` holds the ink of all digits, one after the other.
    show(heading, images, below = []) {
      title.textContent = heading;
      pictures.forEach(({ draw }, place) => {
        const size = SIDE * SIDE;
        draw(images.subarray(place * size, (place + 1) * size), `the ${labels[place]}: ${heading}`);
        captions[place].textContent = below[place] ?? "";
      });
    },
  };
}

// A table; `fill` gets its numbers row by row, as texts.
function table(caption, columns, rows) {
  const head = element("tr", {}, element("td"), ...columns.map((text) => element("th", { scope: "col", textContent: text })));
  const cells = rows.map(() => columns.map(() => element("td")));
  const lines = rows.map((text, line) =>
    element("tr", {}, element("th", { scope: "row", textContent: text }), ...cells[line]));
  return {
    part: element("table", {}, element("caption", { textContent: caption }),
      element("thead", {}, head), element("tbody", {}, ...lines)),
    fill(texts) {
      texts.forEach((line, i) => line.forEach((text, j) => { cells[i][j].textContent = text; }));
    },
  };
}

// What a piece shows, in words: seen at once, and told to a screen reader once the reader has stopped moving.
// As the page opens nothing is told.
function words() {
  const seen = element("p", { className: "piece-words", id: `piece-part-${(made += 1)}` });
  const told = element("p", { className: "explorer-hidden" });
  told.setAttribute("aria-live", "polite");
  let waiting = 0;
  return {
    parts: [seen, told],
    id: seen.id,
    say(text) {
      const isFirst = seen.textContent === "";
      seen.textContent = text;
      clearTimeout(waiting);
      if (!isFirst) waiting = setTimeout(() => { told.textContent = text; }, SETTLED);
    },
  };
}

// Fill the place of a piece. It is hidden until then, and stays so if its data did not arrive.
function add(name, build) {
  const place = document.querySelector(`[data-piece="${name}"]`);
  const data = window.pieceData?.[name];
  if (!place || !data) return;
  place.hidden = false;
  try {
    build(place, data);
    place.dataset.ready = "true";
  } catch (error) {
    place.hidden = true;
    throw error;
  }
}

return { add, digit, element, numbers, row, slider, table, words };
})();
