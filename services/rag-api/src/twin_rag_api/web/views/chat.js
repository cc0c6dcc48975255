// Asking: a conversation with answers that are written as one watches, and that say what they rest on.

import { get, streamChat } from "../shared/api.js";
import { button, h, heading, problemPlace, reporting, safeLink } from "../shared/elements.js";
import { feedbackRow } from "../shared/feedback.js";
import { markdown } from "../shared/markdown.js";
import { openDocument } from "../shared/reader.js";
import { session } from "../shared/session.js";

let conversation = [];
let asking = null;
let model = "twin";

export function show(place) {
  const turns = h("div.turns");
  const problem = problemPlace();
  const question = h("textarea", {
    id: "question", rows: 1, maxlength: 32000, required: true, "aria-label": "Your question",
    placeholder: "What do you want to know?", onkeydown: submitOnEnter,
  });
  const send = button("", "send", null, { kind: "primary", label: "Ask", type: "submit" });
  const stop = button("", "stop", () => asking?.abort(), { label: "Stop", hidden: true });
  const composer = h(
    "form.composer",
    { onsubmit: (event) => {
      event.preventDefault();
      const text = question.value.trim();
      if (!text) return;
      question.value = "";
      anew.hidden = false;
      reporting(problem, () => ask(text, turns, { send, stop }));
    } },
    question, stop, send,
  );
  const anew = button("New conversation", "plus", () => {
    asking?.abort();
    conversation = [];
    show(place);
  }, { hidden: !conversation.length });
  const models = h("div.field.model-choice", { hidden: true });
  chooseModel(models);
  const name = session.author.name || "the author";
  place.replaceChildren(
    heading("Ask", `Answers from what ${name} has published, with their sources.`, anew),
    models,
    turns,
    problem,
    h("div.composer-dock", {}, composer, h("p.hint", {}, "Enter asks, Shift+Enter makes a new line")),
  );
  for (const turn of conversation) turns.append(turn.element);
  if (!conversation.length) welcome(turns, (text) => {
    question.value = text;
    composer.requestSubmit();
  });
  question.focus({ preventScroll: true });
}

/** Who answers, where there is a choice. */
async function chooseModel(place) {
  const { data } = await get("/v1/models").catch(() => ({ data: [] }));
  if (data.length < 2) return;
  const options = data.map(({ id }) => h("option", { value: id, selected: id === model }, id));
  const choice = h("select", { id: "model", onchange: (event) => (model = event.target.value) }, ...options);
  place.replaceChildren(h("label", { for: "model" }, "Answered by"), choice);
  place.hidden = false;
}

function submitOnEnter(event) {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
}

/** Before the first question: what one could ask, taken from what there is. */
async function welcome(turns, ask) {
  const box = h("section.welcome", { "aria-label": "Suggestions" });
  turns.append(box);
  const { documents } = await get("/v1/documents?limit=50").catch(() => ({ documents: [] }));
  const titles = [...new Set(documents.filter((entry) => entry.state === "searchable" && entry.category === "article" && entry.title).map((entry) => entry.title))];
  if (!titles.length) {
    box.append(h("p", {}, "Nothing can be asked about yet."), h("a.button.primary", { href: "#/sources" }, "Add links and crawl them"));
    return;
  }
  box.append(
    h("p", {}, "For instance:"),
    h("div.suggestions", {}, ...titles.slice(0, 3).map((title) => {
      const text = `What is “${title}” about?`;
      return h("button.suggestion", { type: "button", onclick: () => ask(text) }, text);
    })),
  );
}

async function ask(text, turns, { send, stop }) {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  if (!conversation.length) turns.replaceChildren();
  const answer = h("div.answer.prose", { "aria-live": "polite", "aria-busy": "true" });
  const below = h("div.below");
  const notes = h("div", { role: "status" });
  const element = h("article.turn", {}, h("h2.asked", {}, text), answer, notes, below);
  const turn = { question: text, answer: "", element };
  const messages = [
    ...conversation.flatMap((earlier) => [
      { role: "user", content: earlier.question },
      { role: "assistant", content: earlier.answer },
    ]).filter((message) => message.content),
    { role: "user", content: text },
  ];
  conversation.push(turn);
  turns.append(element);
  element.scrollIntoView({ block: "start", behavior: "smooth" });
  stop.hidden = false;
  send.hidden = true;
  try {
    for await (const piece of streamChat({ model, messages }, mine.signal)) {
      turn.answer += piece.text ?? "";
      if (piece.text) answer.replaceChildren(markdown(turn.answer, (number) => citation(number, element)));
      notes.append(...(piece.notices ?? []).map(notice));
      if (piece.end) {
        below.replaceChildren(sourceList(piece.end.citations ?? []), feedbackRow({ id: piece.id, model: piece.model, prompt: text, answer: turn.answer }));
      }
    }
  } catch (error) {
    if (error.name === "AbortError") below.append(h("p.hint", {}, "Stopped."));
    throw error;
  } finally {
    answer.setAttribute("aria-busy", "false");
    if (asking === mine) {
      asking = null;
      stop.hidden = true;
      send.hidden = false;
    }
  }
}

/** Something to know about how a text came to be. */
export const notice = ({ detail }) => h("p.notice", {}, detail);

/** The number of a source, which opens the source's document at the passage. */
export function citation(number, element) {
  return h("button.cite", {
    type: "button",
    "aria-label": `Open source ${number}`,
    onclick: () => element.querySelector(`[data-source="${number}"] .open`)?.click(),
  }, number);
}

/** What an answer cites. */
export function sourceList(citations) {
  if (!citations.length) return "";
  return h("section.cited", { "aria-label": "Sources" }, h("h3", {}, "Sources"), h("ol", {}, ...citations.map((source) =>
    h("li", { "data-source": source.number },
      opener(source,
        h("b", {}, String(source.number)), h("span.title", {}, source.title || source.url), h("span.excerpt", {}, excerpt(source.text))),
      safeLink(source.url, host(source.url)),
    ))));
}

/** A document of the author's opens here at the passage; a page that was linked to, where it is. */
function opener(source, ...children) {
  if (!source.document_id) return h("a.button.open", { href: /^https?:/i.test(source.url) ? source.url : false, target: "_blank", rel: "noopener noreferrer" }, ...children);
  return h("button.open", { type: "button", onclick: () => openDocument(source.document_id, source.chunk_index) }, ...children);
}

const excerpt = (text) => text.replace(/[#>*_`]/g, "").replace(/\s+/g, " ").trim().slice(0, 160);

function host(url) {
  return URL.canParse(url) ? new URL(url).hostname : url;
}
