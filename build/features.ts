// Generates the lists of features in src/cli.

import type { Feature } from "../src/engine/feature.ts";

const src = `${import.meta.dir}/../src`;

/** Returns the features by folder, sorted: each `feature.ts` in a folder of src that has a default export. */
async function featureFolders(): Promise<[folder: string, Feature][]> {
  const folders = [...new Bun.Glob("*/feature.ts").scanSync(src)].map((path) => path.split("/")[0] ?? "").sort();
  const loaded = folders.map(async (folder) => [folder, await import(`${src}/${folder}/feature.ts`)] as const);
  return (await Promise.all(loaded)).flatMap(([folder, module]) => (module.default ? [[folder, module.default]] : []));
}

/** Returns the text of each generated file by its path in the repository. */
export async function featureLists(): Promise<Record<string, string>> {
  const all = await featureFolders();
  const head = "// Made by npm run docs, from the folders of src that have a feature.ts.\n\n";
  const type = 'import type { Feature } from "../engine/feature.ts";\n';
  const key = (folder: string): string => (/^\w+$/.test(folder) ? folder : `"${folder}"`);
  const name = (folder: string): string => folder.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
  const imports = all.map(([folder]) => `import ${name(folder)} from "../${folder}/feature.ts";\n`);
  const members = all.map(([folder]) => (name(folder) === folder ? folder : `"${folder}": ${name(folder)}`));
  const commands = all.filter(([, { command }]) => command);
  const loads = commands.map(([folder]) => {
    return `  ${key(folder)}: () => import("../${folder}/feature.ts").then((module) => module.default),\n`;
  });
  // The imports are in the order of the linter.
  const sorted = [type, ...imports].sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
  return {
    "src/cli/features.ts": `${head}${sorted.join("")}
/** Every feature by the name of its folder. */
export const features = {
${members.map((member) => `  ${member},\n`).join("")}} satisfies Record<string, Feature>;
`,
    "src/cli/feature-commands.ts": `${head}${type}
/** Loads each feature that is a command, by the name of its folder. */
export const featureCommands = {
${loads.join("")}} satisfies Record<string, () => Promise<Feature>>;
`,
  };
}

function pathOf(line: string): string {
  return /"(.*)"/.exec(line)?.[1] ?? "";
}
