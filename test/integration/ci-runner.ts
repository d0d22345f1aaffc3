// Builds the Debian packages of the stand-in gitlab-runner, with maintainer scripts equivalent to the real ones.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { must } from "./run.ts";

const source = `${import.meta.dir}/../stand-in/gitlab-runner.ts`;
const standIn = "a stand-in for tests, not GitLab's";
const who = "edox-ops tests <tests@localhost>";

const postinst = `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
if ! id gitlab-runner >/dev/null 2>&1; then
  echo "GitLab Runner: creating gitlab-runner..."
  skel=""
  [ "\${GITLAB_RUNNER_DISABLE_SKEL:-true}" = true ] && skel="--skel /dev/null"
  # shellcheck disable=SC2086
  useradd --system --shell /bin/bash --comment 'GitLab Runner' --create-home $skel --home-dir /home/gitlab-runner gitlab-runner
fi
if id -nG gitlab-runner | grep -qw docker; then
  echo "WARNING: gitlab-runner is in group docker: its shell jobs are root" >&2
fi
mkdir -p /etc/gitlab-runner
chmod 0700 /etc/gitlab-runner
user="--user=gitlab-runner"
[ -z "\${USE_INIT_USER:-}" ] || user="--init-user=gitlab-runner"
gitlab-runner stop >/dev/null 2>&1 || :
gitlab-runner uninstall >/dev/null 2>&1 || :
if gitlab-runner install "$user" --working-directory=/home/gitlab-runner; then
  gitlab-runner start || :
else
  echo "WARNING: no service manager is here, gitlab-runner was not installed as a service" >&2
fi
if [ -z "\${NO_DOCKER_PRUNE:-}" ]; then
  echo "Clearing docker cache..."
  # The real one removes containers and images here; a test looks whether it would have.
  echo "$(date -u +%FT%TZ) configure $2" >>/var/log/stand-in-docker-prune
fi
`;

const prerm = `#!/bin/sh
set -e
case "$1" in
remove | upgrade | deconfigure)
  gitlab-runner stop >/dev/null 2>&1 || :
  gitlab-runner uninstall >/dev/null 2>&1 || :
  ;;
esac
`;

/** Writes two packages per version into the pool. */
export function runnerPackages(versions: readonly string[], pool: string): void {
  const work = mkdtempSync(`${tmpdir()}/edox-runner-`);
  try {
    for (const version of versions) {
      helperImages(`${work}/images-${version}`, version, pool);
      runner(`${work}/runner-${version}`, version, pool);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function helperImages(dir: string, version: string, pool: string): void {
  const images = `${dir}/usr/lib/gitlab-runner/helper-images`;
  mkdirSync(images, { recursive: true });
  writeFileSync(`${images}/prebuilt-x86_64.tar.xz`, `${standIn}\n`);
  build(dir, pool, {
    Package: "gitlab-runner-helper-images",
    Version: `${version}-1`,
    Architecture: "all",
    Maintainer: who,
    Description: `Docker images for gitlab-runner: ${standIn}`,
  });
}

function runner(dir: string, version: string, pool: string): void {
  mkdirSync(`${dir}/usr/bin`, { recursive: true });
  const binary = `${dir}/usr/bin/gitlab-runner`;
  must([
    process.execPath,
    ..."build --compile --minify --no-compile-autoload-dotenv --no-compile-autoload-bunfig".split(" "),
    `--define=STAND_IN_VERSION=${JSON.stringify(version)}`,
    ...[source, "--outfile", binary],
  ]);
  must(["ln", "-s", "gitlab-runner", `${dir}/usr/bin/gitlab-ci-multi-runner`]);
  const cleanup = `${dir}/usr/share/gitlab-runner/clear-docker-cache`;
  mkdirSync(dirname(cleanup), { recursive: true });
  writeFileSync(cleanup, `#!/bin/sh\n# ${standIn}\necho "$*" >>/var/log/stand-in-docker-prune\n`, { mode: 0o755 });
  build(
    dir,
    pool,
    {
      Package: "gitlab-runner",
      Version: `${version}-1`,
      Architecture: "amd64",
      Maintainer: who,
      Depends: `ca-certificates, git, curl, tar, gitlab-runner-helper-images (= ${version}-1)`,
      Suggests: "docker-engine",
      Conflicts: "gitlab-runner-fips, gitlab-runner-beta, gitlab-ci-multi-runner",
      Replaces: "gitlab-ci-multi-runner",
      Description: `GitLab Runner: ${standIn}\n It registers, verifies and runs simple shell and docker jobs; no caches, artifacts\n or services, no git.`,
    },
    { postinst, prerm },
  );
}

/** Packs a folder unchanged. */
export function build(
  dir: string,
  pool: string,
  control: Record<string, string>,
  scripts: Record<string, string> = {},
): void {
  mkdirSync(`${dir}/DEBIAN`, { recursive: true });
  const text = Object.entries(control).map(([field, value]) => `${field}: ${value}\n`);
  writeFileSync(`${dir}/DEBIAN/control`, text.join(""));
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(`${dir}/DEBIAN/${name}`, script);
    chmodSync(`${dir}/DEBIAN/${name}`, 0o755);
  }
  // Each host that installs an engine unpacks 160 MB: a third of the time that gzip takes.
  must(["dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "--build", dir, pool]);
}
