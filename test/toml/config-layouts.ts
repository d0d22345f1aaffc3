// Layouts of config.toml as people write them, each with the result of an edit: «before|after». Everything else stays
// unchanged.

import type { TomlEdit } from "../../src/toml/edit.ts";

export interface Layout {
  name: string;
  /** The text with its changes marked. */
  marked: string;
  edits: readonly TomlEdit[];
}

/** The edits that edox-ops applies to a runner that builds images. */
export const imageBuilder = (runner: number): TomlEdit[] => [
  { kind: "set", index: runner, key: ["docker", "privileged"], value: true },
  { kind: "add-items", index: runner, key: ["docker", "volumes"], items: ["/certs/client"] },
];

export function before(marked: string): string {
  return marked.replace(/«([^|»]*)\|([^»]*)»/g, "$1");
}

export function after(marked: string): string {
  return marked.replace(/«([^|»]*)\|([^»]*)»/g, "$2");
}

function layout(name: string, marked: string, edits: readonly TomlEdit[] = imageBuilder(0)): Layout {
  return { name, marked, edits };
}

const privileged: TomlEdit[] = imageBuilder(0).slice(0, 1);
const volumes: TomlEdit[] = imageBuilder(0).slice(1);
const concurrent: TomlEdit[] = [{ kind: "set-top-level", key: "concurrent", value: 4 }];
const added: TomlEdit[] = [
  { kind: "add-table", table: { name: "new", limit: 2, docker: { image: "alpine", volumes: ["/cache"] } } },
];
const removed = (runner: number): TomlEdit[] => [{ kind: "remove-table", index: runner }];

