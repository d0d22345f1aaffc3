// A program that fails where nobody waits for it, as the argument says.

import { handleCrashes } from "../../src/main.ts";

const failure = (): never => {
  throw new TypeError("a\n\u001B[2Jerror: b\u202e");
};

const ways: Record<string, () => void> = {
  rejection: () => void (async () => failure())(),
  timer: () => void setTimeout(failure),
  start: failure,
  string: () => void Promise.reject("a\nerror: b"),
  nothing: () => void Promise.reject(),
};

handleCrashes();
// What goes on meanwhile does not keep the process.
setTimeout(() => {}, 60_000);
ways[process.argv[2] ?? ""]?.();
