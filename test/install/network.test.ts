// The installer with failing networks, mirrors and proxies: it resumes, or prints the reason and leaves no files
// behind.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { Ground, type Shell, shells } from "./installing.ts";
import type { Twisting } from "./server.ts";
import { current, expectRefused, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.up();
});
afterAll(() => stage?.[Symbol.dispose]());

const deb = `edox-ops_${current}_amd64.deb`;
const clients = ["curl", "wget", "busybox"] as const;
type Client = (typeof clients)[number];

async function refusedOf(client: Client, twisting: Twisting, error: string | RegExp, hint: string): Promise<string[]> {
  using ground = new Ground(client);
  const { url, asked } = stage.server.place(twisting);
  const env = { EDOX_BASE_URL: url };
  expectRefused(await ground.install(stage.release(current).installer, stage.authority, { env }), error, hint);
  expect(ground.left).toEqual([]);
  return asked;
}

test("install.sh: resumes a download that was cut off at any tenth", async () => {
  const { size } = statSync(`${stage.release(current).folder}/${deb}`);
  const one = async (client: Client, tenth: number): Promise<void> => {
    using ground = new Ground(client);
    const cutAt = Math.floor((size * tenth) / 10);
    const { url, asked } = stage.server.place((_, nth) => (nth === 0 ? { cutAt } : undefined));
    const env = { EDOX_BASE_URL: url };
    expect(await ground.install(stage.release(current).installer, stage.authority, { env })).toMatchObject({ code: 0 });
    expect(asked).toEqual([deb, deb]);
    stage.expectInstalled(ground, current);
  };
  await Promise.all([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((tenth) => one("curl", tenth)));
  await Promise.all([3, 8].flatMap((tenth) => [one("wget", tenth), one("busybox", tenth)]));
});

test("install.sh: handles a server without range support, and one that mixes two files", async () => {
  for (const client of clients) {
    using ground = new Ground(client);
    const { url } = stage.server.place((_, nth) => (nth === 0 ? { cutAt: 90_000 } : { whole: true }));
    const env = { EDOX_BASE_URL: url };
    expect(await ground.install(stage.release(current).installer, stage.authority, { env })).toMatchObject({ code: 0 });
    stage.expectInstalled(ground, current);
  }
  using ground = new Ground("curl");
  const other = new Uint8Array(150_000);
  const { url, asked } = stage.server.place((_, nth) => (nth === 0 ? { body: other, cutAt: 90_000 } : undefined));
  await ground.install(stage.release(current).installer, stage.authority, { env: { EDOX_BASE_URL: url } });
  expect(asked).toEqual([deb, deb, deb]);
  stage.expectInstalled(ground, current);
});

test("install.sh: gives up with the reason if the connection is always cut off, or the server stays busy", async () => {
  await Promise.all(
    clients.map(async (client) => {
      const cut = refusedOf(client, () => ({ cutAt: 90_000 }), `${deb} cannot be fetched: `, "is the network there?");
      const busy = refusedOf(client, () => ({ status: 503, body: "" }), "503", "is the network there?");
      expect([(await cut).length, (await busy).length]).toEqual([4, 3]);
    }),
  );
});

/** Returns the installer with the minute of its watchdog shortened. */
function hurried(): string {
  const { installer } = stage.release(current);
  expect(installer.split("sleep 60 &")).toHaveLength(2);
  return installer.replace("sleep 60 &", "sleep 0.4 &");
}

test("install.sh: gives up after three minutes with less than 60 KiB each", async () => {
  const one = async (client: Client, shell: Shell): Promise<void> => {
    using ground = new Ground(client);
    const { url, asked } = stage.server.place(() => ({ drip: { bytes: 1, everyMs: 50 } }));
    const more = { shell, env: { EDOX_BASE_URL: url } };
    const ended = await ground.install(hurried(), stage.authority, more);
    expectRefused(ended, `cannot be fetched: less than 60 KiB came in a minute`, "is the network there?");
    expect(asked.length).toBeLessThan(4);
    expect(ground.left).toEqual([]);
  };
  await Promise.all([...clients.map((client) => one(client, "dash")), one("curl", "bash"), one("curl", "busybox")]);
});

test("install.sh: installs over a slow connection of 60 KiB per minute, with any client", async () => {
  const one = async (client: Client): Promise<void> => {
    using ground = new Ground(client);
    const { url } = stage.server.place(() => ({ drip: { bytes: 20_000, everyMs: 50 } }));
    const more = { env: { EDOX_BASE_URL: url } };
    expect(await ground.install(hurried(), stage.authority, more)).toMatchObject({ code: 0 });
    stage.expectInstalled(ground, current);
  };
  await Promise.all(clients.map(one));
});

test("install.sh: Ctrl-C during a download leaves nothing behind", async () => {
  for (const shell of Object.keys(shells) as Shell[]) {
    using ground = new Ground("curl");
    const { promise, resolve } = Promise.withResolvers<void>();
    const { url } = stage.server.place(() => ({ stall: resolve }));
    const more = { shell, env: { EDOX_BASE_URL: url }, until: promise };
    const { code, stdout } = await ground.install(stage.release(current).installer, stage.authority, more);
    expect([code, stdout, ground.left]).toEqual([130, "", []]);
  }
});

test("install.sh: reports a missing release immediately, with its version", async () => {
  for (const client of clients) {
    const gone = () => ({ status: 404, body: "" });
    expect(
      await refusedOf(client, gone, /downloads\/\S+ does not exist: .*404/, `is ${current} released`),
    ).toHaveLength(1);
  }
});

test("install.sh: installs nothing if one bit of the asset is flipped", async () => {
  const content = Buffer.from(await Bun.file(`${stage.release(current).folder}/${deb}`).bytes());
  content[1000] = (content[1000] ?? 0) ^ 4;
  for (const client of clients) {
    const asked = await refusedOf(
      client,
      () => ({ body: content }),
      `${deb} does not have the checksum`,
      "run it again",
    );
    expect(asked).toEqual([deb]);
  }
});

test("install.sh: recognizes a proxy's web page in place of the asset", async () => {
  const page = () => ({ body: "\n<!DOCTYPE html><title>Sign in</title>" });
  await refusedOf("curl", page, "answers with a web page", "https_proxy=");
});

test("install.sh: follows redirects to HTTPS, and never to plain HTTP", async () => {
  const unencrypted = stage.server.place(undefined, "http");
  for (const client of clients) {
    const there = stage.server.place();
    const paths = [
      (path: string) => there.url + path,
      (path: string) => there.url.replace(/^https:..[^/]*/, "") + path,
    ];
    for (const to of paths) {
      using ground = new Ground(client);
      const { url } = stage.server.place((path) => ({ location: to(path) }));
      await ground.install(stage.release(current).installer, stage.authority, { env: { EDOX_BASE_URL: url } });
      stage.expectInstalled(ground, current);
    }
    const down: Twisting = (path) => ({ location: unencrypted.url + path });
    await refusedOf(client, down, "it leads to an address that is not https", "do not use that server");
    // busybox wget cannot be prevented from following it, so the installer discards the result.
    if (client !== "busybox") expect(unencrypted.asked).toEqual([]);
  }
});

test("install.sh: accepts a plain HTTP URL of the operator, but no redirect from it to plain HTTP", async () => {
  for (const client of clients) {
    using ground = new Ground(client);
    const { installer } = stage.release(current);
    const typed = stage.server.place(undefined, "http");
    await ground.install(installer, stage.authority, { env: { EDOX_BASE_URL: typed.url } });
    stage.expectInstalled(ground, current);
    using second = new Ground(client);
    const leading = stage.server.place((path) => ({ location: typed.url + path }), "http");
    const ended = await second.install(installer, stage.authority, { env: { EDOX_BASE_URL: leading.url } });
    expectRefused(ended, "it leads to an address that is not https", "do not use that server");
  }
});

test("install.sh: rejects a server with an untrusted certificate, with curl and with wget", async () => {
  for (const client of ["curl", "wget"] as const) {
    using ground = new Ground(client);
    const ended = await ground.install(stage.release(current).installer, "/etc/ssl/certs/ca-certificates.crt");
    expectRefused(ended, /ertificate/, "apt-get install ca-certificates");
  }
});
