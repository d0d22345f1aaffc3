// A program that fails in the way that its argument names, where no caller handles the error.

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
// A pending timer must not keep the process alive.
setTimeout(() => {}, 60_000);
ways[process.argv[2] ?? ""]?.();
