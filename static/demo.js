/** The tour's panel, renewed when something may have happened: a sign-up, or a look at another tab. */
const panel = document.querySelector("[data-tour]");

async function renew() {
  const reply = await fetch(panel.dataset.tour).catch(() => null);
  const fresh = document.createElement("template");
  fresh.innerHTML = reply?.ok ? await reply.text().catch(() => "") : "";
  for (const after of fresh.content.children) {
    const before = panel.querySelector(`:scope > .${after.className}`);
    // only what has changed is put in, or it would be read out again
    if (!before || before.innerHTML === after.innerHTML) continue;
    const at = before.contains(document.activeElement) ? document.activeElement.textContent : "";
    before.innerHTML = after.innerHTML;
    if (at) [...before.querySelectorAll("button, a")].find((each) => each.textContent === at)?.focus();
  }
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
