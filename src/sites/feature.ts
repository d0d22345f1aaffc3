import type { Feature } from "../engine/feature.ts";
import { siteChecks } from "./checks.ts";

const sites: Feature = { checks: ({ reader, trees }) => siteChecks(reader, trees) };

export default sites;
