import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import Docker from "dockerode";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EnvironmentError } from "../../input/diagnostic.ts";
import { ensureImage, PullSum, withTag } from "./images.ts";

/** An engine that has no image and answers a pull with the lines given, as Docker 20.10 does. */
describe("a pull", () => {
  let folder: string;
  let server: Server;
  let docker: Docker;
  let lines: object[];
  const asked: string[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "spinelab-images-"));
    asked.length = 0;
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.method === "GET") {
        response.writeHead(404, { "content-type": "application/json" });
        response.end(JSON.stringify({ message: "No such image" }));
      } else {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""));
      }
    });
    const socketPath = path.join(folder, "docker.sock");
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    docker = new Docker({ socketPath });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  const pull = (reference: string) => {
    const stages: string[] = [];
    const progress = (stage: string, state: string) => stages.push(`${stage} ${state}`);
    return ensureImage(docker, reference, progress).then(() => stages);
  };

  test("asks for one tag and tells begin and end", async () => {
    lines = [{ status: "Status: Downloaded newer image for frr:latest" }];
    expect(await pull("quay.io/frr")).toEqual(["pull quay.io/frr begin", "pull quay.io/frr end"]);
    expect(asked[1]).toContain("fromImage=quay.io%2Ffrr&tag=latest");
  });

  test.each([
    ["write /var/lib/docker/tmp/x: no space left on device", "docker system prune"],
    ["Get https://quay.io/v2/: dial tcp: lookup quay.io: no such host", "docker load"],
    ["manifest for frr:v0 not found: manifest unknown", "docker login"],
  ])("that ends in the middle with “%s” says what to do", async (error, remedy) => {
    lines = [{ status: "Pulling from frr" }, { errorDetail: { message: error }, error }];
    const failure = await pull("frr:v0").catch((reason: unknown) => reason);
    expect(failure).toBeInstanceOf(EnvironmentError);
    expect((failure as EnvironmentError).message).toContain("image frr:v0 cannot be pulled");
    expect((failure as EnvironmentError).message).toContain(error);
    expect((failure as EnvironmentError).remedy).toContain(remedy);
  });
});

test("the sum of a pull's layers", () => {
  const sum = new PullSum();
  expect(sum.text()).toBe("waiting for the registry");
  const layer = (id: string, current: number, total: number) =>
    sum.add({ id, status: "Downloading", progressDetail: { current, total } });
  layer("a", 10e6, 30e6);
  layer("b", 1e6, 10e6);
  layer("a", 20e6, 30e6);
  expect(sum.text()).toBe("21 of 40 MB");
  sum.add({ id: "b", status: "Download complete", progressDetail: {} });
  expect(sum.text()).toBe("30 of 40 MB");
});

test.each([
  ["frr", "frr:latest"],
  ["localhost:5000/frr", "localhost:5000/frr:latest"],
  ["quay.io/frrouting/frr:8.5.4", "quay.io/frrouting/frr:8.5.4"],
  ["frr@sha256:00", "frr@sha256:00"],
])("%s is pulled as %s", (written, reference) => {
  expect(withTag(written)).toBe(reference);
});
