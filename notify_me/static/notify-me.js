/** <notify-me>: opens the form behind its link in a dialog, and submits forms without leaving the
 * page. See docs/events.md. */

// in ms
const SHOP_TIMEOUT = 15000; // one request to the shop
const CALL_TIMEOUT = 5000; // one call to Klaviyo
const CALLS_TIMEOUT = 8000; // all calls of a sign-up; the server makes the rest
const PREFETCH_MAX_AGE = 30000; // how long a prefetched form is used

/** The --notify-me-… properties that a dialog copies from its button. */
const PROPERTIES = `accent alert backdrop border button-background button-border button-color button-font-family
  button-font-size button-font-style button-font-weight button-height button-letter-spacing button-radius
  button-shadow button-text-decoration close-color error error-background font muted scheme submit-background
  submit-color success success-background surface text z-index`.split(/\s+/);

/** @typedef {{ url: string, headers: Record<string, string>, body: object, after_any: boolean }} Call */
/** @typedef {{ status: number, body: unknown } | null} KlaviyoResponse */
/** @typedef {{ state: string, html?: string, calls?: Call[], sign_up?: string, signed_up?: string[] }} Reply */

/** The elements that wrap the dialogs, keyed by form URL. They keep what was typed.
 * @type {Map<string, NotifyMe>} */
const hosts = new Map();

/** @type {Set<NotifyMe>} the elements on the page */
const elements = new Set();

/** The form that was opened last. */
let latestUrl = "";

/** @type {Record<string, string>} the sign-ups made in this tab */
let signedUp = {};
try {
  signedUp = sessionStorage ?? {};
} catch {
  // storage is blocked
}

/** @param {Call} call @param {number} deadline @returns {Promise<KlaviyoResponse>} */
async function callKlaviyo({ url, headers, body }, deadline) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "omit",
      keepalive: true,
      signal: AbortSignal.timeout(Math.min(CALL_TIMEOUT, deadline - Date.now())),
    });
    const { status } = response;
    return { status, body: status === 202 ? null : await response.json().catch(() => null) };
  } catch {
    return null;
  }
}

/** Fetch a form. Returns "" after an error response, null without a response.
 * @param {string} href @returns {Promise<string | null>} */
async function fetchForm(href) {
  const options = { headers: { "X-Notify-Me": "1" }, signal: AbortSignal.timeout(SHOP_TIMEOUT) };
  const response = await fetch(href, options).catch(() => null);
  return response?.ok ? response.text().catch(() => null) : response && "";
}

/** The composite ID in a form's URL.
 * @param {string} url */
