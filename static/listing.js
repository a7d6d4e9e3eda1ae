// Apply a new sort order or stock filter at once; without scripts there is a button for it.
const form = document.querySelector(".browse");
form.querySelector(".browse__sort").addEventListener("change", () => form.requestSubmit());
