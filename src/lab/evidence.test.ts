import { expect, test } from "vitest";
import { FakeLab, fabric } from "../scenario/testing/fake-lab.ts";
import { gatherEvidence } from "./evidence.ts";

test("a router's configuration is evidence, and its passwords are not", async () => {
  const lab = new FakeLab();
  const running = "router bgp 65011\n neighbor 10.0.4.2 password s3cret\n";
  lab.answer("tor0", "vtysh -c show running-config", running);
  const binds = [{ source: "frr.conf", destination: "/etc/frr/frr.conf", readOnly: false }];
  const nodes = fabric.nodes.map((node) => (node.name === "tor0" ? { ...node, binds } : node));
  const files = await gatherEvidence("no-such-lab", { ...fabric, nodes }, () => lab.runtime);
  const contents = files.map(({ content }) => String(content)).join("\n");
  expect(contents).not.toContain("s3cret");
  expect(files).toContainEqual({
    path: "tor0/running-config.txt",
    content: running.replace("s3cret", "<hidden>"),
  });
});
