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
  // The runtime has looked already: a terminal, no NO_COLOR, no TERM=dumb.
  colour: Bun.enableANSIColors,
  interactive: (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true,
  async confirm(question: string): Promise<boolean> {
    await last;
    const { consola } = await import("consola");
    return (await consola.prompt(question, { type: "confirm", initial: false })) === true;
  },
};
