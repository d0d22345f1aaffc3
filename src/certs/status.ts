// The status of the certificates of this host, for people and scripts.

import { type HostReader, UnknownStateError } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { hookResult } from "./hook.ts";
import { type Certificate, type Lineage, readLineages, shareLeft } from "./lineage.ts";
import { type CertifiedProject, projectsIn, projectsOf } from "./projects.ts";
import { webrootsOf } from "./renewal-config.ts";
import { requestedName, type Served, servedCertificate } from "./served.ts";
import { type Timer, timerState } from "./timer.ts";

const dayMs = 86_400_000;
/** Each name costs a child process. */
const atOnce = 50;

export interface CertificateStatus {
  name: string;
  server: string;
  authenticator: string;
  profile: string | null;
  webroots: string[];
  /** null if only root may read it. */
  certificate: {
    names: string[];
    issuer: string;
    serial: string;
    key_type: string;
    not_before: string;
    not_after: string;
    days_left: number;
    /** The share of the lifetime, from 1 to 0. */
    lifetime_left: number;
  } | null;
  /** Whether nginx serves exactly this certificate now; null if that is unknown. */
  served: boolean | null;
  /** The serial that nginx serves for the first of the names. */
  served_serial: string | null;
  /** null if only root may read the records. */
  projects: string[] | null;
  hook: { result: "reloaded" | "failed"; at: string; reason: string } | null;
}

export interface CertsStatus {
  /** null if systemd does not answer. */
  timer_active: boolean | null;
  next_run: string | null;
  last_run: string | null;
  last_result: string | null;
  certificates: CertificateStatus[];
}

/** Returns the status of each lineage. `faults`: a sentence for each that certbot cannot use, or that is not known. */
export async function certsStatus(reader: HostReader): Promise<{ status: CertsStatus; faults: string[] }> {
  const faults: string[] = [];
  const timer = timerState(reader).catch((error) => {
    faults.push(Problem.of(error).message);
    return null;
  });
  const { lineages, broken } = readLineages(reader);
  const projects = projectsOrUnknown(reader);
  const all = [...lineages.values()];
  const certificates: CertificateStatus[] = [];
  for (let i = 0; i < all.length; i += atOnce) {
    const some = all.slice(i, i + atOnce).map((lineage) => statusOf(reader, lineage, projects));
    certificates.push(...(await Promise.all(some)));
  }
  faults.push(...[...broken.values()].map(({ name, reason }) => `${name} cannot be used: ${reason}`));
  return { status: { ...timerStatus(await timer), certificates }, faults };
}

function projectsOrUnknown(reader: HostReader): CertifiedProject[] | null {
  try {
    return projectsIn(reader);
  } catch (error) {
    if (error instanceof UnknownStateError) return null;
    throw error;
  }
}

const iso = (ms: number | null | undefined): string | null =>
  typeof ms === "number" ? new Date(ms).toISOString() : null;

function timerStatus(timer: Timer | null): Omit<CertsStatus, "certificates"> {
  return {
    timer_active: timer?.active ?? null,
    next_run: iso(timer?.next),
    last_run: iso(timer?.lastRun),
    last_result: timer?.lastResult ?? null,
  };
}

async function statusOf(
  reader: HostReader,
  lineage: Lineage,
  projects: CertifiedProject[] | null,
): Promise<CertificateStatus> {
  const { name, certificate, settings } = lineage;
  const served = certificate === null ? null : await servedFor(reader, lineage, certificate);
  const hook = hookResult(reader, name);
  return {
    name,
    server: settings.server,
    authenticator: settings.authenticator,
    profile: settings.profile,
    webroots: webrootsOf(settings),
    certificate: certificate && detailsOf(reader, certificate),
    served: served && certificate && ("serial" in served ? served.serial === certificate.serial : false),
    served_serial: served && "serial" in served ? served.serial : null,
    projects: projects && projectsOf(projects, lineage).map(({ slug }) => slug),
    hook: hook && { ...hook, at: iso(hook.at) ?? "" },
  };
}

async function servedFor(reader: HostReader, lineage: Lineage, certificate: Certificate): Promise<Served | null> {
  const name = requestedName(lineage, certificate);
  return name === null ? null : servedCertificate(reader, name);
}

function detailsOf(reader: HostReader, certificate: Certificate): NonNullable<CertificateStatus["certificate"]> {
  const { names, issuer, serial, keyType, notBefore, notAfter } = certificate;
  return {
    ...{ names, issuer, serial },
    key_type: keyType,
    not_before: iso(notBefore) ?? "",
    not_after: iso(notAfter) ?? "",
    days_left: Math.floor((notAfter - reader.now()) / dayMs),
    lifetime_left: Math.round(shareLeft(reader, certificate) * 1000) / 1000,
  };
}
