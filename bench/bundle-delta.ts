// Makes the bundle before another one, for the bench of deltas.

import { rmSync, writeFileSync } from "node:fs";
import { openBundle } from "../src/bundle/reader.ts";
import { type Content, memberOf, writeBundle } from "../src/bundle/writer.ts";
import { localHost } from "../src/host/local.ts";

/**
 * Writes a bundle that differs in the `count` largest packages of the security repository, and in the indexes of that
 * repository: a package does not change without its index.
 */
export async function predecessor(whole: string, { path, count }: { path: string; count: number }): Promise<void> {
  const host = localHost();
  const bundle = openBundle(host, whole);
  const { manifest } = bundle;
  const isSecurity = (member: { path: string }): boolean => member.path.startsWith("repo/debian-security/");
  const ranked = manifest.members.filter((each) => isSecurity(each) && each.path.endsWith(".deb"));
  ranked.sort((a, b) => b.size - a.size);
  const changed = new Set(ranked.slice(0, count).map((each) => each.path));
  if (changed.size < count) throw new Error(`${whole} has only ${changed.size} packages from the security repository`);
  const contents = new Map<string, Content>();
  const files: string[] = [];
  const members: typeof manifest.members = [];
  for (const member of manifest.members) {
    const isIndex = isSecurity(member) && member.path.includes("/dists/");
    const isChanged = changed.has(member.path) || isIndex;
    const content = isChanged ? Buffer.from(`the version before of ${member.path}`) : await bundle.bytes(member.path);
    const file = `${path}.${files.length}`;
    writeFileSync(file, content);
    files.push(file);
    contents.set(member.path, file);
    members.push(await memberOf(host, member.path, file));
  }
  bundle.close();
  await writeBundle(host, { manifest: { ...manifest, members }, contents, path, mode: 0o644 });
  for (const file of files) rmSync(file);
}
