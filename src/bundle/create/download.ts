// Downloads with the settings of apt: its proxies, mirrors and logins. Unlike apt-get, apt-helper leaves a file as the
// repository has it.

import type { Trees } from "../../host/trees.ts";
import { nameOf } from "../../text/path.ts";
import type { AptRoot } from "./apt-root.ts";

/** A file of a repository, which a signed file lists with its size and checksum. */
export interface RemoteFile {
  uri: string;
  bytes: number;
  /** SHA-256 in hex. */
  sha256: string;
  /** The path on this machine. */
  file: string;
}

const helper = "/usr/lib/apt/apt-helper";

/**
 * Downloads files, and continues those that an earlier run left incomplete. A file appears under its path when it is
 * complete and has its checksum. Throws a Problem if one of them cannot be fetched. `onStatus` is called with each line
 * that apt writes to its status descriptor.
 */
export async function download(
  trees: Trees,
  apt: AptRoot,
  files: readonly RemoteFile[],
  onStatus?: (line: string) => void,
): Promise<void> {
  if (files.length === 0) return;
  const parts = files.map((each) => {
    // With its checksum in the name, an incomplete file is never continued with another one of the same name.
    return { ...each, path: `${apt.partial}/${each.sha256.slice(0, 16)}-${nameOf(each.file)}` };
  });
  const words = parts.flatMap(({ uri, path, sha256, bytes }) => {
    return [uri, path, `SHA256:${sha256}`, `Checksum-FileSize:${bytes}`];
  });
  const options = ["-o", "Acquire::Retries=3", ...(onStatus ? ["-o", "APT::Status-Fd=3"] : [])];
  await apt.run([helper, ...options, "download-file", ...words], onStatus ? { onStatus } : {});
  for (const { path, file } of parts) trees.move(path, file);
}
