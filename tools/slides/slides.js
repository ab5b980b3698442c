// Divide what is too high for one slide, then start reveal.js. Formulas and pictures must be there first.
(async () => {
  const [WIDTH, HEIGHT] = [1280, 720];

  const divide = (slide) => {
    const heading = slide.firstElementChild;
    let part = slide;
    const measured = (wanted) => part.classList.toggle("measured", wanted);
    measured(true);
    const blocks = [...slide.querySelectorAll(":scope > .block")];
    blocks.forEach((block) => block.remove());
    for (const block of blocks) {
      part.append(block);
      if (part.getBoundingClientRect().height <= HEIGHT || !block.previousElementSibling.matches(".block")) continue;
      measured(false);
      const next = slide.cloneNode(false);
      const again = document.createElement("h3");
      again.innerHTML = heading.innerHTML;
      again.className = "continued";
      next.append(again, block);
      part.after(next);
      part = next;
      measured(true);
    }
    measured(false);
  };

  await MathJax.startup.promise;
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  await document.fonts.ready;
  document.body.classList.add("measuring");
  document.querySelectorAll(".slides > section > section").forEach(divide);
  document.body.classList.remove("measuring");
  // What scrolls inside a slide does so by keyboard, too.
  document.querySelectorAll(".slides pre, .slides .output").forEach((box) => { box.tabIndex = 0; });

  await Reveal.initialize({
    width: WIDTH,
    height: HEIGHT,
    margin: 0.02,
    center: false,
    hash: true,
    transition: "none",
    slideNumber: "c/t",
    scrollActivationWidth: null,
    plugins: [RevealNotes],
  });
})();
