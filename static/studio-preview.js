// @ts-check
/** In the Studio's frame: the form that comes open is opened as a shopper would have it, above the page. */

for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))) {
  dialog.removeAttribute("open");
  dialog.inert = true; // or it would take the focus, which is at a setting of the Studio's
  dialog.showModal();
  dialog.inert = false;
}
if (!document.querySelector("dialog")) document.querySelector(".notify-me--inline, .card notify-me, .buy notify-me")?.scrollIntoView({ block: "center" });
