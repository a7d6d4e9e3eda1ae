// @ts-check
/** In the Studio's frame: the form that comes open is opened as a shopper would have it, above the page. */

for (const dialog of document.querySelectorAll("dialog[open]")) {
  dialog.removeAttribute("open");
  /** @type {HTMLDialogElement} */ (dialog).showModal();
}
if (!document.querySelector("dialog")) document.querySelector(".notify-me--inline, .card notify-me, .buy notify-me")?.scrollIntoView({ block: "center" });
