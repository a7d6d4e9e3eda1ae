// @ts-check
/**
 * <notify-me>: opens the form behind its link in a dialog, and submits forms without leaving the
 * page. Text, rules and markup come from the server; this script only shows and sends them.
 *
 * Events, all bubbling: notify-me:open, notify-me:submit (cancelable, before a form is sent),
 * notify-me:done, notify-me:error.
 */

const SHOP_TIMEOUT = 15000; // ms for one request to the shop
const CALL_TIMEOUT = 5000; // ms for one call to Klaviyo
const CALLS_TIMEOUT = 8000; // ms for all calls of a sign-up; the server makes the rest
const PREFETCH_MAX_AGE = 30000; // ms for which a prefetched form may be shown

/** The properties that a shop may set around a button and that the dialog uses. */
const PROPERTIES = [
  "color-scheme",
  ...(
    "accent alert backdrop border button-background button-border button-color button-font-family button-font-size " +
    "button-font-style button-font-weight button-height button-letter-spacing button-radius button-shadow " +
    "button-text-decoration close-color error error-background font muted scheme submit-background submit-color " +
    "success success-background surface text z-index"
  )
    .split(" ")
    .map((name) => `--notify-me-${name}`),
];

/** @typedef {{ url: string, headers: Record<string, string>, body: object, after_any: boolean }} Call */
/** @typedef {{ status: number, body: unknown } | null} Answer */
/** @typedef {{ state: string, html?: string, calls?: Call[], sign_up?: string }} Reply */

/** The elements around the dialogs that can be opened again, by the address of their form. They keep
 * what was typed, whatever becomes of the button.
 * @type {Map<string, NotifyMe>} */
const hosts = new Map();

/** Whether Klaviyo accepted the call: a 409 on back in stock is a repeated sign-up.
 * @param {Answer} answer @param {Call} call */
const accepted = (answer, call) => answer?.status === 202 || (answer?.status === 409 && !call.after_any);

/** Make one call to Klaviyo.
 * @param {Call} call @param {number} deadline @returns {Promise<Answer>} null without an answer */
async function callKlaviyo({ url, headers, body }, deadline) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "omit",
      keepalive: true,
      signal: AbortSignal.timeout(Math.max(0, Math.min(CALL_TIMEOUT, deadline - Date.now()))),
    });
    const { status } = response;
    return { status, body: status === 202 ? null : await response.json().catch(() => null) };
  } catch {
    return null;
  }
}

/** Fetch a form.
 * @param {string} href @param {Record<string, string>} headers
 * @returns {Promise<string | null>} empty if the answer is an error, null without an answer */
async function fetchForm(href, headers) {
  const request = { headers, signal: AbortSignal.timeout(SHOP_TIMEOUT) };
  try {
    const response = await fetch(href, request);
    return response.ok ? await response.text() : "";
  } catch {
    return null;
  }
}

/** Whether a pointer event is on the backdrop of this dialog.
 * @param {MouseEvent} event @param {HTMLDialogElement | null} dialog */
