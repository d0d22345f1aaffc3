// Command lines for the Python tool and for this program on one host, with the differences that are allowed.

export interface Row {
  line: string;
  /**
   * An expected difference: the result of this program, and the text of docs/coming-from-python.md that documents it.
   */
  differs?: { says: string; code?: number; stdout?: RegExp; lastLine?: true };
}

const plan = "`--dry-run` prints the plan instead of `Would …` or the last line";
const unasked = "and needs no `--yes`: exit 0 instead of 2 (`restore`: 1)";
const twice = "An option that is given twice is refused with exit 2";
const steps = "prints a line for each step before its last line";
const planned = (line: string, code = 0): Row => ({
  line,
  differs: { says: plan, code, stdout: /^(pending|ok|Would)/ },
});
const stepped = (line: string, stdout = /^/): Row => ({
  line,
  differs: { says: steps, code: 0, stdout, lastLine: true },
});

/** Lines that change nothing, on a host as the Python tool left it: `demo` and `two` are enabled, `three` is not. */
export const looking: Row[] = [
  {
    line: "--version",
    differs: { says: "`edox-ops --version` prints 0.2.0 or newer", code: 0, stdout: /^(?!0\.1\.0)\d+\.\d+\.\d+\n$/ },
  },
  { line: "nosuch" },
  { line: "doctor --bogus" },
  { line: "doctor extra" },
  {
    line: "doctor",
    differs: { says: "What only differs is a warning", code: 0, stdout: /^Doctor: host looks ready\.$/m },
  },
  { line: "nginx" },
  {
    line: "nginx status",
    differs: { says: "`config_check` of `nginx status` is one line", code: 0, stdout: /^config_valid: True$/m },
  },
  { line: "bootstrap" },
  { line: "bootstrap --dry-run", differs: { says: unasked, code: 0, stdout: /^pending +nginx\.prepare/m } },
  planned("bootstrap --yes --dry-run"),
  { line: "bootstrap --yes --fail-step nope" },
  { line: "gitlab-runner install" },
  planned("gitlab-runner install --yes --dry-run"),
  { line: "gitlab-runner prepare-ci-host" },
  { line: "gitlab-runner prepare-ci-host --yes --fail-step nope" },
  {
    line: "gitlab-runner status",
    differs: {
      says: "`version` is one word",
      code: 0,
      stdout:
        /^installed: True\nservice_installed: True\nservice_active: True\nsummary: .*\nversion: 19\.3\.0\nregistration_state: \/etc\/edox-ops\/runner\.json\n\{\n {2}"url": "[^}]*"registered": true\n\}\n/,
    },
  },
  { line: "gitlab-runner register" },
  { line: "gitlab-runner register --url https://gitlab.test" },
  { line: "gitlab-runner register --url https://gitlab.test --token ''" },
  planned("gitlab-runner register --url https://gitlab.test --token GR1348941-token --dry-run"),
  planned("gitlab-runner register --url https://gitlab.test/?a=1 --token GR1348941-token --tags '' --dry-run"),
  planned("gitlab-runner register --url https://gitlab.test --token GR1348941-token --profile other --dry-run"),
  { line: "host" },
  { line: "host nosuch" },
  ...["security-updates", "firewall", "fail2ban", "harden", "ssh-harden", "logrotate"].map((part) => ({
    line: `host ${part}`,
  })),
  { line: "host firewall --yes --ssh-port 0" },
  { line: "host harden --yes --ssh-port x" },
  planned("host security-updates --yes --dry-run"),
  planned("host firewall --yes --ssh-port 2222 --dry-run"),
  planned("host fail2ban --yes --dry-run"),
  planned("host harden --yes --dry-run"),
  planned("host logrotate --yes --dry-run"),
  { line: "host logrotate --dry-run", differs: { says: unasked, code: 0, stdout: /^pending/ } },
  { line: "host ssh-harden --yes" },
  { line: "host ssh-harden --yes --dry-run", differs: { says: "the same, with `--dry-run` and no sshd", code: 1 } },
  planned("certs install --yes --dry-run"),
  planned("project certs issue demo --email a@b.test --no-preflight --yes --dry-run"),
  { line: "project" },
  { line: "project backups" },
  { line: "project add" },
  { line: "project add ok" },
  { line: "project add '' --domain ok.test" },
  { line: "project add BAD --domain ok.test" },
  { line: "project add ../../../etc/x --domain ok.test" },
  { line: "project add ok --domain ''" },
  { line: "project add ok --domain 'a;b'" },
  { line: "project add ok --domain ok.test --root-path /tmp/q" },
  { line: "project add ok --domain ok.test --root-path ''" },
  { line: "project add ok --domain ok.test --source-path relative" },
  { line: "project add ok --domain ok.test --source-path /etc" },
  {
    line: "project add ok --domain ok.test --source-path / --dry-run",
    differs: { says: "also `/`, `/boot`, the docs root", code: 1 },
  },
  {
    line: "project add ok --domain ok.test --branch .. --dry-run",
    differs: { says: "a name that git takes, a group of this host; else exit 1", code: 1 },
  },
  { line: "project add demo --domain other.test" },
  { line: "project add ok --domain demo.test" },
  { line: "project add ok --domain a.test --domain b.test --dry-run", differs: { says: twice, code: 2 } },
  planned("project add ok --domain ok.test --dry-run"),
  { line: "project update nope" },
  { line: "project update demo --source-path /root" },
  { line: "project update demo --domain two.test" },
  planned("project update demo --dry-run"),
  { line: "project list" },
  { line: "project show demo" },
  { line: "project show two" },
  { line: "project show nope" },
  { line: "project show BAD" },
  { line: "project init nope" },
  { line: "project deploy nope" },
  { line: "project deploy three" },
  { line: "project deploy demo --source /nonexistent" },
  { line: "project deploy demo --source /etc" },
  {
    line: "project deploy three --source /srv/other --dry-run",
    differs: { says: "exit 1 without `--allow-empty`", code: 1 },
  },
  planned("project deploy demo --dry-run"),
  { line: "project backups list demo" },
  { line: "project backups list three" },
  { line: "project backups list nope" },
  { line: "project restore demo" },
  { line: "project restore three --yes" },
  { line: "project restore demo --yes --backup nope" },
  { line: "project restore demo --dry-run", differs: { says: unasked, code: 0, stdout: /^Would replace/ } },
  { line: "project enable nope" },
  planned("project enable demo --dry-run"),
  { line: "project disable nope", differs: { says: "`project disable` of an unknown slug", code: 1 } },
  { line: "project render-nginx nope" },
  {
    line: "project render-nginx three --dry-run",
    differs: { says: "`--dry-run` alone prints it as before", code: 0, stdout: /server_name three\.test;/ },
  },
  { line: "project validate demo" },
  { line: "project validate two" },
  { line: "project validate three" },
  { line: "project validate nope" },
  { line: "project remove nope" },
  { line: "project remove demo --delete-files", differs: { says: "without `--yes`: exit 2", code: 2 } },
  planned("project remove demo --dry-run"),
];

/** The life cycle of a project, once with each program. SLUG is specific to the program. Runs after `bootstrap`. */
export const changing: Row[] = [
  stepped("project add SLUG --domain SLUG.test --source-path /srv/site"),
  { line: "project add SLUG --domain SLUG.test" },
  { line: "project enable SLUG" },
  stepped("project init SLUG"),
  stepped("project deploy SLUG", /^81 files, .*\nDeployed project SLUG from \/srv\/site\.\n$/),
  stepped("project enable SLUG"),
  stepped("project deploy SLUG --source /srv/next"),
  { line: "project show SLUG" },
  { line: "project backups list SLUG" },
  { line: "project validate SLUG" },
  stepped("project update SLUG"),
  stepped("project update SLUG --branch next --no-tls"),
  stepped("project restore SLUG --yes"),
  stepped("project render-nginx SLUG"),
  stepped("project disable SLUG"),
  stepped("project disable SLUG"),
  {
    line: "project remove SLUG --delete-files --yes",
    differs: { says: "names after it what was left or deleted", code: 0, stdout: /from managed state\.\nDeleted/ },
  },
  { line: "project show SLUG" },
  stepped("gitlab-runner register --url URL --token TOKEN --description SLUG --tags a,b"),
];

/** The commands of the hardening. The first harden of the Python tool fails, unless fail2ban starts fast enough. */
export const hardening: Row[] = [
  stepped("host security-updates --yes"),
  stepped("host logrotate --yes"),
  {
    line: "host harden --yes",
    differs: {
      says: "their first run succeeds",
      code: 0,
      stdout: /^Host harden complete \(ssh_port 22 saved to .*\)\.\n$/m,
    },
  },
  stepped("host harden --yes"),
  {
    line: "host firewall --yes",
    differs: { says: "names each open port", code: 0, stdout: /^UFW enabled \(.*; allow 80\/tcp, 443\/tcp\)\.\n$/m },
  },
  stepped("host fail2ban --yes"),
];
