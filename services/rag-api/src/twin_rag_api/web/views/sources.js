// Where the author publishes, when that is collected, and a crawl as one watches it.

import { get, post, put } from "../shared/api.js";
import { button, field, h, heading, icon, moment, pill, problemPlace, reporting, toast } from "../shared/elements.js";
import { session } from "../shared/session.js";

const RUN = "twin-run";
const POLL_MS = 1000;
const CATEGORIES = [["", "as found"], ["article", "articles"], ["post", "posts"], ["code", "code"]];
const SCHEDULES = [["", "Only when I say so"], ["6h", "Every 6 hours"], ["24h", "Every day"], ["0 6 * * 1", "Mondays at 6"]];
const OUTCOMES = ["inserted", "updated", "unchanged", "gone_once", "deleted", "failed"];
const STATUS = {
  started: ["Begun", "wait"], running: ["Running", "wait"], finished: ["Finished", "good"], failed: ["Failed", "bad"],
  crawling: ["crawling", "wait"], done: ["done", "good"], paused: ["paused", "calm"],
};

export function show(place) {
  let watching = true;
  const crawl = crawlPanel(() => watching);
  place.replaceChildren(
    heading("Sources", "The places where the author publishes, and when they are read."),
    h("div.columns", {}, configuration(), crawl.element),
  );
  crawl.resume();
  return () => {
    watching = false;
  };
}

function configuration() {
  const problem = problemPlace();
  const author = session.author;
  const name = h("input", { id: "author-name", required: true, maxlength: 200, autocomplete: "off" });
  name.value = author.name;
  const list = h("ul.links");
  for (const link of author.links) list.append(linkRow(typeof link === "string" ? { url: link } : link));
  const add = button("Add a link", "plus", () => {
    const row = linkRow({ url: "" });
    list.append(row);
    row.querySelector("input").focus();
  });
  const known = SCHEDULES.some(([value]) => value === (author.schedule ?? ""));
  const choice = h("select", { id: "schedule" },
    ...SCHEDULES.map(([value, text]) => h("option", { value, selected: value === (author.schedule ?? "") }, text)),
    h("option", { value: "own", selected: !known }, "Another schedule …"));
  const own = h("input", { id: "own-schedule", placeholder: "0 6 * * * Europe/Stockholm", autocomplete: "off" });
  own.value = known ? "" : author.schedule;
  const ownField = field("Schedule", own, "A cron line with a time zone, or a span such as 90m, 6h or 2d.");
  ownField.hidden = known;
  choice.addEventListener("change", () => {
    ownField.hidden = choice.value !== "own";
  });
  const next = h("p.hint");
  const paused = h("ul.outcomes");
  const tell = () => {
    next.replaceChildren(...(session.author.next_crawl_at ? ["The next crawl starts ", moment(session.author.next_crawl_at), "."] : []));
    paused.replaceChildren(...(session.author.paused_links ?? []).map((link) =>
      h("li", {}, pill("paused"), h("div", {}, h("b.url", {}, link.url), h("small", {}, `${link.detail || link.reason} Tried again `, moment(link.until), ".")))));
  };
  tell();
  const save = (event) => {
    event.preventDefault();
    reporting(problem, async () => {
      const links = [...list.children].map((row) => row.link()).filter((link) => link.url);
      const schedule = (choice.value === "own" ? own.value.trim() : choice.value) || null;
      const { aliases = [], credentials = {} } = session.author;
      session.author = await put("/v1/author", { name: name.value.trim(), aliases, credentials, links, schedule });
      document.getElementById("author").textContent = session.author.name;
      tell();
      toast("Saved");
    });
  };
  return h("form.card", { onsubmit: save },
    h("h2", {}, "Links and schedule"),
    field("The author’s name", name),
    h("fieldset", {}, h("legend", {}, "Links"),
      h("p.hint", {}, "A blog or its feed, Substack, Medium, LinkedIn, GitHub: anything public."), list, add),
    field("When to read them", choice), ownField, next, paused, problem,
    h("div.actions.end", {}, h("button.primary", { type: "submit" }, "Save")));
}

