// The page: who is signed in, which view is shown, and what stands around it.

import { get, hasRoute } from "./shared/api.js";
import { button, field, h, icon, problemPlace, reporting } from "./shared/elements.js";
import { key, session, signIn, signOut, takeKeyFromAddress, whenSignedOut } from "./shared/session.js";
import { cycleTheme, restoreTheme, themeName } from "./shared/theme.js";
import * as chat from "./views/chat.js";
import * as documents from "./views/documents.js";
import * as models from "./views/models.js";
import * as sources from "./views/sources.js";
import * as traces from "./views/traces.js";
import * as write from "./views/write.js";

const VIEWS = [
  { name: "chat", title: "Ask", view: chat, route: "/v1/chat/completions" },
  { name: "write", title: "Write", view: write, route: "/v1/drafts" },
  { name: "sources", title: "Sources", view: sources, route: "/v1/author" },
  { name: "documents", title: "Documents", view: documents, route: "/v1/documents" },
  { name: "models", title: "Models", view: models, route: "/v1/datasets" },
  { name: "traces", title: "Traces", view: traces, route: "/v1/traces" },
];

const main = document.getElementById("main");
const side = document.getElementById("side");
let available = [];
let leave = () => {};

/** Show the view that the address names; `#/traces/ID` hands ID to the view. */
function show() {
  const [, name, ...rest] = location.hash.split("/");
  const chosen = available.find((entry) => entry.name === name) ?? available[0];
  leave();
  for (const link of side.querySelectorAll("nav a")) {
    if (link.dataset.view === chosen.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${chosen.title} · LLM Twin`;
  const place = h(`div.view.${chosen.name}`);
  main.replaceChildren(place);
  leave = chosen.view.show(place, rest.map(decodeURIComponent)) ?? (() => {});
  scrollTo(0, 0);
}

async function enter() {
  session.author = await get("/v1/author").catch((error) => {
    if (error.status === 404) return { name: "", links: [], schedule: null };
    throw error;
  });
  const present = await Promise.all(VIEWS.map((entry) => hasRoute(entry.route)));
  available = VIEWS.filter((_, position) => present[position]);
  document.getElementById("author").textContent = session.author.name;
  document.getElementById("nav").replaceChildren(
    ...available.map(({ name, title }) => h("a", { href: `#/${name}`, "data-view": name }, icon(name), h("span", {}, title))),
  );
  side.hidden = false;
  document.body.classList.add("signed-in");
  show();
}

function showSignIn(reason = "") {
  leave();
  leave = () => {};
  side.hidden = true;
  document.body.classList.remove("signed-in");
  document.title = "Sign in · LLM Twin";
  const problem = problemPlace();
  const input = h("input", {
    id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true, placeholder: "twin_…",
  });
  const form = h(
    "form.card.sign-in",
    { onsubmit: (event) => {
      event.preventDefault();
      signIn(input.value);
      reporting(problem, enter);
    } },
    h("img", { src: "/web/icon.svg", alt: "", width: 52, height: 52 }),
    h("h1", {}, "LLM Twin"),
    h("p.hint", {}, "Ask and write with the twin of an author."),
    field("API key", input, "It stays in this tab and is forgotten when you close it. The command “twin keys create” makes one."),
    h("button.primary", { type: "submit" }, "Sign in"),
    problem,
  );
  main.replaceChildren(form);
  if (reason) problem.textContent = reason;
  input.focus();
}

async function start() {
  takeKeyFromAddress();
  if (!key()) return showSignIn();
  try {
    await enter();
  } catch (error) {
    showSignIn(error.message);
  }
}

const theme = button("", "theme", () => {
  cycleTheme();
  nameTheme();
});
function nameTheme() {
  theme.setAttribute("aria-label", `Colours: ${themeName()}`);
  theme.title = `Colours: ${themeName()}`;
}

restoreTheme();
nameTheme();
document.getElementById("account").append(
  theme,
  h("a.button.quiet", { href: "/docs", "aria-label": "The API", title: "The API" }, icon("api")),
  button("", "leave", () => signOut(), { label: "Sign out" }),
);
whenSignedOut(showSignIn);
addEventListener("hashchange", () => {
  if (location.hash === "#main") return;
  if (location.hash.startsWith("#key=")) start();
  else if (available.length && key()) show();
});
start();
