// How answers came about: what was asked, searched, found and written, how long it took and how good it was.

import { get, withQuery } from "../shared/api.js";
import { button, duration, field, h, heading, moment, pill, problemPlace, reporting } from "../shared/elements.js";
import { markdown } from "../shared/markdown.js";
import { openDocument } from "../shared/reader.js";

const OUTCOMES = {
  answered: ["answered", "good"], nothing_found: ["nothing found", "calm"], fallback: ["quotes instead", "wait"],
  cancelled: ["stopped", "calm"], failed: ["failed", "bad"],
};
const SPANS = [["", "Any time"], ["1", "Last 24 hours"], ["7", "Last 7 days"], ["30", "Last 30 days"]];
const DAY_MS = 24 * 3600 * 1000;

export function show(place, [traceId]) {
  const problem = problemPlace();
  const list = h("ul.trace-list");
  const note = h("p.hint");
  const detail = h("section.card.trace-detail", { "aria-label": "Trace", "aria-live": "polite" },
    h("p.empty", {}, "Choose a question to see how its answer came about."));
  const more = button("Show more", null, () => load(next), { hidden: true });
  let next = null;
  const filters = h("form.filters", { onsubmit: (event) => event.preventDefault(), oninput: later(() => load()) },
    field("Text", h("input", { id: "trace-text", name: "text", type: "search", maxlength: 200, placeholder: "in question or answer" })),
    field("Outcome", select("trace-outcome", "outcome", [["", "Any"], ...Object.entries(OUTCOMES).map(([value, [text]]) => [value, text])])),
    field("Feedback", select("trace-rating", "rating", [["", "Any"], ["up", "thumb up"], ["down", "thumb down"]])),
    field("When", select("trace-days", "days", SPANS)));

  async function load(after = null) {
    await reporting(problem, async () => {
      const { days, ...wanted } = Object.fromEntries(new FormData(filters));
      const since = days ? new Date(Date.now() - days * DAY_MS).toISOString() : "";
      const found = await get(withQuery("/v1/traces", { ...wanted, since, limit: 25, after }));
      const rows = found.traces.map((trace) => entry(trace, open));
      if (after) list.append(...rows);
      else list.replaceChildren(...(rows.length ? rows : [h("li.empty", {}, "No answer fits these filters.")]));
      next = found.next;
      more.hidden = !next;
      note.textContent = `Kept for ${found.retention_days} days, for you alone.`;
      select_(traceId);
    });
  }

  function select_(id) {
    for (const link of list.querySelectorAll("a")) {
      if (link.dataset.trace === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  async function open(id) {
    select_(id);
    const trace = await reporting(problem, () => get(`/v1/traces/${encodeURIComponent(id)}`));
    if (!trace) return;
    detail.replaceChildren(...whole(trace));
    if (detail.getBoundingClientRect().top > innerHeight) detail.scrollIntoView();
  }

  place.replaceChildren(
    heading("Traces", "Every answer leaves a trace: what was searched, found and written, and how it measured."),
    filters, problem,
    h("div.columns.list-detail", {}, h("section.card", { "aria-label": "Answers" }, list, h("div.actions", {}, more), note), detail));
  load();
  if (traceId) open(traceId);
}

function select(id, name, options) {
  return h("select", { id, name }, ...options.map(([value, text]) => h("option", { value }, text)));
}

/** Call `work` when nothing has changed for a moment. */
function later(work) {
  let waiting = null;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(work, 250);
  };
}

const THUMBS = { up: ["thumb up", "good"], down: ["thumb down", "bad"] };

function entry(trace) {
  return h("li", {}, h("a", { href: `#/traces/${trace.trace_id}`, "data-trace": trace.trace_id },
    h("span.question", {}, trace.question ?? "Content is not kept"),
    h("span.meta", {}, pill(...OUTCOMES[trace.outcome]), trace.rating && pill(...THUMBS[trace.rating]), trace.is_edited && pill("edited"), moment(trace.asked_at), duration(trace.times.retrieval + trace.times.generation))));
}

function whole(trace) {
  const quality = trace.quality;
  const share = (part) => (quality?.sentences ? `${Math.round((100 * part) / quality.sentences)} %` : "–");
  return [
    h("h2", {}, trace.question ?? "Content is not kept"),
    h("p.meta", {}, pill(...OUTCOMES[trace.outcome]), moment(trace.asked_at), h("span", {}, trace.model), h("span.hint", {}, trace.prompt_version)),
    h("dl.figures-grid", {},
      ...figure("Retrieval", duration(trace.times.retrieval), steps(trace.times.retrieval_steps)),
      ...figure("First word", duration(trace.times.first_token)),
      ...figure("Whole answer", duration(trace.times.generation)),
      ...figure("Tokens read", trace.input_tokens.toLocaleString()),
      ...figure("Tokens written", trace.output_tokens.toLocaleString()),
      ...figure("Supported", quality ? share(quality.supported) : "–", "Sentences whose words stand in their sources"),
      ...figure("Cited", quality ? share(quality.cited) : "–", "Sentences that name a source"),
      ...figure("Style", quality?.style !== null && quality?.style !== undefined ? quality.style.toFixed(2) : "–", "0.5 is as typical as the author’s middle passage, 0 a stranger’s")),
    Object.keys(trace.filters).length > 0 && h("section", {}, h("h3", {}, "Searched among"), h("ul", {}, ...Object.entries(trace.filters).map(([name, value]) => h("li", {}, `${name.replaceAll("_", " ")}: ${value}`)))),
    trace.variants.length > 0 && h("section", {}, h("h3", {}, "Searched for"), h("ul", {}, ...trace.variants.map((variant) => h("li", {}, variant)))),
    h("section", {}, h("h3", {}, `Sources (${trace.sources.length})`), sources(trace.sources)),
    trace.answer !== null && h("section", {}, h("h3", {}, "Answer"), h("div.prose.answer", {}, markdown(trace.answer, (number) => citation(number, trace.sources)))),
    trace.feedback && h("section", {}, h("h3", {}, "Feedback"),
      h("p.meta", {}, trace.feedback.rating && pill(...THUMBS[trace.feedback.rating]), moment(trace.feedback.given_at)),
      trace.feedback.edit && h("div.prose", {}, markdown(trace.feedback.edit))),
    trace.otel_trace_id && h("p.hint", {}, "Spans: ", h("code", {}, trace.otel_trace_id)),
  ].filter(Boolean);
}

/** How long each step took, as a line. */
function steps(seconds) {
  return Object.entries(seconds).map(([name, took]) => `${name}: ${duration(took)}`).join(", ");
}

/** A source's number, which opens the passage. */
function citation(number, found) {
  const source = found.find((one) => String(one.number) === number);
  if (!source) return `[${number}]`;
  if (!source.document_id) return page(source, number);
  const open = () => openDocument(source.document_id, source.chunk_index);
  return h("button.cite", { type: "button", "aria-label": `Open source ${number}`, onclick: open }, number);
}

/** A source that the request linked to: a page of its own, no document. */
function page(source, text) {
  return h("a", { href: /^https?:/i.test(source.url ?? "") ? source.url : false, target: "_blank", rel: "noopener noreferrer" }, text);
}

function figure(name, value, meaning) {
  return [h("div", { title: meaning ?? false }, h("dt", {}, name), h("dd", {}, value))];
}

function sources(found) {
  if (!found.length) return h("p.empty", {}, "Nothing was found that could answer it.");
  return h("ol.scored", {}, ...found.map((source) =>
    h("li", {},
      source.document_id
        ? h("button.link", { type: "button", onclick: () => openDocument(source.document_id, source.chunk_index) }, `${source.number}. ${source.title ?? source.document_id}`)
        : page(source, `${source.number}. ${source.title ?? "a linked page"}`),
      source.is_cited && pill("cited", "good"),
      h("progress", { value: Math.max(0, source.score), max: 1, "aria-label": `Score of source ${source.number}` }),
      h("span.number", {}, source.score.toFixed(2)))));
}
