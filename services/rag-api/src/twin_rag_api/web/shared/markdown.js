// Markdown to elements: as much of it as models and articles use, and no HTML at all.

import { h, safeLink } from "./elements.js";

const BLOCK = {
  fence: /^(`{3,}|~{3,})\s*(\S*)/,
  heading: /^(#{1,6})\s+(.*)/,
  quote: /^\s{0,3}>\s?(.*)/,
  item: /^(\s*)([-*+]|\d{1,3}[.)])\s+(.*)/,
  rule: /^\s{0,3}([-*_])(\s*\1){2,}\s*$/,
};
const INLINE = /(`+)(.+?)\1|\*\*(.+?)\*\*|__(.+?)__|\*([^\s*][^*]*?)\*|!?\[([^\]]*)\]\(([^)\s]+)[^)]*\)|\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\]|(https?:\/\/[^\s<>"')\]]+)/g;

/**
 * Elements for a text.
 * @param {string} text Markdown
 * @param {(number: string) => Node} cite what stands for a citation such as [1]; without it, its own text
 */
export function markdown(text, cite = null) {
  const shown = document.createDocumentFragment();
  shown.append(...blocks(text.replace(/\r\n?/g, "\n").split("\n"), cite));
  return shown;
}

function blocks(lines, cite) {
  const made = [];
  let at = 0;
  const take = (matches) => {
    const start = at;
    while (at < lines.length && matches(lines[at])) at += 1;
    return lines.slice(start, at);
  };
  while (at < lines.length) {
    const line = lines[at];
    const fence = BLOCK.fence.exec(line);
    const head = BLOCK.heading.exec(line);
    if (!line.trim()) {
      at += 1;
    } else if (fence) {
      at += 1;
      const code = take((next) => !next.startsWith(fence[1]));
      at += 1;
      made.push(h("pre", { tabindex: 0 }, h("code", {}, code.join("\n"))));
    } else if (head) {
      at += 1;
      made.push(h(`h${Math.min(6, head[1].length + 2)}`, {}, ...inline(head[2], cite)));
    } else if (BLOCK.rule.test(line)) {
      at += 1;
      made.push(h("hr"));
    } else if (BLOCK.quote.test(line)) {
      const quoted = take((next) => BLOCK.quote.test(next)).map((next) => BLOCK.quote.exec(next)[1]);
      made.push(h("blockquote", {}, ...blocks(quoted, cite)));
    } else if (BLOCK.item.test(line)) {
      made.push(list(take((next) => BLOCK.item.test(next) || /^\s+\S/.test(next)), cite));
    } else if (/^\s*\|.*\|\s*$/.test(line)) {
      made.push(table(take((next) => /^\s*\|/.test(next)), cite));
    } else {
      const own = take((next) => next.trim() && !Object.values(BLOCK).some((pattern) => pattern.test(next)));
      const paragraph = own.length ? own : [lines[at++]];
      made.push(h("p", {}, ...inline(paragraph.join("\n"), cite)));
    }
  }
  return made;
}

function list(lines, cite) {
  const ordered = /^\s*\d/.test(lines[0]);
  const items = [];
  for (const line of lines) {
    const item = BLOCK.item.exec(line);
    if (item) items.push(item[3]);
    else items[items.length - 1] += `\n${line.trim()}`;
  }
  return h(ordered ? "ol" : "ul", {}, ...items.map((item) => h("li", {}, ...inline(item, cite))));
}

function table(lines, cite) {
  const rows = lines
    .filter((line) => !/^[\s|:-]+$/.test(line))
    .map((line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  const row = (cells, name, scope) => h("tr", {}, ...cells.map((cell) => h(name, { scope }, ...inline(cell, cite))));
  const [first, ...rest] = rows;
  return h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Table" },
    h("table", {}, h("thead", {}, row(first, "th", "col")), h("tbody", {}, ...rest.map((cells) => row(cells, "td")))));
}

function inline(text, cite) {
  const made = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, , code, bold, strong, italic, label, target, numbers, address] = match;
    made.push(text.slice(end, match.index));
    end = match.index + whole.length;
    if (code !== undefined) made.push(h("code", {}, code));
    else if (bold ?? strong) made.push(h("strong", {}, ...inline(bold ?? strong, cite)));
    else if (italic) made.push(h("em", {}, ...inline(italic, cite)));
    else if (target) made.push(safeLink(target, label || target));
    else if (numbers && cite) made.push(...numbers.split(/\s*,\s*/).map(cite));
    else if (address) made.push(safeLink(address));
    else made.push(whole);
  }
  made.push(text.slice(end));
  return made.filter((part) => part !== "");
}
