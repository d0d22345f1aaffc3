// A project as a list of values for a terminal.

import type { HostReader } from "../../host/host.ts";
import { details } from "../../report/table.ts";
import { isActive } from "../../resources/service.ts";
import { servedPreviewFront } from "../../sites/previews/front.ts";
import { previewFront } from "../../sites/previews/names.ts";
import type { Project } from "../../sites/project.ts";
import { accessLogPath } from "../../sites/serve/access-log.ts";
import { frontUrl, urlOf } from "../../sites/serve/answer.ts";
import { vhostPath } from "../../sites/serve/site.ts";
import { readVersions } from "../../sites/versions/versions.ts";
import type { View } from "../view.ts";
import { cells, liveTree, type Machine, measuringMs } from "./list-view.ts";

/** Returns the record, and what is known about the live release. `previews`: their names. */
export function projectText(
  project: Project,
  { previews, ...machine }: Machine & { previews: readonly string[] },
  view: View,
): string {
  const { slug, aliases = [], root_path, source_path, branch, owner_group, tls, hsts, csp, precompress } = project;
  const known = liveTree(machine, project, measuringMs);
  const { host } = machine;
  const state = { nowMs: host.now(), isUp: isActive(host, "nginx") };
  const [status = "", deployed = "", size = ""] = cells(project, known, state, view);
  const rows = {
    SLUG: slug,
    URL: urlOf(project),
    ALIASES: aliases.join(" "),
    STATUS: status,
    DEPLOYED: deployed,
    SIZE: size,
    HTTPS: tls ? `yes, browsers remember it for a ${hsts ? "year" : "day"}` : "no",
    DIRECTORY: root_path,
    SOURCE: source_path ?? "",
    BRANCH: branch,
    GROUP: owner_group,
    "CONTENT POLICY": csp ?? "default",
    PASSWORD: { site: "site and previews", previews: "previews", none: "" }[project.password ?? "none"],
    VERSIONS: versionsText(project, host),
    "RATE LIMIT": rateText(project),
    "TRUSTED PROXIES": project.real_ip_from?.join(" ") ?? "",
    "UNKNOWN NAMES": project.default ? "answered by this site" : "",
    PRECOMPRESS: precompress === undefined ? "" : precompress ? "yes" : "no",
    PREVIEWS: previewsText(project, previews, host),
    "STRICT URLS": project.strict_urls ? "yes" : "",
    "NGINX SITE": vhostPath(slug),
    "ACCESS LOG": accessLogPath(slug),
  };
  const why = "why" in known ? known.why.message : "";
  return details([...Object.keys(rows), "NOT KNOWN"], [...Object.values(rows), why], view.width);
}

function previewsText(project: Project, names: readonly string[], reader: HostReader): string {
  const count = names.length;
  if (project.previews === undefined) return count === 0 ? "" : `${count}, not served`;
  const secure = names.filter((name) => servedPreviewFront(reader, project, name).tls).length;
  const isEach = count > 0 && secure === count;
  const front = previewFront(project, "NAME", isEach);
  return `${count}, at ${frontUrl(front)}${isEach || secure === 0 ? "" : `, ${secure} over HTTPS`}`;
}

/** Returns the versions, newest first, each with its aliases. */
function versionsText({ slug, default_version, noindex_old_versions }: Project, reader: HostReader): string {
  const { versions } = readVersions(reader, slug);
  if (versions.length === 0) return "";
  const shown = versions.map(({ name, aliases }) => (aliases.length === 0 ? name : `${name} (${aliases.join(", ")})`));
  const preferred = default_version === undefined ? "no default" : `default ${default_version}`;
  return `${shown.join(", ")}; ${preferred}${noindex_old_versions ? ", others not in search engines" : ""}`;
}

function rateText({ rate_limit }: Project): string {
  if (rate_limit === undefined) return "";
  return rate_limit === "off" ? "off" : `${rate_limit} requests per second`;
}
