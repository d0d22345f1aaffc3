// Queries of the DNS, against a name server of this test.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { askedServers, resolveName } from "../../src/host/local-dns.ts";

const ipv4 = { type: 1, data: [192, 0, 2, 7] };
const ipv6 = { type: 28, data: [0x20, 1, 0x0d, 0xb8, ...Array<number>(11).fill(0), 9] };
const okCode = 0;
const serverFailure = 2;
const noSuchName = 3;

/** The response code and the records of each name. "silent.test" gets no answer. */
const zone: Record<string, { code: number; records: { type: number; data: number[] }[] }> = {
  "both.test": { code: okCode, records: [ipv4, ipv6] },
  "four.test": { code: okCode, records: [ipv4] },
  "six.test": { code: okCode, records: [ipv6] },
  "empty.test": { code: okCode, records: [] },
  "broken.test": { code: serverFailure, records: [] },
};

/** Returns the response to a query with one question. */
function respond(query: Uint8Array): Uint8Array | null {
  const end = query.indexOf(0, 12);
  const labels: string[] = [];
  for (let at = 12; at < end; at += (query[at] ?? 0) + 1) {
    labels.push(new TextDecoder().decode(query.subarray(at + 1, at + 1 + (query[at] ?? 0))));
  }
  const name = labels.join(".").toLowerCase();
  if (name === "silent.test") return null;
  const type = query[end + 2];
  const { code, records } = zone[name] ?? { code: noSuchName, records: [] };
  const answers = records.filter((record) => record.type === type);
  const head = [query[0] ?? 0, query[1] ?? 0, 0x81, 0x80 | code, 0, 1, 0, answers.length, 0, 0, 0, 0];
  const body = answers.flatMap(({ data }) => [0xc0, 12, 0, type ?? 0, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]);
  return new Uint8Array([...head, ...query.subarray(12, end + 5), ...body]);
}

let socket: Bun.udp.Socket<"buffer">;
beforeAll(async () => {
  socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(from, query, port, address) {
        const response = respond(new Uint8Array(query));
        if (response !== null) from.send(response, port, address);
      },
    },
  });
});
afterAll(() => socket.close());

const resolve = (name: string, limitMs = 2000) => resolveName(name, limitMs, [`127.0.0.1:${socket.port}`]);

test("resolve: returns the addresses of A and AAAA records", async () => {
  expect(await resolve("both.test")).toEqual({ addresses: ["192.0.2.7", "2001:db8::9"], failure: null });
  expect(await resolve("four.test")).toEqual({ addresses: ["192.0.2.7"], failure: null });
  expect(await resolve("six.test")).toEqual({ addresses: ["2001:db8::9"], failure: null });
});

test("resolve: distinguishes no record, a name server with a fault and a silent one", async () => {
  expect(await resolve("none.test")).toEqual({ addresses: [], failure: "no-record" });
  expect(await resolve("empty.test")).toEqual({ addresses: [], failure: "no-record" });
  expect(await resolve("broken.test")).toEqual({ addresses: [], failure: "server-failure" });
  expect(await resolve("silent.test", 200)).toEqual({ addresses: [], failure: "no-answer" });
});

test("resolve: does not read /etc/hosts, which has localhost", async () => {
  expect(await resolve("localhost")).toEqual({ addresses: [], failure: "no-record" });
});

test("resolve: asks the servers of systemd-resolved, which itself answers from /etc/hosts", () => {
  const stub = ["127.0.0.53"];
  const upstream =
    "# a comment\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nnameserver fe80::1%eth0\nsearch test\n";
  expect(askedServers(stub, upstream)).toEqual(["192.0.2.53", "2001:db8::53"]);
  for (const none of ["", "# nothing\n", "nameserver x;y\n"]) expect(askedServers(stub, none)).toEqual(stub);
  expect(askedServers(["192.0.2.1", "127.0.0.53"], upstream)).toEqual(["192.0.2.1", "127.0.0.53"]);
});
