import { EnvironmentError } from "../../input/diagnostic.ts";
import { type Address, addressToBytes, type Family, familyOf } from "../../net/address.ts";
import type { SimNode } from "../network.ts";
import type { World } from "../world.ts";
import { splitShellWords } from "../../topology/shell-words.ts";
import { scriptAnswer } from "./answer-script.ts";

/** Where a program runs. `readFile`: undefined where there is no such file. */
export type ProgramPlace = {
  world: World;
  node: SimNode;
  hostname: string;
  readFile: (path: string) => string | undefined;
};

/** Those that nobody else notices. */
const silent: ReadonlySet<string> = new Set(["sleep", "pause"]);

/** Starts a program that goes on: a server of `socat`, else one that is not known. Returns how to end it. */
export function startProgram(place: ProgramPlace, argv: readonly string[]): () => void {
  const { world, node } = place;
  const [program = ""] = argv;
  if (silent.has(program)) return () => {};
  const listens = program === "socat" ? listening(argv[1] ?? "") : undefined;
  const script = listens && scriptOf(argv[2] ?? "", place);
  if (listens === undefined || script === undefined) return world.programs.runUnknown(node, argv);
  return world.programs.serve(node, {
    ...listens,
    answer: ({ peer }) => {
      const env = { SOCAT_PEERADDR: peerText(peer) };
      const said = scriptAnswer(script, { hostname: place.hostname, env });
      if (said !== undefined) return said;
      throw new EnvironmentError(
        `the simulation cannot tell what '${script.trim()}' on ${node.name} says`,
        "run the lab with --runtime netns",
      );
    },
  });
}

function listening(address: string) {
  const [, version, port, options = ""] =
    /^TCP([46])-LISTEN:(\d+)((?:,(?:fork|reuseaddr|ipv6only=1))*)$/i.exec(address) ?? [];
  if (port === undefined) return undefined;
  const isBoth = version === "6" && !options.includes("ipv6only");
  const own: Family = version === "6" ? "ipv6" : "ipv4";
  const families: Family[] = isBoth ? ["ipv4", "ipv6"] : [own];
  return { port: Number(port), families };
}

/** As socat writes it: IPv6 in full, in brackets. */
function peerText(peer: Address): string {
  if (familyOf(peer) === "ipv4") return peer;
  const hex = Buffer.from(addressToBytes(peer)).toString("hex");
  return `[${hex.match(/.{4}/g)!.join(":")}]`;
}

/** Of `SYSTEM:SCRIPT` and `EXEC:"sh FILE"`, whose quotes and backslashes socat takes off. */
function scriptOf(address: string, place: ProgramPlace): string | undefined {
  const [, kind, rest = ""] = /^(SYSTEM|EXEC):([^]*)$/.exec(address) ?? [];
  const text = rest.replace(/^(['"])([^]*)\1$/, "$2").replaceAll(/\\(.)/g, "$1");
  if (kind === "SYSTEM") return text;
  if (kind !== "EXEC") return undefined;
  const split = splitShellWords(text);
  const [shell, file = "", ...others] = "words" in split ? split.words : [];
  return shell === "sh" && others.length === 0 ? place.readFile(file) : undefined;
}