function variantIn(url) {
  const segment = url.replace(/[?#].*|^[^?#]*\//g, "");
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Whether an event is on the dialog's backdrop.
 * @param {MouseEvent} event @param {HTMLDialogElement | null} dialog */
function isOutside({ target, clientX, clientY }, dialog) {
  if (!dialog || target !== dialog) return false;
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

/** @param {Element | undefined} element */
const dialogIn = (element) => element?.querySelector("dialog") ?? null;

export class NotifyMe extends HTMLElement {
  /** @type {{ href: string, at: number, html: Promise<string | null> } | undefined} */
  #prefetched;
  #sending = false;
  /** @type {NotifyMe | undefined} the element with the link, if this one wraps a dialog */
  #opener;
  #pressedOutside = false;
  /** The form's URL. */
  #url = "";

  /** Open the form for a variant, for the shop's own scripts.
   * @param {string} variantId its composite ID @returns {Promise<void>} when the dialog is open */
  static open(variantId) {
    let element = [...elements].find((element) => element.#key === variantId);
    if (!element) {
      const path = `../${encodeURIComponent(variantId)}?lang=${document.documentElement.lang}`;
      const link = document.createElement("a");
      link.href = new URL(path, import.meta.url).href;
      element = /** @type {NotifyMe} */ (document.createElement("notify-me"));
      element.append(link);
    }
    return element.open();
  }

  constructor() {
    super();
    for (const type of ["pointerover", "focusin"])
      this.addEventListener(type, (event) => this.#isLink(event) && this.#prefetch());
    this.addEventListener("mousedown", (event) => {
      this.#pressedOutside = isOutside(event, dialogIn(this));
      // keep focus in the field
      if (this.#pressedOutside) event.preventDefault();
    });
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("submit", (event) => this.#submit(event));
    // a key that is held down acts only once
    this.addEventListener("keydown", (event) => event.repeat && event.key === "Enter" && event.preventDefault());
    new MutationObserver(() => this.#update()).observe(this, { attributeFilter: ["href"], subtree: true });
  }

  connectedCallback() {
    elements.add(this);
    // back in stock: forget the sign-up
    for (const key of ["", "*"]) delete signedUp[`notify-me ${key}${this.dataset.inStock}`];
    this.#update();
    // a page cache may restore an open dialog, but not as a modal
    if (this.matches(".notify-me--dialog") && !this.#opener) return this.remove();
    // a clone of a busy element isn't busy
    if (!this.#sending) for (const element of this.querySelectorAll("[aria-busy]")) element.ariaBusy = null;
    const anchor = document.getElementById(this.dataset.anchor ?? "");
    if (!anchor) return;
    // only once: scripts may move it
    delete this.dataset.anchor;
    if (!anchor.contains(this)) anchor.append(this);
  }

  disconnectedCallback() {
    elements.delete(this);
    // a removed or moved dialog isn't modal
    if (this.#opener) dialogIn(this)?.close();
  }

  /** @returns {HTMLAnchorElement | null} */
  get #link() {
    return this.querySelector(":scope > a");
  }

  /** The composite ID; begins with an asterisk if the shopper chooses a variant. */
  get #key() {
    const url = this.#link?.href ?? "";
    return (/[?&]choose=/.test(url) ? "*" : "") + variantIn(url);
  }

  /** Show a sign-up made in this tab. */
  #update() {
    const listed = `notify-me ${this.#key}` in signedUp;
    this.querySelector(".notify-me__listed")?.toggleAttribute("hidden", !listed);
  }

  static #updateAll() {
    for (const element of elements) element.#update();
  }

  static {
    // a restored page may be older than a sign-up
    addEventListener("pageshow", NotifyMe.#updateAll);
  }

  /** @param {Event} event */
  #isLink(event) {
    return !!this.#link?.contains(/** @type {Node} */ (event.target));
  }

  /** Return the form, fetched recently or now. */
  async #prefetch() {
    const href = this.#link?.href ?? "";
    let form = this.#prefetched;
    if (form?.href !== href || Date.now() - form.at > PREFETCH_MAX_AGE)
      this.#prefetched = form = { href, at: Date.now(), html: fetchForm(href) };
    const html = await form.html;
    // the next attempt may succeed
    if (!html) this.#prefetched = undefined;
    return html;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const dialog = dialogIn(this);
    // not the second click of a double click
    const outside = this.#pressedOutside && event.detail < 2 && isOutside(event, dialog);
    const closes = /** @type {Element} */ (event.target).closest(".notify-me__close, .notify-me__continue");
    if (dialog && (outside || closes)) {
      event.preventDefault();
      return dialog.close();
    }
    const modified = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (modified || event.defaultPrevented || !this.#isLink(event)) return;
    event.preventDefault();
    // a card may also be a link
    event.stopPropagation();
    this.open();
  }

  /** Show the form in a dialog, or follow the link. */
  async open() {
    const link = this.#link;
    const href = link?.href;
    if (!href) return;
    const { isConnected } = this;
    latestUrl = href;
    try {
      let form;
      if (!dialogIn(hosts.get(href))) {
        link.ariaBusy = "true";
        form = await this.#prefetch();
        // another page or form was opened
        if ((isConnected && !this.isConnected) || latestUrl !== href) return;
        const html = form ?? document.querySelector("script[data-notify-me]")?.getAttribute("data-notify-me");
        if (!html) return location.assign(href);
        // another click may have opened it
        if (!dialogIn(hosts.get(href))) hosts.set(href, this.#createHost(href, html));
        this.#prefetched = undefined;
      }
      const host = /** @type {NotifyMe} */ (hosts.get(href));
      host.#showModal(this);
      if (form === null) host.#dispatch("error", { state: "offline" });
    } catch {
      hosts.get(href)?.remove();
      location.assign(href);
    } finally {
      link.ariaBusy = null;
    }
  }

  /** Create the element around a dialog, at the end of <body>, where nothing can hide or change it.
   * @param {string} href @param {string} html */
  #createHost(href, html) {
    const host = /** @type {NotifyMe} */ (document.createElement("notify-me"));
    host.className = "notify-me notify-me--dialog";
    host.dataset.hxBoost = "false";
    host.#opener = this;
    host.innerHTML = html;
    host.querySelector("a[data-notify-me=form]")?.setAttribute("href", href);
    const dialog = /** @type {HTMLDialogElement} */ (dialogIn(host));
    dialog.addEventListener("close", () => {
      // unless it was reopened
      if (!dialog.open) host.remove();
      // a confirmation isn't shown again
      if (!host.querySelector(".notify-me__form")) hosts.delete(href);
      NotifyMe.#updateAll();
    });
    return host;
  }

  /** @param {NotifyMe} opener */
  #showModal(opener) {
    const dialog = /** @type {HTMLDialogElement} */ (dialogIn(this));
    if (dialog.open) return;
    for (const host of hosts.values()) dialogIn(host)?.close();
    this.#opener = opener;
    this.#url = opener.#link?.href ?? "";
    const style = getComputedStyle(opener);
    this.style.colorScheme = style.colorScheme;
    for (const name of PROPERTIES)
      this.style.setProperty(`--notify-me-${name}`, style.getPropertyValue(`--notify-me-${name}`));
    // the page behind a dialog must not move
    const page = document.documentElement;
    this.classList.toggle("notify-me--gutter", innerWidth > page.clientWidth);
    this.classList.toggle("notify-me--propagated", getComputedStyle(page).overflow === "visible");
    document.body.append(this);
    dialog.showModal();
    if (!dialog.getClientRects().length) throw new Error("the dialog is hidden");
    this.#dispatch("open");
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.method !== "post" || event.defaultPrevented) return;
    event.preventDefault();
    this.#url = form.action;
    if (this.#sending || !this.#dispatch("submit")) return;
    this.#sending = true;
    form.ariaBusy = "true";
    try {
      const body = new URLSearchParams(/** @type {any} */ (new FormData(form, event.submitter)));
      let reply = await this.#post(form.action, body);
      while (reply.state === "send") reply = await this.#makeCalls(form.action, body, reply);
      this.#show(reply);
    } catch {
      // the form works without the script
      form.submit();
    } finally {
      this.#sending = false;
      form.ariaBusy = null;
    }
  }

  /** Send a form to the shop. The state is "offline" without a response, and "failed" if the response
   * isn't the kit's, such as a CSRF error.
   * @param {string} action @param {URLSearchParams} body @returns {Promise<Reply>} */
  async #post(action, body) {
    // "page" asks for a title in an <h1>
    const headers = { "X-Notify-Me": this.matches(".notify-me--page") ? "page" : "1" };
    const signal = AbortSignal.timeout(SHOP_TIMEOUT);
    const response = await fetch(action, { method: "POST", headers, body, signal, keepalive: true }).catch(() => null);
    const reply = await response?.json().catch(() => null);
    return reply?.html ? reply : { state: response ? "failed" : "offline" };
  }

  /** Make the calls that the server prepared, then post the responses back with the same form.
   * @param {string} action @param {URLSearchParams} body @param {Reply} reply @returns {Promise<Reply>} */
  async #makeCalls(action, body, reply) {
    const { calls = [], sign_up = "" } = reply;
    /** @type {KlaviyoResponse[]} */
    const responses = [];
    const deadline = Date.now() + CALLS_TIMEOUT;
    let acceptedCalls = 0;
    for (const call of calls) {
      const skipped = (call.after_any && !acceptedCalls) || Date.now() >= deadline;
      const response = skipped ? null : await callKlaviyo(call, deadline);
      responses.push(response);
      // 409 for back in stock: already signed up
      if (response?.status === 202 || (response?.status === 409 && !call.after_any)) acceptedCalls++;
    }
    body.set("sign_up", sign_up);
    body.set("answers", JSON.stringify(responses));
    const report = this.#post(action, body);
    // if all calls were accepted, the report only completes the log
    return acceptedCalls < calls.length ? report : { ...reply, state: "done" };
  }

  /** Replace the view, or show an error. The shop's scripts may have removed either element.
   * @param {Reply} reply */
  #show({ state, html, signed_up = [] }) {
    if (html) {
      const view = this.querySelector(".notify-me__view");
      if (view) view.outerHTML = html;
      const title = this.querySelector(".notify-me__title");
      if (title) dialogIn(this)?.setAttribute("aria-labelledby", title.id);
      /** @type {HTMLElement | null} */ (this.querySelector("[aria-invalid]") ?? title)?.focus();
    } else {
      const alert = this.querySelector(".notify-me__alert");
      alert?.removeAttribute("hidden");
      if (alert) alert.innerHTML = this.querySelector(`template[data-notify-me=${state}]`)?.innerHTML ?? "";
    }
    try {
      for (const key of signed_up) signedUp[`notify-me ${key}`] = "1";
    } catch {
      // storage is full
    }
    // the page behind a dialog must not move
    if (!dialogIn(this)?.open) NotifyMe.#updateAll();
    if (state !== "form") this.#dispatch(state === "done" ? "done" : "error", { state });
  }

  /** Dispatch an event, on the button's element if it is still there.
   * @param {string} name @param {object} [more] */
  #dispatch(name, more) {
    const target = this.#opener?.isConnected ? this.#opener : this;
    const detail = { variant: variantIn(this.#url), ...more };
    const event = new CustomEvent(`notify-me:${name}`, { bubbles: true, cancelable: true, composed: true, detail });
    return target.dispatchEvent(event);
  }
}

// other browsers only have the links
if (CSS.supports("selector(:has(:modal))") && "timeout" in AbortSignal && "showModal" in HTMLDialogElement.prototype) {
  if (!customElements.get("notify-me")) customElements.define("notify-me", NotifyMe);
  Object.assign(window, { NotifyMe: customElements.get("notify-me") });
}
