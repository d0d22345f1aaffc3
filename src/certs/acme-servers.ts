// The certificate authorities that certbot knows by itself.

/** The ACME directory of Let's Encrypt, certbot's default. */
export const defaultServer = "https://acme-v02.api.letsencrypt.org/directory";
/** The ACME directory of its test server, which `--staging` stands for. */
export const stagingServer = "https://acme-staging-v02.api.letsencrypt.org/directory";

/** Returns the URL of the ACME directory that `server` means: "staging", a URL, or certbot's default without it. */
export function serverUrl(server: string | undefined): string {
  return server === "staging" ? stagingServer : (server ?? defaultServer);
}
