// The page: everything it shows comes through the API, under the key, and is inserted as text.

const KEY = "twin-key";
const DOCUMENTS_A_PAGE = 10;
const REFRESH_MS = 4000;
const RUN_POLL_MS = 1000;

const at = (id) => document.getElementById(id);

/** A new element with a text and attributes. */
function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

// The API.

class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, {
      ...options,
      headers: { Authorization: `Bearer ${sessionStorage.getItem(KEY)}`, "Content-Type": "application/json" },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server does not answer.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) signOut(problem.detail);
  throw new Problem(response.status, problem.detail || `The server answered ${response.status}.`);
}

const get = async (path) => (await call(path)).json();
const post = (path, body, signal) => call(path, { method: "POST", body: JSON.stringify(body), signal });

/** Run `work`, and show its problem in the element of this id; an answer that came clears it. */
async function reporting(id, work) {
  try {
    await work();
    at(id).textContent = "";
  } catch (error) {
    if (error.name !== "AbortError") at(id).textContent = error.message;
  }
}

// Signing in and out.

function takeKeyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (!key) return;
  history.replaceState(null, "", location.pathname);
  sessionStorage.setItem(KEY, key);
}

async function enter() {
  const author = await get("/v1/author").catch((error) => {
    if (error.status === 404) return { name: "", links: [] };
    throw error;
  });
  at("author").textContent = author.name;
  const count = author.links.length;
  at("registered").textContent = count
    ? `Registered: ${author.links.join(", ")}`
    : "No links are registered: name some above.";
  at("sign-in").hidden = true;
  at("workplace").hidden = false;
  at("sign-out").hidden = false;
  at("question").focus();
  refreshDocuments();
}

function signOut(reason = "") {
  sessionStorage.removeItem(KEY);
  at("author").textContent = "";
  at("workplace").hidden = true;
  at("sign-out").hidden = true;
  at("sign-in").hidden = false;
  at("sign-in-problem").textContent = reason;
  at("key").focus();
}

async function start() {
  takeKeyFromAddress();
  if (!sessionStorage.getItem(KEY)) return signOut();
  try {
    await enter();
  } catch (error) {
    if (error.status !== 401) {
      at("sign-in").hidden = false;
      at("sign-in-problem").textContent = error.message;
    }
  }
}

at("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, at("key").value.trim());
  at("key").value = "";
  reporting("sign-in-problem", enter);
});
at("sign-out").addEventListener("click", () => signOut());
addEventListener("hashchange", start);

// Asking.

let asking = null;

at("ask-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = at("question").value.trim();
  if (question) reporting("ask-problem", () => ask(question));
});
at("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    at("ask-form").requestSubmit();
  }
});
at("stop").addEventListener("click", () => asking?.abort());

async function ask(question) {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  at("ask-problem").textContent = "";
  at("asked").textContent = question;
  at("answer").replaceChildren();
  at("answer").setAttribute("aria-busy", "true");
  at("answer-box").hidden = false;
  at("sources-box").hidden = true;
  at("stop").hidden = false;
  let text = "";
  try {
    const messages = [{ role: "user", content: question }];
    const response = await post("/v1/chat/completions", { model: "twin", stream: true, messages }, mine.signal);
    for await (const event of serverSentEvents(response.body)) {
      if (event.error) throw new Problem(500, event.error.message);
      const delta = event.choices[0]?.delta ?? {};
      text += delta.content ?? "";
      showAnswer(text);
      if (delta.citations) showSources(delta.citations);
    }
  } finally {
    if (asking === mine) {
      at("answer").setAttribute("aria-busy", "false");
      at("stop").hidden = true;
      asking = null;
    }
  }
}

async function* serverSentEvents(body) {
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.startsWith("data: ") ? event.slice(6) : "";
      if (data === "[DONE]") return;
      if (data) yield JSON.parse(data);
    }
  }
}

/** Runs of quoted lines become block quotes, [1] becomes a link to its source; all else stays text. */
function showAnswer(text) {
  const shown = document.createDocumentFragment();
  for (const part of text.split(/((?:^> ?.*(?:\n|$))+)/m)) {
    if (/^> ?/.test(part)) {
      const quote = element("blockquote");
      appendCited(quote, part.trimEnd().replace(/^> ?/gm, ""));
      shown.append(quote);
    } else {
      appendCited(shown, part.replace(/^\n|\n$/g, ""));
    }
  }
  at("answer").replaceChildren(shown);
}

function appendCited(target, text) {
  let end = 0;
  for (const match of text.matchAll(/\[(\d+(?:, \d+)*)\]/g)) {
    target.append(text.slice(end, match.index));
    for (const number of match[1].split(", ")) {
      const link = element("a", `[${number}]`, { class: "cite", href: `#source-${number}` });
      link.setAttribute("aria-label", `Source ${number}`);
      link.addEventListener("click", (event) => openSource(event, number));
      target.append(link);
    }
    end = match.index + match[0].length;
  }
  target.append(text.slice(end));
}

