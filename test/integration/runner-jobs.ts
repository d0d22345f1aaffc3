// Jobs on a host with a real engine, as GitLab Runner runs them: a pull if the image is missing, and then a container with
// its labels and a cache volume. The disk of the engine is nearly full from the start.

import { writeFileSync } from "node:fs";
import { Registry } from "./registry.ts";
import type { TestHost } from "./test-host.ts";

const managed = "com.gitlab.gitlab-runner";

export interface Job {
  image: string;
  /** The number of its project, which has a cache of its own. */
  project: number;
  /** What it writes into its container, and what it leaves in its cache, in MiB. */
  writesMiB?: number;
  cachesMiB?: number;
}

export interface Ran {
  image: string;
  project: number;
  /** Whether the image, and the cache of the project, were there. */
  hasImage: boolean;
  hasCache: boolean;
  /** The exit code of the job. */
  code: number;
}

export class RunnerJobs implements Disposable {
  #count = 0;

  private constructor(
    private readonly host: TestHost,
    readonly registry: Registry,
  ) {}

  /** Begins with a host on which a real engine runs. */
  static async on(host: TestHost): Promise<RunnerJobs> {
    const install = "DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends busybox-static";
    well(host, `${install} >/dev/null`);
    const busybox = await Bun.file(`${host.root}/usr/bin/busybox`).bytes();
    const jobs = new RunnerJobs(host, new Registry(host.gateway, busybox));
    // The engine reads this again without a restart.
    well(host, "mkdir -p /etc/docker");
    const config = JSON.stringify({ "insecure-registries": [jobs.registry.name] });
    writeFileSync(`${host.root}/etc/docker/daemon.json`, `${config}\n`);
    well(host, "systemctl reload docker");
    return jobs;
  }

  /** Reserves the disk of the engine but for so many MiB, without writing to it. */
  reserve(leftMiB: number): void {
    const available = "$(df --output=avail -BM . | tail -1 | tr -d M)";
    well(this.host, `cd /var/lib/docker; rm -f full; fallocate -l $((${available} - ${leftMiB}))M full`);
  }

  /** Stores images in containerd, on a disk of its own with so many MiB, until it is unmounted. */
  useContainerd(sizeMiB: number): void {
    const config = { features: { "containerd-snapshotter": true }, "insecure-registries": [this.registry.name] };
    writeFileSync(`${this.host.root}/etc/docker/daemon.json`, `${JSON.stringify(config)}\n`);
    well(
      this.host,
      `systemctl stop docker docker.socket containerd
      mount -t tmpfs -o size=${sizeMiB}m,mode=0711 none /var/lib/containerd; systemctl start containerd docker`,
    );
  }

  /**
   * Runs jobs one after the other, and `between` after each. Returns what each of them found. `helper`: the image of a
   * container that runs from before the job looks for its own image until its end, as GitLab Runner has one.
   */
  async run(jobs: readonly Job[], between = ":", helper: string | null = null): Promise<Ran[]> {
    const lines = jobs.map(({ image, project, writesMiB = 0, cachesMiB = 0 }) => {
      const id = ++this.#count;
      const cache = cacheOf(project);
      const prepare =
        helper === null ? "" : `$(docker run --rm --detach ${flagsOf(id, "predefined")} ${helper} sleep 600)`;
      const script = `dd if=/dev/zero of=/cache/kept bs=1M count=${cachesMiB} && dd if=/dev/zero of=/work bs=1M count=${writesMiB} && sync`;
      return `image=1; cache=1; helper=${prepare}
        docker image inspect ${image} >/dev/null 2>&1 || { image=0; docker pull -q ${image} >/dev/null; }
        docker volume inspect ${cache} >/dev/null 2>&1 || cache=0
        docker run --rm --pull never ${flagsOf(id, "build")} --volume ${cache}:/cache ${image} sh -c '${script}' >/root/job 2>&1
        echo "${project} ${image} $image $cache $?"; test -z "$helper" || docker kill $helper >/dev/null; ${between} >/dev/null || exit 1`;
    });
    const printed = await this.script(lines.join("\n"));
    return printed
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const [project, image = "", hasImage, hasCache, code] = line.split(" ");
        return {
          ...{ image, project: Number(project), code: Number(code) },
          ...{ hasImage: hasImage === "1", hasCache: hasCache === "1" },
        };
      });
  }

  /** Pulls an image, and starts a job that uses it until the end. */
  async start(image: string): Promise<void> {
    const flags = flagsOf(++this.#count, "build");
    await this.script(`docker pull -q ${image}; docker run --detach ${flags} ${image} sleep 3600`);
  }

  /** Runs a script that pulls images: the registry is in this process, which must not wait for the script. */
  async script(text: string): Promise<string> {
    writeFileSync(`${this.host.root}/root/script`, text);
    const environment = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root"];
    const child = Bun.spawn(this.host.entering([...environment, "bash", "/root/script"]), {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const printed = await new Response(child.stdout).text();
    if ((await child.exited) !== 0) throw new Error(`${text.slice(0, 200)} failed (${child.exitCode})\n${printed}`);
    return printed;
  }

  /** Returns the references of all images, and the names of all volumes. */
  present(): string[] {
    return well(
      this.host,
      "docker image ls --format '{{.Repository}}:{{.Tag}}'; docker volume ls --format '{{.Name}}'; docker ps -a --format '{{.Names}}'",
    )
      .split("\n")
      .filter(Boolean);
  }

  [Symbol.dispose](): void {
    this.registry[Symbol.dispose]();
  }
}

function flagsOf(job: number, type: "predefined" | "build"): string {
  const labels = [`${managed}.managed=true`, `${managed}.job.id=${job}`, `${managed}.type=${type}`];
  return ["--network none", ...labels.map((label) => `--label ${label}`)].join(" ");
}

/** Returns the name of the cache volume of a project, as GitLab Runner composes it. */
export function cacheOf(project: number): string {
  return `runner-abcdefghi-project-${project}-concurrent-0-cache-${"3c3f060a0374fc8bc39395164f415a70"}`;
}

/** Runs a script in a host. Throws if it fails. */
export function well(host: TestHost, script: string): string {
  const { code, stdout, stderr } = host.sh(script);
  if (code !== 0) throw new Error(`${script.slice(0, 200)} failed (${code})\n${stdout}${stderr}`);
  return stdout;
}
