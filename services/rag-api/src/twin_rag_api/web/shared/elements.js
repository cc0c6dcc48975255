// Building what is shown. Everything is inserted as text: nothing that comes from outside can become markup.

/**
 * A new element.
 * @param {string} selector its name and classes, such as "p.hint.wide"
 * @param {object} properties attributes; functions under "on…" are listeners, and false leaves an attribute out
 * @param {...(Node|string|null|undefined|false)} children what stands in it
 */
export function h(selector, properties = {}, ...children) {
  const [name, ...classes] = selector.split(".");
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(" ");
  for (const [property, value] of Object.entries(properties)) {
    if (property.startsWith("on")) made.addEventListener(property.slice(2), value);
    else if (value === true) made.setAttribute(property, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(property, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the signs in icons.svg; it says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/web/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** A button with a sign; without a text its name is only spoken. */
export function button(text, sign, onclick, properties = {}) {
  const { kind = "quiet", label, ...rest } = properties;
  const children = [sign && icon(sign), text && h("span", {}, text)];
  return h(`button.${kind}`, { type: "button", onclick, "aria-label": label, title: label, ...rest }, ...children);
}

/** A link, if the address is one of the web's; anything else stays text. */
export function safeLink(url, ...children) {
  const shown = children.length ? children : [url];
  if (!/^https?:\/\//i.test(url)) return h("span", {}, ...shown);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...shown);
}

/** The heading of a view, which is focused when the view is entered. */
export function heading(title, hint, ...actions) {
  return h(
    "header.view-head",
    {},
    h("div", {}, h("h1", { tabindex: -1 }, title), hint && h("p.hint", {}, hint)),
    actions.length > 0 && h("div.actions", {}, ...actions),
  );
}

/** A labelled field. */
export function field(label, control, hint) {
  const hintId = hint && `${control.id}-hint`;
  if (hintId) control.setAttribute("aria-describedby", hintId);
  return h("div.field", {}, h("label", { for: control.id }, label), control, hint && h("p.hint", { id: hintId }, hint));
}

/** A place for problems, read out when one appears. */
export function problemPlace() {
  return h("p.problem", { role: "alert" });
}

/** Run `work`, and show its problem in `place`; an answer that came clears it. */
export async function reporting(place, work) {
  try {
    const result = await work();
    place.textContent = "";
    return result;
  } catch (error) {
    if (error.name !== "AbortError") place.textContent = error.message;
    return undefined;
  }
}

let toastTimer = null;

/** A short word that something was done. */
export function toast(text) {
  const place = document.getElementById("toast");
  place.textContent = text;
  place.dataset.shown = "yes";
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => delete place.dataset.shown, 3000);
}

/** Copy a text and say so. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("This browser does not allow copying: select the text instead");
  }
}

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

/** A moment, as a person says it, with the exact one on hover. */
export function moment(iso) {
  if (!iso) return h("span.hint", {}, "–");
  const date = new Date(iso);
  const seconds = (date - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  const near = Math.abs(seconds) < 7 * 86400;
  const text = near ? RELATIVE.format(Math.round(seconds / size), unit) : MOMENT.format(date);
  return h("time", { datetime: iso, title: MOMENT.format(date) }, text);
}

/** A duration in seconds, as short as it can be said. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

/** A state in a coloured pill; `tone` is good, wait, bad or calm. */
export function pill(text, tone = "calm") {
  return h(`span.pill.${tone}`, {}, text);
}
