// What a server answers, over a bad line too.

import type { Answer, HostReader } from "../host/host.ts";

const attempts = 3;
const pauseMs = 1000;

/** Of a small thing. A server that is busy, and one that did not answer, is asked again: the last answer counts. */
export async function fetched(see: HostReader, url: string): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await see.get(url);
    const mayPass = answer.status === 0 || answer.status === 429 || answer.status >= 500;
    if (!mayPass || attempt === attempts) return answer;
    await see.sleep(pauseMs);
  }
}

/** An address as it is told: whoever wrote a password into it wrote it for the server. */
export function shownAddress(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, "$1");
}
