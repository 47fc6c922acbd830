import { servicesMax } from "../topology/leaf-spine/address-plan.ts";
import {
  type LeafSpine,
  leafSpineDefaults,
  leafSpineMistakes,
} from "../topology/leaf-spine/parameters.ts";
import { leafSpineFields } from "../topology/leaf-spine/read.ts";
import { UsageError } from "./exit.ts";

/** As they stand on the command line. */
export type WrittenOptions = Partial<Record<keyof LeafSpine, string>> & {
  services: string;
  lose: string;
  seed: string;
};

export type ReadOptions = {
  fabric: LeafSpine;
  services: number;
  /** Undefined: no router is lost. */
  lose: string | undefined;
  seed: number;
};

/** The numbers of the lab's file, with those of the command line in their place. Throws UsageError with every mistake. */
export function readScaleOptions(inFile: LeafSpine, written: WrittenOptions): ReadOptions {
  const names = Object.keys(leafSpineDefaults) as (keyof LeafSpine)[];
  const fabric = { ...inFile };
  for (const name of names) fabric[name] = numberOf(written[name]) ?? inFile[name];
  const mistakes = leafSpineMistakes(fabric);
  const told = mistakes.map(({ name, message, hint }) =>
    withHint(`--${leafSpineFields[name]} ${written[name] ?? fabric[name]}: ${message}`, hint),
  );
  const services = numberOf(written.services)!;
  if (!Number.isInteger(services) || services < 0 || services > servicesMax) {
    told.push(
      `--services ${written.services}: expected a whole number from 0 to ${servicesMax}, ` +
        "as many as 10.48.0.0/16 has addresses for",
    );
  }
  const seed = numberOf(written.seed)!;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    told.push(`--seed ${written.seed}: expected a whole number, 0 or more`);
  }
  // Of a kind whose number is a mistake nobody knows how many there are.
  const known = { ...fabric };
  for (const { name } of mistakes) known[name] = Infinity;
  if (written.lose !== "none" && !isRouterOf(known, written.lose)) {
    const hint = mistakes.length > 0 ? "spineN, torN, superspineN or none" : namesOf(fabric);
    told.push(withHint(`--lose ${written.lose}: no such router`, `expected ${hint}`));
  }
  if (told.length > 0) throw new UsageError(told.join("\n"));
  return { fabric, services, seed, lose: written.lose === "none" ? undefined : written.lose };
}

/** NaN where it is none. */
function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^-?\d+$/.test(text.trim()) ? Number(text) : NaN;
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message}\n  hint: ${hint}`;
}

function isRouterOf({ racks, spines, superspines }: LeafSpine, name: string): boolean {
  const { kind, index } =
    /^(?<kind>tor|spine|superspine)(?<index>0|[1-9]\d*)$/.exec(name)?.groups ?? {};
  const counts: Record<string, number> = { tor: racks, spine: spines, superspine: superspines };
  return kind !== undefined && Number(index) < counts[kind]!;
}

/** `spine0 to spine3, tor0 to tor749, superspine0 to superspine1, or none`. */
function namesOf({ racks, spines, superspines }: LeafSpine): string {
  const range = (kind: string, n: number) => (n === 1 ? `${kind}0` : `${kind}0 to ${kind}${n - 1}`);
  const kinds = [range("spine", spines), range("tor", racks)];
  if (superspines > 0) kinds.push(range("superspine", superspines));
  return `${kinds.join(", ")}, or none`;
}
