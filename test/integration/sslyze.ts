// Scans a TLS server with sslyze, which pip fetches once.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { must, run } from "./run.ts";

const requirements = `${import.meta.dir}/sslyze.txt`;
/** The only package that has no wheel is pure Python. */
const wheels = "--only-binary=nassl,cryptography,cffi,pydantic-core";

interface Scan {
  /** The verdict on Mozilla's intermediate profile, with the reasons against it. */
  verdict: string;
  /** The names of the groups for the key exchange that the server accepts. */
  curves: string[];
  /** How many of five sessions were resumed by their ID, and whether tickets are given. */
  resumed: number;
  tickets: boolean;
}

/** Scans the server of a name at an address. `rootPath`: the root that signs its certificate. */
export function scan(name: string, address: string, rootPath: string): Scan {
  const dir = mkdtempSync(`${tmpdir()}/edox-ops-sslyze-`);
  try {
    const json = `${dir}/result.json`;
    const flags = ["--mozilla_config=intermediate", "--resum", `--certinfo_ca_file=${rootPath}`, `--json_out=${json}`];
    const { stdout, stderr } = run([...python(), "-m", "sslyze", ...flags, `${name}:443{${address}}`]);
    const at = stdout.indexOf("COMPLIANCE AGAINST");
    if (at < 0) throw new Error(`sslyze did not finish\n${stdout}${stderr}`);
    const { scan_result: found } = JSON.parse(readFileSync(json, "utf8")).server_scan_results[0];
    const resumption = found.session_resumption.result;
    return {
      verdict: stdout.slice(at).split("\n").slice(1).join("\n").trim(),
      curves: found.elliptic_curves.result.supported_curves.map((curve: { name: string }) => curve.name),
      resumed: resumption.session_id_successful_resumptions_count,
      tickets: resumption.tls_ticket_resumption_result === "FULLY_SUPPORTED",
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Returns the command of the Python that has sslyze. */
function python(): string[] {
  const recipe = new Bun.CryptoHasher("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const cache = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
  const dir = `${cache}/sslyze-${recipe}`;
  if (!existsSync(dir)) {
    mkdirSync(cache, { recursive: true });
    const work = mkdtempSync(`${cache}/make-`);
    try {
      // Debian's own Python: another one earlier in PATH may be too old.
      must(["/usr/bin/python3", "-m", "venv", work]);
      must([`${work}/bin/pip`, "install", "--quiet", wheels, "--requirement", requirements]);
      renameSync(work, dir);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return [`${dir}/bin/python`];
}
