// Finds the proxy of the environment that a request goes through, for messages. The rules are those of Bun's fetch.

/**
 * Returns the proxy's address without user name and password, or null for a request that goes directly to its server.
 */
export function proxyFor(address: string): string | null {
  if (!/^https?:/.test(address) || !URL.canParse(address)) return null;
  const { protocol, hostname, port } = new URL(address);
  const proxy = variable(protocol === "https:" ? "https_proxy" : "http_proxy") ?? variable("all_proxy");
  if (proxy === undefined) return null;
  const host = hostname.replace(/^\[|\]$/g, "");
  const open = port || (protocol === "https:" ? "443" : "80");
  const isExcepted = (variable("no_proxy") ?? "").split(",").some((entry) => matches(host, entry.trim(), open));
  return isExcepted ? null : withoutCredentials(proxy);
}

function variable(name: string): string | undefined {
  return process.env[name] || process.env[name.toUpperCase()] || undefined;
}

// An import would add 0.5 MB of the runtime's bytecode to each binary, and only a list of exceptions needs the module.
const net = () => process.getBuiltinModule("node:net");

function matches(host: string, entry: string, port: string): boolean {
  if (entry === "") return false;
  if (entry === "*") return true;
  const [network = "", bits] = entry.split("/");
  if (bits !== undefined) return isWithin(host, network, Number(bits));
  const name = entry.toLowerCase().replace(/^\*?\./, "");
  return [host, `${host}:${port}`].some((each) => each === name || (!net().isIP(host) && each.endsWith(`.${name}`)));
}

function isWithin(host: string, network: string, bits: number): boolean {
  const { BlockList, isIP } = net();
  const family = isIP(host);
  const isPrefix = Number.isInteger(bits) && bits >= 0 && bits <= (family === 6 ? 128 : 32);
  if (family === 0 || isIP(network) !== family || !isPrefix) return false;
  const type = family === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(network, bits, type);
  return list.check(host, type);
}

function withoutCredentials(proxy: string): string {
  const address = proxy.includes("://") ? proxy : `http://${proxy}`;
  if (!URL.canParse(address)) return "of the environment";
  const { protocol, host } = new URL(address);
  return `${protocol}//${host}`;
}
