// Generated pages match the source.

import { expect, test } from "bun:test";
import Ajv from "ajv/dist/2020";
import { commandReference } from "../../build/command-reference.ts";
import { pages } from "../../build/docs.ts";
import { featureLists } from "../../build/features.ts";
import { manPage } from "../../build/man-page.ts";
import { typed } from "../cli/typed.ts";
import { tree } from "../command-tree.ts";
import { fakeDebian } from "../fake-debian.ts";

const docs = `${import.meta.dir}/../../docs`;
const made = await pages();

for (const [name, text] of Object.entries(made)) {
  test(`docs/${name}: matches the output of \`npm run docs\``, async () => {
    expect(await Bun.file(`${docs}/${name}`).text()).toBe(text);
  });
}

for (const [path, text] of Object.entries(await featureLists())) {
  test(`features: ${path} matches the output of \`npm run docs\``, async () => {
    expect(await Bun.file(`${docs}/../${path}`).text()).toBe(text);
  });
}

const src = `${import.meta.dir}/../../src`;
for (const path of new Bun.Glob("*/paths.ts").scanSync(src)) {
  test(`docs: the man page describes each path of src/${path}`, async () => {
    const { files, ...constants } = await import(`${src}/${path}`);
    expect(files.map(([each]: [string]) => each).sort()).toEqual(Object.values<string>(constants).sort());
    for (const [each] of files) expect(made["edox-ops.1"]).toContain(`\n.It Pa ${each}\n`);
  });
}

test("docs: a nested command is part of each generated page as soon as it is declared", () => {
  expect(manPage(tree)).toContain("\n.Cm project add\n.Ar slug\n.Op Cm public | Cm private\n.Op Ar flags\n");
  expect(commandReference(tree)).toContain("\nedox-ops project add <slug> [public|private] [flags]\n");
});

const valid = new Ajv({ strict: true }).compile(JSON.parse(made["edox-ops.schema.json"] ?? ""));
const lines = [
  "bootstrap --dry-run --json --diff",
  "bootstrap --check --json",
  "bootstrap --yes --json",
  "bootstrap --yes --json --fail-step nginx.prepare",
  "bootstrap --json",
  "bootstrap --nonsense --json",
  "doctor --json",
];
for (const line of lines) {
  test(`JSON Schema: accepts the output of \`edox-ops ${line}\``, async () => {
    const { out } = await typed(line, fakeDebian());
    valid(JSON.parse(out));
    expect(valid.errors ?? []).toEqual([]);
  });
}

test("JSON Schema: refuses any other document", () => {
  const document = { schema: 1, command: "doctor", outcome: "ok", exit: 0 };
  expect(valid(document)).toBe(true);
  for (const wrong of [
    { schema: 2 },
    { outcome: "fine" },
    { exit: "0" },
    { steps: [{}] },
    { findings: [{ name: 1 }] },
  ]) {
    expect(valid({ ...document, ...wrong })).toBe(false);
  }
});
