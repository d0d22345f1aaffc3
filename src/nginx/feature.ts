import type { Feature } from "../engine/feature.ts";
import { nginxChecks } from "./checks.ts";

const nginx: Feature = { checks: () => nginxChecks };

export default nginx;
