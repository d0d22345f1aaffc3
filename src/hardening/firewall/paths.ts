import { lockDir } from "../../engine/paths.ts";

/** The rules of ufw for IPv4. */
export const userRulesPath = "/etc/ufw/user.rules";
/** The rules of ufw for IPv6. */
export const userRules6Path = "/etc/ufw/user6.rules";
export const ufwConfPath = "/etc/ufw/ufw.conf";
export const ufwDefaultsPath = "/etc/default/ufw";
/**
 * The rules of ufw in the kernel before the last change of the firewall, for its rollback. A boot removes them, and the
 * next change replaces them: without them, a rollback that is repeated would load the files of ufw instead.
 */
export const kernelRulesPath = `${lockDir}/ufw.v4`;
/** The same for IPv6. */
export const kernelRules6Path = `${lockDir}/ufw.v6`;
