// Generated states of a host: its accounts, the configuration of sshd, the rules of ufw, and the command that is run.

import fc from "fast-check";

/** The network of all people, and one in which nobody is. */
const [office, elsewhere] = ["198.51.100.0/24", "203.0.113.0/24"];
/** Returns an address of a person, another one for each number. */
export const addressOf = (n: number): string => `198.51.100.${(n % 250) + 1}`;
/** The password of everyone who has one. */
export const password = "right horse";

/** Returns the usual value in most cases. */
const mostly = <T>(usual: T, ...rare: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 7 * rare.length, arbitrary: fc.constant(usual) }, ...rare.map((each) => fc.constant(each)));
const some = <T>(of: readonly T[], most: number): fc.Arbitrary<T[]> => fc.subarray([...of], { maxLength: most });

const person = fc.record({
  /** `shared`: the key of the first person. */
  key: mostly("own", "shared", "none"),
  options: mostly(
    "",
    `from="${office}"`,
    `from="${elsewhere}"`,
    'command="/usr/bin/id"',
    'expiry-time="20200101"',
    "restrict",
    "no-pty",
  ),
  /** Of the home, of .ssh and of the file. */
  modes: mostly("755 700 600", "775 700 600", "755 770 600", "755 755 644", "755 700 666", "711 700 400"),
  isOfRoot: mostly(false, true),
  shell: mostly("/bin/bash", "/bin/sh", "/usr/sbin/nologin", "/bin/false"),
  account: mostly("true", "chage -E 1", "usermod -L", "chage -d 0", "chage -M 1 -I 1 -d 2020-01-01"),
  hasPassword: fc.boolean(),
  sudo: fc.constantFrom("no", "group", "NOPASSWD: ALL", "NOPASSWD: ALL", "ALL", "NOPASSWD: /usr/bin/apt-get"),
});

const settings = [
  "PasswordAuthentication no",
  "PasswordAuthentication yes",
  "KbdInteractiveAuthentication yes",
  "PermitRootLogin yes",
  "PermitRootLogin no",
  "PermitRootLogin forced-commands-only",
  "PubkeyAuthentication no",
  "AuthenticationMethods publickey",
  "AuthenticationMethods publickey,password",
  "AuthenticationMethods publickey,keyboard-interactive",
  "AuthenticationMethods publickey password",
  "MaxAuthTries 1",
  "ForceCommand /usr/bin/id",
  "AuthorizedKeysFile /etc/ssh/keys/%u",
  "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u",
];
const general = [
  ...settings,
  "AllowUsers ann",
  "AllowUsers root bob@198.51.100.*",
  "AllowUsers ann@203.0.113.*",
  "AllowGroups sudo",
  "DenyGroups sudo",
  "DenyUsers ann",
  "DenyUsers *@198.18.*",
  "UsePAM no",
  "StrictModes no",
  "MaxStartups 2",
];
const criteria = ["User ann", "User root", "Group sudo", `Address ${office}`, "LocalPort 2222", "User bob,cyd", "all"];
const block = fc
  .tuple(fc.constantFrom(...criteria), fc.constantFrom(...settings))
  .map(([match, setting]) => `Match ${match}\n    ${setting}`);

const sshd = fc.record({
  include: mostly("first", "late", "none"),
  above: mostly("", ...general),
  main: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: some(general, 2) }),
  blocks: fc.oneof(
    { weight: 2, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: fc.array(block, { maxLength: 2 }) },
  ),
  cloudInit: fc.constantFrom("", "PasswordAuthentication yes", "PasswordAuthentication no"),
  dropIn: mostly("", ...general),
  ports: fc.constantFrom([22], [2222], [22, 2222]),
  /** systemd listens, and starts sshd for a connection. */
  isSocket: mostly(false, true),
});

