import { afterAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { append } from "../../src/host/local-console.ts";

const dir = fs.mkdtempSync(`${tmpdir()}/edox-ops-console-`);
afterAll(() => fs.rmSync(dir, { recursive: true }));

/** Writes these texts to stdout in a process of its own, whose stdout was opened by a shell. */
function said(redirection: string, ...words: string[]): { exit: number; err: string } {
  const program = `${dir}/says.ts`;
  const source = `${import.meta.dir}/../../src/host/local-console.ts`;
  const lines = [
    `import { localConsole } from ${JSON.stringify(source)};`,
    `try { for (const word of ${JSON.stringify(words)}) await localConsole.out(word); }`,
    "catch (error) { localConsole.err(error.code + ' ' + error.message); process.exitCode = 1; }",
  ];
  fs.writeFileSync(program, lines.join("\n"));
  const argv = ["/bin/bash", "-c", `"$0" "$1" ${redirection}`, process.execPath, program];
  const { exitCode, stderr } = Bun.spawnSync(argv, { cwd: dir, stdin: "ignore" });
  return { exit: exitCode, err: stderr.toString() };
}

test.each([
  ["an appended file", ">> log", [""], "before\n"],
  ["an appended file", ">> log", ["", "a\n", "", "b\n"], "before\na\nb\n"],
  ["a file that was opened for reading and writing", "1<> log", [""], "before\n"],
  ["a file that was opened for reading and writing", "1<> log", ["a\n"], "a\nfore\n"],
  ["a truncated file", "> log", ["a\n", "", "b\n"], "a\nb\n"],
])("stdout: %s (%s) gets %j at its position and is never truncated", (_, redirection, words, left) => {
  fs.writeFileSync(`${dir}/log`, "before\n");
  expect(said(redirection, ...words)).toEqual({ exit: 0, err: "" });
  expect(fs.readFileSync(`${dir}/log`, "utf8")).toBe(left);
});

test("stdout: two writers of one file do not overwrite each other's lines", () => {
  fs.writeFileSync(`${dir}/log`, "before\n");
  expect(said('>> log && echo between >> log && "$0" "$1" >> log', "a\n").exit).toBe(0);
  expect(fs.readFileSync(`${dir}/log`, "utf8")).toBe("before\na\nbetween\na\n");
});

test("stdout: a full disk and a closed pipe are reported as such", () => {
  const full = "ENOSPC stdout cannot be written: no space left on device";
  expect(said("> /dev/full", "a\n")).toEqual({ exit: 1, err: full });
  expect(said("> /dev/full", "")).toEqual({ exit: 0, err: "" });
  const gone = said("> >(exec true)", "x".repeat(1_000_000));
  expect(gone).toEqual({ exit: 1, err: "EPIPE stdout cannot be written: broken pipe" });
});

test("stdin: a secret is the first line, also of an input that continues or never ends", () => {
  const program = `${dir}/asks.ts`;
  const source = `${import.meta.dir}/../../src/host/local-console.ts`;
  fs.writeFileSync(
    program,
    `import { localConsole } from ${JSON.stringify(source)};
     const secret = (await localConsole.secret("token")).reveal();
     await localConsole.out(secret.slice(0, 20) + " " + (secret.length < 10_000_000) + "\\n");`,
  );
  const read = (input: string, before = "true"): string => {
    const argv = ["/bin/bash", "-c", `${before}; "$0" "$1" ${input}`, process.execPath, program];
    return Bun.spawnSync(argv, { cwd: dir, timeout: 20_000 }).stdout.toString();
  };
  expect(read("< <(echo secret; echo more)")).toBe("secret true\n");
  expect(read("< <(printf secret)")).toBe("secret true\n");
  // A pipe that this shell itself keeps open never ends.
  Bun.spawnSync(["/usr/bin/mkfifo", `${dir}/open`]);
  expect(read("<&3", "exec 3<>open; echo secret >&3")).toBe("secret true\n");
  expect(read("< /dev/null")).toBe(" true\n");
  expect(read("< /dev/zero")).toEndWith(" true\n");
  expect(read("< <(yes x | tr -d '\\n')")).toBe("xxxxxxxxxxxxxxxxxxxx true\n");
});

test("stdin: a text has several lines, and ends at its end, at its limit, or in a pause after a line", () => {
  const program = `${dir}/text.ts`;
  const source = `${import.meta.dir}/../../src/host/local-console.ts`;
  fs.writeFileSync(
    program,
    `import { localConsole } from ${JSON.stringify(source)};
     const text = await localConsole.text("key", 100);
     await localConsole.out(JSON.stringify(text.length > 100 ? text.length : text));
     process.exit();`,
  );
  const read = (input: string, before = "true"): string => {
    const argv = ["/bin/bash", "-c", `${before}; "$0" "$1" ${input}`, process.execPath, program];
    return Bun.spawnSync(argv, { cwd: dir, timeout: 20_000 }).stdout.toString();
  };
  expect(read("< <(printf a)")).toBe('"a"');
  expect(read("< <(echo a; sleep 0.05; echo b)")).toBe('"a\\nb\\n"');
  expect(read("< /dev/null")).toBe('""');
  expect(read("< /dev/zero")).toBe("101");
  expect(read("< <(yes)")).toBe("101");
  Bun.spawnSync(["/usr/bin/mkfifo", `${dir}/kept-open`]);
  expect(read("<&3", "exec 3<>kept-open; echo a >&3")).toBe('"a\\n"');
});

test("stdout: writing to a full non-blocking pipe waits without a busy loop and loses nothing", async () => {
  const path = `${dir}/fifo`;
  Bun.spawnSync(["/usr/bin/mkfifo", path]);
  const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  const text = `${"0123456789abcdef".repeat(20_000)}é\n`;
  let done = false;
  const cpu = process.cpuUsage();
  const writing = append(fd, text).then(() => {
    done = true;
  });
  await Bun.sleep(200);
  expect(done).toBe(false);
  const { user, system } = process.cpuUsage(cpu);
  expect(user + system).toBeLessThan(100_000);
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes < Buffer.byteLength(text); ) {
    const part = Buffer.alloc(65_536);
    const count = fs.readSync(fd, part);
    parts.push(part.subarray(0, count));
    bytes += count;
    // Makes room for the next piece, and waits until the writer retries.
    if (bytes < Buffer.byteLength(text)) await Bun.sleep(10);
  }
  await writing;
  expect(Buffer.concat(parts).toString()).toBe(text);
  fs.closeSync(fd);
});

