// Losses over steps, drawn as one small picture; its numbers are in its name, for who cannot see it.

import { h } from "./elements.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320;
const HEIGHT = 96;
const LINES = [["loss", "training"], ["held_out_loss", "held out"]];

/** A stage's curve: `{name, points: [{step, loss, held_out_loss}]}`. */
export function curve({ name, points }) {
  const lines = LINES.map(([key, label]) => ({ key, label, places: points.filter((point) => Number.isFinite(point[key])) }))
    .filter(({ places }) => places.length > 0);
  if (!lines.length) return null;
  const losses = lines.flatMap(({ key, places }) => places.map((point) => point[key]));
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const steps = Math.max(...points.map((point) => point.step));
  const told = lines.map(({ key, label, places }) => `${label} ${places[0][key].toFixed(3)} to ${places.at(-1)[key].toFixed(3)}`);
  const spot = (key) => (point) => `${round((point.step / steps) * WIDTH)},${round((high > low ? (high - point[key]) / (high - low) : 0.5) * HEIGHT)}`;
  const picture = svg("svg", { class: "curve", viewBox: `-4 -4 ${WIDTH + 8} ${HEIGHT + 8}`, role: "img", "aria-label": `${name}, ${steps} steps: ${told.join("; ")}` });
  picture.append(...lines.flatMap(({ key, places }) => [
    svg("polyline", { class: key, points: places.map(spot(key)).join(" ") }),
    ...(key === "held_out_loss" ? places.map((point) => dot(spot(key)(point))) : []),
  ]));
  return h("figure.curve", {}, picture, h("figcaption.hint", {}, `${name}, ${steps} steps: `, ...lines.map(({ key }, number) => h(`span.${key}`, {}, told[number]))));
}

function dot(spot) {
  const [cx, cy] = spot.split(",");
  return svg("circle", { class: "held_out_loss", cx, cy, r: 3 });
}

function round(number) {
  return Math.round(number * 10) / 10;
}

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}
