// @ts-check
/** In the Studio's frame: show the open form as a modal dialog, as shoppers see it. */

for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))) {
  dialog.removeAttribute("open");
  dialog.inert = true; // keeps the focus on the setting in the Studio
  dialog.showModal();
  dialog.inert = false;
}
if (!document.querySelector("dialog")) {
  // a frame that isn't visible yet can't scroll
  requestAnimationFrame(() => {
    const box = document.querySelector(".notify-me--inline, .buy notify-me, .card notify-me")?.getBoundingClientRect();
    // scrollIntoView would scroll the Studio, too
    if (box) scrollTo(0, scrollY + box.top - Math.max(24, (innerHeight - box.height) / 2));
  });
}