function linkRow(link) {
  const url = h("input", { type: "url", "aria-label": "Address of the link", placeholder: "https://…", maxlength: 2048 });
  url.value = link.url;
  const category = h("select", { "aria-label": "What is found there" },
    ...CATEGORIES.map(([value, text]) => h("option", { value, selected: value === (link.category ?? "") }, text)));
  const row = h("li", {}, url, category, button("", "trash", () => row.remove(), { label: "Remove this link" }));
  row.link = () => ({ url: url.value.trim(), category: category.value || null, options: link.options ?? {} });
  return row;
}

function crawlPanel(isWatching) {
  const problem = problemPlace();
  const links = h("textarea", { id: "crawl-links", rows: 2, placeholder: "Leave empty for all registered links" });
  const dry = h("input", { id: "dry-run", type: "checkbox" });
  const start = h("button.primary", { type: "submit" }, icon("sources"), h("span", {}, "Start the crawl"));
  const report = h("div.run");
  const submit = (event) => {
    event.preventDefault();
    reporting(problem, async () => {
      const wanted = links.value.split("\n").map((line) => line.trim()).filter(Boolean);
      const { run_id: run } = await post("/v1/crawls", { links: wanted, dry_run: dry.checked });
      sessionStorage.setItem(RUN, run);
      await watch(run);
    });
  };
  const watch = async (run) => {
    start.disabled = true;
    try {
      while (isWatching()) {
        const state = await get(`/v1/crawls/${run}`);
        showRun(report, state);
        if (state.status === "finished" || state.status === "failed") return;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    } finally {
      start.disabled = false;
    }
  };
  const resume = () => {
    const run = sessionStorage.getItem(RUN) ?? session.author.last_scheduled_run_id;
    if (run) reporting(problem, () => watch(run));
  };
  const element = h("section.card", { "aria-labelledby": "crawl-title" },
    h("h2", { id: "crawl-title" }, "Crawl"),
    h("form", { onsubmit: submit },
      field("Only these links, one a line", links),
      h("label.check", { for: "dry-run" }, dry, h("span", {}, "Only show what would be fetched")),
      h("div.actions.end", {}, start)),
    problem, report);
  return { element, resume };
}

function showRun(place, run) {
  const { status, counts, errors, links, planned } = run;
  const [word, tone] = STATUS[status] ?? ["Waiting for the crawler", "wait"];
  const handled = OUTCOMES.reduce((sum, name) => sum + counts[name], 0);
  const ended = status === "finished" || status === "failed";
  const told = OUTCOMES.filter((name) => counts[name]).map((name) => `${counts[name]} ${name.replace("_", " ")}`);
  const share = ended ? 1 : counts.discovered ? handled / counts.discovered : null;
  const progress = place.querySelector("progress") ?? h("progress", { max: 1, "aria-label": "Progress of the crawl" });
  if (share === null) progress.removeAttribute("value");
  else progress.value = share;
  const line = `${handled} of ${counts.discovered} pages${told.length ? `: ${told.join(", ")}` : ""}`;
  const state = place.querySelector(".run-state") ?? h("p.run-state", { role: "status" });
  if (state.dataset.line !== line + word) {
    state.dataset.line = line + word;
    state.replaceChildren(pill(word, tone), " ", line);
  }
  place.replaceChildren(state, progress, linkOutcomes(links), pages("Would be fetched", planned.map((page) => [page.url, page.known ? "known already" : "new"])),
    pages("Pages that gave nothing", errors.map((error) => [error.url, error.detail])));
}

function linkOutcomes(links) {
  if (!links.length) return "";
  return h("ul.outcomes", { "aria-label": "Links of this crawl" }, ...links.map((link) => {
    const [word, tone] = STATUS[link.status] ?? [link.status, "calm"];
    const told = OUTCOMES.filter((name) => link.counts[name]).map((name) => `${link.counts[name]} ${name.replace("_", " ")}`);
    return h("li", {}, pill(word, tone), h("div", {}, h("b.url", {}, link.url), h("small", {}, link.detail ?? told.join(", "))));
  }));
}

function pages(title, entries) {
  if (!entries.length) return "";
  const shown = entries.slice(0, 100).map(([url, detail]) => h("li", {}, h("b.url", {}, url), h("small", {}, detail)));
  return h("details.pages", { open: entries.length <= 5 }, h("summary", {}, `${title} (${entries.length})`), h("ul", {}, ...shown));
}
