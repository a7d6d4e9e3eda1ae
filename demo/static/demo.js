// @ts-check
/** Keeps the tour's panel up to date, and highlights what to press next. */
const POLL_INTERVAL = 2000; // ms between updates

const panel = /** @type {HTMLElement | null} */ (document.querySelector("[data-tour]"));
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Highlight what the current step asks the visitor to press, and scroll to it.
 * @param {HTMLElement} panel */
function highlightTarget(panel) {
  for (const element of document.querySelectorAll(".tour-target")) element.classList.remove("tour-target");
  /** @type {HTMLElement | null} */
  const step = panel.querySelector("[data-target]");
  const target = step?.dataset.target && document.querySelector(step.dataset.target);
  if (!target) return;
  target.classList.add("tour-target");
  target.scrollIntoView({ behavior: reducedMotion.matches ? "auto" : "smooth", block: "nearest" });
}

/** Replace the parts of the panel that have changed.
 * @param {HTMLElement} panel */
async function update(panel) {
  const response = await fetch(panel.dataset.tour ?? "").catch(() => null);
  const template = document.createElement("template");
  template.innerHTML = response?.ok ? await response.text().catch(() => "") : "";
  let changed = false;
  for (const newPart of /** @type {NodeListOf<HTMLElement>} */ (template.content.querySelectorAll("[data-part]"))) {
    const oldPart = panel.querySelector(`[data-part=${newPart.dataset.part}]`);
    // replacing an unchanged part would make screen readers read it out again
    if (!oldPart || html(oldPart) === html(newPart)) continue;
    changed = true;
    const focused = document.activeElement;
    const label = focused && oldPart.contains(focused) ? focused.textContent : "";
    oldPart.innerHTML = newPart.innerHTML;
    const controls = /** @type {NodeListOf<HTMLElement>} */ (oldPart.querySelectorAll("button, a"));
    if (label) [...controls].find((control) => control.textContent === label)?.focus();
  }
  if (changed) highlightTarget(panel);
}

/** The content of a part, without the highlight.
 * @param {Element} part */
const html = (part) => part.innerHTML.replaceAll(" tour-target", "");

/** @param {HTMLElement} panel */
async function poll(panel) {
  if (!document.hidden) await update(panel);
  setTimeout(() => poll(panel), POLL_INTERVAL);
}

if (panel) {
  const sheet = /** @type {HTMLElement} */ (panel.firstElementChild);
  const measure = () =>
    document.documentElement.style.setProperty("--dock", `${sheet.getBoundingClientRect().height}px`);
  measure();
  highlightTarget(panel);
  new ResizeObserver(measure).observe(sheet);
  document.addEventListener("notify-me:done", () => update(panel));
  document.addEventListener("visibilitychange", () => document.hidden || update(panel));
  setTimeout(() => poll(panel), POLL_INTERVAL);
}
