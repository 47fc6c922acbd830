import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { addressToBytes, parseAddress } from "../../net/address.ts";

/**
 * A certificate that vouches for itself, for the host names and addresses given, and its key: PEM
 * texts. kubectl sends a token over TLS only, and Node makes no certificates, so the few DER values
 * that RFC 5280 §4.1 asks for are put together here. The certificate serves as its own authority.
 */
export function selfSignedCertificate(
  hosts: readonly string[],
  fromMs: number,
): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(oid(1, 2, 840, 10045, 4, 3, 2));
  // OpenSSL takes a serial number with its top bit set as negative.
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const commonName = sequence(oid(2, 5, 4, 3), der(0x0c, Buffer.from("spinelab")));
  const name = sequence(der(0x31, commonName));
  const dayMs = 24 * 3600 * 1000;
  const validity = sequence(time(fromMs - dayMs), time(fromMs + 3650 * dayMs));
  const critical = der(0x01, Buffer.of(0xff));
  const extensions = sequence(
    sequence(oid(2, 5, 29, 19), critical, octets(sequence(der(0x01, Buffer.of(0xff))))), // CA
    sequence(oid(2, 5, 29, 17), octets(sequence(...hosts.map(generalName)))), // subjectAltName
  );
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, serial),
    ecdsaWithSha256,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  const certificate = sequence(
    toBeSigned,
    ecdsaWithSha256,
    der(0x03, Buffer.concat([Buffer.of(0), signature])),
  );
  const lines = certificate.toString("base64").match(/.{1,64}/g)!;
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
  };
}

/** Tag, length, value (X.690 §8.1). */
function der(tag: number, value: Uint8Array): Buffer {
  const { length } = value;
  const long: number[] = [];
  for (let rest = length; rest > 0; rest >>= 8) long.unshift(rest & 0xff);
  const prefix = length < 128 ? [tag, length] : [tag, 0x80 | long.length, ...long];
  return Buffer.concat([Buffer.from(prefix), value]);
}

const sequence = (...parts: Uint8Array[]) => der(0x30, Buffer.concat(parts));
const octets = (value: Uint8Array) => der(0x04, value);

function oid(first: number, second: number, ...rest: number[]): Buffer {
  const bytes = [40 * first + second];
  for (const part of rest) {
    const base128 = [part & 0x7f];
    for (let high = part >> 7; high > 0; high >>= 7) base128.unshift((high & 0x7f) | 0x80);
    bytes.push(...base128);
  }
  return der(0x06, Buffer.from(bytes));
}

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replaceAll(/\D/g, "").slice(0, 14);
  return Number(digits.slice(0, 4)) < 2050
    ? der(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : der(0x18, Buffer.from(`${digits}Z`));
}

/** dNSName or iPAddress (RFC 5280 §4.2.1.6). */
function generalName(host: string): Buffer {
  const address = parseAddress(host);
  return address === undefined ? der(0x82, Buffer.from(host)) : der(0x87, addressToBytes(address));
}
