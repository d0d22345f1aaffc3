// What certbot 2.1.0 (Debian 12) and 4.0.0 (Debian 13) printed when pebble, or a proxy before it, answered like this.

const saving = "Saving debug log to /var/log/letsencrypt/letsencrypt.log\n";
const help =
  "Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile /var/log/letsencrypt/letsencrypt.log or re-run Certbot with -v for more details.\n";
const hint =
  "\nHint: The Certificate Authority failed to download the temporary challenge files created by Certbot. Ensure that the listed domains serve their content from the provided --webroot-path/-w and that files created there can be downloaded from the internet.\n\n";

/** The output of a certbot whose names were not validated. */
export function unvalidated(...failures: [name: string, type: string, detail: string][]): {
  stdout: string;
  stderr: string;
} {
  const blocks = failures.map(([name, type, detail]) => `  Domain: ${name}\n  Type:   ${type}\n  Detail: ${detail}\n`);
  const head = `Requesting a certificate for ${failures.map(([name]) => name).join(" and ")}\n\nCertbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:\n`;
  return { stdout: `${head}${blocks.join("\n")}${hint}`, stderr: `${saving}Some challenges have failed.\n${help}` };
}

/** The output of a certbot that was refused otherwise. `said`: what it prints between what it always prints. */
export function refused(said: string): { stdout: string; stderr: string } {
  return { stdout: "Account registered.\nRequesting a certificate for on.test\n", stderr: saving + said + help };
}

/** certbot 2.1.0 on Python 3.11 loses each error of the authority. */
export const lost = refused("An unexpected error occurred:\nAttributeError: can't set attribute\n");

/** The end of certbot's log after such a response. */
export function logOf(status: number, document: Record<string, unknown>, headers = ""): string {
  const { type, detail } = document;
  return `2026-11-29 05:39:12,473:DEBUG:certbot._internal.main:certbot version: 2.1.0
2026-11-29 05:39:12,473:DEBUG:certbot._internal.main:Location of certbot entry point: /usr/bin/certbot
2026-11-29 05:39:12,743:DEBUG:urllib3.connectionpool:https://pebble:14501 "POST /order-plz HTTP/1.1" ${status} 299
2026-11-29 05:39:12,744:DEBUG:acme.client:Received response:
HTTP ${status}
Server: nginx/1.22.1
Date: Sun, 29 Nov 2026 05:39:12 GMT
Content-Type: application/problem+json
Content-Length: 299
Connection: keep-alive
${headers}
${JSON.stringify(document)}
2026-11-29 05:39:12,745:DEBUG:certbot._internal.log:Exiting abnormally:
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/acme/client.py", line 575, in _check_response
    raise messages.Error.from_json(jobj)
acme.messages.Error: ${type} :: There were too many requests of a given type :: ${detail}
AttributeError: can't set attribute
2026-11-29 05:39:12,747:ERROR:certbot._internal.log:An unexpected error occurred:
2026-11-29 05:39:12,747:ERROR:certbot._internal.log:AttributeError: can't set attribute
`;
}

/** What certbot printed when it did not come as far as a request. */
export const unreachable = {
  refused: "An unexpected error occurred:\nValueError: Requesting pebble/dir: Connection refused\n",
  unknownName:
    "An unexpected error occurred:\nrequests.exceptions.ConnectionError: HTTPSConnectionPool(host='nosuch.invalid', port=443): Max retries exceeded with url: /dir (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f681a70c510>: Failed to establish a new connection: [Errno -2] Name or service not known'))\n",
  unknownNameTrixie:
    "An unexpected error occurred:\nrequests.exceptions.ConnectionError: HTTPSConnectionPool(host='nosuch.invalid', port=443): Max retries exceeded with url: /dir (Caused by NameResolutionError(\"<urllib3.connection.HTTPSConnection object at 0x7f496a8bb8c0>: Failed to resolve 'nosuch.invalid' ([Errno -2] Name or service not known)\"))\n",
  otherName:
    "Certificate did not match expected hostname: localhost. Certificate: {'subject': ((('commonName', 'pebble'),),)}\nAn unexpected error occurred:\nrequests.exceptions.SSLError: HTTPSConnectionPool(host='localhost', port=14000): Max retries exceeded with url: /dir (Caused by SSLError(CertificateError(\"hostname 'localhost' doesn't match 'pebble'\")))\n",
  otherNameTrixie:
    "An unexpected error occurred:\nrequests.exceptions.SSLError: HTTPSConnectionPool(host='localhost', port=14000): Max retries exceeded with url: /dir (Caused by SSLError(SSLCertVerificationError(1, \"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'localhost'. (_ssl.c:1029)\")))\n",
  untrusted:
    "An unexpected error occurred:\nrequests.exceptions.SSLError: HTTPSConnectionPool(host='pebble', port=14000): Max retries exceeded with url: /dir (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:992)')))\n",
  expired:
    "An unexpected error occurred:\nrequests.exceptions.SSLError: HTTPSConnectionPool(host='pebble', port=14000): Max retries exceeded with url: /dir (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:992)')))\n",
  garbage:
    "An unexpected error occurred:\nacme.errors.ClientError: Unexpected response Content-Type: application/octet-stream\n",
  down: "An unexpected error occurred:\nacme.errors.ClientError: <Response [503]>\n",
  noNonce:
    "An unexpected error occurred:\nacme.errors.MissingNonce: Server POST response did not include a replay nonce, headers: {'Server': 'nginx/1.22.1'} (This may be a service outage)\n",
} as const;

export const noProfiles = `usage: 
  certbot [SUBCOMMAND] [options] [-d DOMAIN] [-d DOMAIN] ...

Certbot can obtain and install HTTPS/TLS/SSL certificates.  By default,
it will attempt to use a webserver both for obtaining and installing the
certificate. 
certbot: error: unrecognized arguments: --required-profile nosuch
`;
export const locked = `${saving}Another instance of Certbot is already running.\n${help}`;
export const badEmail = `${saving}Unable to register an account with ACME server. The ACME server believes nonsense is an invalid email address. Please ensure it is a valid email and attempt registration again.\n${help}`;
export const unregistered = (said: string): string =>
  `${saving}Unable to register an account with ACME server. Error returned by the ACME server: ${said}\n${help}`;
