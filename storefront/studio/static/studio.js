// @ts-check
/**
 * The Studio, live: each change is sent as the form would be, and what the server's page says of it is
 * put in place. All rules, words and states are the server's; this moves HTML.
 */

const form = /** @type {HTMLFormElement} */ (document.getElementById("studio"));
const status = /** @type {HTMLElement} */ (document.getElementById("status"));
const controls = /** @type {HTMLElement} */ (document.getElementById("controls"));
const PAUSE = 300; // ms without a key until what was typed is sent

/** @type {number | undefined} */
let waiting;
/** @type {AbortController | undefined} */
let sending;
// one press after another, and after what was typed: each starts from the look that the last one gave
let typing = Promise.resolve();
let pressing = Promise.resolve();

/** Send the form as `button` would, and show what comes back.
 * @param {HTMLElement | null} [button] */
async function send(button = null) {
  clearTimeout(waiting);
  waiting = undefined;
  sending?.abort();
  const mine = new AbortController();
  sending = mine;
  form.ariaBusy = "true";
  try {
    const body = new URLSearchParams(/** @type {any} */ (new FormData(form, button)));
    const reply = await fetch(form.action, { method: "POST", body, signal: mine.signal });
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (!page.getElementById("studio")) {
      // such as the merchant's login, when they did nothing for long
      if (reply.ok && reply.redirected) return location.assign(reply.url);
      throw new Error(`${reply.status}`);
    }
    if (reply.redirected) history.replaceState(null, "", reply.url);
    // typed meanwhile: that is sent next, and what it answers counts
    if (waiting === undefined || button) show(page, Boolean(button));
  } catch {
    if (mine.signal.aborted) return;
    status.replaceChildren(
      /** @type {HTMLTemplateElement} */ (document.getElementById("offline")).content.cloneNode(true),
    );
  }
  if (sending === mine) form.ariaBusy = null;
}

/** Take over what the server's page says; `fields`: the fields' values too.
 * @param {Document} page @param {boolean} fields */
function show(page, fields) {
  if (fields || sections(page) !== sections(document)) renew(page);
  for (const old of form.querySelectorAll("[data-live]")) {
    const come = page.getElementById(old.id);
    if (come) become(old, come);
  }
  for (const field of controls.querySelectorAll("[aria-describedby]")) {
    const come = field.id
      ? page.getElementById(field.id)
      : page.querySelector(`[aria-describedby="${field.getAttribute("aria-describedby")}"]`);
    mirror(field, come, "aria-invalid");
  }
  const address = page.querySelector("iframe")?.getAttribute("src");
  if (address) frame(address);
}

/** Which sections a page has: another language, and others stand there.
 * @param {Document} page */
function sections(page) {
  return [...page.querySelectorAll("#controls details.section")].map((one) => one.id).join();
}

/** The fields as the server has them, with open sections, focus and place kept.
 * @param {Document} page */
function renew(page) {
  const focused = document.activeElement?.id;
  const name = /** @type {HTMLButtonElement | null} */ (document.activeElement)?.value;
  const open = [...controls.querySelectorAll("details.section[open]")].map((one) => one.id);
  const come = /** @type {HTMLElement} */ (page.getElementById("controls"));
  for (const section of /** @type {NodeListOf<HTMLDetailsElement>} */ (come.querySelectorAll("details.section")))
    section.open ||= open.includes(section.id);
  const panel = /** @type {HTMLElement} */ (controls.parentElement);
  const top = panel.scrollTop;
  controls.replaceChildren(...come.childNodes);
  panel.scrollTop = top;
  ready(controls);
  find();
  const again = focused
    ? document.getElementById(focused)
    : name && controls.querySelector(`button[value="${CSS.escape(name)}"]`);
  const told = /** @type {HTMLElement | null} */ (controls.querySelector("[data-focus]"));
  if (told) told.focus();
  else if (again) /** @type {HTMLElement} */ (again).focus({ preventScroll: true });
  else controls.querySelector("[aria-invalid=true]")?.scrollIntoView({ block: "center" });
}

/** @param {Element} old @param {Element} come */
function become(old, come) {
  for (const { name } of [...old.attributes]) mirror(old, come, name);
  for (const { name } of [...come.attributes]) mirror(old, come, name);
  if (old.innerHTML !== come.innerHTML) old.innerHTML = come.innerHTML;
}

