import type { Feature } from "../engine/feature.ts";
import { siteChecks } from "./checks.ts";
import { previewsDir } from "./paths.ts";

const sites: Feature = {
  async checks({ reader, trees }) {
    const all = await siteChecks(reader, trees);
    if (reader.stat(previewsDir) === null) return all;
    const { previewChecks } = await import("./previews/checks.ts");
    return [...all, ...previewChecks(trees)];
  },
};

export default sites;
