import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildFabric } from "../topology/fabric-build.ts";
import { everyLink, everyNode } from "./testing/single-faults.ts";

const repository = new URL("../../", import.meta.url).pathname;

test.each(["rack-spine", "rack-spine-dual"])("%s: every link, every node", (lab) => {
  const built = buildFabric({
    topology: `${repository}topologies/${lab}.clab.yaml`,
    clusters: [`${repository}labs/rack-spine/cluster.yaml`],
    environment: {},
  });
  if ("diagnostics" in built) throw new Error(JSON.stringify(built.diagnostics));
  const files = { "every-link": everyLink(built.fabric), "every-node": everyNode(built.fabric) };
  for (const [name, text] of Object.entries(files)) {
    const file = `${repository}scenarios/${lab}/${name}.yaml`;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, "utf8"));
  }
});
