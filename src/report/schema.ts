// The JSON document that `--json` prints, and the events of `--json=lines`. The types of the report are derived from
// them; no command loads them at run time.

import * as v from "valibot";
import { type ProblemCode, problemCodes } from "../problem/codes.ts";

const attributes = { mode: v.string(), owner: v.string() };

const changeSchema = v.variant("kind", [
  v.object({
    kind: v.literal("file"),
    path: v.string(),
    ...attributes,
    before: v.optional(v.nullable(v.string())),
    after: v.optional(v.string()),
  }),
  v.object({ kind: v.literal("removal"), path: v.string(), before: v.optional(v.string()) }),
  v.object({ kind: v.literal("directory"), path: v.string(), ...attributes }),
  v.object({
    kind: v.literal("link"),
    path: v.string(),
    before: v.nullable(v.string()),
    after: v.nullable(v.string()),
  }),
  v.object({
    kind: v.literal("packages"),
    names: v.array(v.string()),
    remove: v.optional(v.array(v.string())),
    purge: v.optional(v.boolean()),
    unfinished: v.optional(v.array(v.string())),
  }),
  v.object({
    kind: v.literal("command"),
    argv: v.array(v.string()),
    reason: v.string(),
    /** What the command reads from stdin, and its size in bytes. */
    input: v.optional(v.object({ name: v.string(), size: v.number() })),
  }),
]);

const problemSchema = v.object({
  code: v.picklist(Object.keys(problemCodes) as ProblemCode[]),
  message: v.string(),
  stderr: v.optional(v.string()),
  hint: v.optional(v.array(v.string())),
});

export const stepSchema = v.object({
  id: v.string(),
  title: v.string(),
  result: v.picklist(["ok", "changed", "pending", "unknown", "failed", "skipped"]),
  changes: v.array(changeSchema),
  unknown: v.array(v.string()),
  warnings: v.array(v.string()),
  notes: v.optional(v.array(v.string())),
  reason: v.optional(v.string()),
  error: v.optional(problemSchema),
});

/** The path is relative to the site. */
const assetSchema = v.object({ path: v.string(), bytes: v.number() });

/**
 * Addresses of the live site that have neither a file nor a redirect in the new one. `moved_to`: where the file of the
 * address seems to be now; null if that is not known.
 */
const addressesSchema = v.object({
  vanished: v.array(v.object({ address: v.string(), moved_to: v.nullable(v.string()) })),
});

/** `id` is that of the engine, or the name of a volume. What several images share is part of the bytes of each. */
const cleanupSchema = v.object({
  kind: v.picklist(["container", "cache", "volume", "image"]),
  id: v.string(),
  name: v.string(),
  bytes: v.number(),
  last_used: v.string(),
});

