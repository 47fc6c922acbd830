import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { KindCluster } from "../runtime/docker/kind.ts";
import type { Runtime } from "../runtime/port.ts";
import { agentBundle, inNode } from "./agent-bundle.ts";

/** On the node's disk: /run, where a lab's own namespaces have it, is memory in a kind node. */
const onDisk = "/opt/spinelab";

/** Copies the program of the sources as they are now beside the first; resolves with its path in the node. */
export async function copyCurrentProgram(
  kind: Pick<KindCluster, "copyInto">,
  node: string,
): Promise<string> {
  const bundle = await agentBundle();
  const path = `${dirname(inNode.agent)}/${basename(bundle)}`;
  await kind.copyInto(node, bundle, path);
  return path;
}

/**
 * Copies what an agent needs into the nodes: this process's own node binary, the bundle, koffi with
 * its library for this machine. So the nodes must be of this machine's architecture.
 */
export async function copyAgent(
  kind: Pick<KindCluster, "copyInto">,
  runtime: Pick<Runtime, "exec">,
  nodes: readonly string[],
): Promise<void> {
  const bundle = await agentBundle();
  const modules = ["koffi", `@koromix/koffi-${process.platform}-${process.arch}`];
  await Promise.all(
    nodes.map(async (node) => {
      const run = async (...argv: string[]) => {
        const { exitCode, stderr } = await runtime.exec({ node }, argv);
        if (exitCode !== 0) throw new Error(`${node}: ${argv.join(" ")}: ${stderr.trim()}`);
      };
      const inside = (path: string) => path.replace(/^\/run\/spinelab/, onDisk);
      const folders = [inNode.node, inNode.agent, `${inNode.modules}/@koromix/x`].map((path) =>
        inside(dirname(path)),
      );
      await run("mkdir", "-p", "/run/spinelab", ...folders);
      await kind.copyInto(node, process.execPath, inside(inNode.node));
      await kind.copyInto(node, bundle, inside(inNode.agent));
      for (const name of modules) {
        const source = fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url));
        await kind.copyInto(node, source, `${inside(inNode.modules)}/${name}`);
      }
      for (const folder of ["bin", "app"]) {
        await run("ln", "-sfn", `${onDisk}/${folder}`, `/run/spinelab/${folder}`);
      }
    }),
  );
}
