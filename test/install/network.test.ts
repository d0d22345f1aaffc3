// The installer where the network, a mirror or a proxy fails it: it goes on, or says why not and leaves nothing behind.

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

test("a download cut at any tenth goes on from there", async () => {
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

test("a server that knows no parts sends it whole, and one that mixes parts of two files is asked for the whole", async () => {
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

test("a connection that is cut again and again at the same place, or a busy server, ends with the reason", async () => {
  await Promise.all(
    clients.map(async (client) => {
      const cut = refusedOf(client, () => ({ cutAt: 90_000 }), `${deb} cannot be fetched: `, "is the network there?");
      const busy = refusedOf(client, () => ({ status: 503, body: "" }), "503", "is the network there?");
      expect([(await cut).length, (await busy).length]).toEqual([4, 3]);
    }),
  );
});

/** In which a minute of the watcher is short. */
function hurried(): string {
  const { installer } = stage.release(current);
  expect(installer.split("sleep 60 &")).toHaveLength(2);
  return installer.replace("sleep 60 &", "sleep 0.4 &");
}

test("install.sh: a server that sends a byte now and then is given up after three minutes with less than 60 KiB", async () => {
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

test("install.sh: a slow line that brings 60 KiB a minute installs, by any client", async () => {
  const one = async (client: Client): Promise<void> => {
    using ground = new Ground(client);
    const { url } = stage.server.place(() => ({ drip: { bytes: 20_000, everyMs: 50 } }));
    const more = { env: { EDOX_BASE_URL: url } };
    expect(await ground.install(hurried(), stage.authority, more)).toMatchObject({ code: 0 });
    stage.expectInstalled(ground, current);
  };
  await Promise.all(clients.map(one));
});

test("Ctrl-C in the middle of a download leaves nothing behind", async () => {
  for (const shell of Object.keys(shells) as Shell[]) {
    using ground = new Ground("curl");
    const { promise, resolve } = Promise.withResolvers<void>();
    const { url } = stage.server.place(() => ({ stall: resolve }));
    const more = { shell, env: { EDOX_BASE_URL: url }, until: promise };
    const { code, stdout } = await ground.install(stage.release(current).installer, stage.authority, more);
    expect([code, stdout, ground.left]).toEqual([130, "", []]);
  }
});

test("what is not there is said at once, with the version", async () => {
  for (const client of clients) {
    const gone = () => ({ status: 404, body: "" });
    expect(await refusedOf(client, gone, /downloads\/\S+ is not there: .*404/, `is ${current} released`)).toHaveLength(
      1,
    );
  }
});

test("one bit flipped in the asset: nothing is installed", async () => {
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

test("a page of a proxy in the place of the asset is called one", async () => {
  const page = () => ({ body: "\n<!DOCTYPE html><title>Sign in</title>" });
  await refusedOf("curl", page, "answers with a web page", "https_proxy=");
});

test("redirects are followed by https, and never to plain http", async () => {
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
    // That of busybox cannot be kept from it: what came so is thrown away.
    if (client !== "busybox") expect(unencrypted.asked).toEqual([]);
  }
});

test("plain http is taken from an operator who typed it, and leads to no other plain address", async () => {
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

test("a server that nobody vouches for is refused, with curl and with wget", async () => {
  for (const client of ["curl", "wget"] as const) {
    using ground = new Ground(client);
    const ended = await ground.install(stage.release(current).installer, "/etc/ssl/certs/ca-certificates.crt");
    expectRefused(ended, /ertificate/, "apt-get install ca-certificates");
  }
});
