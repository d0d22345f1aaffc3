// The directories in which the engine of this host stores its data.

import * as v from "valibot";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { ask } from "./ask.ts";

/** Engines before 27.2 do not say where their containerd is. */
export const infoSchema = v.object({
  DockerRootDir: v.nullish(v.string()),
  DriverStatus: v.nullish(v.array(v.array(v.string())), []),
  Containerd: v.nullish(
    v.object({ Address: v.string(), Namespaces: v.nullish(v.object({ Containers: v.nullish(v.string()) })) }),
  ),
});
type Info = v.InferOutput<typeof infoSchema>;
export type Containerd = Info["Containerd"];

export const dockerDir = "/var/lib/docker";
export const containerdDir = "/var/lib/containerd";
const containerdStore = "io.containerd.snapshotter.v1";
const containerdConfigPath = "/etc/containerd/config.toml";

/** Returns whether the engine stores its images in containerd, as new installations of Docker 29 do. */
export function usesContainerd(info: Info | null): boolean {
  return info?.DriverStatus?.some((pair) => pair.includes(containerdStore)) === true;
}

/** `images` is where images, containers and the layers of the build cache are, and `data` where volumes are. */
export interface DataRoots {
  images: string;
  data: string;
}

/** Returns the directories of the engine's data. Throws UnknownStateError if the engine does not answer. */
export async function dataRoots(reader: HostReader): Promise<DataRoots> {
  const info = await ask(reader, "info", infoSchema);
  if (info === null) throw new UnknownStateError("Docker does not report where it stores its data");
  const data = info.DockerRootDir ?? dockerDir;
  return { images: usesContainerd(info) ? containerdRoot(reader) : data, data };
}

/** Returns the directory that the configuration of containerd names, which is read again at each call. */
function containerdRoot(reader: HostReader): string {
  return /^root\s*=\s*["'](\/[^"']*)["']/m.exec(textOf(reader, containerdConfigPath) ?? "")?.[1] ?? containerdDir;
}
