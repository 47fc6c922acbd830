import { type Address, isLinkLocal } from "../net/address.ts";
import type { NetworkInterface } from "../net/network-state.ts";
import type { ReadinessLoop } from "./epoll.ts";
import { openNetlink, receive, SystemCallError } from "./libc.ts";
import { RtnetlinkGroup } from "./netlink.ts";
import { dumpInterfaces } from "./network-dump.ts";

/** An interface, as far as neighbour discovery is concerned. */
export type LinkState = {
  name: string;
  index: number;
  /** Administratively up, and with carrier. */
  isUp: boolean;
  linkLayer: Uint8Array;
  /** IPv6, of link scope, and no other host's: duplicate address detection is over. */
  linkLocal?: Address;
};

/** Hears of changes to links and their IPv6 addresses, in the network namespace of the thread that makes it. */
export class LinkWatch {
  readonly #loop: ReadinessLoop;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(1 << 16);

  /** `onChanged`: something may be different; once for all that came at once. */
  constructor(loop: ReadinessLoop, onChanged: () => void) {
    this.#loop = loop;
    this.#fd = openNetlink([RtnetlinkGroup.link, RtnetlinkGroup.ipv6Address]);
    loop.add(this.#fd, () => {
      this.#drain();
      onChanged();
    });
  }

  /** All interfaces as they are now. */
  links(): LinkState[] {
    return dumpInterfaces().map(linkState);
  }

  close(): void {
    this.#loop.remove(this.#fd);
  }

  /** What the messages say is read anew from the kernel: ENOBUFS, that some were lost, is no different. */
  #drain(): void {
    for (;;) {
      try {
        if (receive(this.#fd, this.#buffer) === undefined) return;
      } catch (error) {
        if (!(error instanceof SystemCallError) || error.code !== "ENOBUFS") throw error;
      }
    }
  }
}

function linkState({ name, index, isUp, hasCarrier, mac, addresses }: NetworkInterface): LinkState {
  const linkLocal = addresses.find(
    ({ address, isTentative }) => isLinkLocal(address) && !isTentative,
  );
  return {
    ...{ name, index, isUp: isUp && hasCarrier },
    linkLayer: Uint8Array.from(Buffer.from(mac?.replaceAll(":", "") ?? "", "hex")),
    ...(linkLocal !== undefined && { linkLocal: linkLocal.address }),
  };
}
