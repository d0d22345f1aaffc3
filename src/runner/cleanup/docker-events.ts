// Reads the events of Docker that say what jobs use. The engine and its command print the same JSON, one event a line.

import * as v from "valibot";
import { parsed } from "../../docker/ask.ts";

/** The label of every container and volume that GitLab Runner creates. */
export const managedLabel = "com.gitlab.gitlab-runner.managed";

/** The actions that {@link eventsOf} regards: filters of `docker events` and of its API. */
export const eventFilters = {
  type: ["image", "container", "volume"],
  event: ["pull", "load", "import", "tag", "create", "start", "die", "mount", "unmount"],
};

export type DockerEvent = {
  atMs: number;
} /** An image was pulled by this reference, as GitLab Runner and people do. */ & (
  | { kind: "pulled"; reference: string }
  /** An image came or was named without a registry, which GitLab Runner does only with its helper image. */
  | { kind: "made"; image: string }
  /** A container of this image was created, was started or ended. `image`: an id or a reference. */
  | { kind: "ran"; image: string; isManaged: boolean; isNew: boolean }
  /** A container started or stopped to use a volume. */
  | { kind: "mounted"; volume: string }
);

const eventSchema = v.object({
  Type: v.string(),
  Action: v.string(),
  Actor: v.object({ ID: v.string(), Attributes: v.nullish(v.record(v.string(), v.string()), {}) }),
  timeNano: v.pipe(v.number(), v.minValue(0)),
});

/** Returns the events in a text, in the order of their times. Lines that are no such events are ignored. */
export function eventsOf(text: string): DockerEvent[] {
  const events = text.split("\n").flatMap((line) => eventOf(line) ?? []);
  return events.sort((a, b) => a.atMs - b.atMs);
}

function eventOf(line: string): DockerEvent | null {
  if (!line.startsWith("{")) return null;
  const event = parsed(eventSchema, line);
  if (event === null) return null;
  const { Type, Action, Actor } = event;
  // Not rounded: two events of one millisecond have different times.
  const atMs = event.timeNano / 1e6;
  const { image = "", [managedLabel]: managed } = Actor.Attributes;
  switch (`${Type} ${Action}`) {
    case "image pull":
      return { kind: "pulled", reference: Actor.ID, atMs };
    case "image load":
    case "image import":
    case "image tag":
      return { kind: "made", image: Actor.ID, atMs };
    case "container create":
    case "container start":
    case "container die":
      return { kind: "ran", image, isManaged: managed === "true", isNew: Action === "create", atMs };
    case "volume mount":
    case "volume unmount":
      return { kind: "mounted", volume: Actor.ID, atMs };
    default:
      return null;
  }
}
