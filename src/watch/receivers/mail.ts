// Mail through the sendmail of this host, which every mail server of Debian provides.

import type { Host, HostReader } from "../../host/host.ts";
import { linesOf as outputLines } from "../../text/lines.ts";
import { idOf, linesOf, type Message, titleOf } from "../message.ts";

const sendmailPath = "/usr/sbin/sendmail";
/** The mail is queued: a relay that does not answer is a matter of the mail server. */
const limitMs = 30_000;
/** Of an error of sendmail. */
const mostLines = 3;

/** What to run on a host that cannot send mail. */
export const installMail = ["sudo", "apt-get", "install", "msmtp-mta"];

/** Returns whether this host has a program that sends mail. */
export function hasSendmail(reader: HostReader): boolean {
  return reader.statTarget(sendmailPath) !== null;
}

/** Gives the message to sendmail. Returns why it was not accepted, or null. */
export async function sendMail(host: Host, address: string, message: Message): Promise<string | null> {
  if (!hasSendmail(host)) return `${sendmailPath} is missing: install a mail server, such as msmtp-mta`;
  const input = (async function* () {
    yield new TextEncoder().encode(mailOf(address, message));
  })();
  const { code, stdout, stderr } = await host.run([sendmailPath, "-i", address], { input, limitMs });
  if (code === 0) return null;
  if (code === 124) return `sendmail did not end within ${limitMs / 1000} s`;
  // The last line of msmtp is only that it failed, and the cause is before it.
  const lines = outputLines(stderr || stdout).slice(-mostLines);
  const shown = lines.map((line) => line.replace(/^sendmail: /, "")).join("; ");
  return `sendmail failed: ${shown || `exit code ${code}`}`;
}

function mailOf(address: string, message: Message): string {
  const { host, time } = message;
  const date = new Date(Date.parse(time)).toUTCString().replace("GMT", "+0000");
  const id = idOf(message).replace(/[^\w.-]/g, ".");
  return [
    `From: edox-ops <root@${host}>`,
    `To: ${address}`,
    `Subject: ${titleOf(message).replace(/[^ -~]/g, "?")}`,
    `Date: ${date}`,
    `Message-ID: <edox-ops.${id}@${host}>`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    ...linesOf(message),
    "",
  ].join("\n");
}
