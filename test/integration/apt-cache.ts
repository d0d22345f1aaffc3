// A caching proxy for apt: a package crosses the network once, and the network affects no measurement. It is a separate
// process, because the one that runs the hosts blocks on them, and it ends with that one. `npm test` has one for all files,
// whose port is in EDOX_APT_CACHE.

/** One instance for all hosts of this process, or of `npm test`. */
let shared: Promise<number> | undefined;

/** Returns the port on which the proxy listens, on every address of this machine. It serves test hosts only. */
export function aptCache(): Promise<number> {
  const given = process.env.EDOX_APT_CACHE;
  shared ??= given === undefined ? start() : Promise.resolve(Number(given));
  return shared;
}

async function start(): Promise<number> {
  const child = Bun.spawn([process.execPath, import.meta.path], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  child.unref();
  for await (const chunk of child.stdout) return Number(new TextDecoder().decode(chunk));
  throw new Error("the package cache did not start");
}

interface Answer {
  status: number;
  modified: string;
  body: Blob;
}

function serve(): number | undefined {
  const kept = new Map<string, Promise<Answer>>();
  const server = Bun.serve({
    port: 0,
    idleTimeout: 120,
    async fetch(request, server) {
      if (!server.requestIP(request)?.address.includes("10.231.")) return new Response(null, { status: 403 });
      const { url } = request;
      const asked = kept.get(url) ?? fetched(url);
      kept.set(url, asked);
      const { status, modified, body } = await asked;
      if (status >= 500) kept.delete(url);
      if (modified && request.headers.get("If-Modified-Since") === modified) return new Response(null, { status: 304 });
      return new Response(body, { status, headers: modified ? { "Last-Modified": modified } : {} });
    },
  });
  return server.port;
}

/** apt waits for 30 s, so a connection on which nothing arrives is replaced in time. */
const silenceMs = 9_000;
const attempts = 3;

async function fetched(url: string): Promise<Answer> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const silence = new AbortController();
    const heard = setTimeout(() => silence.abort(), silenceMs);
    try {
      const response = await fetch(url, { signal: silence.signal });
      const parts: Uint8Array<ArrayBuffer>[] = [];
      for await (const part of response.body ?? []) {
        heard.refresh();
        parts.push(part as Uint8Array<ArrayBuffer>);
      }
      const modified = response.headers.get("Last-Modified") ?? "";
      return { status: response.status, modified, body: new Blob(parts) };
    } catch (error) {
      console.error(`the package cache got no answer, attempt ${attempt} of ${attempts}: ${url}: ${error}`);
    } finally {
      clearTimeout(heard);
    }
  }
  return { status: 502, modified: "", body: new Blob() };
}

if (import.meta.main) {
  process.stdin.on("end", () => process.exit()).resume();
  console.log(serve());
}
