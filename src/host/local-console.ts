// The terminal of this process, without the runtime's own stream objects: touching those costs more than a command.

import { writeSync } from "node:fs";

export function localConsole() {
  return {
    out: (text: string): void => writeAll(1, text),
    err: (text: string): void => writeAll(2, text),
    // The runtime has looked already: a terminal, no NO_COLOR, no TERM=dumb.
    colour: Bun.enableANSIColors,
    interactive: (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true,
    async confirm(question: string): Promise<boolean> {
      const { consola } = await import("consola");
      return (await consola.prompt(question, { type: "confirm", initial: false })) === true;
    },
  };
}

/** All of it, or an error: a full disk behind a redirection is told, not swallowed. */
function writeAll(fd: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      // A pipe whose reader is slow, and was made non-blocking by somebody else.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}
