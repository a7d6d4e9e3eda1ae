// @ts-check
/** Updates this page without a reload while the page is visible. */
const INTERVAL = 2000; // ms between updates

/** The content of the page when it was last fetched. @type {string | undefined} */
let lastContent;

async function refresh() {
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const newMain = page.querySelector("main");
  const main = document.querySelector("main");
  if (!main || !newMain) return;
  const before = lastContent ?? main.innerHTML;
  lastContent = newMain.innerHTML;
  if (lastContent === before) return;
  const href = main.contains(document.activeElement) && document.activeElement?.getAttribute("href");
  main.replaceChildren(...newMain.childNodes);
  if (href) /** @type {HTMLElement | null} */ (main.querySelector(`a[href="${href}"]`))?.focus();
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, INTERVAL);
}

document.addEventListener("visibilitychange", () => document.hidden || refresh());
setTimeout(poll, INTERVAL);
