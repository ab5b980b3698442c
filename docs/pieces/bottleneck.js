// The width of the code against redrawn digits: networks and principal components that have learned from zeros.

(() => {
const { add, numbers, row, slider, table, words } = window.pieces;
const { fixed } = window.explorerCalculate;

const START = 3; // of the widths: the lesson's own, 16

function build(place, data) {
  const originals = numbers(data.originals);
  const images = numbers(data.images); // method, width, digit, pixel
  const labels = numbers(data.digits);
  const counts = data.counts.map((count) => fixed(count, 0));
  const rows = { original: row(labels), network: row(labels), pca: row(labels) };
  const measures = table(
    `Mean squared error of ${counts[0]} zeros and ${counts[1]} other test digits, and the AUROC`,
    ["Zeros", "Others", "AUROC"], ["Network", "PCA"]);
  const said = words();
  const width = slider("Units in the code", { max: data.sizes.length - 1 }, show);

  function show(chosen) {
    const size = data.sizes[chosen];
    const found = [0, 1].map((method) => data.measures[method][chosen]);
    const texts = found.map(([zeros, others, auroc]) => [fixed(zeros, 4), fixed(others, 4), fixed(auroc, 3)]);
    [rows.network, rows.pca].forEach((part, method) => {
      const first = (method * data.sizes.length + chosen) * originals.length;
      const heading = method ? `PCA, ${size} components` : `Network, ${size} units in the code`;
      const errors = data.row_errors[method][chosen].map((error) => fixed(error, 3));
      part.show(heading, images.subarray(first, first + originals.length), errors);
    });
    measures.fill(texts);
    width.set(chosen, `${size} units`);
    said.say(
      `With ${size} units in the code the network redraws zeros with a mean squared error of ${texts[0][0]} and the ` +
      `other digits with ${texts[0][1]} (AUROC ${texts[0][2]}); PCA with ${texts[1][0]} and ${texts[1][1]} ` +
      `(AUROC ${texts[1][2]}). Below each digit is its own error.`);
  }

  rows.original.show("Original", originals);
  place.append(width.part, rows.original.part, rows.network.part, rows.pca.part, ...said.parts, measures.part);
  show(START);
}

add("bottleneck", build);
})();
