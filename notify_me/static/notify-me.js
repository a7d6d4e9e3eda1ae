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

/** @typedef {{ url: string, headers: Record<string, string>, body: object, after_any: boolean }} Call */
/** @typedef {{ status: number, body: unknown } | null} Answer */
/** @typedef {{ state: string, html: string, calls?: Call[], sign_up?: string }} Reply */

/** Whether Klaviyo accepted the call: a 409 on back in stock is a repeated sign-up.
 * @param {Answer} answer @param {Call} call */
const accepted = (answer, call) => answer?.status === 202 || (answer?.status === 409 && !call.after_any);

/** Make one call to Klaviyo.
 * @param {Call} call @param {AbortSignal} deadline @returns {Promise<Answer>} null without an answer */
async function callKlaviyo({ url, headers, body }, deadline) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "omit",
      keepalive: true,
      signal: AbortSignal.any([deadline, AbortSignal.timeout(CALL_TIMEOUT)]),
    });
    const { status } = response;
    return { status, body: status === 202 ? null : await response.json().catch(() => null) };
  } catch {
    return null;
  }
}

export class NotifyMe extends HTMLElement {
  /** @type {{ href: string, at: number, html: Promise<string | undefined> } | undefined} */
  #prefetched;
  #sending = false;
  /** The address of the form in the dialog. */
  #shown = "";
  /** @type {AbortController | undefined} */
  #listeners;

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
      element.innerHTML = "<a hidden></a>";
      /** @type {HTMLAnchorElement} */ (element.firstChild).href = new URL(
        `../${id}?lang=${document.documentElement.lang}`,
        import.meta.url,
      ).href;
      document.body.append(element);
    }
    return /** @type {NotifyMe} */ (element).open();
  }

  connectedCallback() {
    const anchor = document.getElementById(this.dataset.anchor ?? "");
    if (anchor) {
      // only once, so that the shop's scripts can move the element; moving it calls this again
      delete this.dataset.anchor;
      if (!anchor.contains(this)) return anchor.append(this);
    }
    // a dialog that was moved or copied isn't modal any more: the next click opens a new one
    if (this.#link) this.querySelector("dialog")?.remove();
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    for (const type of ["pointerover", "focusin", "touchstart"])
      this.addEventListener(type, (event) => this.#isLink(event) && this.#prefetch(), { signal, passive: true });
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.addEventListener("submit", (event) => this.#submit(event), { signal });
  }

  disconnectedCallback() {
    this.#listeners?.abort();
  }

  /** The link to the form; an element with the form in the page has none.
   * @returns {HTMLAnchorElement | null} */
  get #link() {
    return this.querySelector(":scope > a");
  }

  /** @param {Event} event */
  #isLink(event) {
    return !!this.#link?.contains(/** @type {Node} */ (event.target));
  }

  /** Fetch the form, or return it if it was fetched recently.
   * @param {string} [href] */
  #prefetch(href = this.#link?.href ?? "") {
    const last = this.#prefetched;
    if (last?.href === href && Date.now() - last.at < PREFETCH_MAX_AGE) return last.html;
    const html = fetch(href, { headers: this.#headers, signal: AbortSignal.timeout(SHOP_TIMEOUT) })
      .then((response) => (response.ok ? response.text() : undefined))
      .catch(() => undefined);
    this.#prefetched = { href, at: Date.now(), html };
    return html;
  }

  /** "page" where the form is the page's content, so that its title is an <h1>. */
  get #headers() {
    return { "X-Notify-Me": this.querySelector("h1") ? "page" : "1" };
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const modified = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (modified || event.defaultPrevented || !this.#isLink(event)) return;
    event.preventDefault();
    this.open();
  }

  /** Show the form in a dialog, or follow the link if it can't be fetched. */
  async open() {
    const href = this.#link?.href;
    if (!href) return;
    let dialog = this.querySelector("dialog");
    // the shop may have pointed the link at another variant meanwhile
    if (dialog && this.#shown !== href) dialog.remove();
    else if (dialog?.open) return;
    if (!dialog?.isConnected) {
      const html = await this.#prefetch(href);
      // another click may have been faster
      dialog = this.querySelector("dialog");
      if (dialog?.open) return;
      if (!html) return location.assign(href);
      if (!dialog) {
        this.#shown = href;
        this.#prefetched = undefined;
        this.insertAdjacentHTML("beforeend", html);
        const added = (dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog")));
        // a dialog without a form, such as the confirmation, isn't shown again
        added.addEventListener("close", () => added.querySelector(".notify-me__form") || added.remove());
      }
    }
    dialog.showModal();
    this.#dispatch("open");
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.method !== "post") return;
    event.preventDefault();
    if (this.#sending || !this.#dispatch("submit", undefined, true)) return;
    this.#sending = true;
    form.ariaBusy = "true";
    const body = new URLSearchParams(/** @type {any} */ (new FormData(form, event.submitter)));
    /** @type {Reply | undefined} */
    let reply;
    let problem = "failed";
    try {
      reply = await this.#post(form.action, body);
      while (reply.state === "send") reply = await this.#makeCalls(form.action, body, reply);
    } catch (error) {
      reply = undefined;
      // something answered, but not with the kit's JSON, such as a CSRF check of the shop's
      if (!(error instanceof SyntaxError)) problem = "offline";
    }
    this.#sending = false;
    form.ariaBusy = null;
    if (reply?.html) this.#show(reply);
    else this.#showProblem(problem);
  }

  /** @param {string} action @param {URLSearchParams} body @returns {Promise<Reply>} */
  async #post(action, body) {
    const signal = AbortSignal.timeout(SHOP_TIMEOUT);
    const response = await fetch(action, { method: "POST", headers: this.#headers, body, signal, keepalive: true });
    return response.json();
  }

  /**
   * Make the calls that the server prepared, then report the answers to it with the same form.
   * @param {string} action @param {URLSearchParams} body @param {Reply} reply
   * @returns {Promise<Reply>}
   */
  async #makeCalls(action, body, { calls = [], html, sign_up = "" }) {
    /** @type {Answer[]} */
    const answers = [];
    const deadline = AbortSignal.timeout(CALLS_TIMEOUT);
    let acceptedCalls = 0;
    for (const call of calls) {
      const answer = call.after_any && !acceptedCalls ? null : await callKlaviyo(call, deadline);
      answers.push(answer);
      if (accepted(answer, call)) acceptedCalls++;
    }
    body.set("sign_up", sign_up);
    body.set("answers", JSON.stringify(answers));
    const report = this.#post(action, body);
    if (acceptedCalls < calls.length) return report;
    // Klaviyo has accepted everything: the report only completes the shop's log
    report.catch(() => {});
    return { state: "done", html };
  }

  /** Replace the view, unless the shop's scripts have removed it.
   * @param {Reply} reply */
  #show({ state, html }) {
    const view = this.querySelector(".notify-me__view");
    if (view) view.outerHTML = html;
    const title = this.querySelector(".notify-me__title");
    if (title) this.querySelector("dialog")?.setAttribute("aria-labelledby", title.id);
    /** @type {HTMLElement | null} */ (this.querySelector("[aria-invalid]") ?? title)?.focus();
    if (state !== "form") this.#dispatch(state === "done" ? "done" : "error", { state });
  }

  /** @param {string} state */
  #showProblem(state) {
    /** @type {HTMLElement | null} */
    const alert = this.querySelector(".notify-me__alert");
    if (alert) {
      alert.hidden = false;
      /** @type {HTMLTemplateElement | null} */
      const template = this.querySelector(`template[data-notify-me=${state}]`);
      alert.textContent = template?.content.textContent ?? "";
    }
    this.#dispatch("error", { state });
  }

  /** @param {string} name @param {unknown} [detail] @param {boolean} [cancelable] */
  #dispatch(name, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(`notify-me:${name}`, { bubbles: true, cancelable, detail }));
  }
}

// without these, as in pre-2024 browsers, the plain links work; a second copy changes nothing
if ("any" in AbortSignal && "showModal" in HTMLDialogElement.prototype && !customElements.get("notify-me")) {
  Object.assign(window, { NotifyMe });
  customElements.define("notify-me", NotifyMe);
}
