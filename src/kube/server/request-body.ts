import type { IncomingMessage } from "node:http";
import { ApiError, badRequest } from "./api-error.ts";

/** What a real API server takes at most. */
const bodyBytesMax = 3 * 1024 * 1024;

/** The request's body as a value; undefined where it is empty. JSON, and YAML or protobuf where it says so. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) {
      throw new ApiError(
        413,
        "RequestEntityTooLarge",
        `Request entity too large: limit is ${bodyBytesMax}`,
      );
    }
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  const body = Buffer.concat(chunks);
  const type = mediaType(request);
  if (type === "application/vnd.kubernetes.protobuf") return await protobuf(body);
  const text = body.toString();
  if (type !== "" && !/[/+](json|yaml)$/.test(type)) {
    throw new ApiError(
      415,
      "UnsupportedMediaType",
      `the body of the request was in an unknown format (${type}) - accepted media types include: application/json, application/yaml`,
    );
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!type.endsWith("yaml"))
      throw badRequest(`the body is no JSON: ${(error as Error).message}`);
  }
  const { parse } = await import("yaml");
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw badRequest(`the body is no YAML: ${(error as Error).message}`);
  }
}

/** What kubectl's imperative commands send; its manifests go as JSON. */
async function protobuf(body: Buffer): Promise<unknown> {
  const [{ decodeBody }, { UnknownFieldError }, { ProtobufError }] = await Promise.all([
    import("./protobuf/envelope.ts"),
    import("./protobuf/decode.ts"),
    import("./protobuf/wire.ts"),
  ]);
  try {
    return decodeBody(body);
  } catch (error) {
    if (error instanceof ProtobufError) {
      throw badRequest(`the body is no protobuf of Kubernetes: ${error.message}`);
    }
    if (!(error instanceof UnknownFieldError)) throw error;
    throw new ApiError(
      415,
      "UnsupportedMediaType",
      `${error.message} is not read from protobuf, only from JSON: with kubectl, add --dry-run=client -o yaml and pipe it into kubectl apply -f -`,
    );
  }
}

export function mediaType(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
}
