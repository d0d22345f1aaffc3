// Writes the generated pages into docs/; test/docs/docs.test.ts fails if one is stale.
//   bun build/docs.ts

import { toJsonSchema } from "@valibot/to-json-schema";
import { root } from "../src/cli/cli.ts";
import { commandSpecOf } from "../src/cli/command-spec.ts";
import { documentSchema } from "../src/report/schema.ts";
import { commandFacts } from "./command-facts.ts";
import { commandReference } from "./command-reference.ts";
import { manPage } from "./man-page.ts";

/** Returns the text of each page by its file name in docs/. */
export async function pages(): Promise<Record<string, string>> {
  const word = await commandSpecOf(root, ["edox-ops"]);
  const title = "What edox-ops prints with --json";
  const { $schema, ...schema } = toJsonSchema(documentSchema, { target: "draft-2020-12" });
  return {
    "edox-ops.1": manPage(word),
    "commands.md": commandReference(word, commandFacts),
    "edox-ops.schema.json": `${JSON.stringify({ $schema, title, ...schema }, null, 2)}\n`,
  };
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(await pages())) await Bun.write(`${import.meta.dir}/../docs/${name}`, text);
}
