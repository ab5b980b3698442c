// On paper nothing can be opened: folds are printed open, and closed again afterwards.
(() => {
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("article details:not([open])")];
    opened.forEach((fold) => { fold.open = true; });
  });
  window.addEventListener("afterprint", () => {
    opened.forEach((fold) => { fold.open = false; });
  });
})();

// A picture in a lesson opens enlarged, by click or by keyboard.
(() => {
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged";
  dialog.setAttribute("aria-label", "The picture, enlarged");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target !== close) dialog.close(); });

  const enlarge = (picture) => {
    const copy = new Image();
    copy.src = picture.src;
    copy.alt = picture.alt;
    copy.style.setProperty("--ratio", picture.naturalWidth / picture.naturalHeight);
    dialog.classList.toggle("dark", picture.matches(".only-dark"));
    dialog.replaceChildren(close, copy);
    document.body.append(dialog);
    dialog.showModal();
  };

  for (const picture of document.querySelectorAll("article .cell_output img:not(.only-dark)")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "enlarge";
    button.title = "Enlarge the picture";
    const next = picture.nextElementSibling;
    picture.replaceWith(button);
    button.append(picture);
    if (next?.matches("img.only-dark")) button.append(next); // the same in other colours: one of them is shown
    const shown = () => [...button.children].find((one) => getComputedStyle(one).display !== "none");
    button.addEventListener("click", () => enlarge(shown()));
  }
})();
