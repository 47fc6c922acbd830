import { bool, inlined, int, intOrString, unread } from "./message.ts";
import { list, map, message, one, pointer, quantity, string } from "./message.ts";
import { LocalObjectReference } from "./core-messages.ts";

/** Of k8s.io/api/core/v1/generated.proto: containers. */
const ContainerPort = message("ContainerPort", {
  1: ["name", string],
  2: ["hostPort", int],
  3: ["containerPort", int],
  4: ["protocol", string],
  5: ["hostIP", string],
});

export const ObjectFieldSelector = message("ObjectFieldSelector", {
  1: ["apiVersion", string],
  2: ["fieldPath", string],
});

const KeySelector = (name: string) =>
  message(name, {
    1: ["localObjectReference", inlined(LocalObjectReference)],
    2: ["key", string],
    3: ["optional", pointer(bool)],
  });

const EnvVarSource = message("EnvVarSource", {
  1: ["fieldRef", one(ObjectFieldSelector)],
  3: ["configMapKeyRef", one(KeySelector("ConfigMapKeySelector"))],
  4: ["secretKeyRef", one(KeySelector("SecretKeySelector"))],
  2: ["resourceFieldRef", unread],
  5: ["fileKeyRef", unread],
});

const EnvVar = message("EnvVar", {
  1: ["name", string],
  2: ["value", string],
  3: ["valueFrom", one(EnvVarSource)],
});

const EnvSource = (name: string) =>
  message(name, {
    1: ["localObjectReference", inlined(LocalObjectReference)],
    2: ["optional", pointer(bool)],
  });

const EnvFromSource = message("EnvFromSource", {
  1: ["prefix", string],
  2: ["configMapRef", one(EnvSource("ConfigMapEnvSource"))],
  3: ["secretRef", one(EnvSource("SecretEnvSource"))],
});

const ResourceClaim = message("ResourceClaim", { 1: ["name", string], 2: ["request", string] });

export const ResourceRequirements = message("ResourceRequirements", {
  1: ["limits", map(quantity)],
  2: ["requests", map(quantity)],
  3: ["claims", list(one(ResourceClaim))],
});

const VolumeMount = message("VolumeMount", {
  1: ["name", string],
  2: ["readOnly", bool],
  3: ["mountPath", string],
  4: ["subPath", string],
  5: ["mountPropagation", pointer(string)],
  6: ["subPathExpr", string],
  7: ["recursiveReadOnly", pointer(string)],
});

const ExecAction = message("ExecAction", { 1: ["command", list(string)] });

const HTTPHeader = message("HTTPHeader", { 1: ["name", string], 2: ["value", string] });

const HTTPGetAction = message("HTTPGetAction", {
  1: ["path", string],
  2: ["port", intOrString],
  3: ["host", string],
  4: ["scheme", string],
  5: ["httpHeaders", list(one(HTTPHeader))],
});

const TCPSocketAction = message("TCPSocketAction", {
  1: ["port", intOrString],
  2: ["host", string],
});

const GRPCAction = message("GRPCAction", { 1: ["port", int], 2: ["service", pointer(string)] });

const ProbeHandler = message("ProbeHandler", {
  1: ["exec", one(ExecAction)],
  2: ["httpGet", one(HTTPGetAction)],
  3: ["tcpSocket", one(TCPSocketAction)],
  4: ["grpc", one(GRPCAction)],
});

const Probe = message("Probe", {
  1: ["handler", inlined(ProbeHandler)],
  2: ["initialDelaySeconds", int],
  3: ["timeoutSeconds", int],
  4: ["periodSeconds", int],
  5: ["successThreshold", int],
  6: ["failureThreshold", int],
  7: ["terminationGracePeriodSeconds", pointer(int)],
});

const SleepAction = message("SleepAction", { 1: ["seconds", int] });

const LifecycleHandler = message("LifecycleHandler", {
  1: ["exec", one(ExecAction)],
  2: ["httpGet", one(HTTPGetAction)],
  3: ["tcpSocket", one(TCPSocketAction)],
  4: ["sleep", one(SleepAction)],
});

const Lifecycle = message("Lifecycle", {
  1: ["postStart", one(LifecycleHandler)],
  2: ["preStop", one(LifecycleHandler)],
  3: ["stopSignal", pointer(string)],
});

const Capabilities = message("Capabilities", {
  1: ["add", list(string)],
  2: ["drop", list(string)],
});

export const SELinuxOptions = message("SELinuxOptions", {
  1: ["user", string],
  2: ["role", string],
  3: ["type", string],
  4: ["level", string],
});

const profile = { 1: ["type", string], 2: ["localhostProfile", pointer(string)] } as const;
export const SeccompProfile = message("SeccompProfile", profile);
export const AppArmorProfile = message("AppArmorProfile", profile);

const SecurityContext = message("SecurityContext", {
  1: ["capabilities", one(Capabilities)],
  2: ["privileged", pointer(bool)],
  3: ["seLinuxOptions", one(SELinuxOptions)],
  4: ["runAsUser", pointer(int)],
  5: ["runAsNonRoot", pointer(bool)],
  6: ["readOnlyRootFilesystem", pointer(bool)],
  7: ["allowPrivilegeEscalation", pointer(bool)],
  8: ["runAsGroup", pointer(int)],
  9: ["procMount", pointer(string)],
  11: ["seccompProfile", one(SeccompProfile)],
  12: ["appArmorProfile", one(AppArmorProfile)],
  10: ["windowsOptions", unread],
});

export const Container = message("Container", {
  1: ["name", string],
  2: ["image", string],
  3: ["command", list(string)],
  4: ["args", list(string)],
  5: ["workingDir", string],
  6: ["ports", list(one(ContainerPort))],
  7: ["env", list(one(EnvVar))],
  8: ["resources", one(ResourceRequirements)],
  9: ["volumeMounts", list(one(VolumeMount))],
  10: ["livenessProbe", one(Probe)],
  11: ["readinessProbe", one(Probe)],
  12: ["lifecycle", one(Lifecycle)],
  13: ["terminationMessagePath", string],
  14: ["imagePullPolicy", string],
  15: ["securityContext", one(SecurityContext)],
  16: ["stdin", bool],
  17: ["stdinOnce", bool],
  18: ["tty", bool],
  19: ["envFrom", list(one(EnvFromSource))],
  20: ["terminationMessagePolicy", string],
  22: ["startupProbe", one(Probe)],
  24: ["restartPolicy", pointer(string)],
  21: ["volumeDevices", unread],
  23: ["resizePolicy", unread],
  25: ["restartPolicyRules", unread],
});
