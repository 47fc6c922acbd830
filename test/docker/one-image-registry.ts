/**
 * A registry (the read half of the OCI distribution specification) with one image in it, whose one
 * layer is a file of zeros: little on the wire, much on the disk.
 *
 *   node test/docker/one-image-registry.ts PORT MIB
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";

const [port, mebibytes] = process.argv.slice(2).map(Number) as [number, number];
const manifestType = "application/vnd.docker.distribution.manifest.v2+json";
const blobs = new Map<string, Buffer>();

const tar = tarOfZeros(mebibytes * 2 ** 20);
const layer = gzipSync(tar);
const config = Buffer.from(
  JSON.stringify({
    ...{ architecture: "amd64", os: "linux", config: {} },
    rootfs: { type: "layers", diff_ids: [digest(tar)] },
  }),
);
for (const blob of [layer, config]) blobs.set(digest(blob), blob);
const manifest = Buffer.from(
  JSON.stringify({
    ...{ schemaVersion: 2, mediaType: manifestType },
    config: {
      mediaType: "application/vnd.docker.container.image.v1+json",
      ...{ size: config.length, digest: digest(config) },
    },
    layers: [
      {
        mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
        ...{ size: layer.length, digest: digest(layer) },
      },
    ],
  }),
);

createServer(({ url = "", method }, response) => {
  const answer = (body: Buffer, type: string) => {
    const headers = { "content-type": type, "docker-content-digest": digest(body) };
    response.writeHead(200, { ...headers, "content-length": body.length });
    response.end(method === "HEAD" ? undefined : body);
  };
  const blob = blobs.get(url.split("/blobs/")[1] ?? "");
  if (url === "/v2/") answer(Buffer.from("{}"), "application/json");
  else if (url.includes("/manifests/")) answer(manifest, manifestType);
  else if (blob) answer(blob, "application/octet-stream");
  else response.writeHead(404).end();
}).listen(port, "127.0.0.1", () => console.log("listening"));

function tarOfZeros(size: number): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), "spinelab-registry-"));
  try {
    writeFileSync(path.join(folder, "zeros"), "");
    truncateSync(path.join(folder, "zeros"), size);
    return execFileSync("tar", ["-C", folder, "-c", "zeros"], { maxBuffer: size + 2 ** 20 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function digest(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
