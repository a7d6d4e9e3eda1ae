// @ts-check
/** In the Studio's frame: the form that comes open is opened as a shopper would have it, above the page. */

for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))) {
  dialog.removeAttribute("open");
  dialog.inert = true; // or it would take the focus, which is at a setting of the Studio's
  dialog.showModal();
  dialog.inert = false;
}
if (!document.querySelector("dialog")) {
  // waits for a frame that is in sight: one that isn't doesn't scroll
  requestAnimationFrame(() => {
    const box = document.querySelector(".notify-me--inline, .buy notify-me, .card notify-me")?.getBoundingClientRect();
    // scrollIntoView would move the Studio as well
    if (box) scrollTo(0, scrollY + box.top - Math.max(24, (innerHeight - box.height) / 2));
  });
}
