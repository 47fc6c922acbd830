import { mergeAs4Path } from "./as-path.ts";
import { attributeName, attributeRows, type DecodedAttributes } from "./attributes.ts";
import { ByteReader, MalformedError } from "./bytes.ts";
import type { AttributeProblem } from "./decode.ts";
import { WireError } from "./error.ts";
import type { CodecOptions, PathAttributes, UpdateMessage } from "./message.ts";
import { decodeNlri, type Nlri } from "./nlri.ts";
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

/** The body of an UPDATE (RFC 4271 §4.3, errors RFC 7606). */
export function decodeUpdate(
  body: ByteReader,
  codec: CodecOptions,
): { message: UpdateMessage; problems: AttributeProblem[] } {
  // 1. The three fields. Where their lengths do not fit the message, nothing in it can be located.
  const withdrawnField = structure(() =>
    body.part(body.u16("Withdrawn Routes Length"), "Withdrawn Routes"),
  );
  const attributesField = structure(() =>
    body.part(body.u16("Total Path Attribute Length"), "Path Attributes"),
  );
  const withdrawnIpv4 = classicNlri(withdrawnField, codec);
  const noAttributes = attributesField.remaining === 0;

  // 2. The attributes, errors gathered.
  const { found, problems: all, codes } = decodeAttributes(attributesField, codec);
  const announcedIpv4 = classicNlri(body, codec);
  // RFC 4760 §3: beside MP_REACH_NLRI alone NEXT_HOP is ignored.
  const problems =
    announcedIpv4.prefixes.length > 0 ? all : all.filter((one) => one.attribute !== nextHopName);
  const { mpReach, mpUnreach } = found;

  // 3. Everything announced and withdrawn, whichever field it stood in.
  const withdrawn: UpdateMessage["withdrawn"] = [];
  if (withdrawnIpv4.prefixes.length > 0) withdrawn.push({ family: ipv4Unicast, ...withdrawnIpv4 });
  if (mpUnreach !== undefined && mpUnreach.prefixes.length > 0) withdrawn.push(mpUnreach);
  const reachable =
    announcedIpv4.prefixes.length > 0 || (mpReach !== undefined && mpReach.prefixes.length > 0);

  // 4. Nothing announced: End-of-RIB (RFC 4724 §2), withdrawals, or NLRI that the errors may have hidden.
  if (!reachable) {
    const worse = problems.find(({ handling }) => handling === "treatAsWithdraw");
    if (worse !== undefined) {
      throw updateError(
        "malformedAttributeList",
        `${worse.attribute}: ${worse.reason}, and no NLRI`,
        "RFC 7606 §5.2",
      );
    }
    const message: UpdateMessage = {
      type: "UPDATE",
      withdrawn,
      attributes: undefined,
      announced: [],
    };
    if (withdrawn.length === 0) {
      if (noAttributes) message.endOfRib = ipv4Unicast;
      else if (mpUnreach !== undefined && codes.size === 1) message.endOfRib = mpUnreach.family;
    }
    return { message, problems };
  }

  // 5. RFC 7606 §3(d): attributes that must be there.
  for (const code of [AttributeCode.origin, AttributeCode.asPath]) {
    if (!codes.has(code)) problems.push(missing(code));
  }
  if (announcedIpv4.prefixes.length > 0 && !codes.has(AttributeCode.nextHop)) {
    problems.push(missing(AttributeCode.nextHop));
  }

  // 6. RFC 7606 §2: one treat-as-withdraw withdraws all that the message announces.
  if (problems.some(({ handling }) => handling === "treatAsWithdraw")) {
    if (announcedIpv4.prefixes.length > 0)
      withdrawn.push({ family: ipv4Unicast, ...announcedIpv4 });
    if (mpReach !== undefined && mpReach.prefixes.length > 0) {
      const { nextHop: _, ...rest } = mpReach;
      withdrawn.push(rest);
    }
    return {
      message: { type: "UPDATE", withdrawn, attributes: undefined, announced: [] },
      problems,
    };
  }

  // 7. Now ORIGIN, AS_PATH and, for IPv4 in the UPDATE's own field, NEXT_HOP are known to be there.
  const announced: UpdateMessage["announced"] = [];
  if (announcedIpv4.prefixes.length > 0) {
    announced.push({ family: ipv4Unicast, nextHop: found.nextHop!, ...announcedIpv4 });
  }
  if (mpReach !== undefined && mpReach.prefixes.length > 0) announced.push(mpReach);
  const attributes = mergeFourOctetAs(found, codec);
  return { message: { type: "UPDATE", withdrawn, attributes, announced }, problems };
}

