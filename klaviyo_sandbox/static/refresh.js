// @ts-check
/** Updates this page without a reload while the page is visible. Keeps focus and scroll position. */
const INTERVAL = 2000; // ms between updates

/** The content of the page when it was last fetched. @type {string | undefined} */
let lastContent;

/** An element's start tag, by which it is found again.
 * @param {Element} element */
const tag = ({ outerHTML }) => outerHTML.slice(0, outerHTML.indexOf(">"));

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
  const focused = main.contains(document.activeElement) && tag(/** @type {Element} */ (document.activeElement));
  const { scrollLeft: left = 0, scrollTop: top = 0 } = main.querySelector("[tabindex]") ?? {};
  main.replaceChildren(...newMain.childNodes);
  main.querySelector("[tabindex]")?.scrollTo({ left, top });
  const controls = /** @type {NodeListOf<HTMLElement>} */ (main.querySelectorAll("a, button, [tabindex]"));
  if (focused) [...controls].find((control) => tag(control) === focused)?.focus({ preventScroll: true });
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, INTERVAL);
}

document.addEventListener("visibilitychange", () => document.hidden || refresh());
setTimeout(poll, INTERVAL);
