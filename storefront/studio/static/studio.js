// @ts-check
/**
 * The live Studio: sends the form after each change, and updates the page from the server's response.
 * All rules, wording and states come from the server.
 */

const form = /** @type {HTMLFormElement} */ (document.getElementById("studio"));
const status = /** @type {HTMLElement} */ (document.getElementById("status"));
const controls = /** @type {HTMLElement} */ (document.getElementById("controls"));
const TYPING_DELAY = 300; // ms

/** @type {number | undefined} */
let timer;
/** @type {AbortController | undefined} */
let pending;
// requests run one after another, since each changes the look that the previous one has saved
let lastInput = Promise.resolve();
let lastPress = Promise.resolve();

/** Send the form as if `button` had been pressed, and show the response.
 * @param {HTMLElement | null} [button] */
async function send(button = null) {
  clearTimeout(timer);
  timer = undefined;
  pending?.abort();
  const controller = new AbortController();
  pending = controller;
  form.ariaBusy = "true";
  try {
    const body = new URLSearchParams(/** @type {any} */ (new FormData(form, button)));
    const response = await fetch(form.action, { method: "POST", body, signal: controller.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!page.getElementById("studio")) {
      // the sign-in page, after the merchant's session has ended
      if (response.ok && response.redirected) return location.assign(response.url);
      throw new Error(`${response.status}`);
    }
    if (response.redirected) history.replaceState(null, "", response.url);
    // if there has been further input, its response will update the page
    if (timer === undefined || button) show(page, Boolean(button));
  } catch {
    if (controller.signal.aborted) return;
    status.replaceChildren(
      /** @type {HTMLTemplateElement} */ (document.getElementById("offline")).content.cloneNode(true),
    );
  }
  if (pending === controller) form.ariaBusy = null;
}

/** Update the page from the server's response, with the fields' values only if `withValues` is set.
 * @param {Document} page @param {boolean} withValues */
function show(page, withValues) {
  const used = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-find]") ?? null);
  if (withValues || sectionIds(page) !== sectionIds(document)) replaceControls(page);
  else if (isOutdated(page, used)) replaceControls(page, used);
  for (const element of form.querySelectorAll("[data-live]")) {
    const update = page.getElementById(element.id);
    if (update) copy(element, update);
  }
  for (const field of controls.querySelectorAll("[aria-describedby]")) {
    const update = field.id
      ? page.getElementById(field.id)
      : page.querySelector(`[aria-describedby="${field.getAttribute("aria-describedby")}"]`);
    copyAttribute(field, update, "aria-invalid");
  }
  const url = page.querySelector("iframe")?.getAttribute("src");
  if (url) loadFrame(url);
}

/** Whether a control other than `used` shows another value than the server's response, for example because the
 * setting was changed in another tab.
 * @param {Document} page @param {HTMLElement | null} used */
function isOutdated(page, used) {
  const [shown, saved] = [document, page].map(
    (source) => new FormData(/** @type {HTMLFormElement} */ (source.getElementById("studio"))),
  );
  return [...saved.keys()].some(
    (name) =>
      name.includes(".") &&
      !used?.querySelector(`[name="${name}"]`) &&
      `${shown.getAll(name)}` !== `${saved.getAll(name)}`,
  );
}

/** Return the IDs of a page's sections, which depend on the language.
 * @param {Document} page */
function sectionIds(page) {
  return [...page.querySelectorAll("#controls details.section")].map((section) => section.id).join();
}

/** Replace all controls, except `used`, but keep open sections, focus and scroll position.
 * @param {Document} page @param {HTMLElement | null} [used] */
function replaceControls(page, used = null) {
  const focusedId = document.activeElement?.id;
  const focusedValue = /** @type {HTMLButtonElement | null} */ (document.activeElement)?.value;
  const open = [...controls.querySelectorAll("details.section[open]")].map((section) => section.id);
  // a copy, since `show` still reads the response's controls
  const update = /** @type {HTMLElement} */ (page.getElementById("controls")?.cloneNode(true));
  for (const section of /** @type {NodeListOf<HTMLDetailsElement>} */ (update.querySelectorAll("details.section")))
    section.open ||= open.includes(section.id);
  const panel = /** @type {HTMLElement} */ (controls.parentElement);
  const top = panel.scrollTop;
  controls.replaceChildren(...update.childNodes);
  panel.scrollTop = top;
  enhance(controls);
  if (used) document.getElementById(used.id)?.replaceWith(used);
  filterSettings();
  const focused = focusedId
    ? document.getElementById(focusedId)
    : focusedValue && controls.querySelector(`button[value="${CSS.escape(focusedValue)}"]`);
  const report = /** @type {HTMLElement | null} */ (controls.querySelector("[data-focus]"));
  if (controls.querySelector(".section--advanced [aria-invalid=true]")) chooseLevel("advanced");
  if (report) report.focus();
  else if (focused) /** @type {HTMLElement} */ (focused).focus({ preventScroll: true });
  else controls.querySelector("[aria-invalid=true]")?.scrollIntoView({ block: "center" });
}

