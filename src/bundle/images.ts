// The container images of a bundle, as resources. They are streamed into Docker and never stored in between.

import { dockerAnswers } from "../docker/engine.ts";
import { hasImage, roomForImages } from "../docker/images.ts";
import { dockerRuns } from "../docker/recipe.ts";
import type { Change } from "../engine/change.ts";
import type { Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import type { Requirement } from "../problem/requirement.ts";
import { few } from "../text/lines.ts";
import { shortageText } from "../text/shortage.ts";
import type { Manifest } from "./manifest.ts";
import type { Bundle } from "./reader.ts";

type Image = Manifest["images"][number];
type ImageSource = Pick<Bundle, "manifest" | "chunks">;

/** The command that loads an image from its input. */
const loadCommand: readonly string[] = ["docker", "load", "--quiet"];

/** Returns the step that loads the images of the bundle; none for a bundle without images. */
export function imagesLoad(bundle: ImageSource): Step[] {
  const { images } = bundle.manifest;
  if (images.length === 0) return [];
  return [
    {
      id: "images.load",
      title: `${few(images.map(({ reference }) => reference))} ${images.length === 1 ? "is" : "are"} loaded`,
      action: "Loading images",
      requires: [hasSpaceForImages(bundle)],
      resources: archives(images).map((path) => loaded(bundle, path)),
      needs: [{ step: "docker.install", resource: dockerRuns }],
    },
  ];
}

/** Returns the paths of the archives. One may contain several images. */
function archives(images: readonly Image[]): string[] {
  return [...new Set(images.map(({ path }) => path))];
}

/** Docker reports a full disk only after it has filled it. */
export function hasSpaceForImages(bundle: ImageSource): Requirement {
  return {
    name: "images:space",
    title: "the images of the bundle fit on the disk of Docker",
    async check(reader) {
      const { images } = bundle.manifest;
      const missing = await missingImages(reader, images);
      const paths = archives(images.filter(({ reference }) => missing.includes(reference)));
      const { path, bytes } = await roomForImages(
        reader,
        paths.map((each) => sizeOf(bundle, each)),
      );
      const free = reader.space(path)?.bytesFree ?? bytes;
      if (free >= bytes) return null;
      const reason = `no space left at ${path} to load ${few(missing)}: ${shortageText(bytes, free)}`;
      return { reason, code: "no-space", hint: ["sudo", "docker", "system", "df"] };
    },
  };
}

function loaded(bundle: ImageSource, path: string): Resource {
  const images = bundle.manifest.images.filter((image) => image.path === path);
  const references = images.map(({ reference }) => reference).join(", ");
  return {
    name: `image:${references}`,
    title: `${references} is loaded`,
    async check(reader): Promise<Change[]> {
      const missing = await missingImages(reader, images);
      return missing.length === 0 ? [] : [loading(bundle, path, `${missing.join(", ")} is not loaded`)];
    },
  };
}

/** Returns those of the images that are missing in the engine, or of another version there. */
async function missingImages(reader: HostReader, images: readonly Image[]): Promise<string[]> {
  if (!(await dockerAnswers(reader))) return images.map(({ reference }) => reference);
  const missing: string[] = [];
  for (const { reference, config } of images) {
    if (!(await hasImage(reader, reference, config))) missing.push(reference);
  }
  return missing;
}

/**
 * Returns the change that loads an image of the bundle, or null if the engine has it. The engine must answer.
 */
export async function imageLoading(reader: HostReader, bundle: ImageSource, image: Image) {
  const missing = await missingImages(reader, [image]);
  return missing.length === 0 ? null : loading(bundle, image.path, `${image.reference} is not loaded`);
}

function loading(bundle: ImageSource, path: string, reason: string) {
  return {
    kind: "command" as const,
    argv: [...loadCommand],
    reason,
    input: { name: path, size: sizeOf(bundle, path), chunks: () => bundle.chunks(path) },
    hint: ["sudo", "systemctl", "status", "docker"],
  };
}

function sizeOf({ manifest }: ImageSource, path: string): number {
  return manifest.members.find((member) => member.path === path)?.size ?? 0;
}
