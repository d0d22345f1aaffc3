// Converts the lcov file of the test runner to the Cobertura format that GitLab reads.

export interface Coverage {
  lines: number;
  hit: number;
  files: Map<string, Map<number, number>>;
}

export function readLcov(lcov: string): Coverage {
  const files = new Map<string, Map<number, number>>();
  let lines = new Map<number, number>();
  for (const line of lcov.split("\n")) {
    if (line.startsWith("SF:")) {
      lines = new Map();
      files.set(line.slice(3), lines);
    }
    const [, number, hits] = /^DA:(\d+),(\d+)/.exec(line) ?? [];
    if (number !== undefined) lines.set(Number(number), Number(hits));
  }
  const all = [...files.values()].flatMap((each) => [...each.values()]);
  return { files, lines: all.length, hit: all.filter((hits) => hits > 0).length };
}

export function coberturaXml({ files, lines, hit }: Coverage): string {
  const classes = [...files].map(([path, each]) => {
    const rows = [...each].map(([number, hits]) => `<line number="${number}" hits="${hits}"/>`).join("");
    const rate = rateOf([...each.values()].filter((hits) => hits > 0).length, each.size);
    return `<class name="${path}" filename="${path}" line-rate="${rate}"><methods/><lines>${rows}</lines></class>`;
  });
  return `<?xml version="1.0"?>
<coverage line-rate="${rateOf(hit, lines)}" lines-covered="${hit}" lines-valid="${lines}" version="1">
<sources><source>.</source></sources>
<packages><package name="src"><classes>
${classes.join("\n")}
</classes></package></packages>
</coverage>
`;
}

function rateOf(hit: number, lines: number): string {
  return (lines === 0 ? 1 : hit / lines).toFixed(4);
}
