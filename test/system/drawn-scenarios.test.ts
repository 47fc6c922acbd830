import { expect, test } from "vitest";
import { comparedDrawn } from "../fidelity/compared-lab.ts";
import { faults } from "../fidelity/page.ts";

const limitMs = 300_000;

// What was drawn of more labs and seeds, and what came of it, is in docs/fidelity.md.
test.each([
  ["rack-spine-dual", 1],
  ["unnumbered", 1],
])(
  "what nobody wrote is in virtual time as it is on real FRR: %s, drawn from seed %d",
  async (lab, seed) => {
    const result = await comparedDrawn(lab, seed);
    expect(result.steps).toBeGreaterThan(4);
    expect(result.linesCompared).toBeGreaterThan(1_000);
    expect(faults(result)).toEqual([]);
  },
  limitMs,
);
