// @ts-check
// Apply a new sort order or stock filter immediately. Without scripts, the form has a button for it.
const form = /** @type {HTMLFormElement} */ (document.querySelector(".browse"));
form.querySelector(".browse__sort")?.addEventListener("change", () => form.requestSubmit());
// after Back, the form matches the list again
addEventListener("pagehide", () => form.reset());
