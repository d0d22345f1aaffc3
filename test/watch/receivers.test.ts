// What each receiver gets, and what happens when it does not accept it.

import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { Finding } from "../../src/engine/finding.ts";
import { watchSpareStatePath, watchStatePath } from "../../src/watch/paths.ts";
import { readSettings, type Settings } from "../../src/watch/settings.ts";
import { sendTest } from "../../src/watch/test-message.ts";
import { alertHost } from "./alert-host.ts";

const webhook = "https://hooks.example.org/services/canary-path";
const key = "canary-key-0123456789";
const token = "canary-token-0123456789";
const nginx: Finding = {
  ...{ name: "nginx:active", status: "error", detail: "nginx is not active" },
  ...{ affects: "all 3 sites (offline)", hint: ["sudo", "edox-ops", "bootstrap", "--yes"] },
};
const failed = { code: 74, stdout: "" };
const site: Finding = { name: "site:docs", status: "error", detail: "no answer", follows: "nginx:active" };

describe("receivers of alerts:", () => {
  test("a webhook gets JSON of version 1, which is signed with the key", async () => {
    const { received, look } = alertHost({ "webhook-url": webhook, "webhook-secret": key });
    await look(nginx, site);
    await look(nginx, site);
    const [{ method, url, headers, body } = { method: "", url: "", headers: {}, body: "" }, ...more] = received;
    expect([method, url, more]).toEqual(["POST", webhook, []]);
    expect(headers["X-Edox-Signature"]).toBe(`sha256=${createHmac("sha256", key).update(body).digest("hex")}`);
    expect(JSON.parse(body)).toEqual({
      ...{ version: 1, id: "docs-1/1-1", host: "docs-1", time: expect.stringMatching(/^\d{4}-.*Z$/), test: false },
      ...{ title: "docs-1: 1 check fails", failing: 1, delayed: null, dropped: 0 },
      events: [
        {
          ...{ id: 1, kind: "failing", check: "nginx:active", status: "error", detail: "nginx is not active" },
          ...{ affects: "all 3 sites (offline)", hint: "sudo edox-ops bootstrap --yes", also: ["site:docs"] },
          ...{ since: expect.stringContaining("T"), at: expect.stringContaining("T") },
        },
      ],
    });
  });

  test("Slack and Mattermost get text in which a check can neither mention a channel nor end the block of code", async () => {
    const { received, look } = alertHost({ "webhook-url": webhook }, { webhook_format: "slack" });
    const odd: Finding = { name: "site:a", status: "warning", detail: "<!channel> ``` & more" };
    await look(odd);
    await look(odd);
    expect(JSON.parse(received[0]?.body ?? "").text).toBe(
      "*docs-1: 1 check fails*\n```\n[warning] site:a: &lt;!channel&gt; ''' &amp; more\nFailing now: 1 check\n```",
    );
  });

  test("ntfy gets a title, a priority and text that is no file", async () => {
    const { received, look } = alertHost({ "ntfy-url": "https://ntfy.example.org/topic", "ntfy-token": token });
    const many = Array.from({ length: 200 }, (_, i) => ({ ...nginx, name: `site:${i}`, detail: "ä".repeat(900) }));
    await look(...many);
    await look(...many);
    expect(received).toHaveLength(1);
    expect(received[0]?.headers).toMatchObject({ Title: "docs-1: 200 checks fail", Priority: "high" });
    expect(received[0]?.headers.Authorization).toBe(`Bearer ${token}`);
    expect(Buffer.byteLength(received[0]?.body ?? "")).toBeLessThan(4096);
    await look();
    await look();
    expect(received[1]?.headers).toMatchObject({ Title: "docs-1: 200 checks recovered", Tags: "white_check_mark" });
  });

  test("mail goes to sendmail with the address as its only word, and with headers that a check cannot extend", async () => {
    const { host, look } = alertHost({}, { mail: "ops@example.org" });
    host.put("/usr/sbin/sendmail", "", { mode: 0o755 });
    const odd: Finding = { name: "site:a", status: "error", detail: "down\nBcc: other@example.org" };
    await look(odd);
    await look(odd);
    expect(host.ran).toEqual(["/usr/sbin/sendmail -i ops@example.org"]);
    const mail = Buffer.concat(host.fed).toString();
    const [head = "", body = ""] = mail.split("\n\n");
    expect(head.split("\n").map((line) => line.split(":")[0])).toEqual([
      ...["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"],
      ...["Content-Type", "Content-Transfer-Encoding"],
    ]);
    expect(head).toContain("\nSubject: docs-1: 1 check fails\n");
    expect(body).toBe("[error] site:a: down Bcc: other@example.org\nFailing now: 1 check\n");
  });

  test("a failure of sendmail has the cause, which msmtp prints before its last line", async () => {
    const { host, look } = alertHost({}, { mail: "ops@example.org" });
    host.put("/usr/sbin/sendmail", "", { mode: 0o755 });
    const stderr =
      "sendmail: cannot connect to relay.test, port 25: Connection refused\nsendmail: could not send mail (account default)\n";
    host.taught.unshift(([program]) => (program === "/usr/sbin/sendmail" ? { ...failed, stderr } : undefined));
    await look(nginx);
    const { deliveries } = await look(nginx);
    expect(deliveries[0]?.reason).toBe(
      "sendmail failed: cannot connect to relay.test, port 25: Connection refused; could not send mail (account default)",
    );
  });

  test("a host without sendmail reports what is missing, and its mail is sent once it is installed", async () => {
    const { host, look } = alertHost({}, { mail: "ops@example.org" });
    await look("a");
    const { deliveries } = await look("a");
    expect(deliveries[0]?.reason).toBe("/usr/sbin/sendmail is missing: install a mail server, such as msmtp-mta");
    host.put("/usr/sbin/sendmail", "", { mode: 0o755 });
    expect((await look("a")).deliveries).toMatchObject([{ receiver: "mail", events: 1, reason: null }]);
  });

  test("GitLab gets an alert for each check, which the recovery resolves by its fingerprint", async () => {
    const url = "https://gitlab.example.org/docs/alerts/notify/http/1.json";
    const { received, look } = alertHost({ "gitlab-url": url, "gitlab-token": token });
    for (const failing of [["a"], ["a"], [], []]) await look(...failing);
    const alerts = received.map(({ body }) => JSON.parse(body));
    expect(alerts.map(({ fingerprint, end_time }) => [fingerprint, end_time !== undefined])).toEqual([
      ["docs-1/a", false],
      ["docs-1/a", true],
      ["docs-1", true],
    ]);
    expect(alerts[0]).toMatchObject({
      title: "docs-1: a",
      severity: "critical",
      hosts: "docs-1",
      monitoring_tool: "edox-ops",
    });
    expect(received.every(({ headers }) => headers.Authorization === `Bearer ${token}`)).toBe(true);
    const all = Array.from({ length: 200 }, (_, i) => `site:${i}`);
    received.length = 0;
    await look(...all);
    await look(...all);
    expect(received.map(({ body }) => JSON.parse(body).fingerprint)).toEqual(["docs-1"]);
    received.length = 0;
    await look();
    await look();
    const ends = received.map(({ body }) => JSON.parse(body)).filter(({ end_time }) => end_time !== undefined);
    expect(new Set(ends.map(({ fingerprint }) => fingerprint)).size).toBe(201);
  });

  test("a receiver that is down for an hour gets each event once, and since when it was down", async () => {
    const { received, answers, look } = alertHost({ "webhook-url": webhook });
    Object.assign(answers, { status: 0, reason: "connection refused" });
    await look("a");
    // With a look each five minutes, this is an hour.
    for (let i = 0; i < 12; i++) await look(...(i < 6 ? ["a"] : []));
    expect(received.length).toBeLessThan(8);
    received.length = 0;
    answers.status = 200;
    for (let i = 0; i < 12; i++) await look();
    expect(received).toHaveLength(1);
    const { events, delayed, failing } = JSON.parse(received[0]?.body ?? "");
    expect(events.map(({ kind, check }: { kind: string; check: string }) => `${kind} ${check}`)).toEqual([
      "failing a",
      "recovered a",
    ]);
    expect([delayed.attempts > 2, delayed.since < events[1].at, failing]).toEqual([true, true, 0]);
  });

  test("a receiver that is down does not delay the others", async () => {
    const { host, received, look } = alertHost({ "webhook-url": webhook, "ntfy-url": "https://ntfy.example.org/t" });
    host.served.unshift((_, url) => (url === webhook ? { status: 500 } : undefined));
    await look("a");
    const { deliveries } = await look("a");
    expect(deliveries.map(({ receiver, reason }) => [receiver, reason])).toEqual([
      ["webhook", "it answers with status 500"],
      ["ntfy", null],
    ]);
    expect(received).toHaveLength(1);
  });

  test("a run that is killed before its message leaves sends it in the next run", async () => {
    const { host, received, look } = alertHost({ "webhook-url": webhook });
    await look("a");
    const killed = () => {
      throw new Error("killed");
    };
    host.served.unshift(killed);
    const { writeFile } = host;
    let writes = 0;
    host.writeFile = (...all) => {
      writes += 1;
      if (writes > 1) throw new Error("killed");
      writeFile(...all);
    };
    await expect(look("a")).rejects.toThrow("killed");
    host.writeFile = writeFile;
    host.served.shift();
    await look("a");
    expect(received.map(({ body }) => JSON.parse(body).events.length)).toEqual([1]);
  });

  test("a clock that jumps changes neither what is reported nor how often", async () => {
    const { host, received, answers, look } = alertHost({ "webhook-url": webhook });
    const { now } = host;
    let jump = 0;
    host.now = () => now() + jump;
    answers.status = 503;
    for (const years of [0, 10, -10, 0, 30]) {
      jump = years * 365 * 86_400_000;
      await look("a");
    }
    answers.status = 200;
    received.length = 0;
    for (const years of [-20, 5, 0, -1, 0, 0, 0, 0]) {
      jump = years * 365 * 86_400_000;
      await look("a");
    }
    expect(received).toHaveLength(1);
  });

  test("the heartbeat is sent after each look, and withheld while a receiver does not accept alerts", async () => {
    const beat = "https://hc.example.org/canary-uuid";
    const { host, look } = alertHost({ "webhook-url": webhook, "heartbeat-url": beat });
    const beats = (): number => host.asked.filter((each) => each === `GET ${beat}`).length;
    await look("a");
    host.served.unshift((_, url) => (url === webhook ? { status: 500 } : undefined));
    const { state } = await look("a");
    expect([beats(), state.heartbeat?.reason]).toEqual([1, "it is withheld: webhook does not accept alerts"]);
    host.served.shift();
    await look("a");
    expect(beats()).toBe(2);
  });

  test("a full disk does not keep an alert from being sent once, and the state is on the disk again afterwards", async () => {
    const { host, received, look } = alertHost({ "webhook-url": webhook });
    await look();
    host.broken.add(watchStatePath);
    for (let i = 0; i < 4; i++) {
      expect((await look("host:disk")).warnings).toEqual([
        expect.stringContaining(`${watchStatePath} cannot be written: `),
      ]);
    }
    expect(received.map(({ body }) => JSON.parse(body).events.length)).toEqual([1]);
    host.broken.clear();
    for (let i = 0; i < 3; i++) expect((await look()).warnings).toEqual([]);
    expect(received).toHaveLength(2);
    expect(host.stat(watchSpareStatePath)).toBeNull();
  });

  test("a state that is not valid begins anew with a warning", async () => {
    for (const text of ["", "{", "[]", '{"version":2}', "[".repeat(100_000)]) {
      const { host, received, look } = alertHost({ "webhook-url": webhook });
      host.put(watchStatePath, text);
      expect((await look("a")).warnings[0]).toContain("is invalid");
      expect((await look("a")).warnings).toEqual([]);
      expect(received).toHaveLength(1);
    }
  });

  test("no reason, state or result contains a secret", async () => {
    const all = { "webhook-url": webhook, "webhook-secret": key, "gitlab-url": `${webhook}/g`, "gitlab-token": token };
    const { host, answers, look } = alertHost(all);
    // An error of the runtime may quote what was sent.
    const { send } = host;
    host.send = async (method, url, options) => {
      const answer = await send(method, url, options);
      return answer.status === 0 ? { ...answer, reason: `${url} ${options?.headers?.Authorization} refused` } : answer;
    };
    for (const status of [0, 404, 302]) {
      answers.status = status;
      const looks = [await look("a"), await look("a")];
      const tested = await sendTest(host, readSettings(host) as Settings);
      expect(JSON.stringify([looks, tested, host.text(watchStatePath)])).not.toContain("canary");
    }
  });
});
