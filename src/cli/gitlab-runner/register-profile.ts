// The profile of a registration: a built-in one or a file, and the flags that override it.

import type { HostReader } from "../../host/host.ts";
import { defaultImage, type Profile, profileIn, profiles, withoutProfile } from "../../runner/registration/profile.ts";
import { nearestName } from "../../text/nearest-name.ts";
import { withFlag } from "../../text/with-flag.ts";
import { usage } from "../arguments.ts";

interface Typed {
  profile?: string;
  executor?: string;
  description?: string;
  tags?: string;
  "docker-image"?: string;
  "docker-privileged"?: boolean;
  "docker-volumes"?: string;
}

type Warn = (sentence: string) => void;

/** Returns the profile of the runner. `typed`: the words of the command. Throws a usage Problem for an invalid value. */
export function profileOf(reader: HostReader, values: Typed, warn: Warn, typed: readonly string[]): Profile {
  const base = namedProfile(reader, values.profile, warn, typed);
  const { description = base.description } = values;
  const executor = executorOf(values, base, warn);
  if (!/^[^\p{Cc}]{1,255}$/u.test(description))
    throw usage("--description is longer than 255 characters, or has a line end");
  const typedTags = (values.tags ?? "").split(",").map((tag) => tag.trim());
  const tags = values.tags ? typedTags.filter((tag) => tag !== "") : base.tags;
  if (tags.some((tag) => !/^\P{Cc}{1,255}$/u.test(tag))) {
    throw usage("--tags has a tag of more than 255 characters, or one with a control character");
  }
  if (executor !== "docker") {
    const own = base.executor === executor ? base.settings : {};
    return { executor, description, tags, settings: own };
  }
  const docker = (base.settings.docker ?? {}) as Record<string, unknown>;
  const more = values["docker-volumes"]?.split(",") ?? [];
  const wrong = more.find((volume) => !/^\/[^\p{Cc}]*$/u.test(volume));
  if (wrong !== undefined) throw usage(`--docker-volumes has '${wrong}', which is not an absolute path`);
  const image = values["docker-image"] ?? docker.image ?? defaultImage;
  const volumes = [...new Set([...((docker.volumes as string[] | undefined) ?? ["/cache", "/certs/client"]), ...more])];
  const privileged = values["docker-privileged"] ?? docker.privileged ?? false;
  return {
    executor,
    description,
    tags,
    settings: { ...base.settings, docker: { ...docker, image, privileged, volumes } as never },
  };
}

/** Returns the executor. That of a built-in profile is fixed, as in the Python version. */
function executorOf({ executor, profile }: Typed, base: Profile, warn: Warn): string {
  const isFixed = profile !== undefined && Object.hasOwn(profiles, profile);
  if (!isFixed || executor === undefined || executor === base.executor) return executor ?? base.executor;
  warn(`--executor ${executor} is ignored: profile ${profile} has the executor ${base.executor}`);
  return base.executor;
}

/**
 * Returns the named profile. An unknown name is ignored with a warning, as in the Python version, unless it is a
 * misspelled profile.
 */
function namedProfile(reader: HostReader, name: string | undefined, warn: Warn, typed: readonly string[]): Profile {
  if (name === undefined) return withoutProfile;
  const known = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (known) return known;
  if (!name.endsWith(".toml")) {
    const all = Object.keys(profiles);
    const near = nearestName(name.toLowerCase(), all);
    if (near !== undefined) {
      throw usage(`unknown profile '${name}'`, near, withFlag(["edox-ops", ...typed], "--profile", near));
    }
    warn(`profile '${name}' is unknown and ignored: there are ${all.join(", ")}, or a file.toml`);
    return withoutProfile;
  }
  const bytes = reader.read(name);
  if (bytes === null) throw usage(`profile ${name} does not exist`);
  return profileIn(new TextDecoder().decode(bytes), name);
}
