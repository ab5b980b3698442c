// The self-checks of a lesson, answered in the page; and which of them, and of the quiz, the reader has done.
// Nothing leaves the browser.
(() => {
  const KEY = "aecourse-progress";

  const read = () => {
    try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; }
  };
  const write = (done) => {
    try { localStorage.setItem(KEY, JSON.stringify(done)); } catch { /* kept until the page is left */ }
  };
  let done = read();
  const parts = [];  // {id, show} of everything on this page that can be done

  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  const summary = element("span");
  const tell = () => {
    const count = parts.filter((part) => done[part.id]).length;
    summary.textContent = `Done on this page: ${count} of ${parts.length}. This is kept in your browser only. `;
    parts.forEach((part) => part.show(Boolean(done[part.id])));
  };
  const mark = (id, is) => {
    done = {...read(), [id]: is};
    if (!is) delete done[id];
    write(done);
    tell();
  };

  // "0.056", "1/18", "5e-5", "205,856"; anything else is not a number.
  const number = (text) => {
    const plain = text.trim().replace("−", "-").replace(/(\d),(?=\d{3}(\D|$))/g, "$1");
    const one = "[-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][-+]?\\d+)?";
    const found = plain.match(new RegExp(`^(${one})(?:\\s*/\\s*(${one}))?$`));
    return found ? Number(found[1]) / Number(found[2] ?? 1) : NaN;
  };

  const fits = (form, answer) => form.kind === "choice"
    ? String(answer).toLowerCase() === form.right.toLowerCase()
    : (form.kind !== "integer" || Number.isInteger(answer)) && Math.abs(answer - form.value) <= form.tol;

  const verdict = (exercise, text) => {
    if (!text.trim()) return [false, "not answered yet."];
    const answer = exercise.kind === "choice" ? text : number(text);
    if (exercise.kind !== "choice" && !Number.isFinite(answer)) {
      return [false, "not yet. Give one number, such as 0.05 or 1/20."];
    }
    if (fits(exercise, answer)) return [true, `right. ${exercise.why}`];
    const wrong = exercise.wrong.find((each) => fits(each, answer));
    if (wrong) return [false, `not yet. ${wrong.hint}`];
    if (exercise.kind === "integer" && !Number.isInteger(answer)) {
      return [false, `not yet. Give a whole number; found the number ${Number(answer.toPrecision(6))}.`];
    }
    return [false, `not yet. ${exercise.hint}`];
  };

  const fields = (exercise) => {
    if (exercise.kind !== "choice") {
      const field = element("input", {type: "text", name: "answer", inputMode: "decimal", autocomplete: "off"});
      return [element("label", {}, "Your number ", field)];
    }
    return exercise.options.map((option) => {
      const words = exercise.labels[option] ? `${option}) ${exercise.labels[option]}` : option;
      return element("label", {}, element("input", {type: "radio", name: "answer", value: option}), ` ${words}`);
    });
  };

  for (const place of document.querySelectorAll("article .self-check")) {
    const exercise = JSON.parse(place.dataset.definition);
    const said = element("output", {name: "verdict"});
    const state = element("span", {className: "done"});
    const form = element("form", {},
      element("fieldset", {},
        element("legend", {}, `Answer exercise ${exercise.id} here`, state),
        ...fields(exercise),
        element("button", {type: "submit"}, "Check")),
      said);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const [right, words] = verdict(exercise, new FormData(form).get("answer") ?? "");
      said.textContent = `Exercise ${exercise.id}: ${words}`;
      said.dataset.right = right;
      if (right) mark(exercise.id, true);
    });
    place.append(form);
    parts.push({id: exercise.id, show: (is) => { state.textContent = is ? " ✓ done" : ""; }});
  }

  const lesson = location.pathname.match(/lessons\/(\d\d)_/)?.[1];
  const answers = lesson ? [...document.querySelectorAll("#quiz details")] : [];
  answers.forEach((fold, place) => {
    const id = `${lesson}.quiz.${place + 1}`;
    const box = element("input", {type: "checkbox"});
    box.addEventListener("change", () => mark(id, box.checked));
    fold.append(element("label", {className: "knew"}, box, " I had this right"));
    parts.push({id, show: (is) => { box.checked = is; }});
  });

  if (parts.length) {
    const forget = element("button", {type: "button"}, "Forget it");
    forget.addEventListener("click", () => {
      const left = read();
      parts.forEach((part) => delete left[part.id]);
      done = left;
      write(left);
      tell();
    });
    summary.setAttribute("role", "status");
    document.querySelector("#exercises > h2, #quiz > h2")?.after(
      element("p", {className: "progress-kept"}, summary, forget));
    tell();
  }
})();
