// HTTP requests of this machine: which servers it trusts, and which it does not.

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { localHost } from "../../src/host/local.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-fetch-`);
const host = localHost();

/** Creates a certificate for localhost, signed by an unknown authority. */
function certified(): { cert: string; key: string } {
  const script = [
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE",
    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout key.pem -out request.pem",
    "echo subjectAltName=DNS:localhost >names",
    "openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem",
  ].join(" && ");
  const { success, stderr } = Bun.spawnSync(["sh", "-c", script], { cwd: dir });
  if (!success) throw new Error(stderr.toString());
  return { cert: readFileSync(`${dir}/cert.pem`, "utf8"), key: readFileSync(`${dir}/key.pem`, "utf8") };
}

/** Yields a byte every 20 ms for as long as it is read. */
async function* dripping(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield new Uint8Array([32]);
    await Bun.sleep(20);
  }
}

const answers = {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/away") return new Response(null, { status: 302, headers: { location: "/here" } });
    if (pathname === "/down")
      return new Response(null, { status: 302, headers: { location: `http://localhost:${plain.port}/here` } });
    if (pathname === "/file") return new Response(null, { status: 302, headers: { location: "file:///etc/passwd" } });
    if (pathname === "/round") return new Response(null, { status: 302, headers: { location: "/round" } });
    if (pathname === "/long") return new Response(new Uint8Array(3 * 1024 * 1024));
    if (pathname === "/drip") return new Response(dripping());
    if (pathname === "/never") await new Promise(() => {});
    return new Response(`${request.method} ${pathname} ${await request.text()}`);
  },
};
const plain = Bun.serve({ hostname: "localhost", port: 0, ...answers });
const secure = Bun.serve({ hostname: "localhost", port: 0, tls: certified(), ...answers });
const socketPath = `${dir}/socket`;
const local = Bun.serve({ unix: socketPath, ...answers });
const [http, https] = [`http://localhost:${plain.port}`, `https://localhost:${secure.port}`];
const caPath = `${dir}/ca.pem`;
afterAll(async () => {
  for (const server of [plain, secure, local]) await server.stop(true);
  rmSync(dir, { recursive: true });
});
const textOf = (body: Uint8Array): string => Buffer.from(body).toString();

