import type { KubeObject } from "../object.ts";
import type { Cause } from "./api-error.ts";
import { isObject } from "./merge-patch.ts";
import { invalidValue } from "./names.ts";
import type { Admission } from "./resource.ts";

/**
 * A Secret as it is stored: `stringData` goes into `data`, over what is there of the same key, and
 * is not seen again.
 */
export function admitSecret(object: KubeObject): Admission {
  const causes: Cause[] = [];
  const plain = textsOf(object, "stringData", causes);
  const data = textsOf(object, "data", causes);
  for (const [key, value] of Object.entries(data)) {
    if (!isBase64(value)) {
      causes.push(invalidValue(`data[${key}]`, value, "must be base64-encoded"));
    }
  }
  for (const [key, value] of Object.entries(plain)) {
    data[key] = Buffer.from(value, "utf8").toString("base64");
  }
  for (const key of Object.keys(data)) {
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key) || key === "." || key === "..") {
      const detail = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
      causes.push(invalidValue(`data[${key}]`, key, detail));
    }
  }
  const { stringData: _, ...rest } = object;
  const stored: KubeObject = { ...rest, type: object["type"] ?? "Opaque" };
  if (Object.keys(data).length > 0) stored["data"] = data;
  return { object: stored, causes, unknownFields: [] };
}

function textsOf(object: KubeObject, field: string, causes: Cause[]): Record<string, string> {
  const value = object[field];
  if (value === undefined || value === null) return {};
  if (isObject(value) && Object.values(value).every((one) => typeof one === "string")) {
    return { ...(value as Record<string, string>) };
  }
  causes.push(invalidValue(field, value, "must be a mapping of texts"));
  return {};
}

function isBase64(text: string): boolean {
  const compact = text.replace(/[\r\n]/g, "");
  return compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact);
}
