// The container images of a bundle: files of `docker save`, and references that skopeo fetches into the cache.

import type { BundleTarget } from "../../engine/feature.ts";
import type { Host } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { makeDirectories } from "./apt-root.ts";
import { type SavedImage, savedImages } from "./image-file.ts";

/** A file with its images. */
export interface ImageFile {
  /** The path on this machine. */
  file: string;
  /** The path in the bundle. */
  path: string;
  images: readonly SavedImage[];
}

/** A reference as a registry has it; one without a tag means `latest`. */
const reference = /^[a-z0-9][a-z0-9._/:-]*(?:@sha256:[0-9a-f]{64})?$/;
const limitMs = 3_600_000;

interface Fetching {
  target: BundleTarget;
  /** The cache of fetched images. */
  dir: string;
  /** The environment of skopeo. */
  variables: Readonly<Record<string, string>>;
  onFetch(reference: string): void;
}

/** Returns whether the value of --image names a file and not a reference. */
export function isImageFile(typed: string): boolean {
  return /^\.{0,2}\//.test(typed) || typed.endsWith(".tar");
}

/** Returns the images that these paths and references name. */
export async function collectImages(host: Host, typed: readonly string[], fetching: Fetching): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  const references = new Set<string>();
  for (const each of typed) {
    const file = isImageFile(each) ? each : await fetched(host, each, fetching);
    const images = savedImages(host, file, fetching.target.architecture);
    for (const image of images) {
      if (references.has(image.reference)) throw new Problem("usage", `the image ${image.reference} is given twice`);
      references.add(image.reference);
    }
    const name = (images[0]?.reference ?? "image").replace(/[^\w.-]+/g, "-");
    files.push({ file, path: `images/${name}.tar`, images });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Fetches an image unless the cache has it, and returns its file. */
async function fetched(host: Host, typed: string, { target, dir, variables, onFetch }: Fetching): Promise<string> {
  if (!reference.test(typed)) throw new Problem("usage", `invalid image name '${typed}' for --image`);
  const tagged = /[:@][^/]*$/.test(typed) ? typed : `${typed}:latest`;
  const platform = ["--override-os", "linux", "--override-arch", target.architecture];
  const run = async (...argv: string[]): Promise<string> => {
    const output = await host.run(argv, { limitMs, endsInOrder: true, env: variables });
    if (output.code === 127) {
      const message = `the image ${typed} is fetched with skopeo, which is not installed (or give a file of docker save)`;
      throw new Problem("precondition-failed", message, { hint: ["sudo", "apt-get", "install", "skopeo"] });
    }
    if (output.code !== 0) {
      const message = `skopeo could not fetch the image ${typed}`;
      throw new Problem("unreachable", message, { returncode: output.code, stderr: output.stderr });
    }
    return output.stdout;
  };
  const raw = await run("skopeo", ...platform, "inspect", "--config", "--raw", `docker://${tagged}`);
  const config = new Bun.CryptoHasher("sha256").update(`${target.architecture} ${tagged} ${raw}`).digest("hex");
  await makeDirectories(host, dir);
  const file = `${dir}/${config}.tar`;
  if (host.stat(file) !== null) return file;
  onFetch(tagged);
  const partial = `${file}.partial`;
  if (host.stat(partial) !== null) host.remove(partial);
  const name = tagged.replace(/@sha256:.*$/, "");
  const named = /:[^/]*$/.test(name) ? name : `${name}:latest`;
  await run("skopeo", ...platform, "copy", "--quiet", `docker://${tagged}`, `docker-archive:${partial}:${named}`);
  await run("mv", "--", partial, file);
  return file;
}