describe("requests", () => {
  test("redirects: GET follows them, POST returns them", async () => {
    const answer = await host.get(`${http}/away`);
    expect([answer.status, textOf(answer.body)]).toEqual([200, "GET /here "]);
    expect(await host.send("POST", `${http}/away`, { body: "secret" })).toMatchObject({
      status: 302,
      headers: { location: "/here" },
    });
    expect(textOf((await host.send("POST", `${http}/x`, { body: "{}" })).body)).toBe("POST /x {}");
  });

  test("TLS: only a certificate of a known authority with the right name is accepted", async () => {
    const unknown = await host.get(`${https}/x`);
    expect([unknown.status, unknown.reason]).toEqual([0, "its certificate is issued by an unknown authority"]);
    expect((await host.get(`${https}/x`, { caPath })).status).toBe(200);
    const misnamed = await host.get(`https://127.0.0.1:${secure.port}/x`, { caPath });
    expect([misnamed.status, misnamed.reason]).toEqual([0, "its certificate is for another name"]);
  });

  test("TLS: an expired, premature or self-signed certificate is rejected with the reason", async () => {
    /** Signed by the trusted authority. Only openssl ca accepts both dates. */
    const issue = (name: string, start: string, end: string): string => {
      const config =
        "[ca]\ndatabase=index\nserial=serial\ndefault_md=sha256\npolicy=any\nnew_certs_dir=.\nunique_subject=no\n[any]\ncommonName=supplied\n";
      const script = `: >index; echo 01 >serial; printf '%s' "$0" >ca.conf; openssl ca -batch -notext -config ca.conf -name ca -cert ca.pem -keyfile ca.key -in request.pem -out ${name}.pem -startdate ${start} -enddate ${end} -extfile names`;
      const { success, stderr } = Bun.spawnSync(["sh", "-c", script, config], { cwd: dir });
      if (!success) throw new Error(stderr.toString());
      return readFileSync(`${dir}/${name}.pem`, "utf8");
    };
    const selfSigned =
      "openssl req -x509 -key key.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -out self.pem";
    expect(Bun.spawnSync(["sh", "-c", selfSigned], { cwd: dir }).success).toBe(true);
    const key = readFileSync(`${dir}/key.pem`, "utf8");
    for (const [cert, reason] of [
      [issue("expired", "20200101000000Z", "20200102000000Z"), "its certificate has expired"],
      [issue("early", "20900101000000Z", "20900102000000Z"), "its certificate is not valid yet: is the clock right?"],
      [readFileSync(`${dir}/self.pem`, "utf8"), "its certificate is self-signed"],
    ] as const) {
      using server = Bun.serve({ hostname: "localhost", port: 0, tls: { cert, key }, ...answers });
      const answer = await host.send("POST", `https://localhost:${server.port}/x`, { caPath, body: "secret" });
      expect([answer.status, answer.reason]).toEqual([0, reason]);
    }
  });

  test("TLS: nothing is sent over TLS 1.0", async () => {
    // A ServerHello of TLS 1.0: 32 random bytes, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    const hello = Buffer.concat([Buffer.of(2, 0, 0, 38, 3, 1), Buffer.alloc(32, 7), Buffer.of(0, 0, 0x2f, 0)]);
    const heard: Buffer[] = [];
    const old = Bun.listen({
      hostname: "localhost",
      port: 0,
      socket: {
        data(socket, bytes) {
          if (heard.push(bytes) === 1) socket.write(Buffer.concat([Buffer.of(22, 3, 1, 0, hello.length), hello]));
        },
      },
    });
    try {
      const answer = await host.send("POST", `https://localhost:${old.port}/x`, { body: "secret", limitMs: 2000 });
      expect([answer.status, answer.reason]).toEqual([0, expect.stringContaining("The TLS handshake failed")]);
      // The fatal alert protocol_version. It may arrive after the client has finished.
      const last = (): number[] => [...(heard.at(-1)?.subarray(-2) ?? [])];
      for (let waited = 0; last()[0] !== 2 && waited < 2000; waited += 10) await Bun.sleep(10);
      expect(last()).toEqual([2, 70]);
      expect(heard).toHaveLength(2);
    } finally {
      old.stop(true);
    }
  });

  test("environment: variables that disable TLS verification or print requests are ignored", async () => {
    const script = `const { localHost } = await import("${import.meta.dir}/../../src/host/local.ts");
      const { status } = await localHost().get("${https}/x", { headers: { "RUNNER-TOKEN": "glrt-canary" } });
      const plain = await localHost().get("${http}/x", { headers: { "RUNNER-TOKEN": "glrt-canary" } });
      console.log(status, plain.status);`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      env: {
        ...process.env,
        NODE_TLS_REJECT_UNAUTHORIZED: "0",
        BUN_CONFIG_VERBOSE_FETCH: "curl",
        NODE_EXTRA_CA_CERTS: caPath,
      },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect([out, (out + err).includes("canary")]).toEqual(["0 200\n", false]);
  });

  test("redirects: from HTTPS to HTTP are not followed, and a loop ends", async () => {
    expect((await host.get(`${https}/down`, { caPath })).status).toBe(302);
    expect((await host.get(`${http}/round`)).status).toBe(302);
  });

  test("URLs: a file or data URL is rejected, also as the target of a redirect", async () => {
    for (const url of ["file:///etc/passwd", "data:,x", `${http}/file`]) {
      expect(await host.get(url)).toMatchObject({
        status: 0,
        reason: expect.stringContaining("is no http or https address"),
      });
    }
    expect(await host.send("POST", "file:///etc/passwd")).toMatchObject({ status: 0 });
    expect((await host.get(`${https}/x`, { caPath: "/none.pem" })).reason).toBe("/none.pem does not exist");
  });

  test("Unix socket: receives the request regardless of the host in the URL", async () => {
    expect(textOf((await host.get("http://docker/_ping", { socketPath })).body)).toBe("GET /_ping ");
    expect((await host.get("http://docker/_ping", { socketPath: `${dir}/none` })).reason).toBe(
      `${dir}/none does not exist`,
    );
  });

  test("proxy: the proxy of the environment is used, except for the hosts in no_proxy", async () => {
    const asked: string[] = [];
    using proxy = Bun.serve({
      hostname: "localhost",
      port: 0,
      fetch(request) {
        asked.push(request.url);
        return new Response("by the proxy");
      },
    });
    try {
      process.env.http_proxy = `http://localhost:${proxy.port}`;
      expect(textOf((await host.get("http://far.test/x")).body)).toBe("by the proxy");
      process.env.no_proxy = "localhost";
      expect(textOf((await host.get(`${http}/x`)).body)).toBe("GET /x ");
      expect(textOf((await host.get("http://docker/_ping", { socketPath })).body)).toBe("GET /_ping ");
    } finally {
      delete process.env.http_proxy;
      delete process.env.no_proxy;
    }
    expect(asked).toEqual(["http://far.test/x"]);
  });

  describe("proxy", () => {
    const names = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];
    afterEach(() => {
      for (const name of names) delete process.env[name];
    });

    test("a failure of the proxy is not reported as the server's", async () => {
      using refusing = Bun.listen({
        hostname: "127.0.0.1",
        port: 0,
        socket: { data: (socket) => void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") },
      });
      const address = `http://127.0.0.1:${refusing.port}`;
      process.env.http_proxy = address.replace("//", "//user:password@");
      process.env.https_proxy = process.env.http_proxy;
      expect(await host.get("https://far.test/x")).toMatchObject({
        ...{ status: 0, reason: `the proxy ${address} refuses to connect: 407 Proxy Authentication Required` },
      });
      expect(await host.send("POST", "http://far.test/x")).toMatchObject({ status: 407, proxy: address });
      process.env.https_proxy = "http://127.0.0.1:1";
      expect((await host.get("https://far.test/x")).reason).toBe(
        "the proxy http://127.0.0.1:1 cannot be reached: connection refused",
      );
      expect((await host.get("http://docker/_ping", { socketPath })).proxy).toBeUndefined();
    });

    test("a response names the proxy only if the request went through it", async () => {
      using proxy = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("by the proxy") });
      const { port } = plain;
      const excepted = [
        "localhost",
        "*",
        ".localhost",
        "*.localhost",
        "LOCALHOST",
        " x , localhost",
        `localhost:${port}`,
      ];
      const others = ["host", "localhos", "localhost:1", "127.0.0.1", "127.0.0.0/8", ""];
      for (const variable of ["http_proxy", "all_proxy"]) {
        for (const no_proxy of [...excepted, ...others]) {
          for (const name of names) delete process.env[name];
          Object.assign(process.env, { [variable]: `127.0.0.1:${proxy.port}`, no_proxy });
          const { body, proxy: named } = await host.get(`http://localhost:${port}/x`);
          expect([no_proxy, textOf(body)]).toEqual([no_proxy, named === undefined ? "GET /x " : "by the proxy"]);
          expect(named).toBe(others.includes(no_proxy) ? `http://127.0.0.1:${proxy.port}` : undefined);
        }
      }
      Object.assign(process.env, { no_proxy: "127.0.0.0/8" });
      const near = await host.get(`http://127.0.0.1:${proxy.port}/x`);
      expect(near.proxy).toBeUndefined();
    });
  });

  test("timeout: covers the whole body, also if it arrives byte by byte", async () => {
    expect(await host.get(`${http}/drip`, { limitMs: 200 })).toMatchObject({
      status: 0,
      reason: "no answer within 0.2 s",
    });
  });

  test("errors: a timeout, a refused connection and an endless response are reported in words", async () => {
    expect(await host.get(`${http}/never`, { limitMs: 50 })).toMatchObject({
      status: 0,
      reason: "no answer within 0.05 s",
    });
    expect((await host.get("http://localhost:9/")).reason).toContain("connection refused");
    expect((await host.get(`${http}/long`)).reason).toContain("is longer than 1048576 bytes");
  });
});
