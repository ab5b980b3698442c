// What a search quotes of a page that it finds: the sentence, or the line of code, in which the word stands.
// Sphinx would quote what is around the word's first place, which is often in the list of contents. Answers
// that are folded are not quoted.
(() => {
  if (typeof Search === "undefined") return;
  const LONGEST = 240;
  const NOT_QUOTED = ".headerlink, .toctree-wrapper, .run-lesson, details, script, style, button, nav";

  // The part of a text around its first word, whole if it is short.
  const around = (text, words) => {
    if (text.length <= LONGEST) return text;
    const at = Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).filter((place) => place >= 0));
    const start = Math.max(0, Math.min(at - LONGEST / 2, text.length - LONGEST));
    const end = start + LONGEST;
    return (start > 0 ? "…" : "") + text.slice(start, end).trim() + (end < text.length ? "…" : "");
  };

  const pieces = (element) => {
    const text = element.textContent.replace(/\\[()[\]]/g, "");
    const parts = element.localName === "pre" ? text.split("\n") : text.replace(/\s+/g, " ").split(/(?<=[.!?]) /);
    return parts.map((part) => part.trim()).filter(Boolean);
  };

  const quote = (page, words, anchor) => {
    const target = anchor ? page.getElementById(anchor.slice(1)) : null;
    const named = target?.localName === "dt" ? target.nextElementSibling : target; // a term: its definition
    const place = named ?? page.querySelector("article") ?? page.body;
    place.querySelectorAll(NOT_QUOTED).forEach((element) => element.remove());
    const all = [...place.querySelectorAll("p, li, dt, dd, td, pre")].flatMap(pieces);
    const holds = (piece) => words.filter((word) => piece.toLowerCase().includes(word)).length;
    const most = Math.max(0, ...all.map(holds));
    const found = most > 0 ? all.find((piece) => holds(piece) === most) : "";
    return found ? around(found, words) : "";
  };

  Search.makeSearchSummary = (htmlText, keywords, anchor) => {
    const page = new DOMParser().parseFromString(htmlText, "text/html");
    const words = [...keywords].map((word) => word.toLowerCase());
    const summary = document.createElement("p");
    summary.classList.add("context");
    summary.textContent = quote(page, words, anchor);
    return summary;
  };
})();
