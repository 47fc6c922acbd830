import { closeSync } from "node:fs";
import { type Address, addressFromBytes } from "../net/address.ts";
import { ReadinessLoop } from "./epoll.ts";
import { openNetlink, receive, send, SystemCallError } from "./libc.ts";
import { attributes, messages, MessageType, RtnetlinkGroup } from "./netlink.ts";

/** An interface as the kernel has it. */
export type LinkState = {
  name: string;
  index: number;
  /** Administratively up, and with carrier. */
  isUp: boolean;
  linkLayer: Uint8Array;
  /** IPv6, of link scope, and no other host's: duplicate address detection is over. */
  linkLocal?: Address;
};

/** IFF_UP, IFF_LOWER_UP. */
const up = 0x1 | 0x10000;
const LinkAttribute = { address: 1, name: 3 } as const;
const AddressAttribute = { address: 1, flags: 8 } as const;
const linkScope = 253;
/** IFA_F_DADFAILED, IFA_F_TENTATIVE. */
const unusable = 0x08 | 0x40;
const dumpRequest = 0x301;

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
    const fd = openNetlink([]);
    try {
      const links = new Map<number, LinkState>();
      for (const body of this.#dump(fd, MessageType.getLink, MessageType.newLink)) {
        const link = decodeLink(body);
        links.set(link.index, link);
      }
      for (const body of this.#dump(fd, MessageType.getAddress, MessageType.newAddress)) {
        const found = decodeLinkLocal(body);
        const link = found && links.get(found.index);
        if (link !== undefined) link.linkLocal ??= found!.linkLocal;
      }
      return [...links.values()];
    } finally {
      closeSync(fd);
    }
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

  *#dump(fd: number, request: number, answer: number): Generator<Buffer> {
    const message = Buffer.alloc(16 + 8 + 16);
    message.writeUInt32LE(request === MessageType.getLink ? 32 : 24, 0);
    message.writeUInt16LE(request, 4);
    message.writeUInt16LE(dumpRequest, 6);
    message.writeUInt32LE(request, 8);
    if (request === MessageType.getAddress) message[16] = 10; // AF_INET6
    send(fd, message.subarray(0, message.readUInt32LE(0)));
    for (;;) {
      const length = receive(fd, this.#buffer);
      if (length === undefined) throw new Error("the kernel's dump of its links broke off");
      for (const { type, body } of messages(this.#buffer.subarray(0, length))) {
        if (type === answer) yield body;
        if (type === MessageType.done) return;
        if (type === MessageType.error) {
          throw new SystemCallError("dump of links", -body.readInt32LE(0));
        }
      }
    }
  }
}

/** RTM_NEWLINK: struct ifinfomsg, then attributes. */
function decodeLink(body: Buffer): LinkState {
  const flags = body.readUInt32LE(8);
  const link: LinkState = {
    name: "",
    index: body.readInt32LE(4),
    isUp: (flags & up) === up,
    linkLayer: new Uint8Array(),
  };
  for (const [code, value] of attributes(body.subarray(16))) {
    if (code === LinkAttribute.name) link.name = value.toString("utf8", 0, value.length - 1);
    else if (code === LinkAttribute.address) link.linkLayer = Uint8Array.from(value);
  }
  return link;
}

/** RTM_NEWADDR: struct ifaddrmsg, then attributes. Undefined: an address of another scope, or not usable. */
function decodeLinkLocal(body: Buffer): { index: number; linkLocal: Address } | undefined {
  let flags = body[2]!;
  let linkLocal: Address | undefined;
  for (const [code, value] of attributes(body.subarray(8))) {
    if (code === AddressAttribute.flags) flags = value.readUInt32LE();
    else if (code === AddressAttribute.address) linkLocal = addressFromBytes(value);
  }
  if (body[3] !== linkScope || linkLocal === undefined || (flags & unusable) !== 0) {
    return undefined;
  }
  return { index: body.readUInt32LE(4), linkLocal };
}