const rules = [
  "allow 22/tcp",
  "allow 2222/tcp",
  "limit 22/tcp",
  "allow OpenSSH",
  "deny 22/tcp",
  "reject 2222/tcp",
  `allow from ${office} to any port 22 proto tcp`,
  `allow from ${elsewhere} to any port 22 proto tcp`,
  `deny from ${office}`,
  `deny from ${elsewhere} to any port 22`,
  "allow from 198.18.0.0/15",
  "deny from 198.18.0.0/15",
  "deny in on host0 to any port 22",
  "deny in on eth9 to any port 22",
  "allow 80/tcp",
];
const ufw = fc.record({
  isActive: fc.constantFrom(true, false, false, false),
  incoming: mostly("deny", "allow", "reject"),
  /** The first rule of a port decides. */
  rules: some(rules, 5).chain((rules) => fc.shuffledSubarray(rules, { minLength: rules.length })),
});

const sshHarden = fc.constantFrom("", "--modern", "--allow-password ann", "--allow-password none");
const firewall = fc
  .subarray(["--limit-ssh", "--ssh-port 22", "--ssh-port 2222", "--allow 8080", `--allow 22@${office}`])
  .map((flags) =>
    flags.filter((flag, i) => !(flag.startsWith("--ssh-port") && flags[i - 1]?.startsWith("--ssh-port"))),
  );
const farAway = mostly("", `--allow 2222@${elsewhere}`, `--allow 22@${elsewhere}`);
const applying = fc.oneof(
  sshHarden.map((flags) => `ssh-harden ${flags}`),
  fc.tuple(firewall, farAway).map(([flags, far]) => `firewall ${[...flags, far].join(" ")}`),
  fc.constantFrom("harden", "harden --all", "harden --all --ssh-port 2222", "harden --ssh-port 22"),
);
const run = fc.oneof(
  { weight: 5, arbitrary: fc.record({ first: mostly("", "firewall --limit-ssh", "ssh-harden"), command: applying }) },
  {
    weight: 1,
    arbitrary: fc.record({
      first: applying,
      command: fc.constantFrom("unharden", "unharden", "unharden ssh", "unharden firewall"),
    }),
  },
);

export interface Interruption {
  kind: "kill" | "reboot" | "power cut";
  /** Of the usual duration of the command. */
  share: number;
}
const interruption: fc.Arbitrary<Interruption> = fc.record({
  kind: fc.constantFrom("kill", "kill", "kill", "reboot", "power cut"),
  share: fc.integer({ min: 0, max: 99 }).map((percent) => percent / 100),
});

const beforeRules = "/etc/ufw/before.rules";
const firstRule = (rule: string): string => `sed -i '/^-A ufw-before-input -i lo/i ${rule}' ${beforeRules}`;
const siteLine = (line: string): string => `echo '${line}' >/etc/ssh/sshd_config.d/05-later.conf`;
/** What an admin has changed last, and neither sshd nor ufw has loaded. */
const unloaded = mostly(
  "",
  siteLine("DenyUsers *"),
  siteLine("Port 2022"),
  siteLine("ListenAddress 192.0.2.1"),
  firstRule("-A ufw-before-input -p tcp -j DROP"),
  firstRule("-A ufw-before-input -j MISSING"),
);

const state = fc.record({
  people: fc.record({ ann: person, bob: person, cyd: person }),
  root: fc.record({ hasKey: fc.boolean(), hasPassword: fc.boolean() }),
  sshd,
  ufw,
  nologin: mostly("", "/etc/nologin", "/run/nologin"),
  /** Lines of access.conf(5), which PAM of sshd reads then. */
  access: mostly("", "- : ann : ALL", `- : ALL EXCEPT root : ${elsewhere}`, `+ : ALL : ${office}\\n- : ALL : ALL`),
  unloaded,
  ...{ run, isInSession: fc.boolean() },
  interruption: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: interruption }),
});

type Generated = typeof state extends fc.Arbitrary<infer T> ? T : never;
export type Person = Generated["people"]["ann"];
export type State = Generated;

/** Returns the state of this seed. */
export function stateOf(seed: string): State {
  const number = Number(Bun.hash(seed) & 0x7fffffffn);
  return fc.sample(state, { seed: number, numRuns: 1, unbiased: true })[0] as State;
}

/** Returns whether sshd, ufw or PAM treat the network of the people differently than others. */
export function namesOffice({ sshd, ufw, access }: State): boolean {
  return JSON.stringify({ sshd, ufw, access }).includes(office.replace(/\.0\/24$/, ""));
}

