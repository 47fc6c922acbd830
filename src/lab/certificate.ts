import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * A self-signed certificate for 127.0.0.1 and localhost, made by openssl: kubectl sends no token
 * over plain HTTP. PEM texts; the key is never written to disk.
 */
export async function selfSignedCertificate(): Promise<{ key: string; cert: string }> {
  const { stdout } = await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...[
      "-days",
      "825",
      "-subj",
      "/CN=spinelab",
      "-addext",
      "subjectAltName=IP:127.0.0.1,DNS:localhost",
    ],
    ...["-keyout", "-", "-out", "-"],
  ]);
  const key = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n/.exec(stdout)?.[0];
  const cert = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n/.exec(stdout)?.[0];
  if (key === undefined || cert === undefined) throw new Error("openssl made no certificate");
  return { key, cert };
}
