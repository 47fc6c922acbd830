import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { InputError } from "../../input/diagnostic.ts";
import { addressText, locateEngine } from "./engine-address.ts";

const nobody = { HOME: "/nonexistent", XDG_RUNTIME_DIR: "/run/user/1000" };

/** A HOME with ~/.docker as `docker context create` writes it. */
function dockerHome(contexts: Record<string, object>, current?: string): Record<string, string> {
  const home = mkdtempSync(path.join(tmpdir(), "spinelab-test-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  for (const [name, docker] of Object.entries(contexts)) {
    const folder = path.join(home, ".docker/contexts/meta", idOf(name));
    mkdirSync(folder, { recursive: true });
    const meta = { Name: name, Metadata: {}, Endpoints: { docker } };
    writeFileSync(path.join(folder, "meta.json"), JSON.stringify(meta));
  }
  mkdirSync(path.join(home, ".docker"), { recursive: true });
  if (current !== undefined)
    writeFileSync(
      path.join(home, ".docker/config.json"),
      JSON.stringify({ currentContext: current }),
    );
  return { HOME: home };
}

const idOf = (name: string): string => createHash("sha256").update(name).digest("hex");

describe("the order in which an engine is named", () => {
  const env = {
    ...nobody,
    DOCKER_HOST: "unix:///from/host.sock",
    DOCKER_CONTEXT: "from-variable",
  };
  const contexts = {
    "from-variable": { Host: "unix:///variable.sock" },
    "from-config": { Host: "unix:///config.sock" },
  };

  test("--docker before everything", () => {
    expect(locateEngine({ docker: "unix:///option.sock" }, env)).toEqual({
      source: "--docker",
      addresses: [{ kind: "unix", path: "/option.sock" }],
    });
  });

  test("--context before DOCKER_HOST", () => {
    const home = dockerHome(contexts);
    const found = locateEngine({ context: "from-config" }, { ...env, ...home });
    expect(found.addresses).toEqual([{ kind: "unix", path: "/config.sock" }]);
  });

  test("DOCKER_HOST before DOCKER_CONTEXT", () => {
    expect(locateEngine({}, env)).toMatchObject({ source: "DOCKER_HOST" });
  });

  test("DOCKER_CONTEXT before the current context", () => {
    const home = dockerHome(contexts, "from-config");
    expect(locateEngine({}, { ...home, DOCKER_CONTEXT: "from-variable" })).toEqual({
      source: "docker context from-variable",
      addresses: [{ kind: "unix", path: "/variable.sock" }],
    });
    expect(locateEngine({}, home).source).toBe("docker context from-config");
  });

  test("the usual sockets last, Podman's after Docker's; `default` means them", () => {
    const sockets = [
      "unix:///var/run/docker.sock",
      "unix:///nonexistent/.docker/run/docker.sock",
      "unix:///run/user/1000/docker.sock",
      "unix:///run/user/1000/podman/podman.sock",
      "unix:///run/podman/podman.sock",
    ];
    const usual = locateEngine({}, { ...nobody, DOCKER_HOST: "" });
    expect(usual.addresses.map((each) => addressText(each))).toEqual(sockets);
    expect(usual.source).toBeUndefined();
    expect(locateEngine({ context: "default" }, env)).toEqual(usual);
    expect(locateEngine({}, { ...nobody, DOCKER_CONTEXT: "default" })).toEqual(usual);
  });

  test("two options that both name one are refused", () => {
    expect(() => locateEngine({ docker: "unix:///a", context: "b" }, nobody)).toThrow(
      "--docker and --context both name an engine",
    );
  });
});

describe("addresses", () => {
  const parse = (docker: string, env: Record<string, string> = {}) =>
    locateEngine({ docker }, { ...nobody, ...env }).addresses[0]!;

  test.each([
    ["unix:///run/docker.sock", "unix:///run/docker.sock"],
    ["unix://", "unix:///var/run/docker.sock"],
    ["tcp://lab", "tcp://lab:2375"],
    ["tcp://[2001:db8::1]:2377", "tcp://[2001:db8::1]:2377"],
    ["ssh://root@lab:2222/run/docker.sock", "ssh://root@lab:2222/run/docker.sock"],
    ["ssh://lab", "ssh://lab"],
  ])("%s", (docker, text) => {
    expect(addressText(parse(docker))).toBe(text);
  });

  test("TLS by DOCKER_TLS_VERIFY with a folder, by DOCKER_TLS without a check of the engine", () => {
    const verified = parse("tcp://lab", { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" });
    expect(verified).toMatchObject({ port: 2376, tls: { folder: "/certs", verify: true } });
    const unverified = parse("tcp://lab", { DOCKER_TLS: "1" });
    expect(unverified).toMatchObject({ tls: { folder: "/nonexistent/.docker", verify: false } });
    expect(parse("tcp://lab", { DOCKER_CERT_PATH: "/certs" })).toMatchObject({ tls: undefined });
  });

  test.each([
    ["npipe:////./pipe/docker", "expected unix:///path, tcp://host:port or ssh://user@host"],
    ["lab:2375", "expected unix:///path"],
    ["unix://relative", "not an absolute path"],
    ["tcp://", "expected tcp://host:port"],
    ["tcp://me:hunter2@lab", "expected tcp://host:port, found tcp://me:…@lab"],
    ["tcp://lab/prefix", "below a path"],
    ["ssh://me:hunter2@lab", "with a password"],
  ])("%s is refused", (docker, why) => {
    expect(() => parse(docker)).toThrow(InputError);
    expect(() => parse(docker)).toThrow(why);
    expect(() => parse(docker)).not.toThrow("hunter2");
  });
});

describe("contexts", () => {
  test("with TLS files, and one that does not check the engine", () => {
    const env = dockerHome({ lab: { Host: "tcp://lab:2376", SkipTLSVerify: false } });
    const folder = path.join(env["HOME"]!, ".docker/contexts/tls", idOf("lab"), "docker");
    const address = () => locateEngine({ context: "lab" }, env).addresses[0]!;
    expect(address()).toMatchObject({ tls: undefined });
    mkdirSync(folder, { recursive: true });
    expect(address()).toMatchObject({ tls: { folder, verify: true } });
    const skipping = dockerHome({ lab: { Host: "tcp://lab:2376", SkipTLSVerify: true } });
    expect(locateEngine({ context: "lab" }, skipping).addresses[0]).toMatchObject({
      tls: { verify: false },
    });
  });

  test("DOCKER_CONFIG names the folder", () => {
    const env = dockerHome({ lab: { Host: "ssh://root@lab" } }, "lab");
    const moved = { HOME: "/nonexistent", DOCKER_CONFIG: path.join(env["HOME"]!, ".docker") };
    expect(locateEngine({}, moved).addresses).toEqual([
      { kind: "ssh", target: { host: "lab", user: "root" } },
    ]);
  });

  test.each([
    ["is not there", {}, "there is no docker context lab"],
    ["names no engine", { lab: {} }, "names no engine"],
    ["names a wrong one", { lab: { Host: "fd://" } }, "meta.json: BadEngineAddress: expected unix"],
  ])("one that %s is refused", (_, contexts, why) => {
    const env = dockerHome(contexts as Record<string, object>);
    expect(() => locateEngine({ context: "lab" }, env)).toThrow(InputError);
    expect(() => locateEngine({ context: "lab" }, env)).toThrow(why);
  });

  test("a damaged config.json is refused, and nothing of it shown", () => {
    const env = dockerHome({});
    writeFileSync(path.join(env["HOME"]!, ".docker/config.json"), `{"auth": "c2VjcmV0"`);
    const locate = () => locateEngine({}, env);
    expect(locate).toThrow("config.json: BadDockerContext: cannot be read: not JSON");
    expect(locate).not.toThrow("c2VjcmV0");
  });
});
