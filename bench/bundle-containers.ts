// Compares the container of bundles with others: the same files as tar, squashfs, zip and an OCI layout.

import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { median, table } from "./table.ts";
import { type Ran, timed } from "./watched.ts";

interface Container {
  name: string;
  /** Shell scripts in the directory `files`; `$1`: the container. */
  create: string;
  /** Reads each byte and compares it with a checksum. */
  verify: string;
  needs: string;
  unpacked: string;
}

const sums = "sha256sum --quiet --check ../sums";
const all: readonly Container[] = [
  {
    name: "tar",
    create: 'tar --sort=name --mtime=@1 --owner=0 --group=0 --format=ustar -cf "$1" .',
    verify: `rm -rf ../read; mkdir ../read; tar -C ../read -xf "$1"; cd ../read; ${sums}`,
    needs: "nothing",
    unpacked: "all, or one file at its known position",
  },
  {
    name: "zip -0",
    create: 'find . -type f | sort | zip -q -0 -X "$1" -@',
    verify: 'unzip -tq "$1"',
    needs: "unzip",
    unpacked: "one file",
  },
  {
    name: "squashfs, not compressed",
    create: 'mksquashfs . "$1" -quiet -no-progress -noI -noD -noF -noX -all-time 1 -mkfs-time 1 -all-root',
    verify: `rm -rf ../read; mkdir ../read; mount -o loop,ro "$1" ../read; (cd ../read; ${sums}); code=$?; umount ../read; exit $code`,
    needs: "root and a mount",
    unpacked: "nothing",
  },
  {
    name: "squashfs, zstd",
    create: 'mksquashfs . "$1" -quiet -no-progress -comp zstd -all-time 1 -mkfs-time 1 -all-root',
    verify: `rm -rf ../read; mkdir ../read; mount -o loop,ro "$1" ../read; (cd ../read; ${sums}); code=$?; umount ../read; exit $code`,
    needs: "root and a mount",
    unpacked: "nothing",
  },
  {
    // Each file is a blob that is named by its checksum, and the layout is one tar, as `oras` and `skopeo` write it.
    name: "OCI layout in a tar",
    create: `rm -rf ../oci; mkdir -p ../oci/blobs/sha256
      while read -r sum file; do ln -f "$file" ../oci/blobs/sha256/$sum; done <../sums
      printf '{"imageLayoutVersion":"1.0.0"}' >../oci/oci-layout; cp ../sums ../oci/index.json
      tar -C ../oci --sort=name --mtime=@1 --owner=0 --group=0 --format=ustar -cf "$1" .`,
    verify: `rm -rf ../read; mkdir ../read; tar -C ../read -xf "$1"; cd ../read/blobs/sha256
      for each in *; do printf '%s  %s\\n' $each $each; done | sha256sum --quiet --check`,
    needs: "nothing",
    unpacked: "all: apt reads no blobs, so each file has a second copy under its name",
  },
];

/** Returns the table of containers with the files of this bundle. */
export function containers(folder: string, bundle: string, rounds: number): string {
  for (const tool of ["zip", "unzip", "mksquashfs"]) {
    if (Bun.which(tool) === null)
      throw new Error(`${tool} is missing: type \`apt-get install zip unzip squashfs-tools\``);
  }
  const files = `${folder}/files`;
  mkdirSync(files);
  timed(["tar", "-C", files, "-xf", bundle]);
  const script = (text: string, path: string): Ran => timed(["sh", "-ec", `cd ${files}\n${text}`, "sh", path]);
  script('find . -type f -exec sha256sum {} + | sort -k 2 >"$1"', `${folder}/sums`);
  const bytes = sizeOf(files);
  const results = numbered(folder).map((each) => ({ ...each, created: [] as Ran[], verified: [] as Ran[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { create, verify, path, created, verified } of results) {
      rmSync(path, { force: true });
      created.push(script(create, path));
      verified.push(script(verify, path));
    }
  }
  const rows = results.map(({ name, path, created, verified, needs, unpacked }) => [
    name,
    (statSync(path).size / bytes).toFixed(3),
    ...[created, verified].flatMap((runs) => [
      median(runs.map(({ ms }) => ms)).toFixed(0),
      median(runs.map(({ cpu }) => cpu)).toFixed(0),
    ]),
    needs,
    unpacked,
  ]);
  const head = ["container", "× files", "create ms", "processor", "verify ms", "processor", "needs", "extra disk"];
  return table([head, ...rows]);
}

function numbered(folder: string) {
  return all.map((each, index) => ({ ...each, path: `${folder}/container-${index}.bundle` }));
}

function sizeOf(directory: string): number {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.reduce((bytes, { parentPath, name }) => bytes + statSync(`${parentPath}/${name}`).size, 0);
}
