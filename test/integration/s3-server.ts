// A real S3 server, versitygw, built once from its sources.

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { must } from "./run.ts";

const module = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
/** Go compiles all that the server uses, which took a busy machine 11 minutes. */
export const buildLimitMs = 45 * 60_000;

/** Returns the path of the server on this machine. Its build takes minutes, and the binary stays in the cache. */
export function s3Server(): string {
  const dir = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
  const path = `${dir}/versitygw-v1.8.0`;
  if (existsSync(path)) return path;
  console.error("building an S3 server, once: some minutes");
  const work = `${dir}/versitygw-${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const env = ["CGO_ENABLED=0", `GOBIN=${work}`, `GOPATH=${work}/path`, "GOFLAGS=-modcacherw"];
    must(["env", ...env, "go", "install", module], buildLimitMs);
    renameSync(`${work}/versitygw`, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}

if (import.meta.main) console.log(s3Server());
