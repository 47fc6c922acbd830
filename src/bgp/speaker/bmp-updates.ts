import { address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { AttributeSet } from "../rib/path.ts";
import { encodeMessage } from "../wire/encode.ts";
import { NoRoomError } from "../wire/error.ts";
import type { AfiSafi, CodecOptions, UpdateMessage } from "../wire/message.ts";

/** A route as a station is told of it; without a set it is gone. */
export type ToldRoute = { prefix: Prefix; pathId?: number; set: AttributeSet | undefined };

/** Of an own prefix no session has put its address there. */
const unspecified = { ipv4: address("0.0.0.0"), ipv6: address("::") };

/** One UPDATE for each attribute set, and one for what is gone. `isNumbered`: each with a Path Identifier (RFC 7911). */
export function updatesOf(
  family: AfiSafi,
  routes: Iterable<ToldRoute>,
  isNumbered: boolean,
): UpdateMessage[] {
  return Array.from(
    Map.groupBy(routes, ({ set }) => set),
    ([set, same]) => {
      const prefixes = same.map(({ prefix }) => prefix);
      const pathIds = same.map(({ pathId = 0 }) => pathId);
      const nlri = { family, prefixes, ...(isNumbered && { pathIds }) };
      if (set === undefined) {
        return { type: "UPDATE", withdrawn: [nlri], attributes: undefined, announced: [] };
      }
      const { attributes, nextHop = unspecified[family.afi] } = set;
      return { type: "UPDATE", withdrawn: [], attributes, announced: [{ ...nlri, nextHop }] };
    },
  );
}

/**
 * The bytes of an UPDATE. One with AS numbers of two octets may be too long with four of them. Its routes are
 * then told as withdrawn, for what the station has of them is not true any more.
 */
export function framesOf(
  update: UpdateMessage,
  pathIdsOut: CodecOptions["pathIdsOut"],
): Uint8Array[] {
  const codec: CodecOptions = {
    fourOctetAs: true,
    extendedMessage: true,
    ...(pathIdsOut && { pathIdsOut }),
  };
  try {
    return encodeMessage(update, codec);
  } catch (error) {
    if (!(error instanceof NoRoomError)) throw error;
    const { announced, withdrawn } = update;
    const gone = announced.map(({ nextHop: _, ...nlri }) => nlri);
    const without = { attributes: undefined, announced: [], withdrawn: [...withdrawn, ...gone] };
    return encodeMessage({ type: "UPDATE", ...without }, codec);
  }
}
