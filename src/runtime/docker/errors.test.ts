import { describe, expect, test } from "vitest";
import { EnvironmentError, InputError } from "../../input/diagnostic.ts";
import { engineMessage, explainEngineError } from "./errors.ts";

/** As docker-modem makes them from an answer. */
function answered(statusCode: number, reason: string, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) ${reason} - ${message} `), {
    statusCode,
    reason,
    json: { message },
  });
}

const failed = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

describe("the machine is at fault: an EnvironmentError with what to do", () => {
  test.each([
    [failed("ENOENT"), "no Docker engine is running at unix:///s", "systemctl start docker"],
    [failed("ECONNREFUSED"), "no Docker engine is running", "--docker"],
    [failed("EACCES"), "no permission", "group docker"],
    [failed("ENOTFOUND"), "the name is not known", "check the address"],
    [failed("ABORT_ERR"), "does not answer", "restart it"],
    [failed("ECONNRESET"), "closed the connection", "docker version"],
    [new Error("socket hang up"), "closed the connection", "docker version"],
    [failed("CERT_HAS_EXPIRED"), "certificate is not trusted", "ca.pem"],
    [failed("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"), "this client's certificate", "cert.pem"],
    [failed("ERR_SSL_WRONG_VERSION_NUMBER"), "no TLS that fits", "unset DOCKER_TLS_VERIFY"],
    [
      answered(400, "bad parameter", "Client sent an HTTP request to an HTTPS server."),
      "the engine wants TLS",
      "DOCKER_CERT_PATH",
    ],
    [
      answered(400, "bad parameter", "client version 1.24 is too old. Minimum supported 1.44"),
      "client version 1.24 is too old",
      "update",
    ],
    [
      answered(500, "server error", "write /var/lib/docker/x: no space left on device"),
      "the engine's disk is full",
      "docker system prune",
    ],
    [
      answered(403, "forbidden", "Pool overlaps with other one on this address space"),
      "another Docker network has these addresses",
      "mgmt.ipv4-subnet",
    ],
    [
      answered(500, "server error", "Bind for 0.0.0.0:80 failed: port is already allocated"),
      "port is already allocated",
      "stop what holds that port",
    ],
    [
      answered(404, "no such image", "pull access denied for x, repository does not exist"),
      "pull access denied",
      "docker login",
    ],
    [
      answered(500, "server error", "dial tcp: lookup registry.example: no such host"),
      "does not reach the registry",
      "docker load",
    ],
    [answered(502, "unexpected", "the SSH connection was lost"), "SSH connection was lost", "way"],
  ])("%s", (error, message, remedy) => {
    const explained = explainEngineError(error, "unix:///s", "starting tor0");
    expect(explained).toBeInstanceOf(EnvironmentError);
    expect(explained.message).toMatch(/^starting tor0: /);
    expect(explained.message).toContain(message);
    expect((explained as EnvironmentError).remedy).toContain(remedy);
    expect(explained.cause).toBe(error);
  });
});

test("any other answer keeps the engine's words and says what was asked", () => {
  const error = answered(409, "conflict", "name clab-l-n is in use - by abc");
  const explained = explainEngineError(error, "unix:///s", "creating clab-l-n");
  expect(explained).not.toBeInstanceOf(EnvironmentError);
  expect(explained.message).toBe("creating clab-l-n: name clab-l-n is in use - by abc");
});

test("what was explained before stays as it is", () => {
  for (const error of [new EnvironmentError("a", "b"), new InputError([])])
    expect(explainEngineError(error, "unix:///s", "asking")).toBe(error);
});

test("dockerode's words around the engine's are taken off", () => {
  const plain = new Error("(HTTP code 404) no such container - No such container: a-b ");
  expect(engineMessage(plain)).toBe("No such container: a-b");
  expect(engineMessage(new Error("plain"))).toBe("plain");
});
