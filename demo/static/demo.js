// @ts-check
/** Updates the tour's panel when something may have happened: a sign-up, or an action in another tab. */
const panel = /** @type {HTMLElement | null} */ (document.querySelector("[data-tour]"));

/** @param {Element} element */
const html = (element) => element.innerHTML.replaceAll(' open=""', "");

/** @param {HTMLElement} panel */
async function update(panel) {
  const response = await fetch(panel.dataset.tour ?? "").catch(() => null);
  const template = document.createElement("template");
  template.innerHTML = response?.ok ? await response.text().catch(() => "") : "";
  for (const newPart of template.content.children) {
    const oldPart = panel.querySelector(`:scope > .${newPart.className}`);
    // replacing an unchanged part would make screen readers read it out again
    if (!oldPart || html(oldPart) === html(newPart)) continue;
    const focused = document.activeElement;
    const label = focused && oldPart.contains(focused) ? focused.textContent : "";
    oldPart.innerHTML = newPart.innerHTML;
    const controls = /** @type {NodeListOf<HTMLElement>} */ (oldPart.querySelectorAll("button, a"));
    if (label) [...controls].find((control) => control.textContent === label)?.focus();
  }
}

if (panel) {
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  let signedUp = false;
  document.addEventListener("notify-me:done", () => {
    signedUp = true;
    update(panel);
  });
  // after the dialog has closed, show the tour's next instruction ("close" doesn't bubble)
  document.addEventListener(
    "close",
    () => signedUp && panel.scrollIntoView({ behavior: reducedMotion.matches ? "auto" : "smooth", block: "nearest" }),
    true,
  );
  document.addEventListener("visibilitychange", () => document.hidden || update(panel));
}
