// The test message of `watch test`.

import type { Host } from "../host/host.ts";
import { hostName } from "../host/host-name.ts";
import type { Delivery } from "./look.ts";
import { testMessage } from "./message.ts";
import { originOf, ping } from "./receivers/http.ts";
import { receiversOf } from "./receivers/receiver.ts";
import type { Settings } from "./settings.ts";

/** Sends a test message to every receiver, and the heartbeat. Returns the result of each. Changes nothing on the host. */
export async function sendTest(host: Host, settings: Settings): Promise<Delivery[]> {
  const message = testMessage({ host: hostName(host), time: new Date(host.now()).toISOString(), failing: 0 });
  const heartbeat = settings.secrets.get("heartbeat-url");
  return Promise.all([
    ...receiversOf(settings).map(async ({ name, target, deliver }) => {
      return { receiver: name, target, events: 0, reason: await deliver(host, message) };
    }),
    ...(heartbeat === undefined
      ? []
      : [
          ping(host, heartbeat).then((reason) => ({
            receiver: "heartbeat" as const,
            target: originOf(heartbeat),
            events: 0,
            reason,
          })),
        ]),
  ]);
}