function decodeAttributes(
  field: ByteReader,
  codec: CodecOptions,
): { found: DecodedAttributes; problems: AttributeProblem[]; codes: Set<number> } {
  const found: DecodedAttributes = {};
  const problems: AttributeProblem[] = [];
  const codes = new Set<number>();
  while (field.remaining > 0) {
    // RFC 7606 §4: a header or value that runs past the field's end ends the attributes, not the session.
    let header: { flags: number; code: number; value: ByteReader };
    try {
      header = attributeHeader(field);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      problems.push({
        attribute: "path attributes",
        handling: "treatAsWithdraw",
        reason: error.message,
      });
      break;
    }
    const { flags, code, value } = header;
    // RFC 7606 §3(g): the first counts; two of these would leave open which NLRI are meant.
    if (codes.has(code)) {
      if (code === AttributeCode.mpReachNlri || code === AttributeCode.mpUnreachNlri) {
        throw updateError("malformedAttributeList", `${attributeName(code)} twice`, "RFC 7606 §3");
      }
      continue;
    }
    codes.add(code);
    if (codec.external && internalOnly.has(code)) continue;
    const problem = decodeAttribute(flags, code, value, found, codec);
    if (problem !== undefined) problems.push(problem);
  }
  return { found, problems, codes };
}

function attributeHeader(field: ByteReader): { flags: number; code: number; value: ByteReader } {
  const flags = field.u8("attribute flags");
  const code = field.u8("attribute type");
  const extended = (flags & AttributeFlag.extendedLength) !== 0;
  const length = extended ? field.u16("attribute length") : field.u8("attribute length");
  return { flags, code, value: field.part(length, attributeName(code)) };
}

function decodeAttribute(
  flags: number,
  code: number,
  value: ByteReader,
  found: DecodedAttributes,
  codec: CodecOptions,
): AttributeProblem | undefined {
  const row = attributeRows[code];
  if (row === undefined) {
    decodeUnknown(flags, code, value, found);
    return undefined;
  }
  const { name, onError } = row;
  const decoded: DecodedAttributes = {};
  try {
    row.decode(value, decoded, codec);
    if (value.remaining > 0) throw new MalformedError(`${value.remaining} bytes too many`);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    if (onError === "sessionReset") {
      throw updateError("optionalAttribute", `${name}: ${error.message}`, "RFC 7606 §7.11");
    }
    return { attribute: name, handling: onError, reason: error.message };
  }
  Object.assign(found, decoded);
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
  found: DecodedAttributes,
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
function mergeFourOctetAs(found: DecodedAttributes, codec: CodecOptions): PathAttributes {
  const { nextHop: _, mpReach: __, mpUnreach: ___, as4Path, as4Aggregator, ...rest } = found;
  const attributes: PathAttributes = { ...rest, origin: found.origin!, asPath: found.asPath! };
  if (codec.fourOctetAs) return attributes;
  const { aggregator } = found;
  if (aggregator !== undefined && as4Aggregator !== undefined) {
    // A two-octet speaker that aggregated anew left both AS4 attributes behind, of another path.
    if (aggregator.asn !== asTrans) return attributes;
    attributes.aggregator = as4Aggregator;
  }
  if (as4Path !== undefined) attributes.asPath = mergeAs4Path(attributes.asPath, as4Path);
  return attributes;
}

function structure<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw updateError("malformedAttributeList", error.message, "RFC 4271 §6.3");
  }
}

/** RFC 7606 §5.3: prefixes that do not parse end the session. */
function classicNlri(field: ByteReader, codec: CodecOptions): Nlri {
  try {
    return decodeNlri(field, ipv4Unicast, codec);
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
