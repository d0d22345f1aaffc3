// Collects the documented paths: each `paths.ts` in a folder of src exports `files`.

const src = `${import.meta.dir}/../src`;
const folders = [...new Bun.Glob("*/paths.ts").scanSync(src)].map((path) => path.split("/")[0] ?? "");
// The paths that all features share come first.
const order = folders.sort((a, b) => Number(b === "engine") - Number(a === "engine") || (a < b ? -1 : 1));

type Files = readonly (readonly [path: string, description: string])[];

/** The documented paths of each folder, with their descriptions. */
export const filesByFolder: ReadonlyMap<string, Files> = new Map(
  await Promise.all(
    order.map(async (folder) => [folder, (await import(`${src}/${folder}/paths.ts`)).files as Files] as const),
  ),
);
