// @ts-check
/** The tour's panel, renewed when something may have happened: a sign-up, or a look at another tab. */
const panel = /** @type {HTMLElement | null} */ (document.querySelector("[data-tour]"));

/** @param {HTMLElement} panel */
async function renew(panel) {
  const reply = await fetch(panel.dataset.tour ?? "").catch(() => null);
  const fresh = document.createElement("template");
  fresh.innerHTML = reply?.ok ? await reply.text().catch(() => "") : "";
  for (const after of fresh.content.children) {
    const before = panel.querySelector(`:scope > .${after.className}`);
    // only what has changed is put in, or it would be read out again
    if (!before || before.innerHTML === after.innerHTML) continue;
    const focused = document.activeElement;
    const at = focused && before.contains(focused) ? focused.textContent : "";
    before.innerHTML = after.innerHTML;
    const pressable = /** @type {NodeListOf<HTMLElement>} */ (before.querySelectorAll("button, a"));
    if (at) [...pressable].find((each) => each.textContent === at)?.focus();
  }
}

if (panel) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let told = false;
  document.addEventListener("notify-me:done", () => {
    told = true;
    renew(panel);
  });
  // the dialog is closed: back to where the story goes on ("close" doesn't bubble)
  document.addEventListener(
    "close",
    () => told && panel.scrollIntoView({ behavior: still.matches ? "auto" : "smooth", block: "nearest" }),
    true,
  );
  document.addEventListener("visibilitychange", () => document.hidden || renew(panel));
}
