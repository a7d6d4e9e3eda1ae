// @ts-check
/** In the Studio's frame: applies the chosen colour scheme, shows the open form as a modal dialog, and
 * tells the Studio which setting belongs to the part of the page that was clicked.
 */

/** The setting to show for each part of the page. The first entry whose element was clicked is used. */
const PARTS = {
  "notify-me.notify-me--card": "button.label",
  ".notify-me__success": "modal.subscription_success_label",
  ".notify-me__title": "modal.headline",
  ".notify-me__body": "modal.body_content",
  ".notify-me__consent": "consent.sms_disclosure",
  ".notify-me__footer": "modal.footer_content",
  ".notify-me__submit": "modal.button_label",
  "fieldset:has([name=channels])": "channels.offered",
  ".notify-me__field:has([name=email])": "modal.email_field_label",
  ".notify-me__field:has([name=phone_number])": "modal.phone_number_field_label",
  ".notify-me__button": "button.label",
  "dialog, .notify-me__form": "modal.background_color",
};

// WebKit doesn't pass the frame's color-scheme on to its page
const scheme = new URLSearchParams(location.search).get("scheme");
if (scheme && matchMedia("(prefers-color-scheme: dark)").matches !== (scheme === "dark")) {
  document.documentElement.style.colorScheme = scheme;
  for (const sheet of document.styleSheets) applyScheme(sheet);
}

/** Apply the rules for the chosen scheme, whatever the visitor's system prefers.
 * @param {CSSStyleSheet | CSSGroupingRule} group */
function applyScheme(group) {
  for (const rule of group.cssRules) {
    const preferred = rule instanceof CSSMediaRule && /prefers-color-scheme: *(\w+)/.exec(rule.media.mediaText);
    if (preferred) rule.media.mediaText = preferred[1] === scheme ? "all" : "not all";
    if ("cssRules" in rule) applyScheme(/** @type {CSSGroupingRule} */ (rule));
  }
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const part = Object.entries(PARTS).find(([selector]) => target.closest(selector));
  if (part) parent.postMessage({ setting: part[1] }, location.origin);
});

for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))) {
  dialog.removeAttribute("open");
  dialog.inert = true; // keeps focus on the setting in the Studio
  dialog.showModal();
  dialog.inert = false;
}
if (!document.querySelector("dialog")) {
  // a frame that isn't visible yet can't scroll
  requestAnimationFrame(() => {
    const box = document.querySelector(".notify-me--inline, .buy notify-me, .card notify-me")?.getBoundingClientRect();
    // scrollIntoView would also scroll the Studio
    if (box) scrollTo(0, scrollY + box.top - Math.max(24, (innerHeight - box.height) / 2));
  });
}
