import { expect, test } from "vitest";
import { comparedLab } from "../fidelity/compared-lab.ts";

const limitMs = 240_000;

// Every lab is compared by `make fidelity`, which writes docs/fidelity.md. These two have IPv4 and IPv6, several ways
// to a place, a cut cable, a restarted bgpd and a power cut.
test.each(["unnumbered", "rack-spine-dual"])(
  "%s is in virtual time as it is on real FRR, after each step: sessions, tables, kernel routes, pings and ways",
  async (name) => {
    const { sim, real, steps, linesCompared, differences } = await comparedLab(name);
    expect({ sim, real }).toEqual({ sim: "pass", real: "pass" });
    expect(steps).toBeGreaterThan(5);
    expect(linesCompared).toBeGreaterThan(500);
    expect(differences.filter(({ why }) => why === undefined)).toEqual([]);
  },
  limitMs,
);
