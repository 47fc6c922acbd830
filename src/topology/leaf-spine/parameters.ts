/** A fabric that is written down as numbers. All of them are free. */
export type LeafSpine = {
  /** Each with one ToR. */
  racks: number;
  /** Kubernetes nodes. */
  nodesPerRack: number;
  /** Of each ToR, every one to another spine. */
  uplinks: number;
  spines: number;
  /** Each is connected to every spine; 0: there is no such floor. */
  superspines: number;
};

export const leafSpineDefaults: LeafSpine = {
  racks: 2,
  nodesPerRack: 2,
  uplinks: 2,
  spines: 4,
  superspines: 2,
};

/** What addresses and numbers leave room for (address-plan.ts). */
const most: LeafSpine = {
  racks: 4096,
  nodesPerRack: 1000,
  uplinks: 64,
  spines: 64,
  superspines: 64,
};
const least: LeafSpine = {
  racks: 1,
  nodesPerRack: 1,
  uplinks: 1,
  spines: 1,
  superspines: 0,
};
/** As many /24s as 10.128.0.0/9 has. */
export const nodesMax = 32_768;

/** What is wrong with the numbers, by name: each with a hint. Empty: nothing. */
export function leafSpineMistakes(
  of: LeafSpine,
): { name: keyof LeafSpine; message: string; hint: string }[] {
  const names = Object.keys(leafSpineDefaults) as (keyof LeafSpine)[];
  const mistakes = names
    .filter(
      (name) => !Number.isInteger(of[name]) || of[name] < least[name] || of[name] > most[name],
    )
    .map((name) => ({
      name,
      message: `${of[name]} is no number of this kind`,
      hint: `a whole number from ${least[name]} to ${most[name]}`,
    }));
  if (mistakes.length > 0) return mistakes;
  const nodes = of.racks * of.nodesPerRack;
  if (nodes > nodesMax) {
    mistakes.push({
      name: "racks",
      message: `${of.racks} racks of ${of.nodesPerRack} are ${nodes} nodes`,
      hint: `a /24 of 10.128.0.0/9 for each node is enough for ${nodesMax}`,
    });
  }
  if (of.uplinks > of.spines) {
    mistakes.push({
      name: "uplinks",
      message: `${of.uplinks} uplinks of each ToR, to ${of.spines} spines`,
      hint: "each uplink leads to another spine: no more uplinks than spines",
    });
  }
  if (of.superspines === 0 && of.uplinks < of.spines && of.racks > 1) {
    mistakes.push({
      name: "superspines",
      message: "racks that share no spine cannot reach each other",
      hint: "at least one superspine, or as many uplinks as spines",
    });
  }
  return mistakes;
}