test("confirm: at a terminal only y or yes and Enter accept, the end of the input declines, and Ctrl-C ends the process", async () => {
  const program = `${dir}/confirms.ts`;
  const source = `${import.meta.dir}/../../src/host/local-console.ts`;
  fs.writeFileSync(
    program,
    `import { localConsole } from ${JSON.stringify(source)};
     const isSure = await localConsole.confirm("Sure? [y/N] ", "out", process.argv[2]);
     await localConsole.out(isSure ? "accepted\\n" : "declined\\n");`,
  );
  const answered = async (keys: string, usual = "no"): Promise<string> => {
    const line = `trap : INT; "${process.execPath}" "${program}" ${usual}; echo "exit $?"`;
    const argv = ["script", "-qec", line, "/dev/null"];
    const { stdin, stdout } = Bun.spawn(argv, { cwd: dir, timeout: 20_000, stdin: "pipe" });
    let shown = "";
    for await (const part of stdout.pipeThrough(new TextDecoderStream())) {
      if (!shown.includes("[y/N] ") && `${shown}${part}`.includes("[y/N] ")) {
        stdin.write(keys);
        stdin.flush();
      }
      shown += part;
    }
    return shown;
  };
  const all = async (...keys: string[]) => Promise.all(keys.map((each) => answered(each)));
  for (const shown of await all("y\r", "Y\r", " yes \r"))
    expect(shown).toMatch(/^Sure\? .*\r\naccepted\r\nexit 0\r\n$/);
  for (const shown of await all("\r", "n\r", "yeah\r")) expect(shown).toMatch(/^Sure\? .*\r\ndeclined\r\nexit 0\r\n$/);
  for (const keys of ["\r", "nope\r", "\u0004"]) expect(await answered(keys, "yes")).toContain("\r\naccepted\r\n");
  for (const keys of ["n\r", " NO \r"]) expect(await answered(keys, "yes")).toContain("\r\ndeclined\r\n");
  const [ended = "", interrupted] = await all("\u0004", "\u0003");
  expect(ended).toMatch(/^Sure\? .*\r\ndeclined\r\nexit 0\r\n$/);
  expect(interrupted).toEndWith("exit 130\r\n");
}, 30_000);

/** Runs a program of these lines at a pseudo-terminal of a job-control shell. `act`: what happens at each text. */
async function atTerminal(name: string, lines: readonly string[], line: string, act: readonly [string, string][]) {
  const program = `${dir}/${name}.ts`;
  const source = `${import.meta.dir}/../../src/host/local-console.ts`;
  fs.writeFileSync(program, [`import { localConsole } from ${JSON.stringify(source)};`, ...lines].join("\n"));
  const script = line.replaceAll("PROGRAM", `"${process.execPath}" "${program}"`);
  fs.writeFileSync(`${dir}/${name}.sh`, script);
  const argv = ["script", "-qec", `bash --norc -i ${dir}/${name}.sh`, "/dev/null"];
  const { stdin, stdout } = Bun.spawn(argv, { cwd: dir, timeout: 20_000, stdin: "pipe" });
  const pending = [...act];
  let shown = "";
  let read = 0;
  for await (const part of stdout.pipeThrough(new TextDecoderStream())) {
    shown += part;
    const [text, keys] = pending[0] ?? ["", ""];
    const at = text === "" ? -1 : shown.indexOf(text, read);
    if (at < 0) continue;
    read = at + text.length;
    pending.shift();
    stdin.write(keys);
    stdin.flush();
  }
  return shown;
}

test("secret: nothing typed is echoed, and Ctrl-Z does not stop the process", async () => {
  const lines = [
    'const secret = await localConsole.secret("token");',
    'await localConsole.out(secret.reveal().length + " read\\n");',
  ];
  const keys: [string, string][] = [["token: ", "\u001Ahidden-word\r"]];
  const shown = await atTerminal("stops", lines, "set -m; sleep 0.1; PROGRAM; echo ended $?", keys);
  expect(shown).toContain("11 read\r\nended 0");
  expect(shown).not.toContain("hidden-word");
}, 30_000);

test("width: a terminal that reports no size, such as a serial console, has 80 columns", async () => {
  const lines = [
    'await localConsole.out("width " + localConsole.width("out") + " " + localConsole.width("err") + "\\n");',
  ];
  expect(await atTerminal("serial", lines, "stty rows 0 cols 0; PROGRAM", [])).toContain("width 80 80");
  expect(await atTerminal("narrow", lines, "stty rows 24 cols 33; PROGRAM", [])).toContain("width 33 33");
}, 30_000);
