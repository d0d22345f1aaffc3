// Publishes a release on GitLab: first uploads its files to the generic package registry. A manual job then creates the
// release with links to them. Each step can be repeated, and completes a previous run that was interrupted.
//   bun build/publish.ts candidate|release

import { readdirSync } from "node:fs";
import { version } from "../package.json";
import { isOlder } from "../src/self-update/published.ts";
import { isSigned } from "../src/signature/ecdsa.ts";
import { own } from "./build.ts";
import { sectionOf } from "./changelog.ts";

export interface Project {
  /** From CI_API_V4_URL and CI_PROJECT_ID of the job. */
  api: string;
  id: string;
  /** From CI_JOB_TOKEN. Never printed. */
  token: string;
}

export interface Release {
  version: string;
  /** The folder with the files of the release. */
  dir: string;
  changelog: string;
  /** The public keys in PEM that programs trust. */
  keys: string;
}

const name = "edox-ops";
const attempts = 4;
const pauseMs = 500;

const addressOf = ({ api, id }: Project, { version }: Release, file: string): string =>
  `${api}/projects/${encodeURIComponent(id)}/packages/generic/${name}/${version}/${file}`;

/**
 * Uploads the files to the package registry. Skips files that are there with the same bytes. Throws if a file is there
 * with other bytes, because a published version must never change.
 */
export async function publishCandidate(project: Project, release: Release): Promise<string> {
  let sent = 0;
  const files = readdirSync(release.dir).sort();
  if (!files.includes("SHA256SUMS.sig"))
    throw new Error(`${release.dir} has no signed release: npm run release:assets`);
  for (const file of files) {
    const url = addressOf(project, release, file);
    const bytes = await Bun.file(`${release.dir}/${file}`).bytes();
    const there = await ask(project, "GET", url);
    if (there.status === 200) {
      const known = new Uint8Array(await there.arrayBuffer());
      if (Buffer.compare(known, bytes) === 0) continue;
      // Signatures of the same file always differ, so only the signature's validity counts. The checksums were compared
      // before.
      if (file === "SHA256SUMS.sig" && (await isSigned(await sumsIn(release), known, release.keys))) continue;
      throw new Error(`${file} of ${release.version} is there already, and is another file`);
    }
    if (there.status !== 404) throw await refused("GET", file, there);
    const answer = await ask(project, "PUT", url, bytes);
    if (answer.status !== 200 && answer.status !== 201) throw await refused("PUT", file, answer);
    sent += 1;
  }
  return `${files.length} files of ${release.version} are in the package registry, ${sent} of them new`;
}

function sumsIn({ dir }: Release): Promise<Uint8Array> {
  return Bun.file(`${dir}/SHA256SUMS`).bytes();
}

/**
 * Creates the release with links whose URLs are the same for every release: /releases/permalink/latest/downloads/NAME.
 */
export async function publishRelease(project: Project, release: Release): Promise<string> {
  const notes = sectionOf(release.changelog, release.version);
  if (notes === null) throw new Error(`CHANGELOG.md has nothing of ${release.version}`);
  const links = readdirSync(release.dir)
    .sort()
    .map((file) => {
      const url = addressOf(project, release, file);
      return { name: file, url, direct_asset_path: `/${file}`, link_type: "package" };
    });
  const tag = `v${release.version}`;
  const releases = `${project.api}/projects/${encodeURIComponent(project.id)}/releases`;
  await demandNewest(project, release, releases);
  const body = { tag_name: tag, name: `${name} ${release.version}`, description: notes, assets: { links } };
  const made = await ask(project, "POST", releases, body);
  if (made.status === 201) return `${tag} is released with ${links.length} files`;
  if (made.status !== 409) throw await refused("POST", tag, made);
  const there = await ask(project, "GET", `${releases}/${tag}/assets/links?per_page=100`);
  if (there.status !== 200) throw await refused("GET", tag, there);
  const has = ((await there.json()) as { name: string }[]).map((each) => each.name);
  const missing = links.filter((link) => !has.includes(link.name));
  for (const link of missing) {
    const answer = await ask(project, "POST", `${releases}/${tag}/assets/links`, link);
    if (answer.status !== 201) throw await refused("POST", link.name, answer);
  }
  return `${tag} was released already, ${missing.length} links were missing`;
}

/**
 * Throws if a newer version is released. GitLab treats the most recent release as the latest, so an older version would
 * be offered to all users as the newest.
 */
async function demandNewest(project: Project, { version }: Release, releases: string): Promise<void> {
  const answer = await ask(project, "GET", `${releases}/permalink/latest`);
  if (answer.status === 404) return;
  if (answer.status !== 200) throw await refused("GET", "the latest release", answer);
  const latest = ((await answer.json()) as { tag_name: string }).tag_name.replace(/^v/, "");
  if (isOlder(version, latest)) throw new Error(`v${latest} is released already, and ${version} is older`);
}

/** Retries a request if the server has a temporary error. */
async function ask({ token }: Project, method: string, url: string, body?: Uint8Array | object): Promise<Response> {
  const isBytes = body instanceof Uint8Array;
  const headers = { "JOB-TOKEN": token, ...(body && !isBytes && { "Content-Type": "application/json" }) };
  const sent = body === undefined ? {} : { body: isBytes ? new Blob([body]) : JSON.stringify(body) };
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(url, { method, headers, redirect: method === "GET" ? "follow" : "manual", ...sent });
    if ((answer.status < 500 && answer.status !== 429) || attempt === attempts) return answer;
    await Bun.sleep(pauseMs * attempt);
  }
}

async function refused(method: string, what: string, answer: Response): Promise<Error> {
  return new Error(`GitLab refuses ${method} ${what}: ${answer.status} ${(await answer.text()).slice(0, 200)}`);
}

if (import.meta.main) {
  const { CI_API_V4_URL: api = "", CI_PROJECT_ID: id = "", CI_JOB_TOKEN: token = "" } = process.env;
  const top = `${import.meta.dir}/..`;
  const changelog = await Bun.file(`${top}/CHANGELOG.md`).text();
  const release = { version, dir: `${top}/dist/release`, changelog, keys: own.keys };
  const what = process.argv[2];
  try {
    if (!api || !id || !token) throw new Error("CI_API_V4_URL, CI_PROJECT_ID and CI_JOB_TOKEN are of a job");
    if (what !== "candidate" && what !== "release") throw new Error("say candidate or release");
    console.log(await (what === "candidate" ? publishCandidate : publishRelease)({ api, id, token }, release));
  } catch (error) {
    console.log(`error: ${(error as Error).message}`);
    console.log(
      `publish ${what} failed (to repeat it: CI_API_V4_URL=… CI_PROJECT_ID=… CI_JOB_TOKEN=… npm run publish:${what})`,
    );
    process.exitCode = 1;
  }
}
