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

/** What is wrong with one of the numbers, to be read after its value: `expected a whole number from 1 to 64`. */
export type LeafSpineMistake = { name: keyof LeafSpine; message: string; hint?: string };

/** All that is wrong with the numbers. Empty: nothing. */
export function leafSpineMistakes(of: LeafSpine): LeafSpineMistake[] {
  const names = Object.keys(leafSpineDefaults) as (keyof LeafSpine)[];
  const isNumber = (name: keyof LeafSpine) =>
    Number.isInteger(of[name]) && of[name] >= least[name] && of[name] <= most[name];
  const mistakes = names
    .filter((name) => !isNumber(name))
    .map((name): LeafSpineMistake => {
      const message = `expected a whole number from ${least[name]} to ${most[name]}`;
      return { name, message };
    });
  // What numbers make of each other, where each is one.
  const are = (...those: (keyof LeafSpine)[]) => those.every(isNumber);
  const nodes = of.racks * of.nodesPerRack;
  if (are("racks", "nodesPerRack") && nodes > nodesMax) {
    mistakes.push({
      name: "racks",
      message: `with ${of.nodesPerRack} nodes in each these are ${nodes} nodes`,
      hint: `at most ${nodesMax}, as many as 10.128.0.0/9 has a /24 for`,
    });
  }
  if (are("uplinks", "spines") && of.uplinks > of.spines) {
    mistakes.push({
      name: "uplinks",
      message: `more than there are spines, which are ${of.spines}`,
      hint: "each uplink of a ToR leads to another spine",
    });
  }
  const isSplit = of.superspines === 0 && of.uplinks < of.spines && of.racks > 1;
  if (are("superspines", "uplinks", "spines", "racks") && isSplit) {
    mistakes.push({
      name: "superspines",
      message: "racks that share no spine cannot reach each other",
      hint: "at least one superspine, or as many uplinks as spines",
    });
  }
  return mistakes;
}
