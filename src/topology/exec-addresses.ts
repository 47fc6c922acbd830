import { type Address, parseAddress } from "../net/address.ts";
import { type Prefix, prefixOf } from "../net/prefix.ts";

/** An address that an exec line puts on an interface. */
export type InterfaceAddress = { interface: string; address: Address; subnet: Prefix };

/**
 * What `ip address add|replace|change A/L dev I` puts where, or undefined for any other command.
 * Options before and after are those of ip-address(8).
 */
export function addressOfIpCommand(argv: readonly string[]): InterfaceAddress | undefined {
  const words = argv.filter((word, i) => i === 0 || !/^-(4|6|force|f)$/.test(word));
  const [program, object, verb, ...rest] = words;
  if (program !== "ip" && !program?.endsWith("/ip")) return undefined;
  if (!object || object.length === 0 || !"address".startsWith(object)) return undefined;
  if (
    !verb ||
    !["add", "replace", "change"].some((each) => verb.length > 0 && each.startsWith(verb))
  ) {
    return undefined;
  }
  const dev = rest.indexOf("dev");
  const name = dev < 0 ? undefined : rest[dev + 1];
  const written =
    rest[0] === "local" ? rest[1] : rest.find((word) => /^[\da-fA-F:.]+(\/\d+)?$/.test(word));
  if (name === undefined || written === undefined) return undefined;
  const [host, lengthText] = written.split("/");
  const address = parseAddress(host!);
  if (address === undefined) return undefined;
  const length = lengthText === undefined ? (address.includes(":") ? 128 : 32) : Number(lengthText);
  return { interface: name, address, subnet: prefixOf(address, length) };
}