/** @param {"basic" | "advanced"} level */
function chooseLevel(level) {
  const radio = /** @type {HTMLInputElement} */ (form.querySelector(`[name=level][value=${level}]`));
  if (radio.checked) return;
  radio.checked = true;
  updatePreview();
}

/** Open the section of a setting, such as `modal.headline`, after a click on the part of the preview
 * that shows the setting, or on the number of warnings.
 * @param {string} key */
function openSetting(key) {
  const row = document.getElementById(`set-${key.replaceAll(".", "-")}-row`);
  const section = /** @type {HTMLDetailsElement | null | undefined} */ (row?.closest("details"));
  if (!row || !section) return;
  if (section.classList.contains("section--advanced")) chooseLevel("advanced");
  // on phones, the settings may be behind the preview
  /** @type {HTMLInputElement} */ (form.querySelector("[name=pane][value=settings]")).checked = true;
  section.open = true;
  for (const other of controls.querySelectorAll(".control--highlighted"))
    other.classList.remove("control--highlighted");
  row.classList.add("control--highlighted");
  row.scrollIntoView({ block: "center" });
}
addEventListener("message", (event) => {
  if (event.origin === location.origin && typeof event.data?.setting === "string") openSetting(event.data.setting);
});
form.addEventListener("click", (event) => {
  const link = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-setting]"));
  if (!link?.dataset.setting) return;
  event.preventDefault();
  openSetting(link.dataset.setting);
});

/** @param {Element} element @param {Element} update */
function copy(element, update) {
  for (const { name } of [...element.attributes]) copyAttribute(element, update, name);
  for (const { name } of [...update.attributes]) copyAttribute(element, update, name);
  if (element.innerHTML !== update.innerHTML) element.innerHTML = update.innerHTML;
}

/** @param {Element} element @param {Element | null} update @param {string} name */
function copyAttribute(element, update, name) {
  const value = update?.getAttribute(name) ?? null;
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Load a page behind the current one, then swap the two. Keep the scroll position if it is the same page.
 * @param {string} url */
function loadFrame(url) {
  const container = document.getElementById("frame");
  const current = /** @type {HTMLIFrameElement | null | undefined} */ (
    container?.querySelector("iframe:not([data-loading])")
  );
  if (!container || !current) return;
  for (const loading of container.querySelectorAll("[data-loading]")) loading.remove();
  if (current.getAttribute("src") === url) return;
  const next = document.createElement("iframe");
  next.title = current.title;
  next.src = url;
  next.dataset.loading = "";
  next.addEventListener(
    "load",
    () => {
      if (!next.isConnected) return;
      const [before, after] = [current.contentWindow, next.contentWindow];
      if (before && after && isSamePage(before, after)) after.scrollTo(0, before.scrollY);
      delete next.dataset.loading;
      current.remove();
    },
    { once: true },
  );
  container.append(next);
}

/** Whether two frames show the same page in the same state.
 * @param {Window} first @param {Window} second */
function isSamePage(first, second) {
  const [a, b] = [first, second].map((frame) => new URLSearchParams(frame.location.search));
  return ["state", "product"].every((name) => a.get(name) === b.get(name));
}

/** Apply the preview's options, which only change the page in the frame. */
function updatePreview() {
  const frameUrl = new URL(/** @type {string} */ (form.querySelector("iframe")?.src ?? location.href));
  const pageUrl = new URL(location.href);
  const fields = new FormData(form);
  pageUrl.searchParams.delete("look");
  for (const name of ["state", "width", "scheme", "product", "level"]) {
    const value = fields.get(name);
    if (typeof value !== "string") continue;
    pageUrl.searchParams.set(name, value);
    if (frameUrl.searchParams.has(name)) frameUrl.searchParams.set(name, value);
  }
  history.replaceState(null, "", pageUrl);
  if (!form.querySelector("iframe") && fields.get("state") === "cards") return location.assign(pageUrl);
  loadFrame(frameUrl.pathname + frameUrl.search);
}

const canvas = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));

/** Return a CSS colour in the format of a colour picker, without transparency.
 * @param {string} text */