function isOutside({ target, clientX, clientY }, dialog) {
  if (!dialog || target !== dialog) return false;
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

export class NotifyMe extends HTMLElement {
  /** @type {{ href: string, at: number, html: Promise<string | null> } | undefined} */
  #prefetched;
  #sending = false;
  /** The element that was clicked, if this one is the host of its dialog.
   * @type {NotifyMe | undefined} */
  #opener;
  #pressedOutside = false;

  /**
   * Open the form for a variant, for the shop's own scripts.
   * @param {string} variantId its composite ID
   * @returns {Promise<void>} resolves once the dialog is open
   */
  static open(variantId) {
    const id = encodeURIComponent(variantId);
    let element = document.querySelector(`notify-me:has(> a:is([href$="/${id}"], [href*="/${id}?lang="]))`);
    if (!element) {
      element = document.createElement("notify-me");
      element.append(document.createElement("a"));
      /** @type {HTMLAnchorElement} */ (element.firstChild).href = new URL(
        `../${id}?lang=${document.documentElement.lang}`,
        import.meta.url,
      ).href;
    }
    return /** @type {NotifyMe} */ (element).open();
  }

  constructor() {
    super();
    for (const type of ["pointerover", "focusin", "touchstart"])
      this.addEventListener(type, (event) => this.#isLink(event) && this.#prefetch().catch(() => {}), { passive: true });
    this.addEventListener("pointerdown", (event) => {
      this.#pressedOutside = isOutside(event, this.#dialog);
    });
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("submit", (event) => this.#submit(event));
    // the key that opened or sent a form must not send the next one while it is held
    this.addEventListener("keydown", (event) => event.repeat && event.key === "Enter" && event.preventDefault());
  }

  connectedCallback() {
    // a copy of an open dialog, as from a page cache, isn't modal
    if (this.matches(".notify-me--dialog") && !this.#opener) return this.remove();
    // a copy of an element that was sending isn't
    if (!this.#sending) for (const element of this.querySelectorAll("[aria-busy]")) element.ariaBusy = null;
    const anchor = document.getElementById(this.dataset.anchor ?? "");
    if (!anchor) return;
    // only once, so that the shop's scripts can move the element; moving it calls this again
    delete this.dataset.anchor;
    if (!anchor.contains(this)) anchor.append(this);
  }

  disconnectedCallback() {
    // a dialog that was removed or moved isn't modal any more
    if (this.#opener) this.#dialog?.close();
  }

  /** The link to the form; an element with the form in the page has none.
   * @returns {HTMLAnchorElement | null} */
  get #link() {
    return this.querySelector(":scope > a");
  }

  get #dialog() {
    return this.querySelector("dialog");
  }

  /** @param {Event} event */
  #isLink(event) {
    return !!this.#link?.contains(/** @type {Node} */ (event.target));
  }

  /** Fetch the form, or return it if it was fetched recently.
   * @param {string} [href] */
  async #prefetch(href = this.#link?.href ?? "") {
    let form = this.#prefetched;
    if (form?.href !== href || Date.now() - form.at > PREFETCH_MAX_AGE)
      this.#prefetched = form = { href, at: Date.now(), html: fetchForm(href, this.#headers) };
    const html = await form.html;
    // the next attempt may succeed
    if (!html) this.#prefetched = undefined;
    return html;
  }

  /** "page" where the form is the page's content, so that its title is an <h1>. */
  get #headers() {
    return { "X-Notify-Me": this.matches(".notify-me--page") ? "page" : "1" };
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const dialog = this.#dialog;
    const { target } = event;
    // not with the second click of a double click, whose first one has opened the dialog
    const outside = this.#pressedOutside && event.detail < 2 && isOutside(event, dialog);
    if (outside || /** @type {Element} */ (target).closest(".notify-me__close")) return dialog?.close();
    const modified = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (modified || event.defaultPrevented || !this.#isLink(event)) return;
    event.preventDefault();
    this.open();
  }

  /** Show the form in a dialog, or follow the link if that isn't possible. */
  async open() {
    const link = this.#link;
    const href = link?.href;
    if (!href) return;
    try {
      if (!hosts.get(href)?.#dialog) {
        link.ariaBusy = "true";
        let html = await this.#prefetch(href);
        const offline = html === null;
        if (offline)
          html = document.querySelector("[data-notify-me-unreachable]")?.getAttribute("data-notify-me-unreachable") ?? "";
        if (!html) return location.assign(href);
        // another click may have been faster
        if (!hosts.get(href)?.#dialog) hosts.set(href, this.#createHost(href, html));
        this.#prefetched = undefined;
        if (offline) this.#dispatch("error", { state: "offline" });
      }
      /** @type {NotifyMe} */ (hosts.get(href)).#showModal(this);
    } catch {
      hosts.get(href)?.remove();
      location.assign(href);
    } finally {
      link.ariaBusy = null;
    }
  }

  /** Create the element that holds a dialog: nothing around the button can then hide or change it.
   * @param {string} href @param {string} html */
  #createHost(href, html) {
    const host = /** @type {NotifyMe} */ (document.createElement("notify-me"));
    host.className = "notify-me notify-me--dialog";
    host.dataset.hxBoost = "false";
    host.#opener = this;
    host.innerHTML = html;
    for (const link of host.querySelectorAll("a[data-notify-me=form]")) link.setAttribute("href", href);
    const dialog = /** @type {HTMLDialogElement} */ (host.#dialog);
    dialog.addEventListener("close", () => {
      host.remove();
      // a dialog without a form, such as the confirmation, isn't shown again
      if (!host.querySelector(".notify-me__form")) hosts.delete(href);
    });
    return host;
  }

  /** Show the dialog of this host.
   * @param {NotifyMe} opener */
  #showModal(opener) {
    const dialog = /** @type {HTMLDialogElement} */ (this.#dialog);
    if (dialog.open) return;
    for (const host of hosts.values()) host.#dialog?.close();
    this.#opener = opener;
    const style = getComputedStyle(opener);
    for (const name of PROPERTIES) this.style.setProperty(name, style.getPropertyValue(name));
    // the page behind, which can't scroll now, must not move
    const page = document.documentElement;
    this.classList.toggle("notify-me--gutter", innerWidth > page.clientWidth);
    this.classList.toggle("notify-me--propagated", getComputedStyle(page).overflow === "visible");
    document.body.append(this);
    dialog.showModal();
    if (!dialog.getClientRects().length) throw new Error("the dialog is hidden");
    this.#measure();
    opener.#dispatch("open");
  }

  /** Tell the stylesheet how much of a dialog its title covers, so that no focused field is behind it. */
  #measure() {
    const height = this.querySelector(".notify-me__title")?.getBoundingClientRect().height;
    this.#dialog?.style.setProperty("--_header", `${height}px`);
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.method !== "post" || event.defaultPrevented) return;
    event.preventDefault();
    if (this.#sending || !this.#dispatch("submit", undefined, true)) return;
    this.#sending = true;
    form.ariaBusy = "true";
    try {
      const body = new URLSearchParams(/** @type {any} */ (new FormData(form, event.submitter)));
      let reply = await this.#post(form.action, body);
      while (reply.state === "send") reply = await this.#makeCalls(form.action, body, reply);
      this.#show(reply);
    } catch {
      // whatever this browser lacks, it can send the form as without scripts
      form.submit();
    } finally {
      this.#sending = false;
      form.ariaBusy = null;
    }
  }

  /** Send a form to the shop. The reply's state is "offline" without an answer, and "failed" if
   * something else answered, such as a CSRF check of the shop's.
   * @param {string} action @param {URLSearchParams} body @returns {Promise<Reply>} */
  async #post(action, body) {
    const signal = AbortSignal.timeout(SHOP_TIMEOUT);
    const request = { method: "POST", headers: this.#headers, body, signal, keepalive: true };
    try {
      const reply = await (await fetch(action, request)).json();
      return reply?.html ? reply : { state: "failed" };
    } catch (error) {
      return { state: error instanceof SyntaxError ? "failed" : "offline" };
    }
  }

  /**
   * Make the calls that the server prepared, then report the answers to it with the same form.
   * @param {string} action @param {URLSearchParams} body @param {Reply} reply
   * @returns {Promise<Reply>}
   */
  async #makeCalls(action, body, { calls = [], html, sign_up = "" }) {
    /** @type {Answer[]} */
    const answers = [];
    const deadline = Date.now() + CALLS_TIMEOUT;
    let acceptedCalls = 0;
    for (const call of calls) {
      const answer = call.after_any && !acceptedCalls ? null : await callKlaviyo(call, deadline);
      answers.push(answer);
      if (accepted(answer, call)) acceptedCalls++;
    }
    body.set("sign_up", sign_up);
    body.set("answers", JSON.stringify(answers));
    const report = this.#post(action, body);
    // once Klaviyo has accepted everything, the report only completes the shop's log
    return acceptedCalls < calls.length ? report : { state: "done", html };
  }

  /** Replace the view, or show what went wrong above it, unless the shop's scripts have removed it.
   * @param {Reply} reply */
  #show({ state, html }) {
    const view = this.querySelector(".notify-me__view");
    if (html) {
      const template = document.createElement("template");
      template.innerHTML = html;
      view?.replaceWith(template.content);
      const title = this.querySelector(".notify-me__title");
      if (title) this.#dialog?.setAttribute("aria-labelledby", title.id);
      this.#measure();
      /** @type {HTMLElement | null} */ (this.querySelector("[aria-invalid]") ?? title)?.focus();
    } else {
      /** @type {HTMLElement | null} */
      const alert = this.querySelector(".notify-me__alert");
      /** @type {HTMLTemplateElement | null} */
      const template = this.querySelector(`template[data-notify-me=${state}]`);
      if (alert) {
        alert.hidden = false;
        alert.textContent = template?.content.textContent ?? "";
      }
    }
    if (state !== "form") this.#dispatch(state === "done" ? "done" : "error", { state });
  }

  /** Dispatch an event on the button that opened the dialog, even if the dialog is elsewhere.
   * @param {string} name @param {unknown} [detail] @param {boolean} [cancelable] */
  #dispatch(name, detail, cancelable = false) {
    const target = this.#opener?.isConnected ? this.#opener : this;
    return target.dispatchEvent(new CustomEvent(`notify-me:${name}`, { bubbles: true, cancelable, detail }));
  }
}

// in any other browser the plain links work
if (
  "timeout" in AbortSignal &&
  "HTMLDialogElement" in window &&
  "showModal" in HTMLDialogElement.prototype &&
  CSS.supports("selector(:has(:modal))")
) {
  // a second copy of this script changes nothing
  if (!customElements.get("notify-me")) customElements.define("notify-me", NotifyMe);
  Object.assign(window, { NotifyMe: customElements.get("notify-me") });
}
