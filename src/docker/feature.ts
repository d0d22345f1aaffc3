import type { Feature } from "../engine/feature.ts";

const docker: Feature = {
  async bundled({ family }) {
    const { dockerPackages, dockerRepository } = await import("./recipe.ts");
    return {
      name: "docker",
      packages: ["ca-certificates", ...dockerPackages],
      repository: dockerRepository(family),
    };
  },
};

export default docker;
