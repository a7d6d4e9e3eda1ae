/** The tour's panel, renewed when something may have happened: a sign-up, or a look at another tab. */
const panel = document.querySelector("[data-tour]");

async function renew() {
  const reply = await fetch(panel.dataset.tour).catch(() => null);
  const html = reply?.ok ? (await reply.text()).trim() : "";
  // only what has changed is put in, or it would be read out again
  if (html && html !== panel.dataset.shown) {
    const focused = panel.contains(document.activeElement);
    panel.innerHTML = html;
    if (focused) panel.querySelector("button")?.focus();
  }
  panel.dataset.shown = html;
}

if (panel) {
  let told = false;
  document.addEventListener("notify-me:done", () => {
    told = true;
    renew();
  });
  // the dialog is closed: back to where the story goes on ("close" doesn't bubble)
  document.addEventListener("close", () => told && panel.scrollIntoView({ behavior: "smooth", block: "nearest" }), true);
  document.addEventListener("visibilitychange", () => document.hidden || renew());
}
