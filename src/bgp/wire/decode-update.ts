import type { Address } from "../../net/address.ts";
import { mergeAs4Path } from "./as-path.ts";
import { attributeName, attributeRows, type BesideAttributes } from "./attributes.ts";
import { type ByteRange, ByteReader, MalformedError } from "./bytes.ts";
import type { AttributeProblem } from "./decode.ts";
import { WireError } from "./error.ts";
import type { AfiSafi, CodecOptions, PathAttributes, UpdateMessage } from "./message.ts";
import { isHost, type MpReach } from "./mp-nlri.ts";
import { decodeNlri, isEmptyNlri, type NlriField, readNlri } from "./nlri.ts";
import {
  asTrans,
  AttributeCode,
  AttributeFlag,
  ipv4Unicast,
  NotificationCode,
  UpdateSubcode,
} from "./registry.ts";

/** From an external peer these are ignored, well formed or not (RFC 7606 §7.5, §7.9, §7.10). */
const internalOnly: ReadonlySet<number> = new Set([
  AttributeCode.localPref,
  AttributeCode.originatorId,
  AttributeCode.clusterList,
]);

const nextHopName = attributeName(AttributeCode.nextHop);

/** Optional and Transitive: the bits a row fixes. */
const kindBits = AttributeFlag.optional | AttributeFlag.transitive;

/** `asItCame`: the attributes and the next hop, where writeAttributes() makes the very same bytes of them. */
export type Announced = MpReach & { readonly asItCame?: ByteRange | undefined };

/** An UPDATE as a session takes it in: UpdateMessage, its prefixes as they stand in the message. */
export type ReceivedUpdate = {
  readonly type: "UPDATE";
  readonly withdrawn: readonly NlriField[];
  /** Undefined where nothing is announced. */
  readonly attributes: PathAttributes | undefined;
  readonly announced: readonly Announced[];
  readonly endOfRib?: AfiSafi;
};

/** The body of an UPDATE (RFC 4271 §4.3, errors RFC 7606). */
export function readUpdate(
  body: ByteReader,
  codec: CodecOptions,
): { update: ReceivedUpdate; problems: AttributeProblem[] } {
  // 1. The three fields. Where their lengths do not fit the message, nothing in it can be located.
  const withdrawnField = lengthField(body, "Withdrawn Routes");
  const attributesField = lengthField(body, "Path Attributes");
  const withdrawnIpv4 = classicNlri(withdrawnField, codec);
  const noAttributes = attributesField.remaining === 0;
  const attributeBytes = attributesField.rest();

  // 2. The attributes, errors gathered.
  const decoded = decodeAttributes(attributesField, codec);
  const { found, beside, problems: all, codes } = decoded;
  const announcedIpv4 = classicNlri(body, codec);
  const hasIpv4 = !isEmptyNlri(announcedIpv4);
  const { mpReach, mpUnreach } = beside;
  const hasMp = mpReach !== undefined && !isEmptyNlri(mpReach);
  // RFC 4760 §3: beside MP_REACH_NLRI alone NEXT_HOP is ignored.
  const ignoresNextHop = !hasIpv4 && codes.has(AttributeCode.mpReachNlri);
  const problems =
    ignoresNextHop && all.length > 0 ? all.filter((one) => one.attribute !== nextHopName) : all;

  // 3. Everything announced and withdrawn, whichever field it stood in.
  const withdrawn: NlriField[] = isEmptyNlri(withdrawnIpv4) ? [] : [withdrawnIpv4];
  if (mpUnreach !== undefined && !isEmptyNlri(mpUnreach)) withdrawn.push(mpUnreach);

  // 4. Nothing announced: End-of-RIB (RFC 4724 §2), withdrawals, or NLRI that the errors may have hidden.
  if (!hasIpv4 && !hasMp) {
    const worse = problems.find(({ handling }) => handling === "treatAsWithdraw");
    if (worse !== undefined) {
      throw updateError(
        "malformedAttributeList",
        `${worse.attribute}: ${worse.reason}, and no NLRI`,
        "RFC 7606 §5.2",
      );
    }
    const endOfRib =
      withdrawn.length > 0 ? undefined : noAttributes ? ipv4Unicast : onlyFamily(mpUnreach, codes);
    const update = { type: "UPDATE", withdrawn, attributes: undefined, announced: [] } as const;
    return { update: endOfRib === undefined ? update : { ...update, endOfRib }, problems };
  }

  // 5. RFC 7606 §3(d): attributes that must be there, and a next hop that can be one.
  if (!codes.has(AttributeCode.origin)) problems.push(missing(AttributeCode.origin));
  if (!codes.has(AttributeCode.asPath)) problems.push(missing(AttributeCode.asPath));
  if (hasIpv4 && !codes.has(AttributeCode.nextHop)) problems.push(missing(AttributeCode.nextHop));
  if (hasMp && !isHost(mpReach.nextHop) && !codec.anyNextHop) {
    const attribute = attributeName(AttributeCode.mpReachNlri);
    problems.push({
      attribute,
      handling: "treatAsWithdraw",
      reason: `next hop ${mpReach.nextHop}`,
    });
  }

  // 6. RFC 7606 §2: one treat-as-withdraw withdraws all that the message announces.
  if (problems.some(({ handling }) => handling === "treatAsWithdraw")) {
    if (hasIpv4) withdrawn.push(announcedIpv4);
    if (hasMp) withdrawn.push(mpReach);
    return {
      update: { type: "UPDATE", withdrawn, attributes: undefined, announced: [] },
      problems,
    };
  }

  // 7. Now ORIGIN, AS_PATH and, for IPv4 in the UPDATE's own field, NEXT_HOP are known to be there.
  const asItCame = decoded.isAsWritten ? attributeBytes : undefined;
  const announced: Announced[] = hasIpv4
    ? [announcedWith(announcedIpv4, beside.nextHop!, asItCame)]
    : [];
  if (hasMp) announced.push(mpReach);
  const attributes = found as PathAttributes;
  mergeFourOctetAs(attributes, beside, codec);
  return { update: { type: "UPDATE", withdrawn, attributes, announced }, problems };
}

