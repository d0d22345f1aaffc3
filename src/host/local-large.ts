// Files that may exceed the memory: read by position, and written in pieces.

import * as fs from "node:fs";
import type { Attributes, LargeFile, NewFile } from "./host.ts";
import { nullIfMissing, removeFile, temporaryFor, withPath } from "./local-naming.ts";
import { inParent, syncParent } from "./local-parent.ts";

/** Implements {@link HostReader.openFile}. */
export function openFile(path: string): LargeFile | null {
  const { O_RDONLY, O_NONBLOCK } = fs.constants;
  const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK);
  const stat = fs.fstatSync(fd);
  if (!stat.isFile()) {
    fs.closeSync(fd);
    return null;
  }
  return {
    size: stat.size,
    read: (offset, length, buffer) =>
      withPath(path, () => {
        const bytes = buffer?.subarray(0, length) ?? Buffer.allocUnsafe(length);
        if (bytes.length < length) throw new RangeError(`a buffer of ${bytes.length} bytes for ${length}`);
        let done = 0;
        while (done < length) {
          const count = fs.readSync(fd, bytes, done, length - done, offset + done);
          if (count === 0) break;
          done += count;
        }
        return bytes.subarray(0, done);
      }),
    close: () => fs.closeSync(fd),
  };
}

/** Calls `act` with the name of the temporary file. An error names the file itself. */
function withOwnName<T>(name: string, act: (temporary: string) => T): T {
  const temporary = temporaryFor(name);
  try {
    return act(temporary);
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(temporary, name);
    throw error;
  }
}

/** Implements {@link Host.createFile}. */
export function createFile(
  root: string,
  path: string,
  { mode, uid = -1, gid = -1 }: Pick<Attributes, "mode"> & Partial<Attributes>,
): NewFile {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
  let fd: number | null = inParent(root, path, (name) => {
    return withOwnName(name, (temporary) => {
      removeFile(temporary);
      return fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    });
  });
  const close = (): void => {
    if (fd !== null) fs.closeSync(fd);
    fd = null;
  };
  return {
    write: (bytes) =>
      withPath(root + path, () => {
        for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd ?? -1, bytes, done);
      }),
    commit: () =>
      inParent(root, path, (name) => {
        // The kernel leaves an owner of -1 as it is, chown(2).
        fs.fchownSync(fd ?? -1, uid, gid);
        fs.fchmodSync(fd ?? -1, mode);
        fs.fsyncSync(fd ?? -1);
        withOwnName(name, (temporary) => fs.renameSync(temporary, name));
        // Until here, an abort removes the temporary file.
        close();
        syncParent(name);
      }),
    abort() {
      if (fd === null) return;
      close();
      nullIfMissing(() => inParent(root, path, (name) => fs.unlinkSync(temporaryFor(name))));
    },
  };
}
