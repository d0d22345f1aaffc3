// The inventory of a host without a network: what it has, so that a bundle made elsewhere contains only what is missing.

import * as v from "valibot";
import { packageField } from "../apt/dpkg.ts";
import { dockerSocket } from "../docker/paths.ts";
import { gatherFacts } from "../engine/facts.ts";
import type { Host, HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { writeOutput } from "../problem/output-file.ts";
import { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { accepted } from "./trust.ts";

const mostPackages = 20_000;
const mostBytes = 64 * 1024 * 1024;
const word = v.pipe(v.string(), v.regex(/^[\w.+~:-]{1,255}$/));
/** One line of dpkg: without line ends it cannot begin another field or package. */
const line = v.pipe(v.string(), v.regex(/^[ -~]{1,100000}$/));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The fields of dpkg by which apt resolves dependencies, and distinguishes equal versions of a package. */
const fields = [
  "Installed-Size",
  "Essential",
  "Protected",
  "Multi-Arch",
  "Provides",
  "Pre-Depends",
  "Depends",
  "Conflicts",
  "Breaks",
  "Replaces",
] as const;
const fieldSchema = v.strictObject(v.entriesFromList(fields, v.optional(line)));

const inventorySchema = v.strictObject({
  format: v.literal(1),
  target: v.strictObject({
    family: v.picklist(["debian", "ubuntu"]),
    codename: word,
    architecture: v.picklist(["amd64", "arm64"]),
  }),
  foreignArchitectures: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/))), v.maxLength(16)),
  /** Unix seconds of the host's clock. */
  clock: count,
  /** The serial of the newest bundle that the host has accepted; 0 for none. */
  acceptedSerial: count,
  /** Free bytes where packages and images are stored. */
  freeBytes: v.nullable(count),
  glibc: v.nullable(word),
  packages: v.pipe(
    v.array(v.strictObject({ name: word, version: word, architecture: word, held: v.boolean(), fields: fieldSchema })),
    v.maxLength(mostPackages),
  ),
  /** The IDs of the images that Docker has: for most of its stores the digests of their configurations. */
  images: v.pipe(v.array(v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/))), v.maxLength(10_000)),
});

export type Inventory = v.InferOutput<typeof inventorySchema>;

/** Takes the inventory of this host. Throws a Problem for a host that no bundle can be made for. */
export async function takeInventory(reader: HostReader): Promise<Inventory> {
  const { family, codename, architecture, name } = gatherFacts(reader);
  if (family === null || codename === "" || (architecture !== "amd64" && architecture !== "arm64")) {
    const message = `no bundle can be made for ${name} ${architecture}`;
    throw new Problem("unsupported-platform", message, { hint: ["cat", "/etc/os-release"] });
  }
  const paragraphs = (textOf(reader, "/var/lib/dpkg/status") ?? "").split(/\n\n+/);
  const packages = paragraphs.flatMap((paragraph) => packageIn(paragraph));
  const space = reader.space("/var/lib");
  return {
    format: 1,
    target: { family, codename, architecture },
    foreignArchitectures: (textOf(reader, "/var/lib/dpkg/arch") ?? "")
      .split("\n")
      .filter((each) => /^[a-z0-9-]+$/.test(each) && each !== architecture),
    clock: Math.floor(reader.now() / 1000),
    acceptedSerial: accepted(reader).serial,
    freeBytes: space === null ? null : Math.floor(space.bytesFree),
    glibc: packages.find((each) => each.name === "libc6")?.version ?? null,
    packages,
    images: await imageIds(reader),
  };
}

/** Returns the text of an inventory file. */
export function inventoryText(inventory: Inventory): string {
  return `${JSON.stringify(inventory, null, 1)}\n`;
}

function packageIn(paragraph: string): Inventory["packages"] {
  // A field may continue on lines that begin with a space.
  const text = paragraph.replace(/\n[ \t]+/g, " ");
  const status = packageField(text, "Status") ?? "";
  const [name, version, architecture] = ["Package", "Version", "Architecture"].map((each) => packageField(text, each));
  if (!/^(?:install|hold) ok installed$/.test(status) || !name || !version || !architecture) return [];
  const found = fields.flatMap((each) => {
    const value = packageField(text, each);
    return value === null ? [] : [[each, value.trim()] as const];
  });
  return [{ name, version, architecture, held: status.startsWith("hold"), fields: Object.fromEntries(found) }];
}

async function imageIds(reader: HostReader): Promise<string[]> {
  if (reader.stat(dockerSocket) === null) return [];
  const { status, body } = await reader.get("http://docker/images/json", { socketPath: dockerSocket, limitMs: 10_000 });
  if (status !== 200) return [];
  const list = v.safeParse(v.array(v.object({ Id: v.string() })), attemptJson(body));
  if (!list.success) return [];
  return [...new Set(list.output.map(({ Id }) => Id).filter((id) => /^sha256:[0-9a-f]{64}$/.test(id)))].sort();
}

function attemptJson(bytes: Uint8Array): unknown {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

/** Reads an inventory file. Throws a Problem if it is not one. */
export function readInventory(reader: HostReader, path: string): Inventory {
  const file = reader.openFile(path);
  if (file === null) throw new Problem("not-found", `no inventory ${path}`);
  const { size } = file;
  const bytes = size > mostBytes ? new Uint8Array() : file.read(0, size);
  file.close();
  const result = v.safeParse(inventorySchema, attemptJson(bytes));
  if (result.success) return result.output;
  const at = v.getDotPath(result.issues[0]);
  const why = at === null ? "" : `: invalid ${at}`;
  throw new Problem("invalid-value", `${path} is not an inventory of \`doctor --inventory\`${why}`);
}

/** Returns the dpkg status file of the host, as far as apt needs it to resolve dependencies. */
export function statusOf({ packages }: Inventory): string {
  return packages
    .map(({ name, version, architecture, held, fields: own }) => {
      const head = [
        `Package: ${name}`,
        `Status: ${held ? "hold" : "install"} ok installed`,
        `Architecture: ${architecture}`,
        `Version: ${version}`,
        "Maintainer: unknown <unknown@localhost>",
        "Description: a package of the host",
      ];
      return [...head, ...Object.entries(own).map(([field, value]) => `${field}: ${value}`)].join("\n");
    })
    .join("\n\n")
    .concat("\n");
}

/** Writes the inventory of the host to this path. */
export async function writeInventory(host: Host, path: string): Promise<void> {
  writeOutput(host, path, inventoryText(await takeInventory(host)));
}
