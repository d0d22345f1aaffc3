// Generates src/cli/features.ts, which lists the features.

import type { Feature } from "../src/engine/feature.ts";

/** The generated file. */
export const featuresPath = `${import.meta.dir}/../src/cli/features.ts`;

/** Returns the features by folder, in the order of the alphabet: each `feature.ts` in a folder of src with a default export. */
async function featureFolders(): Promise<[folder: string, Feature][]> {
  const src = `${import.meta.dir}/../src`;
  const folders = [...new Bun.Glob("*/feature.ts").scanSync(src)].map((path) => path.split("/")[0] ?? "").sort();
  const loaded = folders.map(async (folder) => [folder, await import(`${src}/${folder}/feature.ts`)] as const);
  return (await Promise.all(loaded)).flatMap(([folder, module]) => (module.default ? [[folder, module.default]] : []));
}

/** Returns the text of the generated file. */
export async function featuresText(): Promise<string> {
  const all = await featureFolders();
  const lines = all.map(([folder]) => {
    const key = /^\w+$/.test(folder) ? folder : `"${folder}"`;
    return `  ${key}: () => import("../${folder}/feature.ts").then((module) => module.default),\n`;
  });
  const commands = all.filter(([, { command }]) => command).map(([folder]) => `"${folder}"`);
  return `// Made by npm run docs, from the folders of src that have a feature.ts.

import type { Feature } from "../engine/feature.ts";

/** Loads each feature by the name of its folder. */
export const features = {
${lines.join("")}} satisfies Record<string, () => Promise<Feature>>;

/** The features that are commands. */
export const commandFeatures = [${commands.join(", ")}] as const;
`;
}
