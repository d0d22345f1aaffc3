// The flags that select a repository and open it.

import { environmentPath, passwordPath } from "../../backup/paths.ts";
import { type Repository, readRepository } from "../../backup/repository.ts";
import { type Access, readEnvironment, readPassword } from "../../backup/settings.ts";
import type { HostReader } from "../../host/host.ts";
import { Secret } from "../../text/secret.ts";
import { usage } from "../arguments.ts";
import type { Arguments } from "../command.ts";

export const repositoryFlags = {
  repo: {
    type: "string",
    valueHint: "repository",
    description: "A local directory, or a location of restic: sftp:user@host:/path, rest:URL, s3:URL",
  },
  "password-file": {
    type: "string",
    group: "Password",
    valueHint: "file",
    description: "Read the password of the repository from the first line of this file",
  },
  "environment-file": {
    type: "string",
    valueHint: "file",
    description: "Read the credentials of the storage from NAME=VALUE lines of this file",
  },
} as const satisfies Arguments;

interface Typed {
  repo?: string | undefined;
  "password-file"?: string | undefined;
  "environment-file"?: string | undefined;
  generate?: boolean | undefined;
}

/** Returns the typed repository, with what opens it. `isNew`: the password is generated and not written anywhere yet. */
export function typedAccess(reader: HostReader, typed: Typed): Access & { isNew: boolean } {
  const { repo, generate, "password-file": file, "environment-file": variables } = typed;
  if (repo === undefined) throw usage("--repo is missing: it is where the backups are stored");
  if ((file === undefined) === (generate !== true)) {
    throw usage("use either --password-file FILE or --generate: the repository is encrypted with a password");
  }
  const repository: Repository = readRepository(repo);
  // A generated password that is there already may be the only one of a repository.
  const isNew = file === undefined && reader.stat(passwordPath) === null;
  const password = isNew ? generated() : readPassword(reader, file ?? passwordPath);
  const path = variables ?? (reader.stat(environmentPath) === null ? null : environmentPath);
  return { repository, password, environment: path === null ? new Map() : readEnvironment(reader, path), isNew };
}

function generated(): Secret {
  return new Secret(Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url"));
}