function hexColor(text) {
  canvas.fillStyle = "#808080";
  canvas.fillStyle = text;
  const [, red, green, blue] = /^rgba?\((\d+), (\d+), (\d+)/.exec(canvas.fillStyle) ?? [];
  if (!red) return canvas.fillStyle;
  return `#${[red, green, blue].map((value) => Number(value).toString(16).padStart(2, "0")).join("")}`;
}

/** Show the controls that need scripts, and connect colour pickers, sliders and font lists to their
 * fields.
 * @param {HTMLElement} container */
function enhance(container) {
  for (const hidden of /** @type {NodeListOf<HTMLElement>} */ (
    container.querySelectorAll(".panel__find, [data-copy], [data-picker-for], [data-slider-for], [data-select-for]")
  ))
    hidden.hidden = false;
  for (const picker of /** @type {NodeListOf<HTMLInputElement>} */ (container.querySelectorAll("[data-picker-for]"))) {
    const text = /** @type {HTMLInputElement} */ (document.getElementById(picker.dataset.pickerFor ?? ""));
    picker.value = hexColor(text.value);
    text.addEventListener("input", () => (picker.value = hexColor(text.value)));
    picker.addEventListener("input", () => (text.value = picker.value));
  }
  for (const slider of /** @type {NodeListOf<HTMLInputElement>} */ (container.querySelectorAll("[data-slider-for]"))) {
    const number = /** @type {HTMLInputElement} */ (document.getElementById(slider.dataset.sliderFor ?? ""));
    number.addEventListener("input", () => (slider.value = number.value || slider.min));
    slider.addEventListener("input", () => (number.value = slider.value));
  }
  for (const list of /** @type {NodeListOf<HTMLSelectElement>} */ (container.querySelectorAll("[data-select-for]"))) {
    const text = /** @type {HTMLInputElement} */ (document.getElementById(list.dataset.selectFor ?? ""));
    const update = () => {
      list.value = [...list.options].some((option) => option.value === text.value) ? text.value : "custom";
      text.hidden = list.value !== "custom";
    };
    update();
    list.addEventListener("input", () => {
      text.hidden = list.value !== "custom";
      if (text.hidden) text.value = list.value;
      else text.focus();
    });
  }
}

const search = /** @type {HTMLInputElement} */ (document.getElementById("find"));

/** Show only the settings that contain all words of the search. */
function filterSettings() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  form.classList.toggle("studio--searching", words.length > 0);
  let count = 0;
  for (const section of /** @type {NodeListOf<HTMLDetailsElement>} */ (controls.querySelectorAll("details.section"))) {
    let hasMatch = false;
    const heading = section.querySelector("summary")?.textContent ?? "";
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (section.querySelectorAll("[data-find]"))) {
      const text = `${heading} ${row.dataset.find}`.toLowerCase();
      const matches = words.every((word) => text.includes(word));
      row.hidden = !matches;
      hasMatch ||= matches;
      if (matches) count += 1;
    }
    section.hidden = words.length > 0 && !hasMatch;
    if (words.length && hasMatch) section.open = true;
  }
  const result = document.getElementById("find-result");
  if (result) result.textContent = words.length ? `${count} found` : "";
}

form.addEventListener("input", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (field === search) return filterSettings();
  if (field.name === "pane" || field.id === "snippet" || field.readOnly) return;
  if ("view" in field.dataset) return updatePreview();
  clearTimeout(timer);
  timer = setTimeout(() => {
    lastInput = lastPress.then(() => send());
  }, TYPING_DELAY);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  const input = lastInput;
  lastPress = lastPress.then(async () => {
    await input;
    // send recent input first, as a separate step for undo
    if (timer !== undefined) await send();
    if (button?.ariaDisabled !== "true") await send(button);
  });
});
form.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-copy]"));
  if (!button || button.textContent === button.dataset.done) return;
  const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.copy ?? ""));
  field.select();
  await navigator.clipboard.writeText(field.value).catch(() => document.execCommand("copy"));
  const message = /** @type {HTMLElement} */ (document.getElementById("copied"));
  const label = button.textContent;
  message.textContent = button.textContent = button.dataset.done ?? "";
  setTimeout(() => {
    button.textContent = label;
    message.textContent = "";
  }, 2000);
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  const action = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : "";
  // text fields have their own undo
  const isTextField = /** @type {Element} */ (event.target).matches(
    "textarea, select, input:not([type=checkbox], [type=radio], [type=color], [type=range])",
  );
  if (!action || isTextField) return;
  event.preventDefault();
  document.getElementById(`do-${action}`)?.click();
});

// on a phone, start with the preview at a phone's width
if (innerWidth < 576 && !new URL(location.href).searchParams.has("width"))
  /** @type {HTMLInputElement} */ (form.querySelector("[name=width][value=phone]")).checked = true;
const preview = /** @type {HTMLElement} */ (document.getElementById("do-preview"));
preview.hidden = true; // changes are applied automatically
enhance(form);
