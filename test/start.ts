// The demonstration of `npm start`: a bare host is bootstrapped, checked and removed again.

import { must } from "./integration/run.ts";
import { TestHost, whyNoHosts } from "./integration/test-host.ts";

const why = whyNoHosts();
if (why !== null) {
  console.error(`error: ${why}`);
  process.exit(1);
}
must(["/bin/sh", `${import.meta.dir}/need.sh`]);
must([process.execPath, `${import.meta.dir}/../build/build.ts`, "linux-x64"]);

using host = await TestHost.bare();
host.sh("mkdir -p /srv/site && echo '<h1>It is served</h1>' >/srv/site/index.html");
const publish = "project publish demo --domain demo.test --source /srv/site";
for (const command of ["bootstrap --yes", "bootstrap --yes", "doctor", publish]) {
  console.log(`# edox-ops ${command}`);
  const { code, stdout, stderr } = host.run(["edox-ops", ...command.split(" ")]);
  console.log(stdout + stderr);
  if (code !== 0) throw new Error(`edox-ops ${command} ended with ${code}`);
}
const { stderr } = host.run(["curl", "-sS", "http://127.0.0.1/"]);
if (!stderr.includes("Empty reply from server")) throw new Error(`nginx did not close an unknown name: ${stderr}`);

const page = host.sh("curl -sS --resolve demo.test:80:127.0.0.1 http://demo.test/").stdout;
if (page !== "<h1>It is served</h1>\n") throw new Error(`the site did not answer as it was published: ${page}`);

console.log("a bare Debian 12 was bootstrapped, a second run found nothing to do, and doctor found it ready");
console.log("its nginx runs, serves the site that was published, and closed a request for an unknown name");
console.log("next: sudo dist/linux-x64/edox-ops bootstrap --yes on a host of yours, or npm test");
