// The terminal of this process, without the runtime's own stream objects: touching those costs more than a command.

/** One queue for both, so that what is said first stands first. */
let last: Promise<unknown> = Promise.resolve();

function write(stream: Bun.BunFile, text: string): Promise<unknown> {
  const written = last.then(() => Bun.write(stream, text));
  last = written.catch(() => {});
  return written;
}

export const localConsole = {
  async out(text: string): Promise<void> {
    await write(Bun.stdout, text);
  },
  err(text: string): void {
    write(Bun.stderr, text).catch(() => {});
  },
  /** Whether a person reads there, on a terminal that has colours, and has not asked for none (no-color.org). */
  colour(stream: "out" | "err"): boolean {
    const { NO_COLOR, TERM } = process.env;
    // The runtime's own look is at either stream, and costs nothing.
    if (!Bun.enableANSIColors || NO_COLOR || TERM === "dumb") return false;
    return process.getBuiltinModule("node:tty").isatty(stream === "out" ? 1 : 2);
  },
  columns(): number | null {
    const { NO_COLOR, TERM } = process.env;
    // Whether there is a terminal at all the runtime knows for nothing, unless it was told to want no colours.
    if (TERM === "dumb" || !(Bun.enableANSIColors || NO_COLOR)) return null;
    if (!process.getBuiltinModule("node:tty").isatty(2)) return null;
    return process.stderr.getWindowSize()[0];
  },
  interactive: (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true,
  async confirm(question: string): Promise<boolean> {
    await last;
    const { consola } = await import("consola");
    return (await consola.prompt(question, { type: "confirm", initial: false })) === true;
  },
  async secret(question: string): Promise<string> {
    if (process.stdin.isTTY !== true) return firstLine(await Bun.stdin.text());
    await last;
    const { createInterface } = process.getBuiltinModule("node:readline");
    const { Writable } = process.getBuiltinModule("node:stream");
    await write(Bun.stderr, `${question}: `);
    // What is typed is echoed to nowhere.
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
    const { promise, resolve } = Promise.withResolvers<string>();
    lines.on("line", resolve);
    lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
    lines.on("close", () => resolve(""));
    const line = await promise;
    lines.close();
    await write(Bun.stderr, "\n");
    return firstLine(line);
  },
};

function firstLine(text: string): string {
  return text.split("\n")[0]?.trim() ?? "";
}
