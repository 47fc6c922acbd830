import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ownLab } from "./own-lab.ts";
import { spinelab } from "./spinelab.ts";

const lab = ownLab("overlap");

// The second partition cuts the rack's uplinks, which the first one cuts too, and is taken back long before it.
const scenario = `name: overlap
steps:
  - name: up
    within: 30s
    expect: [{ session: { on: router0, to: tor1 } }]
  - name: two partitions
    probe: { name: uplink, from: tor1, to: router0, every: 10ms }
    do:
      - partition: { isolate: [tor1] }
        undoAfter: 1500ms
      - partition: { isolate: [tor0, tor1] }
        undoAfter: 300ms
    within: 30s
    expect: [{ outage: { probe: uplink, atLeast: 1400ms, atMost: 10s } }]
`;

test.each(["netns", "sim"])(
  "%s: what one partition cuts stays cut when another one is taken back",
  async (runtime) => {
    const file = join(lab.folder, "overlap.yaml");
    writeFileSync(file, scenario);
    const said = await spinelab(
      ...["run", lab.file, "--name", lab.name, "--runtime", runtime],
      ...["--scenario", file, "--report", join(lab.folder, "reports")],
    );
    expect(said).toMatchObject({ status: 0 });
    expect(said.stdout).toMatch(/✓ outage of uplink/);
  },
);
