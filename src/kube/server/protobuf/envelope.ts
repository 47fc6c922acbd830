import { DaemonSet, Deployment, ReplicaSet } from "./apps-messages.ts";
import { ConfigMap, Namespace, Secret, Service, ServiceAccount } from "./core-messages.ts";
import { decode, UnknownFieldError } from "./decode.ts";
import { bytes, type Message, message, one, string } from "./message.ts";
import { DeleteOptions } from "./meta-messages.ts";
import { Pod } from "./pod-messages.ts";
import {
  ClusterRole,
  ClusterRoleBinding,
  Role,
  RoleBinding,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
} from "./rights-messages.ts";
import { ProtobufError } from "./wire.ts";

/** Of k8s.io/apimachinery/pkg/runtime/generated.proto. */
const TypeMeta = message("TypeMeta", { 1: ["apiVersion", string], 2: ["kind", string] });

const Unknown = message("Unknown", {
  1: ["typeMeta", one(TypeMeta)],
  2: ["raw", bytes],
  3: ["contentEncoding", string],
  4: ["contentType", string],
});

const kinds: ReadonlyMap<string, readonly Message[]> = new Map([
  ["v1", [ConfigMap, Namespace, Pod, Secret, Service, ServiceAccount]],
  ["apps/v1", [DaemonSet, Deployment, ReplicaSet]],
  ["rbac.authorization.k8s.io/v1", [ClusterRole, ClusterRoleBinding, Role, RoleBinding]],
  ["authorization.k8s.io/v1", [SelfSubjectAccessReview, SelfSubjectRulesReview]],
  ["authentication.k8s.io/v1", [SelfSubjectReview]],
]);

/** The table of a kind; undefined where there is none. */
export const messageOf = (apiVersion: string, kind: string): Message | undefined =>
  kinds.get(apiVersion)?.find(({ name }) => name === kind);

const magic = Buffer.from("k8s\0");

/**
 * A body of application/vnd.kubernetes.protobuf as it is in JSON: the kinds that the server serves and kubectl's
 * generators send. Throws ProtobufError where it is none, UnknownFieldError where the tables lack its kind or a field.
 */
export function decodeBody(body: Uint8Array): Record<string, unknown> {
  if (!magic.equals(body.subarray(0, magic.length))) {
    throw new ProtobufError("it does not begin with k8s\\0");
  }
  const envelope = decode(Unknown, body.subarray(magic.length)) as {
    typeMeta?: { apiVersion?: string; kind?: string };
    raw?: string;
    contentEncoding?: string;
    contentType?: string;
  };
  const { apiVersion = "", kind = "" } = envelope.typeMeta ?? {};
  const { contentEncoding = "", contentType = "" } = envelope;
  if (contentEncoding !== "" || contentType !== "") {
    throw new ProtobufError(`its object is ${contentType} ${contentEncoding}, not protobuf`);
  }
  // Every group has the options of its requests as a kind of its own.
  const found = kind === DeleteOptions.name ? DeleteOptions : messageOf(apiVersion, kind);
  if (found === undefined) throw new UnknownFieldError(`${apiVersion} ${kind}`);
  return { apiVersion, kind, ...decode(found, Buffer.from(envelope.raw ?? "", "base64")) };
}
