// Records docs/public/terminal.cast and terminal-narrow.cast: a shell on a disposable host, at which the commands below
// are typed.
//   bun test/record.ts    as root

import { type Cast, castText } from "../build/terminal/cast.ts";
import { startPebble } from "./integration/pebble.ts";
import { must } from "./integration/run.ts";
import { TestHost, whyNoHosts } from "./integration/test-host.ts";

/** The columns of the terminal, by the name of the recording. A phone shows the narrow one. */
const recordings = { terminal: 80, "terminal-narrow": 40 };
const rows = 24;
const keyMs = 25;
const pauseMs = 900;
const limitMs = 60_000;
/** Printed before each prompt. No terminal shows it. */
const mark = "\u001B]133;A\u0007";
const prompt = "\u001B[1;32m#\u001B[0m ";

/** What the first day of a host is. An exit code other than 0 ends the recording. */
const commands = [
  "edox-ops bootstrap --yes",
  "edox-ops project publish docs /srv/site --domain docs.example.org --tls",
  "echo 'Version 2' >/srv/site/index.html",
  "edox-ops project deploy docs --source /srv/site",
  "curl https://docs.example.org/",
  "edox-ops project rollback docs --yes",
  "curl https://docs.example.org/",
  "edox-ops doctor",
];

/** Types the commands at a shell of the host, each after the prompt of the one before. */
async function record(host: TestHost, columns: number): Promise<Cast> {
  const output: [number, string][] = [];
  const decoder = new TextDecoder();
  let received = "";
  let start = performance.now();
  const environment = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/root",
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
    PS1: `\\[${mark}\\]\\[\u001B[1;32m\\]#\\[\u001B[0m\\] `,
    // A failed command is noticed by its prompt.
    PROMPT_COMMAND: '(exit $?) || printf "\\e]133;D\\a"',
  };
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const shell = ["/bin/bash", "--norc", "--noprofile", "-i"];
  const child = Bun.spawn(host.entering(["/usr/bin/env", "-i", "-C", "/root", ...variables, ...shell]), {
    terminal: {
      cols: columns,
      rows,
      data(_terminal, bytes) {
        const text = decoder.decode(bytes, { stream: true });
        received += text;
        output.push([(performance.now() - start) / 1000, text]);
      },
    },
  });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("there is no terminal");

  async function prompted(command: string): Promise<void> {
    for (const end = performance.now() + limitMs; !received.endsWith(`${mark}${prompt}`); await Bun.sleep(10)) {
      if (performance.now() > end) throw new Error(`timed out: ${command}\n${received}`);
    }
    if (received.includes("\u001B]133;D")) throw new Error(`failed: ${command}\n${received}`);
  }

  // Escape sequences around pasted text would be part of the recording.
  terminal.write("bind 'set enable-bracketed-paste off'; clear\r");
  await Bun.sleep(pauseMs);
  await prompted("the shell");
  output.length = 0;
  output.push([0, prompt]);
  start = performance.now();
  for (const command of commands) {
    await Bun.sleep(pauseMs);
    for (const key of command) {
      terminal.write(key);
      await Bun.sleep(keyMs);
    }
    received = "";
    terminal.write("\r");
    await prompted(command);
    if (command.includes("bootstrap")) {
      const paused = performance.now();
      startPebble(host, ["docs.example.org"]);
      start += performance.now() - paused;
    }
  }
  terminal.write("exit\r");
  await child.exited;
  terminal.close();
  // The last prompt is shown, and the end of the shell is not.
  const last = output.findLastIndex(([, text]) => text.includes(mark)) + 1;
  return { columns, rows, title: "The first day of a host with edox-ops", output: joined(output.slice(0, last)) };
}

/** Joins what arrived within 20 ms, and removes the marks. */
function joined(output: readonly (readonly [number, string])[]): [number, string][] {
  const events: [number, string][] = [];
  for (const [seconds, text] of output) {
    const last = events.at(-1);
    if (last !== undefined && seconds - last[0] < 0.02) last[1] += text;
    else events.push([seconds, text]);
  }
  return events.map(([seconds, text]) => [seconds, text.replaceAll(mark, "")]);
}

const why = whyNoHosts();
if (why !== null) {
  console.error(`error: ${why.replace("npm start", "npm run docs:record")}`);
  process.exit(1);
}
must(["/bin/sh", `${import.meta.dir}/need.sh`]);
must([process.execPath, `${import.meta.dir}/../build/build.ts`, "linux-x64"]);

for (const [name, columns] of Object.entries(recordings)) {
  using host = await TestHost.bare("trixie");
  host.sh("mkdir /srv/site && echo 'Version 1' >/srv/site/index.html");
  // The host has a name like any other.
  must(host.entering(["/bin/hostname", "docs"]));
  const path = `docs/public/${name}.cast`;
  await Bun.write(`${import.meta.dir}/../${path}`, castText(await record(host, columns)));
  console.log(`${path} is written`);
}
console.log("next: npm run docs, which draws the pictures of them");