function openSource(event, number) {
  event.preventDefault();
  const source = at(`source-${number}`);
  if (!source) return;
  source.open = true;
  source.querySelector("summary").focus();
}

function showSources(citations) {
  const items = citations.map((citation) => {
    const details = element("details", "", { id: `source-${citation.number}` });
    const summary = element("summary");
    summary.append(element("b", `[${citation.number}]`), citation.title || citation.url);
    const link = element("p", "", { class: "link" });
    link.append(safeLink(citation.url));
    details.append(summary, element("p", citation.text, { class: "passage" }), link);
    const item = element("li");
    item.append(details);
    return item;
  });
  at("sources").replaceChildren(...items);
  at("sources-box").hidden = items.length === 0;
}

/** A link, if the address is one of the web's; anything else stays text. */
function safeLink(url, text = url) {
  if (!/^https?:\/\//i.test(url)) return element("span", text);
  return element("a", text, { href: url, target: "_blank", rel: "noopener noreferrer" });
}

// Documents.

let offset = 0;
let refreshing = null;

async function refreshDocuments() {
  clearTimeout(refreshing);
  if (at("workplace").hidden) return;
  if (!document.hidden) {
    await reporting("documents-problem", async () => {
      showDocuments(await get(`/v1/documents?offset=${offset}&limit=${DOCUMENTS_A_PAGE}`));
    });
  }
  clearTimeout(refreshing);
  refreshing = setTimeout(refreshDocuments, REFRESH_MS);
}

function showDocuments({ total, documents }) {
  const counts = new Map();
  for (const { state } of documents) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const first = documents.length ? offset + 1 : 0;
  const range = total > documents.length ? `${first}–${offset + documents.length} of ${total}` : `${total}`;
  const summary = total ? `${range}: ${states}` : "none";
  if (at("documents-summary").textContent !== summary) at("documents-summary").textContent = summary;
  at("documents").replaceChildren(...documents.map(documentRow));
  at("documents-empty").hidden = total > 0;
  at("newer").disabled = offset === 0;
  at("older").disabled = offset + documents.length >= total;
}

function documentRow(entry) {
  const title = element("td", "", { class: "title" });
  title.append(safeLink(entry.url, entry.title || entry.url), element("small", `${entry.category}, ${entry.platform}`));
  const state = element("td", entry.state, { class: `state ${entry.state}` });
  if (entry.reason) state.append(element("span", entry.reason, { class: "reason" }));
  const written = element("td");
  const stored = new Date(entry.stages.stored_at);
  written.append(element("time", stored.toLocaleString(), { datetime: entry.stages.stored_at }));
  const row = element("tr");
  row.append(
    title,
    state,
    element("td", String(entry.chunk_count), { class: "number" }),
    element("td", freshness(entry), { class: "number" }),
    written,
  );
  return row;
}

function freshness({ state, stages }) {
  if (state !== "searchable" || !stages.searchable_at) return "–";
  const seconds = (new Date(stages.searchable_at) - new Date(stages.stored_at)) / 1000;
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

function turnPage(by) {
  offset = Math.max(0, offset + by);
  refreshDocuments();
}
at("newer").addEventListener("click", () => turnPage(-DOCUMENTS_A_PAGE));
at("older").addEventListener("click", () => turnPage(DOCUMENTS_A_PAGE));
document.addEventListener("visibilitychange", () => document.hidden || refreshDocuments());

// Crawling.

at("crawl-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const links = at("links").value.split("\n").map((line) => line.trim()).filter(Boolean);
  reporting("crawl-problem", async () => {
    at("crawl").disabled = true;
    try {
      const { run_id: run } = await (await post("/v1/crawls", { links })).json();
      await watch(run);
    } finally {
      at("crawl").disabled = false;
    }
  });
});

async function watch(run) {
  at("run").hidden = false;
  at("run-errors").replaceChildren();
  for (;;) {
    const report = await get(`/v1/crawls/${run}`);
    showRun(report);
    if (report.status === "finished" || report.status === "failed") break;
    await new Promise((resolve) => setTimeout(resolve, RUN_POLL_MS));
  }
  refreshDocuments();
}

function showRun({ status, counts, errors }) {
  const outcomes = ["inserted", "updated", "unchanged", "gone_once", "deleted", "failed"];
  const handled = outcomes.reduce((sum, name) => sum + counts[name], 0);
  const told = outcomes.filter((name) => counts[name]).map((name) => `${counts[name]} ${name.replace("_", " ")}`);
  const state = { finished: "Finished", failed: "Failed", running: "Running", started: "Started" }[status] ?? "Waiting for the crawler";
  const line = `${state}: ${handled} of ${counts.discovered} pages${told.length ? ` (${told.join(", ")})` : ""}`;
  if (at("run-status").textContent !== line) at("run-status").textContent = line;
  const done = status === "finished" || status === "failed";
  if (counts.discovered || done) at("run-progress").value = done ? 1 : handled / counts.discovered;
  else at("run-progress").removeAttribute("value");
  at("run-errors").replaceChildren(...errors.slice(0, 20).map((error) => element("li", `${error.url}: ${error.detail}`)));
}

start();
