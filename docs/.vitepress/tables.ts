// Tables of the site: numbers scroll sideways, and a table of words becomes a list of cards on a phone.

import type { MarkdownRenderer } from "vitepress";

type Token = ReturnType<MarkdownRenderer["parse"]>[number];

/** CSS that lays a row out as a block removes the meaning of the elements, which the roles restore. */
const roles: Record<string, string> = {
  table_open: "table",
  thead_open: "rowgroup",
  tbody_open: "rowgroup",
  tr_open: "row",
  th_open: "columnheader",
  td_open: "cell",
};

export function tables(md: MarkdownRenderer): void {
  md.core.ruler.push("tables", ({ tokens }) => {
    for (const [i, token] of tokens.entries()) {
      if (token.type === "table_open") label(tokens.slice(i, i + tokens.slice(i).findIndex(isEnd)));
    }
  });
  md.renderer.rules.table_open = (tokens, i, options, _env, self) => {
    // A table that may scroll can be reached with the keyboard.
    return `<div class="table" tabindex="0">${self.renderToken(tokens, i, options)}`;
  };
  md.renderer.rules.table_close = () => "</table></div>\n";
}

const isEnd = ({ type }: Token): boolean => type === "table_close";

/** Adds the roles, and to each cell the heading of its column. */
function label(table: readonly Token[]): void {
  const headings: string[] = [];
  let column = 0;
  let isNumeric = false;
  for (const [i, token] of table.entries()) {
    const role = roles[token.type];
    if (role !== undefined) token.attrSet("role", role);
    if (token.type === "tr_open") column = 0;
    if (token.type === "th_open") {
      headings.push(table[i + 1]?.content.replace(/[`*]/g, "") ?? "");
      isNumeric ||= token.attrGet("style")?.includes("right") ?? false;
    }
    if (token.type !== "td_open") continue;
    token.attrSet("data-label", headings[column] ?? "");
    column += 1;
  }
  if (!isNumeric) table[0]?.attrSet("class", headings.length > 2 ? "stacks many" : "stacks");
}
