/** The rules of ufw for IPv4. */
export const userRulesPath = "/etc/ufw/user.rules";
/** The rules of ufw for IPv6. */
export const userRules6Path = "/etc/ufw/user6.rules";
export const ufwConfPath = "/etc/ufw/ufw.conf";
export const ufwDefaultsPath = "/etc/default/ufw";
