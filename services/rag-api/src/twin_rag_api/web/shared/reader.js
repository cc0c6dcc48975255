// A document to read, in a drawer, open at the passage that was cited.

import { get, withQuery } from "./api.js";
import { button, duration, h, pill, problemPlace, reporting, safeLink } from "./elements.js";
import { markdown } from "./markdown.js";

const START = "\uE000";
const END = "\uE001";
const MARKERS = /^(?:[ \t]*(?:#{1,6}|[-*+]|>|\d{1,3}[.)])[ \t]+)+/;

/** Open a document; with a chunk's number, at that passage. */
export async function openDocument(documentId, chunkIndex = null) {
  const opener = document.activeElement;
  const problem = problemPlace();
  const body = h("div.reader-body", { tabindex: 0 }, h("p.hint", {}, "Opening the document …"));
  const title = h("h2", { id: "reader-title" }, "Document");
  const about = h("p.hint");
  const dialog = h(
    "dialog.drawer",
    { "aria-labelledby": "reader-title" },
    h("header.drawer-head", {}, h("div", {}, title, about), button("", "close", () => dialog.close(), { label: "Close" })),
    problem,
    body,
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  const path = `/v1/documents/${encodeURIComponent(documentId)}`;
  const found = await reporting(problem, () => get(withQuery(`${path}/text`, { chunk_index: chunkIndex })));
  if (!found) {
    body.replaceChildren();
    return;
  }
  title.textContent = found.title || found.url;
  about.replaceChildren(safeLink(found.url));
  body.replaceChildren(await way(path), passageIn(found, chunkIndex));
  (body.querySelector("mark") ?? body).scrollIntoView({ block: "center" });
}

async function way(path) {
  const detail = await get(path).catch(() => null);
  if (!detail?.way?.length) return "";
  const steps = detail.way.map((step) => h("li", {}, h("b", {}, step.stage), " ", h("span.hint", {}, step.seconds ? `+${duration(step.seconds)}` : "")));
  return h("details.way", {}, h("summary", {}, "How it became searchable ", pill(detail.state, TONES[detail.state])), h("ol.steps", {}, ...steps));
}

export const TONES = { searchable: "good", pending: "wait", skipped: "calm", failed: "bad" };

function passageIn({ text, passage }, chunkIndex) {
  const article = h("article.prose");
  if (!passage) {
    if (chunkIndex !== null) article.append(h("p.notice", {}, "The document has changed since: this passage is no longer in it word for word."));
    article.append(markdown(text));
    return article;
  }
  // What is marked must not hide that a line is a heading or the item of a list.
  const before = text.slice(0, passage.start);
  const inside = text.slice(passage.start, passage.end);
  const lead = /(^|\n)$/.test(before) ? (MARKERS.exec(inside)?.[0] ?? "") : "";
  article.append(markdown(before + lead + START + inside.slice(lead.length).trimEnd() + END + text.slice(passage.end)));
  mark(article);
  return article;
}

/** Wrap the texts between the two signs, and take the signs away. */
function mark(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  let within = false;
  for (const node of nodes) {
    const parts = node.data.split(/([\uE000\uE001])/);
    if (parts.length === 1 && !within) continue;
    const made = [];
    for (const part of parts) {
      if (part === START) within = true;
      else if (part === END) within = false;
      else if (part) made.push(within && part.trim() ? h("mark", {}, part) : part);
    }
    node.replaceWith(...made);
  }
}