export const layouts: Layout[] = [
  layout(
    "as gitlab-runner register writes it",
    `concurrent = 1
check_interval = 0

[session_server]
  session_timeout = 1800

[[runners]]
  name = "docs"
  url = "https://gitlab.example.org/"
  token = "glrt-x"
  executor = "docker"
  [runners.cache]
    MaxUploadedArchiveSize = 0
  [runners.docker]
    tls_verify = false
    image = "alpine"
    privileged = «false|true»
    volumes = ["/cache"«|, "/certs/client"»]
    shm_size = 0
`,
  ),
  layout(
    "a section that needs no change",
    `[[runners]]\n  [runners.docker]\n    privileged = true\n    volumes = ["/certs/client"]\n`,
  ),
  layout(
    "a missing last newline",
    `[[runners]]\n[runners.docker]\nvolumes = ["/cache"«|, "/certs/client"»]\nprivileged = «false|true»`,
  ),
  layout(
    "missing keys after a missing last newline",
    `[[runners]]\n[runners.docker]\nimage = "alpine"«|\nprivileged = true\nvolumes = ["/certs/client"]»`,
  ),
  layout(
    "CRLF line ends",
    `[[runners]]\r\n  [runners.docker]\r\n    image = "a"\r\n«|    privileged = true\r\n»«|    volumes = ["/certs/client"]\r\n»\r\n[x]\r\n`,
  ),
  layout(
    "CRLF line ends without a last one",
    `[[runners]]\r\n  [runners.docker]\r\n    image = "a"«|\r\n    privileged = true\r\n    volumes = ["/certs/client"]»`,
  ),
  layout("a byte order mark", `\ufeff[[runners]]\n  [runners.docker]\n    privileged = «false|true»\n`, privileged),
  layout("a byte order mark and nothing else", `\ufeff«|concurrent = 4\n»`, concurrent),
  layout(
    "strings in single quotes",
    `[[runners]]\n[runners.docker]\nprivileged = «false|true»\nvolumes = ['/cache', 'C:\\x'«|, "/certs/client"»]\n`,
  ),
  layout("an existing item in single quotes", `[[runners]]\n[runners.docker]\nvolumes = ['/certs/client']\n`, volumes),
  layout(
    "an existing item with escapes",
    `[[runners]]
[runners.docker]
volumes = ["\\u002fcerts\\u002Fclient", "a\\"b]"]
`,
    volumes,
  ),
  layout(
    "escapes and brackets in the strings of an array",
    `[[runners]]
[runners.docker]
volumes = ["a\\"]b", "c\\\\"«|, "/certs/client"»] # "]
`,
    volumes,
  ),
  layout(
    "an array over several lines, with comments and a last comma",
    `[[runners]]
  [runners.docker]
    volumes = [
      "/cache", # kept between jobs
      # "/certs/client",
      "/builds"«|, "/certs/client"», # ]
    ]
`,
    volumes,
  ),
  layout(
    "an array over several lines without a last comma",
    `[[runners]]\n[runners.docker]\nvolumes = [ "/cache"\n  , "/builds"«|, "/certs/client"»\n  # ]\n]\n`,
    volumes,
  ),
  layout("an empty array", `[[runners]]\n[runners.docker]\nvolumes = [«|"/certs/client"»]\n`, volumes),
  layout(
    "an empty array over several lines",
    `[[runners]]\n[runners.docker]\nvolumes = [«|"/certs/client"» # none yet\n]\n`,
    volumes,
  ),
  layout(
    "spaces in headers and around keys",
    `[[ runners ]]\n[ runners . "docker" ] # here\nprivileged\t=   «false|true»   # no\nvolumes=["/cache"«|, "/certs/client"»]\n`,
  ),
  layout(
    "quoted headers and keys",
    `[["runners"]]\n['runners'."docker"]\n"privileged" = «false|true»\n'volumes' = ["/cache"«|, "/certs/client"»]\n`,
  ),
  layout(
    "a key that is quoted with an escape",
    `[[runners]]
[runners.docker]
"privile\\u0067ed" = «false|true»
`,
    privileged,
  ),
  layout(
    "dotted keys",
    `[[runners]]\nname = "a"\ndocker.privileged = «false|true»\ndocker . "volumes" = ["/cache"«|, "/certs/client"»]\n`,
  ),
  layout(
    "dotted keys without the key",
    `[[runners]]\n  "docker" . image = "alpine" # small\n«|  "docker".privileged = true\n»  name = "a"\n[x]\n`,
    privileged,
  ),
  layout(
    "an inline table",
    `[[runners]]\ndocker = { privileged = «false|true», volumes = ["/cache"«|, "/certs/client"»] }\n`,
  ),
  layout(
    "an inline table in which keys are missing",
    `[[runners]]\ndocker = { image = "a"«|, privileged = true, volumes = ["/certs/client"]» }\nname = "b"\n`,
  ),
  layout("an empty inline table", `[[runners]]\ndocker = {«| privileged = true »}\nname = "b"\n`, privileged),
  layout(
    "dotted keys in an inline table",
    `[[runners]]\ndocker = { auth.user = "x"«|, auth.file = "y"», image = "a" }\n`,
    [{ kind: "set", index: 0, key: ["docker", "auth", "file"], value: "y" }],
  ),
  layout(
    "runners as an inline array",
    `runners = [ { name = "a", docker = { privileged = false } }, # first
  { name = "b", docker = { privileged = «false|true»«|, volumes = ["/certs/client"]» } },
]
`,
    imageBuilder(1),
  ),
  layout(
    "a table that only its inner tables define",
    `[[runners]]
  name = "a"
«|  [runners.docker]
    privileged = true
    volumes = ["/certs/client"]
»  # a database
  [[runners.docker.services]]
    name = "postgres"
  [[runners.docker.services]]
    name = "redis"
[[runners]]
  name = "b"
`,
  ),
  layout(
    "no table, followed by others",
    `[[runners]]
  name = "a"
  [runners.cache]
    Type = "s3"
    [runners.cache.s3]
      BucketName = "x"
      # Insecure = true
«|  [runners.docker]
    privileged = true
    volumes = ["/certs/client"]
»
# the second
[[runners]]
  name = "b"
  [runners.docker]
    privileged = false
`,
  ),
  layout(
    "no table, before the comment of the next runner",
    `[[runners]]\nname = "a"\n«|[runners.docker]\nprivileged = true\n»# the second\n[[runners]]\nname = "b"\n`,
    privileged,
  ),
  layout(
    "no table, at the end of the file",
    `[[runners]]\nname = "a"\n«|[runners.docker]\nprivileged = true\nvolumes = ["/certs/client"]\n»`,
  ),
  layout("no keys at all", `[[runners]]\n«|  [runners.docker]\n    privileged = true\n»`, privileged),
  layout(
    "a header without keys at the end of the file",
    `[[runners]]\n  [runners.docker]«|\n    privileged = true»`,
    privileged,
  ),
  layout(
    "a global table between a runner and its table",
    `[[runners]]\n  name = "a"\n[session_server]\n  listen_address = "x"\n[runners.docker]\n  privileged = «false|true»\n[[runners]]\n`,
    privileged,
  ),
  layout(
    "values of the same name elsewhere",
    `privileged = false
[[runners]]
  executor = "kubernetes"
  [runners.kubernetes]
    privileged = false
    [[runners.kubernetes.volumes.host_path]]
      name = "x"
[[runners]]
  [runners.docker]
    services_privileged = false
    allowed_privileged_images = []
    privileged = «false|true»
  [runners.docker.sysctls]
    privileged = "false"
`,
    imageBuilder(1).slice(0, 1),
  ),
  layout(
    "an environment that looks like keys",
    `[[runners]]
  environment = ["privileged = false", "A=\\"[runners.docker]\\"", 'volumes = ["/cache"]']
  [runners.docker]
    privileged = «false|true»
    volumes = ["/cache"«|, "/certs/client"»]
`,
  ),
  layout(
    "a script that looks like a configuration",
    `[[runners]]
  pre_build_script = """
[[runners]]
  [runners.docker]
    privileged = false
    # volumes = ["/cache"]
"""
  post_build_script = '''
# [runners.docker]
privileged = false'''
«|  [runners.docker]
    privileged = true
    volumes = ["/certs/client"]
»[[runners]]
  name = "b"
`,
  ),
  layout(
    "comments with the opposite value",
    `[[runners]]
  [runners.docker]
    # privileged = false
    #privileged = true
    privileged = «false|true» # privileged = false
    # volumes = ["/certs/client"]
    volumes = ["/cache"«|, "/certs/client"»]
`,
  ),
  layout(
    "a commented key without a key",
    `[[runners]]\n  [runners.docker]\n    # privileged = false\n    image = "a"\n«|    privileged = true\n»    # volumes = []\n`,
    privileged,
  ),
  layout(
    "the second of three runners",
    `[[runners]]
  [runners.docker]
    privileged = false
[[runners]]
  [runners.docker]
    privileged = «false|true»
«|    volumes = ["/certs/client"]
»[[runners]]
  [runners.docker]
    privileged = false
`,
    imageBuilder(1),
  ),
  layout("tabs", `[[runners]]\n\t[runners.docker]\n\t\timage = "a"\n«|\t\tprivileged = true\n»`, privileged),
  layout(
    "a value of the wrong type",
    `[[runners]]\n[runners.docker]\nprivileged = «"false"|true» # a string\n`,
    privileged,
  ),
  layout(
    "characters of four bytes before the edit",
    `# 🦊 é\n[[runners]]\nname = "🦊"\n[runners.docker]\nimage = "🦊" # 🦊\nprivileged = «false|true»\n`,
    privileged,
  ),
  layout(
    "a key that a bare word cannot be",
    `[[runners]]\n[runners.feature_flags]\nFF_A = true\n«|"FF \\"B\\"" = true\n»`,
    [{ kind: "set", index: 0, key: ["feature_flags", 'FF "B"'], value: true }],
  ),
  layout("a global key", `# top\nconcurrent = «1|4» # jobs\n[[runners]]\nconcurrent = 2\n`, concurrent),
  layout("no global key", `log_level = "info"\n«|concurrent = 4\n»\n[[runners]]\nconcurrent = 2\n`, concurrent),
  layout(
    "no global keys at all",
    `# All of them.\n\n«|concurrent = 4\n\n»# The first.\n[[runners]]\nname = "a"\n`,
    concurrent,
  ),
  layout("an empty file", "«|concurrent = 4\n»", concurrent),
  layout("nothing but comments", "# concurrent = 1«|\nconcurrent = 4»", concurrent),
  layout(
    "a runner added to an empty file",
    `«|[[runners]]
  name = "new"
  limit = 2
  [runners.docker]
    image = "alpine"
    volumes = ["/cache"]
»`,
    added,
  ),
  layout(
    "a runner added after a missing last newline",
    `[[runners]]\nname = "a"\n[x]\ny = 1«|\n\n[[runners]]\nname = "new"\nlimit = 2\n[runners.docker]\nimage = "alpine"\nvolumes = ["/cache"]»`,
    added,
  ),
  layout(
    "a runner added to an inline array",
    `runners = [{ name = "a" }«|, { name = "new", limit = 2, docker = { image = "alpine", volumes = ["/cache"] } }»,]\n[x]\n`,
    added,
  ),
  layout(
    "a runner added to an empty inline array",
    `runners = [«|{ name = "new", limit = 2, docker = { image = "alpine", volumes = ["/cache"] } }»]\n[x]\n`,
    added,
  ),
  layout(
    "a runner removed, with its tables and its comments",
    `concurrent = 1

# the first
[[runners]]
  name = "a"
  # Type = "s3"
«# the second,
# that goes
[[runners]]
  name = "b"
  [runners.docker]
    privileged = false

|»# the third
[[runners]]
  name = "c"
`,
    removed(1),
  ),
  layout(
    "a runner removed around a global table",
    `«[[runners]]
name = "a"
|»[session_server]
session_timeout = 1
«[runners.docker]
image = "x"
|»[[runners]]
name = "b"
`,
    removed(0),
  ),
  layout("the last runner removed", `concurrent = 1\n«\n[[runners]]\nname = "a"\n|»`, removed(0)),
  layout(
    "a runner removed under the comment of another section",
    `[[runners]]\n  name = "a"\n  # limit = 1\n«[[runners]]\n  name = "b"|»`,
    removed(1),
  ),
  layout(
    "a runner removed from an inline array",
    `runners = [ { name = "a" }, «{ name = "b" }, |»{ name = "c" } ]\n`,
    removed(1),
  ),
  layout(
    "the last runner of an inline array removed",
    `runners = [\n  { name = "a" }«,\n  { name = "b" }|» # b\n]\n`,
    removed(1),
  ),
  layout(
    "a line of an inline array removed",
    `runners = [\n«  { name = "a" },\n|»  { name = "b" }, # b\n]\n`,
    removed(0),
  ),
  layout(
    "a runner removed after a comment of its neighbour",
    `runners = [ { name = "a" }«,|» # a\n  «{ name = "b" }|» ]\n`,
    removed(1),
  ),
];
