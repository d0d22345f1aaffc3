// The image of the daemon that a self-test runs: pulled, or loaded from a file or a bundle.

import { withPauses } from "../bundle/applied.ts";
import { imageLoading } from "../bundle/images.ts";
import type { Bundle } from "../bundle/reader.ts";
import { hintToShowBundle } from "../bundle/show-hint.ts";
import type { Host, Output } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { withFlag } from "../text/with-flag.ts";

/** The image that GitLab's documentation uses for the service. */
export const dindImage = "docker:29-dind";
/** The time limit to pull or load the image, in milliseconds. */
export const pullLimitMs = 600_000;

/** The origin of the daemon's image. Without a file or a bundle, the engine pulls a missing image. */
export interface ImageOrigin {
  file?: string | undefined;
  bundle?: Bundle | undefined;
  /** The whole command as typed, for hints. */
  typed: readonly string[];
}

/** Runs a command of docker. */
export type Docker = (...argv: string[]) => Promise<Output>;

/** Pulls or loads the image of the daemon, and returns its name. Throws a Problem if there is none. */
export function daemonImage(
  host: Host,
  docker: Docker,
  { file, bundle, typed }: ImageOrigin,
  stop: Stop,
): Promise<string> {
  if (bundle !== undefined) return bundledImage(host, bundle, stop);
  return file === undefined ? pullImage(docker, typed) : loadImage(docker, file);
}

async function pullImage(docker: Docker, typed: readonly string[]): Promise<string> {
  if ((await docker("image", "inspect", dindImage)).code === 0) return dindImage;
  const { code, stderr } = await docker("pull", "--quiet", dindImage);
  if (code === 0) return dindImage;
  const message = `${dindImage} cannot be had: where it can, save it with \`docker save\`, and give it here with --image`;
  const hint = ["sudo", ...withFlag(typed, "--image", "dind.tar")];
  throw failure(message, { code, stderr }, hint);
}

/** Loads the image of the daemon from a bundle, unless the engine has it. */
async function bundledImage(host: Host, bundle: Bundle, stop: Stop): Promise<string> {
  const { images } = bundle.manifest;
  const image =
    images.find(({ reference }) => reference === dindImage) ?? images.find(({ reference }) => isDind(reference));
  if (image === undefined) {
    throw new Problem("not-found", `${bundle.path} does not contain the image ${dindImage}`, {
      hint: hintToShowBundle(bundle.path),
    });
  }
  const pause = (): void => throwIfInterrupted(stop);
  const loading = await imageLoading(host, withPauses(bundle, pause), image);
  if (loading === null) return image.reference;
  const { argv, input } = loading;
  const { code, stderr } = await host.run(argv, { limitMs: pullLimitMs, input: input.chunks() });
  throwIfInterrupted(stop);
  if (code === 0) return image.reference;
  throw failure(`${image.reference} of ${bundle.path} cannot be loaded`, { code, stderr }, loading.hint);
}

/** Returns whether an image is a version of docker:dind, also from another registry. */
function isDind(reference: string): boolean {
  return /(?:^|\/)docker:(?:[\w.-]+-)?dind$/.test(reference);
}

async function loadImage(docker: Docker, file: string): Promise<string> {
  const { code, stdout, stderr } = await docker("load", "--quiet", "--input", file);
  const name = /^Loaded image(?: ID)?: (\S+)$/m.exec(stdout)?.[1];
  if (code === 0 && name !== undefined) return name;
  const hint = ["docker", "save", "--output", "dind.tar", dindImage];
  throw failure(`${file} contains no image of docker save`, { code, stderr }, hint);
}

/** Returns the Problem of a docker command. A full disk, which Docker reports like any other error, is named first. */
export function failure(message: string, { code, stderr }: Pick<Output, "code" | "stderr">, hint?: string[]): Problem {
  const more = { returncode: code, stderr };
  if (!/no space left on device/i.test(stderr)) return new Problem("command-failed", message, { ...more, hint });
  return new Problem("no-space", "Docker has no space left on its disk", {
    ...more,
    hint: ["sudo", "docker", "system", "df"],
  });
}