export const documentSchema = v.object({
  schema: v.literal(1),
  command: v.string(),
  outcome: v.picklist(["ok", "changed", "pending", "unknown", "failed", "refused", "busy", "interrupted"]),
  exit: v.number(),
  warnings: v.optional(v.array(v.string())),
  steps: v.optional(v.array(stepSchema)),
  projects: v.optional(
    v.array(
      v.looseObject({
        slug: v.string(),
        domain: v.string(),
        root_path: v.string(),
        source_path: v.nullable(v.string()),
        branch: v.string(),
        owner_group: v.string(),
        enabled: v.boolean(),
        tls: v.boolean(),
        aliases: v.optional(v.array(v.string())),
      }),
    ),
  ),
  /** Records that are not valid. */
  invalid: v.optional(v.array(v.object({ slug: v.string(), reason: v.string() }))),
  runner: v.optional(
    v.object({
      installed: v.boolean(),
      service_installed: v.boolean(),
      service_active: v.boolean(),
      summary: v.string(),
      version: v.string(),
      jobs: v.optional(v.number()),
      stop_signal: v.optional(v.string()),
      /** null means no limit. */
      stop_seconds: v.optional(v.nullable(v.number())),
      runners: v.array(
        v.object({
          name: v.string(),
          url: v.string(),
          executor: v.string(),
          privileged: v.boolean(),
          volumes: v.array(v.string()),
          ours: v.boolean(),
          accepted: v.string(),
        }),
      ),
    }),
  ),
  /** The runners that `gitlab-runner list` found in config.toml. */
  runners: v.optional(
    v.array(v.object({ name: v.string(), url: v.string(), executor: v.string(), ours: v.boolean() })),
  ),
  nginx: v.optional(
    v.object({
      installed: v.boolean(),
      active: v.boolean(),
      /** null means that only root can test the configuration. */
      config_valid: v.nullable(v.boolean()),
      config_check: v.string(),
    }),
  ),
  selftest: v.optional(
    v.object({
      /** null if the settings were those of the profile `ci`. */
      runner: v.nullable(v.string()),
      image: v.string(),
      measured: v.array(v.object({ name: v.string(), ok: v.boolean(), milliseconds: v.number(), detail: v.string() })),
      skipped: v.array(v.object({ name: v.string(), reason: v.string() })),
      mtu: v.nullable(v.number()),
    }),
  ),
  /** The certificates that `certs status` found. Times are in ISO 8601. */
  certs: v.optional(
    v.object({
      /** null means that systemd does not answer. */
      timer_active: v.nullable(v.boolean()),
      next_run: v.nullable(v.string()),
      /** When certbot.service ended last since the boot, and its result. */
      last_run: v.nullable(v.string()),
      last_result: v.nullable(v.string()),
      certificates: v.array(
        v.object({
          name: v.string(),
          server: v.string(),
          authenticator: v.string(),
          profile: v.nullable(v.string()),
          webroots: v.array(v.string()),
          /** null means that only root may read it. */
          certificate: v.nullable(
            v.object({
              names: v.array(v.string()),
              issuer: v.string(),
              /** In hexadecimal. */
              serial: v.string(),
              key_type: v.string(),
              not_before: v.string(),
              not_after: v.string(),
              days_left: v.number(),
              /** The share of the lifetime, from 1 to 0. */
              lifetime_left: v.number(),
            }),
          ),
          /** Whether nginx serves exactly this certificate now; null if that is unknown. */
          served: v.nullable(v.boolean()),
          served_serial: v.nullable(v.string()),
          /** The projects with this domain; null if only root may read the records. */
          projects: v.nullable(v.array(v.string())),
          /** The last result of the renewal hook. */
          hook: v.nullable(
            v.object({ result: v.picklist(["reloaded", "failed"]), at: v.string(), reason: v.string() }),
          ),
        }),
      ),
    }),
  ),
  /** The result of `certs renew` for each lineage. */
  renewals: v.optional(
    v.array(
      v.object({
        name: v.string(),
        result: v.picklist(["renewed", "skipped", "failed"]),
        /** Why it failed; "" otherwise. */
        reason: v.string(),
        /** The serial of the new certificate, in hexadecimal. */
        serial: v.optional(v.string()),
      }),
    ),
  ),
  /** What `project check-links` found. */
  links: v.optional(
    v.object({
      /** Pages and style sheets. */
      pages: v.number(),
      checked: v.number(),
      broken: v.number(),
      /** The first 10,000 broken links. The page is a path within the site. */
      list: v.array(
        v.object({
          page: v.string(),
          link: v.string(),
          problem: v.picklist(["not-found", "wrong-case", "no-anchor", "invalid"]),
          /** The address that differs only in the case of its letters. */
          instead: v.nullable(v.string()),
        }),
      ),
    }),
  ),
  deploy: v.optional(
    v.object({
      files: v.number(),
      changed: v.number(),
      bytes: v.number(),
      milliseconds: v.number(),
      backup: v.nullable(v.string()),
      pruned: v.array(v.string()),
      /** Hashed files of earlier releases that stay reachable. */
      assets: v.array(assetSchema),
      /** The address of a preview; null if its project is disabled. */
      url: v.optional(v.nullable(v.string())),
      addresses: addressesSchema,
      /** The rules of `_redirects`, and the paths of `_headers`. A version or a preview has none. */
      rules: v.optional(v.object({ redirects: v.number(), headers: v.number() })),
    }),
  ),
  /** The assets that `project assets list` found, or that `project assets prune` removes. */
  assets: v.optional(v.array(assetSchema)),
  /** The versions that `project versions list` or `project show` found, newest first. */
  versions: v.optional(
    v.array(
      v.object({
        version: v.string(),
        title: v.string(),
        aliases: v.array(v.string()),
        /** Whether addresses without a version lead to it. */
        is_default: v.boolean(),
        url: v.string(),
        path: v.string(),
        /** In ISO 8601; null if another program made the tree. */
        deployed: v.nullable(v.string()),
        /** null means that it cannot be read in time. */
        bytes: v.nullable(v.number()),
      }),
    ),
  ),
  /** The backups that `project backups list` found, oldest first, or that `project backups prune` removes. */
  backups: v.optional(
    v.array(
      v.object({
        name: v.string(),
        path: v.string(),
        /** null means that it cannot be read. */
        bytes: v.nullable(v.number()),
        left_by_restore: v.boolean(),
      }),
    ),
  ),
  /** The number of previews of the project that `project show` prints. */
  preview_count: v.optional(v.number()),
  /** The previews that `project previews list` found, or that were removed. Times are in ISO 8601. */
  previews: v.optional(
    v.array(
      v.object({
        project: v.string(),
        name: v.string(),
        /** null if its project is disabled or not registered. */
        url: v.nullable(v.string()),
        path: v.string(),
        created: v.nullable(v.string()),
        deployed: v.nullable(v.string()),
        /** null means never, or that it is unknown: there is a fault then. */
        expires: v.nullable(v.string()),
        /** Bytes of all files, and of those that the live release does not share; null if they are not known. */
        bytes: v.nullable(v.number()),
        own_bytes: v.nullable(v.number()),
        branch: v.nullable(v.string()),
        key: v.nullable(v.string()),
        fault: v.optional(v.string()),
      }),
    ),
  ),
  /** What `gitlab-runner cleanup status` found, or what `gitlab-runner cleanup run` removes. Times are in ISO 8601. */
  cleanup: v.optional(
    v.object({
      enabled: v.boolean(),
      /** Whether systemd runs the cleanup, and records what jobs use; null if that is unknown. */
      timer_active: v.optional(v.nullable(v.boolean())),
      events_active: v.optional(v.nullable(v.boolean())),
      /** The file systems with data of Docker. A cleanup removes until `bytes_wanted` are free. */
      disks: v.optional(
        v.array(v.object({ path: v.string(), bytes: v.number(), bytes_free: v.number(), bytes_wanted: v.number() })),
      ),
      /** Days after which it removes what is not used although enough space is free; null for never. */
      unused_for_days: v.optional(v.nullable(v.number())),
      /** What may be removed, the least recently used first. */
      removable: v.optional(v.array(cleanupSchema)),
      /** What was removed, or would be. */
      removed: v.optional(v.array(v.object({ ...cleanupSchema.entries, why: v.picklist(["unused", "space"]) }))),
      /** The images that stay: nothing shows that a runner pulled them for a job. */
      foreign_images: v.optional(v.array(v.object({ id: v.string(), name: v.string(), bytes: v.number() }))),
    }),
  ),
  /** The backup that the live tree was restored from; null if a deploy made it. */
  restored_from: v.optional(v.nullable(v.string())),
  /** The deploy keys that `project key list` found, or the one that `project key add` added. */
  deploy_keys: v.optional(
    v.array(
      v.object({
        project: v.string(),
        name: v.string(),
        public_key: v.string(),
        fingerprint: v.string(),
        /** The networks that may use it; all without it. */
        from: v.optional(v.array(v.string())),
        /** In ISO 8601. */
        expires: v.optional(v.string()),
        previews_only: v.optional(v.boolean()),
        /** Bytes and files of a deploy, and deploys an hour. */
        max_size: v.number(),
        max_files: v.number(),
        rate: v.number(),
        /** Seconds that an upload may take. */
        max_seconds: v.optional(v.number()),
      }),
    ),
  ),
  /** The private key of `project key add --generate`, which is stored nowhere else. */
  private_key: v.optional(v.string()),
  /** The trees that `project remove --delete-files` deletes. A file with several hard links is counted once. */
  trees: v.optional(v.array(v.object({ path: v.string(), files: v.number(), bytes: v.number() }))),
  /** The jobs of GitLab CI that `project ci` prints. */
  ci: v.optional(
    v.object({
      /** The line of known_hosts with which a job recognizes the host. */
      known_hosts: v.string(),
      variables: v.record(v.string(), v.string()),
      /** The text of `.gitlab-ci.yml`. */
      pipeline: v.string(),
    }),
  ),
  update: v.optional(
    v.object({
      from: v.string(),
      to: v.string(),
      path: v.string(),
      previous: v.nullable(v.string()),
      /** The checksums of both programs, with --diff. */
      sha256: v.optional(v.object({ from: v.string(), to: v.string() })),
    }),
  ),
  /** The packages that a dry run with --bundle would install. Those that are not requested are possible dependencies. */
  packages: v.optional(v.array(v.object({ name: v.string(), version: v.string(), requested: v.boolean() }))),
  /** What a bundle contains. Sizes are in bytes. */
  bundle: v.optional(
    v.object({
      path: v.string(),
      /** The SHA-256 of its manifest. */
      id: v.string(),
      bytes: v.number(),
      /** When the newest of its contents was made, in Unix seconds. */
      serial: v.number(),
      target: v.object({ family: v.string(), codename: v.string(), architecture: v.string() }),
      with: v.array(v.string()),
      /** The bundle that must be installed first; null for a complete one. */
      since: v.nullable(v.string()),
      signed: v.boolean(),
      /** The trusted key that signed it, with the SHA-256 of the key in DER; null if none did. */
      signed_by: v.nullable(v.object({ path: v.string(), fingerprint: v.string() })),
      program: v.nullable(v.string()),
      packages: v.array(
        v.object({
          name: v.string(),
          version: v.string(),
          architecture: v.string(),
          bytes: v.number(),
          installed_bytes: v.number(),
          licence: v.nullable(v.string()),
        }),
      ),
      images: v.array(v.object({ reference: v.string(), config: v.string(), bytes: v.number() })),
      sites: v.array(v.object({ name: v.string(), files: v.number(), bytes: v.number() })),
      sbom: v.boolean(),
    }),
  ),
  /** The bundle that `bundle create` wrote. */
  created: v.optional(
    v.object({
      /** The SHA-256 of its manifest. */
      id: v.string(),
      /** Unix seconds of its newest content. */
      serial: v.number(),
      target: v.object({ family: v.string(), codename: v.string(), architecture: v.string() }),
      with: v.array(v.string()),
      /** The written files: several if it is split. */
      paths: v.array(v.string()),
      bytes: v.number(),
      /** Bytes of packages that were downloaded and not in the cache. */
      fetched_bytes: v.number(),
      packages: v.number(),
      images: v.array(v.string()),
      sites: v.array(v.string()),
      program: v.nullable(v.string()),
      signed: v.boolean(),
      /** The bundle that the host must have accepted before this one. */
      since: v.nullable(v.string()),
    }),
  ),
  /** The snapshot that `backup run` made, and its retention. */
  backup: v.optional(
    v.object({
      snapshot: v.string(),
      projects: v.array(v.string()),
      files: v.number(),
      bytes: v.number(),
      /** What the repository did not have before. */
      added_bytes: v.number(),
      milliseconds: v.number(),
      /** The number of snapshots that the retention removed. */
      forgotten: v.number(),
      pruned: v.boolean(),
      verified: v.boolean(),
    }),
  ),
  /** What `backup status` found. Times are in ISO 8601, and `daily` is HH:MM; null for what is missing. */
  backup_status: v.optional(
    v.object({
      repository: v.nullable(v.string()),
      host: v.nullable(v.string()),
      daily: v.nullable(v.string()),
      /** The snapshots to keep, such as 7d,4w,12m; null keeps all. */
      keep: v.nullable(v.string()),
      last_backup: v.nullable(v.string()),
      last_verification: v.nullable(v.string()),
      /** Why the last backup failed. */
      failure: v.nullable(v.string()),
      /** What the upkeep after it did not do, and why. */
      upkeep_failure: v.nullable(v.string()),
      /** Why the last verification failed. */
      damage: v.nullable(v.string()),
    }),
  ),
  /** The snapshots that `backup list` found, oldest first. Times are in ISO 8601. */
  snapshots: v.optional(v.array(v.object({ id: v.string(), time: v.string(), host: v.string() }))),
  /** What `backup restore` or `restore-host` restored. */
  restored: v.optional(
    v.object({
      snapshot: v.string(),
      projects: v.array(v.string()),
      /** Projects that were there, and were deployed from the snapshot. */
      deployed: v.array(v.string()),
      /** Projects whose site is newer on this host, and was not replaced. */
      kept: v.array(v.string()),
      certificates: v.array(v.string()),
      /** What certbot needs for renewals, such as accounts and hooks: paths that were missing. */
      certbot_files: v.array(v.string()),
      runners: v.boolean(),
    }),
  ),
  /** What the snapshot has that a dry run of `backup restore` or `restore-host` read. */
  would_restore: v.optional(
    v.object({
      snapshot: v.string(),
      projects: v.array(v.object({ slug: v.string(), domain: v.string() })),
      certificates: v.array(v.string()),
      /** The names of runners. */
      runners: v.array(v.string()),
    }),
  ),
  plan: v.optional(
    v.object({
      added: v.array(v.string()),
      changed: v.array(v.string()),
      removed: v.array(v.string()),
      /** Backups that would be removed. */
      pruned: v.array(v.string()),
      addresses: v.optional(addressesSchema),
    }),
  ),
  /** What `watch run` reported, and the messages that it and `watch test` sent. */
  alerts: v.optional(
    v.object({
      events: v.array(
        v.object({
          check: v.string(),
          kind: v.picklist(["failing", "worse", "recovered"]),
          status: v.picklist(["ok", "warning", "error"]),
          detail: v.string(),
        }),
      ),
      deliveries: v.array(
        v.object({
          receiver: v.picklist(["webhook", "ntfy", "mail", "gitlab", "heartbeat"]),
          /** The mail address, or the URL without its path. */
          target: v.string(),
          /** The number of events in the message. */
          events: v.number(),
          /** Why it was not accepted, or null. */
          reason: v.nullable(v.string()),
        }),
      ),
    }),
  ),
  /** The state of alerts. Times are in ISO 8601. */
  watch: v.optional(
    v.object({
      enabled: v.boolean(),
      every_seconds: v.nullable(v.number()),
      looks: v.number(),
      last_look: v.nullable(v.string()),
      /** The checks that are reported as failing. */
      failing: v.array(v.object({ check: v.string(), status: v.picklist(["warning", "error"]), since: v.string() })),
      receivers: v.array(
        v.object({
          name: v.string(),
          target: v.string(),
          /** Events that were not delivered yet. */
          queued: v.number(),
          failing_since: v.nullable(v.string()),
          reason: v.nullable(v.string()),
          delivered: v.nullable(v.string()),
        }),
      ),
      /** The last heartbeat, and why it failed; null without one. */
      heartbeat: v.nullable(v.object({ at: v.string(), reason: v.nullable(v.string()) })),
    }),
  ),
  /** The page that `watch report` wrote, and what it is made from. */
  report: v.optional(v.object({ path: v.string(), samples: v.number(), checks: v.number() })),
  hardening: v.optional(
    v.array(
      v.object({
        part: v.string(),
        /** The worst status of its checks. */
        status: v.picklist(["ok", "not-set-up", "warning", "unknown", "error"]),
        /** When its file was changed last, in ISO 8601; null without it. */
        since: v.nullable(v.string()),
        /** What differs, and what could not be determined. */
        differs: v.array(v.object({ check: v.string(), detail: v.string() })),
        /** The command that sets it up, repairs it, or shows root what is unknown; none where the part does not apply. */
        command: v.array(v.string()),
        /** Why the part does not apply to this host. */
        reason: v.optional(v.string()),
      }),
    ),
  ),
  findings: v.optional(
    v.array(
      v.object({
        name: v.string(),
        /** unknown: the check could not be made. */
        status: v.picklist(["ok", "not-set-up", "warning", "unknown", "error"]),
        detail: v.string(),
        /** What a failure affects, for a person. */
        affects: v.optional(v.string()),
        hint: v.optional(v.array(v.string())),
        step: v.optional(v.string()),
        /** The name of the failed check that caused this one. */
        follows: v.optional(v.string()),
      }),
    ),
  ),
  error: v.optional(problemSchema),
});

export type Document = v.InferOutput<typeof documentSchema>;

/** The last event: the document. */
export const summarySchema = v.object({ event: v.literal("summary"), ...documentSchema.entries });

/** An event of `--json=lines`: one line of JSON. The last one is the summary, which is the document of `--json`. */
export const eventSchema = v.variant("event", [
  v.object({ event: v.literal("started"), step: v.object({ id: v.string(), title: v.string() }) }),
  v.object({ event: v.literal("finished"), step: stepSchema }),
  /** `limit_ms`: the longest wait. Without one, only the message says how long the wait may take. */
  v.object({ event: v.literal("waiting"), message: v.string(), limit_ms: v.optional(v.number()) }),
  /**
   * `total`: the number of entries to read, then of files to stage. `total_bytes`: the size of a download, where the
   * server announces it.
   */
  v.object({
    event: v.literal("progress"),
    phase: v.picklist(["read", "staged", "downloaded"]),
    files: v.optional(v.number()),
    total: v.optional(v.number()),
    bytes: v.number(),
    total_bytes: v.optional(v.number()),
  }),
  v.object({ event: v.literal("warning"), message: v.string() }),
  summarySchema,
]);

export type RunEvent = v.InferOutput<typeof eventSchema>;
