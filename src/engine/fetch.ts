// Fetches small files over unreliable connections.

import type { HostReader, HttpResponse } from "../host/host.ts";

const attempts = 3;
const pauseMs = 1000;

/** Fetches a small file. Retries if the server is busy or does not respond; the last response counts. */
export async function fetchSmall(reader: HostReader, url: string): Promise<HttpResponse> {
  for (let attempt = 1; ; attempt++) {
    const answer = await reader.get(url);
    const mayPass = answer.status === 0 || answer.status === 429 || answer.status >= 500;
    if (!mayPass || attempt === attempts) return answer;
    await reader.sleep(pauseMs);
  }
}

/** Returns a URL for display, without credentials: these are meant for the server only. */
export function printableAddress(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/]*@/, "$1");
}
