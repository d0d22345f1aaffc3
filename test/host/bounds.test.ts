// Reading untrusted files, programs and servers never exhausts the memory.

import { afterAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { localHost } from "../../src/host/local.ts";
import { textOf } from "../../src/host/text-file.ts";

const host = localHost();
const dir = fs.mkdtempSync(`${tmpdir()}/edox-ops-bounds-`);
afterAll(() => fs.rmSync(dir, { recursive: true }));

const mebibyte = 1024 * 1024;

/** Returns the growth of the process's memory in bytes. */
async function growth(act: () => unknown): Promise<number> {
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  await act();
  return process.memoryUsage.rss() - before;
}

test("read: a file that is too large or endless is rejected by name, without filling the memory", async () => {
  fs.writeFileSync(`${dir}/sparse`, "");
  fs.truncateSync(`${dir}/sparse`, 3 * 1024 * 1024 * mebibyte);
  const grown = await growth(() =>
    expect(() => host.read(`${dir}/sparse`)).toThrow(`${dir}/sparse is larger than 256 MiB`),
  );
  expect(grown).toBeLessThan(64 * mebibyte);
  expect(() => host.read("/dev/zero")).toThrow("/dev/zero is larger than 256 MiB");
  expect(host.head("/dev/zero", 5)).toEqual(new Uint8Array(5));
  expect(host.head(`${dir}/sparse`, 5)).toEqual(new Uint8Array(5));
});

test.each([0, 1, 65_535, 65_536, 65_537, 3_000_000])("read: a file of %i bytes is read completely", (size) => {
  const content = Buffer.alloc(size, "0123456789");
  fs.writeFileSync(`${dir}/whole`, content);
  expect(Buffer.compare(host.read(`${dir}/whole`) ?? Buffer.from("none"), content)).toBe(0);
  expect(Buffer.from(host.head(`${dir}/whole`, 100) ?? []).equals(content.subarray(0, 100))).toBe(true);
});

test("read: a file without a known size is read to its end", async () => {
  expect(Buffer.from(host.read("/proc/self/status") ?? []).toString()).toContain("VmPeak:");
  const path = `${dir}/fifo`;
  Bun.spawnSync(["/usr/bin/mkfifo", path]);
  // As a shell passes it: by a descriptor.
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const writer = Bun.spawn(["/bin/sh", "-c", `head -c 200000 /dev/zero > ${path}`]);
  expect(host.read(`/proc/self/fd/${fd}`)?.length).toBe(200_000);
  fs.closeSync(fd);
  await writer.exited;
});

test("read: a named pipe and a socket are no files, and no writer is waited for", () => {
  const path = `${dir}/unwritten`;
  Bun.spawnSync(["/usr/bin/mkfifo", path]);
  using _socket = Bun.listen({ unix: `${dir}/socket`, socket: { data() {} } });
  for (const each of [path, `${dir}/socket`]) {
    expect([host.read(each), host.head(each, 10), host.tail(each, 10)]).toEqual([null, null, null]);
  }
});

test("text: a configuration of more than 16 MiB is refused, also behind a link", () => {
  fs.writeFileSync(`${dir}/large`, "");
  fs.truncateSync(`${dir}/large`, 16 * 1024 * 1024 + 1);
  fs.symlinkSync("large", `${dir}/to-large`);
  for (const name of ["large", "to-large"]) {
    expect(() => textOf(host, `${dir}/${name}`)).toThrow(`${dir}/${name} is larger than 16 MiB`);
  }
});

test("probe: an endless program is killed after enough output, and counts as successful", async () => {
  const answer = await host.probe(["yes", "é"], { enoughBytes: 100_000 });
  expect(answer).toEqual({ code: 0, stdout: "é\n".repeat(33_333), stderr: "" });
  // A program that prints less keeps its own exit code.
  const less = await host.probe(["sh", "-c", "echo a; exit 3"], { enoughBytes: 100 });
  expect([less.code, less.stdout]).toEqual([3, "a\n"]);
});

test("run: only the end of the output is kept if a program prints too much", async () => {
  const { stdout } = await host.run(["sh", "-c", "head -c 60000000 /dev/zero | tr '\\0' x; echo last"]);
  expect(stdout).toHaveLength(16 * mebibyte);
  expect(stdout).toEndWith("xlast\n");
});

test("probe: a page of 600 MB is not downloaded to see its beginning", async () => {
  fs.writeFileSync(`${dir}/page`, "");
  fs.truncateSync(`${dir}/page`, 600_000_000);
  using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(Bun.file(`${dir}/page`)) });
  const curl = ["curl", "-q", "-sS", "-i", "--noproxy", "*", "--max-time", "5", `http://127.0.0.1:${server.port}/`];
  let answer = { code: 1, stdout: "", stderr: "" };
  const grown = await growth(async () => {
    answer = await host.probe(curl, { enoughBytes: 80_000 });
  });
  expect([answer.code, answer.stdout.length]).toEqual([0, 80_000]);
  expect(answer.stdout).toContain("\r\n\r\n\0\0");
  expect(grown).toBeLessThan(64 * mebibyte);
});
