import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { stringify } from "yaml";
import type { WrittenPolicy } from "../../cilium/modern-resources.ts";
import { type Diagnostic, InputError } from "../../input/diagnostic.ts";
import { UsageError } from "../exit.ts";

const legacyKind = "CiliumBGPPeeringPolicy";

export function registerConvert(program: Command): void {
  program
    .command("convert")
    .summary("turn CiliumBGPPeeringPolicy and MetalLB's resources into those of cilium.io/v2")
    .argument("<file...>", "manifests")
    .option("-o, --out <file>", "write it there, not to standard output")
    .option("--json", "the objects as JSON")
    .addHelpText(
      "after",
      `
A CiliumBGPPeeringPolicy (v2alpha1) said all in one: which nodes, which neighbors, what they are told.
Its successors are a CiliumBGPClusterConfig, and for each neighbor a CiliumBGPPeerConfig and a
CiliumBGPAdvertisement. The lab legacy-policy-migration shows the change on running nodes.

Of MetalLB an IPAddressPool becomes a CiliumLoadBalancerIPPool, BGPPeers become CiliumBGPClusterConfigs and
CiliumBGPPeerConfigs, a BGPAdvertisement a CiliumBGPAdvertisement, and the annotations of Services Cilium's:
give all files together, since one object speaks of another.

What cannot be said in the same way is told on standard error. Other objects of the files are left out.

Examples:
  spinelab convert bgp-v1.yaml --out bgp-v2.yaml
  spinelab validate bgp-v2.yaml
  spinelab convert metallb/*.yaml services.yaml --out cilium.yaml`,
    )
    .action(async (files: string[], options: { out?: string; json?: boolean }) => {
      const { resources, notes } = await convert(files.map((file) => resolve(file)));
      for (const note of notes) process.stderr.write(`note: ${note}\n`);
      const text = options.json
        ? `${JSON.stringify(resources, undefined, 2)}\n`
        : resources.map((each) => stringify(each)).join("---\n");
      if (options.out === undefined) process.stdout.write(text);
      else {
        writeFileSync(options.out, text);
        process.stdout.write(`${options.out}: ${resources.length} objects\n`);
      }
    });
}

async function convert(files: string[]): Promise<{ resources: object[]; notes: string[] }> {
  const { validateResource } = await import("../../cilium/schema/validate.ts");
  const { modernResources } = await import("../../cilium/modern-resources.ts");
  const { convertedMetallb } = await import("../../cilium/metallb/convert.ts");
  const { readManifests } = await import("../../topology/manifests.ts");
  const diagnostics: Diagnostic[] = [];
  const manifests = readManifests(files, validateResource, diagnostics);
  if (diagnostics.length > 0) throw new InputError(diagnostics);
  const objects = manifests.map(({ object }) => object);
  const made = objects
    .filter(({ kind }) => kind === legacyKind)
    .map((object) => modernResources(object as unknown as WrittenPolicy));
  made.push(convertedMetallb(objects));
  const resources = made.flatMap((each) => each.resources);
  const notes = made.flatMap((each) => each.notes);
  if (resources.length === 0 && notes.length === 0) {
    throw new UsageError(
      `no ${legacyKind} and nothing of MetalLB in ${files.join(", ")}: there is nothing to convert`,
    );
  }
  return { resources, notes };
}
