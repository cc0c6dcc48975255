// What the twin knows, and where each document stands.

import { get, withQuery } from "../shared/api.js";
import { button, duration, h, heading, moment, pill, problemPlace, reporting } from "../shared/elements.js";
import { openDocument, TONES } from "../shared/reader.js";

const A_PAGE = 20;
const REFRESH_MS = 4000;

export function show(place, [documentId]) {
  let pages = [{}];
  let refreshing = null;
  const problem = problemPlace();
  const summary = h("p.hint", { role: "status" });
  const rows = h("tbody");
  const empty = h("p.empty", { hidden: true }, "No documents yet. Add links under ", h("a", { href: "#/sources" }, "Sources"), ", or import a file with the command twin import.");
  const newer = button("Newer", null, () => turn(-1));
  const older = button("Older", null, () => turn(1));
  let next = null;
  const columns = ["Document", "State", "Passages", "Searchable after", "Stored"];
  const head = h("tr", {}, ...columns.map((name, position) => h(position > 1 && position < 4 ? "th.number" : "th", { scope: "col" }, name)));
  place.replaceChildren(
    heading("Documents", "Everything that was collected, newest first, and whether it can be found."),
    h("section.card", {}, summary, problem,
      h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Documents" }, h("table.stacks", {}, h("thead", {}, head), rows)),
      empty,
      h("nav.actions.end", { "aria-label": "Pages of documents" }, newer, older)),
  );

  async function refresh() {
    clearTimeout(refreshing);
    if (!document.hidden) await reporting(problem, load);
    clearTimeout(refreshing);
    refreshing = setTimeout(refresh, REFRESH_MS);
  }

  async function load() {
    const found = await get(withQuery("/v1/documents", { limit: A_PAGE, ...pages.at(-1) }));
    next = found.next;
    const counts = Map.groupBy(found.documents, (entry) => entry.state);
    const states = [...counts].map(([state, entries]) => `${entries.length} ${state}`).join(", ");
    const text = found.total === null ? `On this page: ${states}` : `${found.total} documents. On this page: ${states || "none"}`;
    if (summary.textContent !== text) summary.textContent = text;
    rows.replaceChildren(...found.documents.map(row));
    empty.hidden = found.documents.length > 0;
    newer.disabled = pages.length === 1;
    older.disabled = !next;
  }

  function turn(by) {
    if (by > 0) pages.push({ after: next });
    else pages.pop();
    refresh();
  }

  const onVisible = () => document.hidden || refresh();
  document.addEventListener("visibilitychange", onVisible);
  refresh();
  if (documentId) openDocument(documentId);
  return () => {
    clearTimeout(refreshing);
    refreshing = null;
    pages = [{}];
    document.removeEventListener("visibilitychange", onVisible);
  };
}

function row(entry) {
  const title = h("td.title", {},
    h("button.link", { type: "button", onclick: () => openDocument(entry.document_id) }, entry.title || entry.url),
    h("small", {}, `${entry.category} · ${entry.platform} · version ${entry.version}`));
  return h("tr", {},
    title,
    h("td", { "data-label": "State" }, pill(entry.state, TONES[entry.state]), entry.reason && h("small.reason", {}, entry.reason)),
    h("td.number", { "data-label": "Passages" }, String(entry.chunk_count)),
    h("td.number", { "data-label": "Searchable after" }, freshness(entry)),
    h("td", { "data-label": "Stored" }, moment(entry.stages.stored_at)));
}

function freshness({ state, stages }) {
  if (state !== "searchable" || !stages.searchable_at) return "–";
  return duration(Math.max(0, new Date(stages.searchable_at) - new Date(stages.stored_at)) / 1000);
}
