import { type ByteReader, ByteWriter, MalformedError } from "./bytes.ts";
import { decodeCapability, encodeCapability } from "./capability.ts";
import { WireError } from "./error.ts";
import type { Capability, OpenMessage } from "./message.ts";
import { asTrans, NotificationCode, OpenParameter, OpenSubcode } from "./registry.ts";
import { twoOctetAsn } from "./as-path.ts";

const bgpVersion = 4;

/** The body of an OPEN (RFC 4271 §4.2, §6.2). What depends on configuration the session checks: AS, Hold Time, BGP Identifier. */
export function decodeOpen(body: ByteReader): OpenMessage {
  const version = body.u8("Version");
  if (version !== bgpVersion) {
    // §6.2: data is the largest version that is supported.
    throw openError(
      "unsupportedVersionNumber",
      `version ${version}`,
      "RFC 4271 §6.2",
      Uint8Array.of(0, bgpVersion),
    );
  }
  const twoOctets = body.u16("My Autonomous System");
  const holdTimeSeconds = body.u16("Hold Time");
  const bgpIdentifier = body.address("ipv4", "BGP Identifier");
  let capabilities: Capability[];
  try {
    capabilities = decodeParameters(body);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw openError(
      "unspecific",
      `malformed optional parameters: ${error.message}`,
      "RFC 4271 §6.2",
    );
  }
  return {
    type: "OPEN",
    version,
    asn: realAsn(twoOctets, capabilities),
    holdTimeSeconds,
    bgpIdentifier,
    capabilities,
  };
}

export function encodeOpen(writer: ByteWriter, message: OpenMessage): void {
  writer
    .u8(message.version)
    .u16(twoOctetAsn(message.asn))
    .u16(message.holdTimeSeconds)
    .address(message.bgpIdentifier);
  encodeParameters(writer, message.capabilities);
}

/** RFC 6793 §4.1: with the capability, the two octets hold the same number, or AS_TRANS where they cannot. */
function realAsn(twoOctets: number, capabilities: Capability[]): number {
  const capability = capabilities.find((one) => one.capability === "fourOctetAs");
  if (capability === undefined) return twoOctets;
  if (twoOctets !== asTrans && twoOctets !== capability.asn) {
    throw openError(
      "badPeerAs",
      `AS ${twoOctets} and in the capability AS ${capability.asn}`,
      "RFC 6793 §4.1",
    );
  }
  return capability.asn;
}

function decodeParameters(body: ByteReader): Capability[] {
  let length = body.u8("Opt Parm Len");
  // RFC 9072 §2: a first parameter type of 255 says that all lengths have two octets.
  const extended = length > 0 && body.peekU8() === OpenParameter.extendedLength;
  if (extended) {
    body.u8("Non-Ext OP Type");
    length = body.u16("Extended Opt. Parm. Length");
  }
  if (body.remaining !== length) {
    throw new MalformedError(`${length} bytes announced, ${body.remaining} there`);
  }
  const capabilities: Capability[] = [];
  while (body.remaining > 0) {
    const type = body.u8("parameter type");
    const parameterLength = extended ? body.u16("parameter length") : body.u8("parameter length");
    const value = body.part(parameterLength, "parameter");
    if (type !== OpenParameter.capabilities) {
      throw openError(
        "unsupportedOptionalParameter",
        `optional parameter ${type}`,
        "RFC 4271 §6.2",
      );
    }
    while (value.remaining > 0) capabilities.push(decodeCapability(value));
  }
  return capabilities;
}

function encodeParameters(writer: ByteWriter, capabilities: Capability[]): void {
  const value = new ByteWriter();
  for (const capability of capabilities) encodeCapability(value, capability);
  if (value.length === 0) {
    writer.u8(0);
  } else if (value.length + 2 < OpenParameter.extendedLength) {
    // One parameter holds all capabilities (RFC 5492 §4).
    writer
      .u8(value.length + 2)
      .u8(OpenParameter.capabilities)
      .u8(value.length);
  } else {
    writer
      .u8(OpenParameter.extendedLength)
      .u8(OpenParameter.extendedLength)
      .u16(value.length + 3);
    writer.u8(OpenParameter.capabilities).u16(value.length);
  }
  writer.bytes(value.finish());
}

function openError(
  subcode: keyof typeof OpenSubcode | "unspecific",
  message: string,
  rfc: string,
  data?: Uint8Array,
): WireError {
  return new WireError({
    code: NotificationCode.openMessage,
    subcode: subcode === "unspecific" ? 0 : OpenSubcode[subcode],
    message,
    rfc,
    ...(data && { data }),
  });
}
