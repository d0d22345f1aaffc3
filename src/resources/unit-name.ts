// Names of systemd units, by the rules of systemd.unit(5).

const types = "service|socket|timer|path|target|mount|automount|swap|slice|scope|device";

/** The name of a unit with its type, such as `backup.timer` or `worker@1.service`. */
export type UnitName =
  `${string}.${"service" | "socket" | "timer" | "path" | "target" | "mount" | "automount" | "swap"}`;

const valid = new RegExp(`^(?=.{1,255}$)[A-Za-z0-9:_.\\\\-]+(@[A-Za-z0-9:_.\\\\-]*)?\\.(?:${types})$`);

/** Returns the name with its type. As in systemctl, a name without a type is a service. */
export function fullName(unit: string): string {
  return new RegExp(`\\.(?:${types})$`).test(unit) ? unit : `${unit}.service`;
}

export function isUnitName(name: string): boolean {
  return valid.test(name);
}

/** Returns the template of an instance, or null for any other unit: `a@.service` for `a@b.service`. */
export function templateOf(unit: string): string | null {
  const at = unit.indexOf("@");
  const dot = unit.lastIndexOf(".");
  return at < 0 || at + 1 === dot ? null : unit.slice(0, at + 1) + unit.slice(dot);
}

export function isTemplate(unit: string): boolean {
  return unit.includes("@.");
}

/** Returns the instance of a template: `a@b.service` for `a@.service` and `b`. */
export function instanceOf(template: string, instance: string): string {
  return template.replace("@.", () => `@${instance}.`);
}

/**
 * Returns a value of [Install] with its specifiers replaced. Returns null for a specifier that does not come from the
 * name of the unit.
 */
export function withSpecifiers(value: string, unit: string): string | null {
  const name = unit.slice(0, unit.lastIndexOf("."));
  const [prefix = "", instance = ""] = name.split("@");
  const values: Record<string, string> = {
    "%": "%",
    n: unit,
    N: name,
    p: prefix,
    i: instance,
    j: prefix.slice(prefix.lastIndexOf("-") + 1),
  };
  let isKnown = true;
  const text = value.replace(/%(.?)/g, (_, letter) => {
    isKnown &&= Object.hasOwn(values, letter);
    return values[letter] ?? "";
  });
  return isKnown ? text : null;
}