/** Returns the script that makes the state. `keys`: the public keys, by name. `hash`: that of the password. */
export function script(state: State, keys: Record<string, string>, hash: string): string {
  const { people, root, sshd, ufw, nologin, access, unloaded, interruption } = state;
  // A boot loads it, and would lock everyone out without any change of ours.
  const hasBoot = interruption !== null && interruption.kind !== "kill";
  const sudoers = (name: string, { sudo }: Person): string => {
    if (sudo === "no") return "";
    if (sudo === "group") return `usermod -aG sudo ${name}`;
    return `echo '${name} ALL=(ALL:ALL) ${sudo}' >/etc/sudoers.d/${name}`;
  };
  const accounts = Object.entries(people).flatMap(([name, each]) => {
    const [home, dir, file] = each.modes.split(" ");
    const owner = each.isOfRoot ? "root:root" : `${name}:${name}`;
    const line = `${each.options} ${keys[each.key === "shared" ? "ann" : name]}`.trim();
    const addKey = `install -d /home/${name}/.ssh; echo '${line}' | tee /etc/ssh/keys/${name} >/home/${name}/.ssh/authorized_keys
      chmod ${dir} /home/${name}/.ssh; chmod ${file} /home/${name}/.ssh/authorized_keys; chown -R ${owner} /home/${name}/.ssh`;
    return [
      `useradd -m -s ${each.shell} ${each.hasPassword ? `-p '${hash}'` : ""} ${name}; chmod ${home} /home/${name}`,
      each.key === "none" ? "" : addKey,
      sudoers(name, each),
      `${each.account} ${each.account === "true" ? "" : name}`,
    ];
  });
  const include = "Include /etc/ssh/sshd_config.d/*.conf";
  const config = [
    sshd.include === "none" ? "" : sshd.above,
    sshd.include === "first" ? include : "",
    ...sshd.ports.map((port) => `Port ${port}`),
    // The people of this test fail to log in more often than those of a host do.
    "$EXEMPT",
    ...sshd.main,
    "UsePAM yes",
    "Subsystem sftp /usr/lib/openssh/sftp-server",
    sshd.include === "late" ? include : "",
    ...sshd.blocks,
  ];
  const ports = sshd.ports.map((port) => `ListenStream=${port}`).join("\n");
  const socket = `mkdir -p /etc/systemd/system/ssh.socket.d
    printf '[Socket]\\nListenStream=\\n%s\\n' '${ports}' >/etc/systemd/system/ssh.socket.d/ports.conf
    systemctl daemon-reload; systemctl disable --now ssh.service
    systemctl enable --now ssh.socket && systemctl is-active ssh.socket`;
  return [
    "mkdir -p /etc/ssh/keys",
    ...accounts,
    root.hasKey ? `install -d -m 700 /root/.ssh; echo '${keys.root}' >/root/.ssh/authorized_keys` : "",
    root.hasPassword ? `usermod -p '${hash}' root` : "",
    `EXEMPT=$(sshd -T | grep -q persourcepenaltyexemptlist && echo PerSourcePenaltyExemptList ${office})`,
    `cat >/etc/ssh/sshd_config <<END\n${config.filter(Boolean).join("\n")}\nEND`,
    `echo '${sshd.cloudInit}' >/etc/ssh/sshd_config.d/50-cloud-init.conf`,
    `echo '${sshd.dropIn}' >/etc/ssh/sshd_config.d/10-site.conf`,
    access === ""
      ? ""
      : `sed -i '/pam_nologin/a account required pam_access.so' /etc/pam.d/sshd; printf '${access}\\n' >/etc/security/access.conf`,
    ...ufw.rules.map((rule) => `ufw ${rule}`),
    `ufw default ${ufw.incoming} incoming`,
    ufw.isActive ? "ufw --force enable" : "",
    nologin === "" ? "" : `echo closed >${nologin}`,
    // sshd does not start with a method that is turned off.
    "sshd -T >/dev/null 2>&1 || sed -i /AuthenticationMethods/d /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*",
    sshd.isSocket ? socket : "systemctl restart ssh && systemctl is-active ssh",
    unloaded === "" || hasBoot ? "" : `sleep 0.1; ${unloaded}`,
  ].join("\n");
}
