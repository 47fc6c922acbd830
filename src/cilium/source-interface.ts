import { type Address, familyOf } from "../net/address.ts";
import type { NetworkState } from "../net/network-state.ts";
import { isLinkLocal, isUnicast } from "./interface-addresses.ts";

/** The one usable address of the interface in the peer's family, or why there is none. */
export function sourceAddress(
  { interfaces }: NetworkState,
  name: string,
  peerAddress: Address,
): { address: Address } | { problem: string } {
  const family = familyOf(peerAddress);
  const link = interfaces.find((each) => each.name === name);
  if (link === undefined) return { problem: `there is no interface ${name}` };
  const usable = link.addresses.filter(
    ({ address, isTentative }) =>
      !isTentative && familyOf(address) === family && isUnicast(address) && !isLinkLocal(address),
  );
  if (usable.length === 1) return { address: usable[0]!.address };
  const count = usable.length === 0 ? "no usable" : `${usable.length} usable`;
  return {
    problem: `interface ${name} has ${count} ${family} address${usable.length > 1 ? "es" : ""}, where one is needed`,
  };
}
