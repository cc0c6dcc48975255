// The API's documentation, rendered from /openapi.json without anything from outside.

import { restoreTheme } from "./shared/theme.js";

const at = (id) => document.getElementById(id);

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** A paragraph whose `code` stands out. */
function paragraph(text, className = "") {
  const made = element("p", "", className);
  text.split("`").forEach((part, position) => made.append(position % 2 ? element("code", part) : part));
  return made;
}

const refName = (reference) => reference.split("/").pop();

/** A schema in a few words: string, Filters, list of Citation, "a" | "b". */
function typeOf(schema) {
  if (!schema) return "any";
  if (schema.$ref) return refName(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const several = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (several) return several.map(typeOf).join(" | ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? "any");
}

function bounds(schema) {
  const names = { minimum: "≥", maximum: "≤", exclusiveMinimum: ">", minLength: "length ≥", maxLength: "length ≤", maxItems: "items ≤" };
  const parts = Object.entries(names).filter(([name]) => schema[name] !== undefined).map(([name, sign]) => `${sign} ${schema[name]}`);
  if (schema.default !== undefined) parts.push(`default ${JSON.stringify(schema.default)}`);
  return parts.join(", ");
}

function fieldTable(rows) {
  const table = element("table");
  const head = element("tr");
  for (const name of ["Field", "Type", "Meaning"]) {
    const cell = element("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  table.append(head);
  for (const [name, schema, required, meaning] of rows) {
    const row = element("tr");
    const field = element("td");
    field.append(element("code", name), required ? " (required)" : "");
    row.append(field, element("td", typeOf(schema)), element("td", [meaning, bounds(schema ?? {})].filter(Boolean).join("; ")));
    table.append(row);
  }
  const scroll = element("div", "", "scroll");
  scroll.append(table);
  return scroll;
}

function route(method, path, operation) {
  const details = element("details");
  const summary = element("summary");
  summary.append(element("span", method.toUpperCase(), "method"), element("span", path, "path"), element("span", operation.summary ?? ""));
  details.append(summary, paragraph(operation.description ?? "", "about"));
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  if (body) details.append(element("p", `Request body: ${typeOf(body)}`));
  if (operation.parameters?.length) {
    details.append(fieldTable(operation.parameters.map((one) => [one.name, one.schema, one.required, one.description ?? one.in])));
  }
  const list = element("ul");
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    const types = Object.entries(response.content ?? {}).map(([type, content]) => `${type}: ${typeOf(content.schema)}`);
    list.append(element("li", `${status} ${response.description ?? ""}${types.length ? ` (${types.join("; ")})` : ""}`));
  }
  details.append(element("p", "Answers:"), list);
  return details;
}

function schemaBlock(name, schema) {
  const details = element("details");
  const summary = element("summary");
  summary.append(element("span", name, "path"));
  details.append(summary, paragraph(schema.description ?? "", "about"));
  if (schema.properties) {
    const required = new Set(schema.required ?? []);
    details.append(fieldTable(Object.entries(schema.properties).map(([field, one]) => [field, one, required.has(field), one.description ?? ""])));
  } else {
    details.append(element("p", typeOf(schema)));
  }
  return details;
}

async function render() {
  const response = await fetch("/openapi.json");
  const api = await response.json();
  at("title").textContent = `${api.info.title} ${api.info.version}: the API`;
  for (const text of api.info.description.trim().split(/\n\s*\n/)) at("about").append(paragraph(text));
  at("routes").append(element("h2", "Routes"));
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(operations)) at("routes").append(route(method, path, operation));
  }
  at("schemas").append(element("h2", "Schemas"));
  for (const [name, schema] of Object.entries(api.components.schemas)) at("schemas").append(schemaBlock(name, schema));
}

restoreTheme();
render().catch((error) => { at("problem").textContent = `The description of the API could not be read: ${error.message}`; });