function announcedWith(
  { family, bytes, start, end, isNumbered }: NlriField,
  nextHop: Address,
  asItCame: ByteRange | undefined,
): Announced {
  return { family, bytes, start, end, isNumbered, nextHop, asItCame };
}

/** The UPDATE as a value. */
export function updateMessage(update: ReceivedUpdate): UpdateMessage {
  const { withdrawn, attributes, announced, endOfRib } = update;
  return {
    type: "UPDATE",
    withdrawn: withdrawn.map((nlri) => ({ family: nlri.family, ...decodeNlri(nlri) })),
    attributes,
    announced: announced.map(({ nextHop, asItCame: _, ...nlri }) => ({
      family: nlri.family,
      nextHop,
      ...decodeNlri(nlri),
    })),
    ...(endOfRib && { endOfRib }),
  };
}

/** What writeAttributes() wrote, in four-octet form and without errors. */
export function decodeStoredAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
): PathAttributes {
  return decodeAttributes(new ByteReader(bytes, start, end), stored).found as PathAttributes;
}

const stored: CodecOptions = { fourOctetAs: true, extendedMessage: true };

/** RFC 4724 §2: of an UPDATE with nothing but an empty MP_UNREACH_NLRI. */
function onlyFamily(
  mpUnreach: NlriField | undefined,
  { size }: AttributeCodes,
): AfiSafi | undefined {
  return size === 1 ? mpUnreach?.family : undefined;
}

/** Which attributes an UPDATE has: those up to 31, which are nearly all, as bits. */
class AttributeCodes {
  size = 0;
  #low = 0;
  #high: Set<number> | undefined;

