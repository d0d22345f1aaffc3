// A stand-in for GitLab on loopback: the generic package registry and the releases of one project, as documented in
// their API, refusals included.

export interface Link {
  name: string;
  url: string;
  direct_asset_path: string;
  link_type: string;
}

export class GitlabReleases implements AsyncDisposable {
  /** The content of package files, by `VERSION/NAME`. */
  readonly files = new Map<string, Uint8Array>();
  readonly releases = new Map<string, { description: string; links: Link[] }>();
  /** Requests of this method are answered with 503 as many times. */
  unwell = { method: "", times: 0 };
  private readonly server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => this.answer(request) });

  /** `tags` are those of its repository. */
  constructor(
    private readonly token: string,
    private readonly tags: readonly string[],
  ) {}

  /** The value of CI_API_V4_URL in a job. */
  get api(): string {
    return `http://127.0.0.1:${this.server.port}/api/v4`;
  }

  readonly id = "7";

  private async answer(request: Request): Promise<Response> {
    const { method, headers } = request;
    const { pathname } = new URL(request.url);
    if (this.unwell.method === method && this.unwell.times-- > 0) return new Response("unwell", { status: 503 });
    if (headers.get("JOB-TOKEN") !== this.token) return refused(401, "401 Unauthorized");
    const [, path] =
      /^\/api\/v4\/projects\/7\/packages\/generic\/edox-ops\/(\d+\.\d+\.\d+\/[\w.+~@-]+)$/.exec(pathname) ?? [];
    if (path !== undefined) return this.file(method, path, request);
    const [, tag, links] = /^\/api\/v4\/projects\/7\/releases(?:\/([^/]+))?(\/assets\/links)?$/.exec(pathname) ?? [];
    const body = method === "POST" ? ((await request.json()) as Record<string, never>) : {};
    if (pathname.endsWith("/releases/permalink/latest")) return this.latest();
    if (tag === undefined) return method === "POST" ? this.make(body) : refused(404, "404 Not Found");
    const release = this.releases.get(tag);
    if (!release || !links) return refused(404, "404 Not Found");
    if (method === "GET") return Response.json(release.links);
    return this.link(release.links, body as unknown as Link);
  }

  private async file(method: string, path: string, request: Request): Promise<Response> {
    if (method === "PUT") {
      this.files.set(path, new Uint8Array(await request.arrayBuffer()));
      return Response.json({ message: "201 Created" }, { status: 201 });
    }
    const bytes = this.files.get(path);
    return bytes ? new Response(bytes) : refused(404, "404 Not Found");
  }

  private make(body: object): Response {
    const { tag_name, description, assets } = body as {
      tag_name: string;
      description: string;
      assets: { links: Link[] };
    };
    if (!this.tags.includes(tag_name)) return refused(422, "Ref is not specified");
    if (this.releases.has(tag_name)) return refused(409, "Release already exists");
    const links: Link[] = [];
    for (const link of assets.links) {
      const answer = this.link(links, link);
      if (answer.status !== 201) return answer;
    }
    this.releases.set(tag_name, { description, links });
    return Response.json({ tag_name }, { status: 201 });
  }

  /** Returns the newest release. */
  private latest(): Response {
    const tag = [...this.releases.keys()].at(-1);
    return tag === undefined ? refused(404, "404 Not Found") : Response.json({ tag_name: tag });
  }

  private link(links: Link[], link: Link): Response {
    for (const unique of ["name", "url", "direct_asset_path"] as const) {
      if (links.some((each) => each[unique] === link[unique])) return refused(400, `${unique} has already been taken`);
    }
    if (!URL.canParse(link.url)) return refused(400, "url is not a valid URL");
    if (!/^\/[\w.-]+$/.test(link.direct_asset_path)) return refused(400, "filepath is in an invalid format");
    if (!["other", "runbook", "image", "package"].includes(link.link_type))
      return refused(400, "link_type is not valid");
    links.push(link);
    return Response.json(link, { status: 201 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true);
  }
}

function refused(status: number, message: string): Response {
  return Response.json({ message }, { status });
}
