// Writes the lists of features, and the generated pages into docs/; test/docs/docs.test.ts fails if one is stale.
//   bun build/docs.ts

import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import { problemCodes } from "../src/problem/codes.ts";
import { documentSchema, eventSchema, stepSchema, summarySchema } from "../src/report/schema.ts";
import { featureLists } from "./features.ts";
import { pictures } from "./pictures/pictures.ts";

const docs = `${import.meta.dir}/../docs`;
const codesHead = "| code ";

/** The parts of an event's schema that the schema of the document has. */
const references = new Map<unknown, JsonSchema>([
  [stepSchema, { $ref: "#/properties/steps/items" }],
  [
    summarySchema,
    { type: "object", properties: { event: { const: "summary" } }, required: ["event"], allOf: [{ $ref: "#" }] },
  ],
]);

/** Returns the text of each page and picture by its path in docs/. */
export async function pages(): Promise<Record<string, string>> {
  // The commands are imported after the list of features is written.
  const { root } = await import("../src/cli/cli.ts");
  const { commandSpecOf } = await import("../src/cli/command-spec.ts");
  const { commandFacts } = await import("./command-facts.ts");
  const { commandReference } = await import("./command-reference.ts");
  const { manPage } = await import("./man-page.ts");
  const word = await commandSpecOf(root, ["edox-ops"]);
  const title = "What edox-ops prints with --json";
  const { $schema, ...schema } = toJsonSchema(documentSchema, { target: "draft-2020-12" });
  // An event refers to the steps of the document and to the document itself.
  const { $schema: _, ...event } = toJsonSchema(eventSchema, {
    target: "draft-2020-12",
    overrideSchema: ({ valibotSchema }) => references.get(valibotSchema),
  });
  const drawn = Object.entries(await pictures()).map(([name, text]) => [`public/${name}`, text]);
  return {
    ...Object.fromEntries(drawn),
    "edox-ops.1": manPage(word),
    "commands.md": commandReference(word, commandFacts),
    "json.md": withCodes(await Bun.file(`${docs}/json.md`).text()),
    "edox-ops.schema.json": `${JSON.stringify({ $schema, title, ...schema, $defs: { event } }, null, 2)}\n`,
  };
}

/** Replaces the table of the codes in docs/json.md, the only part of that page that is generated. */
function withCodes(page: string): string {
  const start = page.indexOf(`\n${codesHead}`) + 1;
  const end = page.indexOf("\n\n", start);
  return `${page.slice(0, start)}${codeTable()}${page.slice(end)}`;
}

function codeTable(): string {
  const rows = Object.entries(problemCodes).map(([code, meaning]) => [`\`${code}\``, meaning]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lineOf = (cells: readonly string[], fill = " "): string => {
    return `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(" | ")} |`;
  };
  return [lineOf(["code", "meaning"]), lineOf(["", ""], "-"), ...rows.map((row) => lineOf(row))].join("\n");
}

if (import.meta.main) {
  const top = `${import.meta.dir}/..`;
  for (const [path, text] of Object.entries(await featureLists())) await Bun.write(`${top}/${path}`, text);
  for (const [name, text] of Object.entries(await pages())) await Bun.write(`${docs}/${name}`, text);
}