  has(code: number): boolean {
    return code < 32 ? (this.#low & (1 << code)) !== 0 : (this.#high?.has(code) ?? false);
  }

  add(code: number): void {
    this.size++;
    if (code < 32) this.#low |= 1 << code;
    else (this.#high ??= new Set()).add(code);
  }
}

function decodeAttributes(
  field: ByteReader,
  codec: CodecOptions,
): {
  found: Partial<PathAttributes>;
  beside: BesideAttributes;
  problems: AttributeProblem[];
  codes: AttributeCodes;
  /** Whether what was found is written as it stands here, the next hop included. */
  isAsWritten: boolean;
} {
  const found: Partial<PathAttributes> = {};
  const beside: BesideAttributes = {};
  const problems: AttributeProblem[] = [];
  const codes = new AttributeCodes();
  let isAsWritten = codec.fourOctetAs;
  let lastCode = 0;
  // One after the other.
  const value = field.part(0, "path attributes");
  while (field.remaining > 0) {
    // RFC 7606 §4: a header or value that runs past the field's end ends the attributes, not the session.
    let flags: number;
    let code: number;
    try {
      flags = field.u8("attribute flags");
      code = field.u8("attribute type");
      const isLong = (flags & AttributeFlag.extendedLength) !== 0;
      const length = isLong ? field.u16("attribute length") : field.u8("attribute length");
      field.reusePart(length, attributeName(code), value);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      problems.push({
        attribute: "path attributes",
        handling: "treatAsWithdraw",
        reason: error.message,
      });
      break;
    }
    const row = attributeRows[code];
    isAsWritten &&= code > lastCode && flags === row?.flags && row.isRewritten !== true;
    lastCode = code;
    // RFC 7606 §3(g): the first counts; two of these would leave open which NLRI are meant.
    if (codes.has(code)) {
      if (code === AttributeCode.mpReachNlri || code === AttributeCode.mpUnreachNlri) {
        throw updateError("malformedAttributeList", `${attributeName(code)} twice`, "RFC 7606 §3");
      }
      continue;
    }
    codes.add(code);
    if (codec.external && internalOnly.has(code)) {
      isAsWritten = false;
      continue;
    }
    const problem = decodeAttribute(flags, code, value, found, codec, beside);
    if (problem === undefined) continue;
    problems.push(problem);
    isAsWritten = false;
  }
  return { found, beside, problems, codes, isAsWritten };
}

function decodeAttribute(
  flags: number,
  code: number,
  value: ByteReader,
  found: Partial<PathAttributes>,
  codec: CodecOptions,
  beside: BesideAttributes,
): AttributeProblem | undefined {
  const row = attributeRows[code];
  if (row === undefined) {
    decodeUnknown(flags, code, value, found);
    return undefined;
  }
  const { name, onError } = row;
  // What is discarded must not be found; after any other error nothing that was found is used.
  const discardable = onError === "attributeDiscard";
  const into = discardable ? {} : found;
  const intoBeside = discardable ? {} : beside;
  try {
    row.decode(value, into, codec, intoBeside);
    if (value.remaining > 0) throw new MalformedError(`${value.remaining} bytes too many`);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    if (onError === "sessionReset") {
      throw updateError("optionalAttribute", `${name}: ${error.message}`, "RFC 7606 §7.11");
    }
    return { attribute: name, handling: onError, reason: error.message };
  }
  if (discardable) {
    Object.assign(found, into);
    Object.assign(beside, intoBeside);
  }
  // RFC 4271 §5: nobody clears it again.
  if ((flags & AttributeFlag.partial) !== 0 && row.mayBePartial === true) {
    (found.partial ??= []).push(code);
  }
  // RFC 7606 §3(c), after the value is kept: what MP_REACH_NLRI announces is then known and can be withdrawn.
  if ((flags & kindBits) !== row.flags) {
    return {
      attribute: name,
      handling: "treatAsWithdraw",
      reason: `flags 0x${(flags & kindBits).toString(16)}, not 0x${row.flags.toString(16)}`,
    };
  }
  return undefined;
}

/** RFC 4271 §5, §6.3: an unknown attribute is kept where optional; an unknown well-known one cannot be. */
function decodeUnknown(
  flags: number,
  code: number,
  value: ByteReader,
  found: Partial<PathAttributes>,
): void {
  const bytes = value.bytes(value.remaining, "value");
  if ((flags & AttributeFlag.optional) === 0) {
    const length = bytes.length > 0xff ? [bytes.length >> 8, bytes.length & 0xff] : [bytes.length];
    const lengthFlag = bytes.length > 0xff ? AttributeFlag.extendedLength : 0;
    throw new WireError({
      code: NotificationCode.updateMessage,
      subcode: UpdateSubcode.unrecognizedWellKnownAttribute,
      data: Uint8Array.of(
        (flags & ~AttributeFlag.extendedLength) | lengthFlag,
        code,
        ...length,
        ...bytes,
      ),
      message: `unrecognized well-known attribute ${code}`,
      rfc: "RFC 4271 §6.3",
    });
  }
  found.unknown ??= [];
  found.unknown.push({ flags: flags & (kindBits | AttributeFlag.partial), code, value: bytes });
}

/** RFC 6793 §4.2.3. From a four-octet peer AS4_PATH and AS4_AGGREGATOR are ignored (§4.1). */
function mergeFourOctetAs(
  attributes: PathAttributes,
  { as4Path, as4Aggregator }: BesideAttributes,
  codec: CodecOptions,
): void {
  if (codec.fourOctetAs) return;
  const { aggregator } = attributes;
  if (aggregator !== undefined && as4Aggregator !== undefined) {
    // A two-octet speaker that aggregated anew left both AS4 attributes behind, of another path.
    if (aggregator.asn !== asTrans) return;
    attributes.aggregator = as4Aggregator;
  }
  if (as4Path !== undefined) attributes.asPath = mergeAs4Path(attributes.asPath, as4Path);
}

/** A length of two octets, and what it is the length of. */
function lengthField(body: ByteReader, field: string): ByteReader {
  try {
    return body.part(body.u16(field), field);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw updateError("malformedAttributeList", error.message, "RFC 4271 §6.3");
  }
}

/** RFC 7606 §5.3: prefixes that do not parse end the session. */
function classicNlri(field: ByteReader, codec: CodecOptions): NlriField {
  try {
    return readNlri(field, ipv4Unicast, codec);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw updateError("invalidNetworkField", error.message, "RFC 4271 §6.3");
  }
}

function missing(code: number): AttributeProblem {
  return { attribute: attributeName(code), handling: "treatAsWithdraw", reason: "missing" };
}

function updateError(subcode: keyof typeof UpdateSubcode, message: string, rfc: string): WireError {
  return new WireError({
    code: NotificationCode.updateMessage,
    subcode: UpdateSubcode[subcode],
    message,
    rfc,
  });
}
