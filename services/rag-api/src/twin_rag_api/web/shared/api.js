// Talking to the API under the key of this tab.

import { key, signOut } from "./session.js";

/** An error that the API answered, or that it did not answer; `message` is for a person. */
export class Problem extends Error {
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
      headers: { Authorization: `Bearer ${key()}`, "Content-Type": "application/json", ...options.headers },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server does not answer. Is it running?");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) signOut(problem.detail);
  throw new Problem(response.status, problem.detail || `The server answered ${response.status}.`);
}

async function answer(path, options) {
  const response = await call(path, options);
  const type = response.headers.get("Content-Type") ?? "";
  if (response.status === 204) return null;
  return /json/.test(type) ? response.json() : response.text();
}

export const get = (path, headers) => answer(path, { headers });
export const post = (path, body = {}) => answer(path, { method: "POST", body: JSON.stringify(body) });
export const put = (path, body) => answer(path, { method: "PUT", body: JSON.stringify(body) });
export const remove = (path) => answer(path, { method: "DELETE" });

/** A path with the parameters that have a value. */
export function withQuery(path, parameters) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined));
  return query.size ? `${path}?${query}` : path;
}

/**
 * Ask, and give the answer as it comes: `{ text }`, `{ notices }` when there are some, then `{ end }`, the last delta.
 * @throws {Problem} also when the stream says that the answer failed
 */
export async function* streamChat(body, signal) {
  const response = await call("/v1/chat/completions", {
    method: "POST",
    body: JSON.stringify({ model: "twin", stream: true, ...body }),
    signal,
  });
  for await (const event of serverSentEvents(response.body)) {
    if (event.error) throw new Problem(500, event.error.message);
    const delta = event.choices?.[0]?.delta ?? {};
    const about = { id: event.id, model: event.model };
    if (delta.content) yield { ...about, text: delta.content };
    if (delta.notices?.length) yield { ...about, notices: delta.notices };
    if (event.choices?.[0]?.finish_reason) yield { ...about, end: delta };
  }
}

async function* serverSentEvents(body) {
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Problem(0, "The answer broke off: the connection was lost.");
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.startsWith("data: ") ? event.slice(6) : "";
      if (data === "[DONE]") return;
      if (data) yield JSON.parse(data);
    }
  }
}

let routes = null;

/** Whether this platform has a route; a part of the page whose route is missing is not shown. */
export async function hasRoute(path) {
  routes ??= get("/openapi.json").then((document) => new Set(Object.keys(document.paths)), () => new Set());
  return (await routes).has(path);
}
