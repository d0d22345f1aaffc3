// Evaluates which jobs a pipeline has: the expressions over variables in the rules of .gitlab-ci.yml, as far as they
// are used there.

export type Variables = Readonly<Record<string, string>>;

export interface Rule {
  if?: string;
  when?: string;
  allow_failure?: boolean;
  variables?: Variables;
}

/**
 * Returns whether a job is part of the pipeline. The first matching rule decides, and a job without rules always is.
 */
export function isIncluded(rules: readonly Rule[] | undefined, variables: Variables): boolean {
  if (rules === undefined) return true;
  const first = firstMatch(rules, variables);
  return first !== undefined && first.when !== "never";
}

/** Returns the variables that a job gets from its rules, with references expanded. */
export function variablesFromRules(rules: readonly Rule[], variables: Variables): Variables {
  const given = Object.entries(firstMatch(rules, variables)?.variables ?? {});
  return Object.fromEntries(given.map(([name, value]) => [name, expand(value, variables)]));
}

/** Returns the text with each `$NAME` replaced. An unset variable is empty, as in GitLab. */
export function expand(text: string, variables: Variables): string {
  return text.replace(/\$(\w+)/g, (_, name) => variables[name] ?? "");
}

function firstMatch(rules: readonly Rule[], variables: Variables): Rule | undefined {
  return rules.find((rule) => rule.if === undefined || isMet(rule.if, variables));
}

/** Evaluates `$A == "b" && $C =~ /d/ || $E`, where && binds tighter than ||. Throws for any other syntax. */
export function isMet(expression: string, variables: Variables): boolean {
  return expression
    .split(/\s*\|\|\s*/)
    .some((each) => each.split(/\s*&&\s*/).every((term) => compared(term, variables)));
}

function compared(term: string, variables: Variables): boolean {
  const [, left = "", operator, right = ""] =
    /^(\$\w+)(?:\s*(==|!=|=~|!~)\s*(\$\w+|"[^"]*"|\/.*\/))?$/.exec(term.trim()) ?? [];
  if (left === "") throw new Error(`an expression that is not known: ${term}`);
  const value = variables[left.slice(1)];
  if (operator === undefined) return value !== undefined && value !== "";
  if (operator === "=~" || operator === "!~") {
    return (value !== undefined && new RegExp(right.slice(1, -1)).test(value)) === (operator === "=~");
  }
  const other = right.startsWith("$") ? variables[right.slice(1)] : right.slice(1, -1);
  return (value === other) === (operator === "==");
}
