// Finds the images of an engine by the digest of their configuration, which is the same in both image stores of Docker.

import * as v from "valibot";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { linesOf } from "../text/lines.ts";
import { parentOf } from "../text/path.ts";
import { ask, parsed } from "./ask.ts";
import { type Containerd, containerdDir, dockerDir, infoSchema, usesContainerd } from "./data-roots.ts";
import { dockerAnswers } from "./engine.ts";

const imageSchema = v.object({ Id: v.string() });
const descriptorSchema = v.object({ digest: v.string() });
/** The manifest of an image, or an index with one for each platform. */
const manifestSchema = v.union([
  v.object({ config: descriptorSchema }),
  v.object({ manifests: v.array(descriptorSchema) }),
]);

const containerdSocket = "/run/containerd/containerd.sock";
const containerNamespace = "moby";

/**
 * Returns whether the engine has an image of this name with this configuration (`sha256:…`). The engine must answer.
 * Throws UnknownStateError if only root can determine it, or if the engine does not say.
 */
export async function hasImage(reader: HostReader, reference: string, config: string): Promise<boolean> {
  const found = await ask(reader, `images/${reference}/json`, imageSchema);
  if (found === null) return false;
  // The graph drivers of Docker identify an image by its configuration, and containerd by its manifest.
  if (found.Id === config) return true;
  const info = await ask(reader, "info", infoSchema);
  return usesContainerd(info) && (await configsOf(reader, found.Id, info?.Containerd)).includes(config);
}

/**
 * Returns the directory in which the engine stores images, and the most bytes that it needs there to load archives of
 * these sizes. Without an engine that answers, the result is that of a new one.
 */
export async function roomForImages(
  reader: HostReader,
  sizes: readonly number[],
): Promise<{ path: string; bytes: number }> {
  const sum = sizes.reduce((all, size) => all + size, 0);
  if (!(await dockerAnswers(reader))) return { path: parentOf(dockerDir), bytes: 2 * sum };
  const info = await ask(reader, "info", infoSchema);
  // containerd keeps an archive's layers beside the unpacked ones. Docker keeps a whole archive until it is loaded.
  if (usesContainerd(info)) return { path: containerdDir, bytes: 2 * sum };
  return { path: info?.DockerRootDir ?? dockerDir, bytes: sum + Math.max(0, ...sizes) };
}

/** Returns the configurations of an image in containerd, one for each platform that was loaded. */
async function configsOf(reader: HostReader, id: string, containerd: Containerd): Promise<string[]> {
  const address = containerd?.Address ?? containerdSocket;
  const namespace = containerd?.Namespaces?.Containers ?? containerNamespace;
  const contentOf = (digest: string) =>
    reader.probe(["ctr", "--address", address, "--namespace", namespace, "content", "get", digest]);
  const { code, stdout, stderr } = await contentOf(id);
  if (code !== 0) {
    const why = linesOf(stderr).at(-1) ?? `code ${code}`;
    throw new UnknownStateError(`containerd does not return the manifest of ${id}: ${why}`);
  }
  const manifest = parsed(manifestSchema, stdout);
  if (manifest === null) throw new UnknownStateError(`containerd returns an invalid manifest for ${id}`);
  if ("config" in manifest) return [manifest.config.digest];
  const configs: string[] = [];
  for (const { digest } of manifest.manifests) {
    // The manifest of a platform that was not loaded is missing.
    const each = parsed(manifestSchema, (await contentOf(digest)).stdout);
    if (each !== null && "config" in each) configs.push(each.config.digest);
  }
  return configs;
}