/** @param {Element} old @param {Element | null} come @param {string} name */
function mirror(old, come, name) {
  const value = come?.getAttribute(name) ?? null;
  if (value === null) old.removeAttribute(name);
  else if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

// the frame: the new page loads behind the old one, and takes its place at the same scroll

/** @param {string} address */
function frame(address) {
  const place = document.getElementById("frame");
  const old = place?.querySelector("iframe:not([data-coming])");
  if (!place || !old || old.getAttribute("src") === address) return;
  for (const late of place.querySelectorAll("[data-coming]")) late.remove();
  const come = document.createElement("iframe");
  come.title = old.getAttribute("title") ?? "";
  come.src = address;
  come.dataset.coming = "";
  come.addEventListener(
    "load",
    () => {
      if (!come.isConnected) return;
      const [before, after] = [/** @type {HTMLIFrameElement} */ (old).contentWindow, come.contentWindow];
      if (before && after && same(before, after)) after.scrollTo(0, before.scrollY);
      delete come.dataset.coming;
      old.remove();
    },
    { once: true },
  );
  place.append(come);
}

/** Whether two frames show the same place of the shop, so that one stays where the other was.
 * @param {Window} one @param {Window} other */
function same(one, other) {
  const [from, to] = [one, other].map((each) => new URLSearchParams(each.location.search));
  return ["state", "product"].every((name) => from.get(name) === to.get(name));
}

/** The preview alone has changed: its address is the server's form, filled in. */
function look() {
  const now = new URL(/** @type {string} */ (form.querySelector("iframe")?.src ?? location.href));
  const chosen = new FormData(form);
  const page = new URL(location.href);
  page.searchParams.delete("look");
  for (const name of ["state", "width", "scheme", "product"]) {
    const value = chosen.get(name);
    if (typeof value !== "string") continue;
    page.searchParams.set(name, value);
    if (now.searchParams.has(name)) now.searchParams.set(name, value);
  }
  history.replaceState(null, "", page);
  frame(now.pathname + now.search);
}

// colours: a browser's own picker beside the text, which may be any colour of CSS

const brush = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));

/** A colour as a picker takes it; what is see-through loses that.
 * @param {string} text */
function hex(text) {
  brush.fillStyle = "#808080";
  brush.fillStyle = text;
  const [, red, green, blue] = /^rgba?\((\d+), (\d+), (\d+)/.exec(brush.fillStyle) ?? [];
  if (!red) return brush.fillStyle;
  return `#${[red, green, blue].map((one) => Number(one).toString(16).padStart(2, "0")).join("")}`;
}

/** @param {HTMLElement} within */
function ready(within) {
  for (const hidden of /** @type {NodeListOf<HTMLElement>} */ (
    within.querySelectorAll(".panel__find, [data-copy], [data-picks]")
  ))
    hidden.hidden = false;
  for (const picker of /** @type {NodeListOf<HTMLInputElement>} */ (within.querySelectorAll("[data-picks]"))) {
    const text = /** @type {HTMLInputElement} */ (document.getElementById(picker.dataset.picks ?? ""));
    picker.value = hex(text.value);
    text.addEventListener("input", () => (picker.value = hex(text.value)));
    picker.addEventListener("input", () => (text.value = picker.value));
  }
}

// the search

const search = /** @type {HTMLInputElement} */ (document.getElementById("find"));

function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const section of /** @type {NodeListOf<HTMLDetailsElement>} */ (controls.querySelectorAll("details.section"))) {
    let any = false;
    const heading = section.querySelector("summary")?.textContent ?? "";
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (section.querySelectorAll("[data-find]"))) {
      const text = `${heading} ${row.dataset.find}`.toLowerCase();
      const found = words.every((word) => text.includes(word));
      row.hidden = !found;
      any ||= found;
      if (found) count += 1;
    }
    section.hidden = words.length > 0 && !any;
    if (words.length && any) section.open = true;
  }
  const told = document.getElementById("found");
  if (told) told.textContent = words.length ? `${count} found` : "";
}

// what people do

form.addEventListener("input", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (field === search) return find();
  if (field.name === "pane" || field.id === "snippet" || field.readOnly) return;
  if ("view" in field.dataset) return look();
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    typing = pressing.then(() => send());
  }, PAUSE);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  const typed = typing;
  pressing = pressing.then(async () => {
    await typed;
    // what was typed a moment ago is a step of its own, to be undone
    if (waiting !== undefined) await send();
    if (button?.ariaDisabled !== "true") await send(button);
  });
});
form.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-copy]"));
  if (!button || button.textContent === button.dataset.done) return;
  const from = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.copy ?? ""));
  from.select();
  await navigator.clipboard.writeText(from.value).catch(() => document.execCommand("copy"));
  const [told, words] = [/** @type {HTMLElement} */ (document.getElementById("copied")), button.textContent];
  told.textContent = button.textContent = button.dataset.done ?? "";
  setTimeout(() => {
    button.textContent = words;
    told.textContent = "";
  }, 2000);
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  const name = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : "";
  // a field that is typed into undoes its own keys
  const typing = /** @type {Element} */ (event.target).matches(
    "textarea, select, input:not([type=checkbox], [type=radio], [type=color])",
  );
  if (!name || typing) return;
  event.preventDefault();
  document.getElementById(`do-${name}`)?.click();
});

// on a phone, the phone's own width is the one to begin with
if (innerWidth < 576 && !new URL(location.href).searchParams.has("width"))
  /** @type {HTMLInputElement} */ (form.querySelector("[name=width][value=phone]")).checked = true;
const preview = /** @type {HTMLElement} */ (document.getElementById("do-preview"));
preview.hidden = true; // it is live
ready(form);
