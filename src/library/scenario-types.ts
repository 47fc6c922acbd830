// Made of the shapes that read scenario files, see scenario-types.test.ts. Do not edit.

/** An item of `do:`. */
export type EventInput =
  | {
      link: {
        between?: (string | number | boolean)[];
        /** a node (tor0) or an interface (tor0:net1) */
        on?: string | number | boolean;
        set?: "up" | "down";
        impair?:
          | "none"
          | {
              /** a duration such as 10ms, 2s or 1m */
              delay?: string;
              /** a duration such as 10ms, 2s or 1m */
              jitter?: string;
              /** a percentage from 0% to 100% */
              loss?: string;
              /** a percentage from 0% to 100% */
              corrupt?: string;
              /** a rate such as 500kbit, 10mbit or 1gbit */
              rate?: string;
            };
        /** a node: tor0 */
        from?: string | number | boolean;
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      agent: {
        /** a node: tor0 */
        on: string | number | boolean;
        do: "restart" | "kill" | "stop" | "start" | "upgrade";
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      metric:
        | {
            /** a node: tor0 */
            on: string | number | boolean;
            /** a node: tor0; an address: 10.0.0.1 */
            neighbor?: string | number | boolean;
            /** a prefix: 192.0.2.0/24; the podCIDR of a Kubernetes node: kind-worker.podCIDR; the address on a node's lo: tor0.loopback; a service: service/NAMESPACE/NAME; default: the default route */
            prefix?: string | number | boolean;
            /** a number from 0 to 32 */
            asPathPrepend?: number;
            /** a number from 0 to 4294967295 */
            med?: number;
            /** a number from 0 to 4294967295 */
            localPreference?: number;
          }
        | {
            /** a node: tor0 */
            on: string | number | boolean;
            /** a prefix: 192.0.2.0/24; the podCIDR of a Kubernetes node: kind-worker.podCIDR; the address on a node's lo: tor0.loopback; a service: service/NAMESPACE/NAME; default: the default route */
            route: string | number | boolean;
            family?: "ipv4" | "ipv6";
            /** an address: 10.0.0.1; an interface: tor0:net1; a node: tor0 */
            via?: string | number | boolean;
            /** a number from 0 to 4294967295 */
            metric: number;
          }
        | {
            /** an interface: tor0:net1 */
            on: string | number | boolean;
            /** a number from 1 to 65535 */
            ospfCost: number;
          };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      config: {
        /** a node: tor0 */
        on: string | number | boolean;
        /** lines of router configuration */
        lines: string | number | boolean | (string | number | boolean)[];
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      daemon: {
        /** a node: tor0 */
        on: string | number | boolean;
        /** a daemon such as bgpd */
        daemon?: string | number | boolean;
        do: "restart" | "kill" | "stop" | "start";
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      node: {
        /** a node: tor0 */
        on: string | number | boolean;
        do: "stop" | "start" | "restart" | "pause" | "unpause" | "leave";
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      gateway: {
        /** a node: tor0 */
        on: string | number | boolean;
        do?: "replace" | "add" | "delete";
        family?: "ipv4" | "ipv6";
        /** an address: 10.0.0.1; an interface: tor0:net1; a node: tor0 */
        via: string | number | boolean;
        /** a number from 0 to 4294967295 */
        metric?: number;
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      apply: string | Record<string, unknown> | (string | Record<string, unknown>)[];
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      patch: {
        /** text */
        apiVersion?: string | number | boolean;
        /** a kind such as DaemonSet */
        kind: string | number | boolean;
        /** text */
        namespace?: string | number | boolean;
        /** the object's name */
        name: string | number | boolean;
        merge: Record<string, unknown>;
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      delete: {
        /** text */
        apiVersion?: string | number | boolean;
        /** a kind such as DaemonSet */
        kind: string | number | boolean;
        /** text */
        namespace?: string | number | boolean;
        /** the object's name */
        name: string | number | boolean;
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      exec: {
        /** a node: tor0; a pod: APP@NODE */
        on: string | number | boolean;
        /** a command: one text, split as a shell would without a shell, or a list of words */
        command: string | number | boolean | (string | number | boolean)[];
        allowFailure?: boolean;
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      scale: {
        /** text */
        apiVersion?: string | number | boolean;
        /** a kind such as DaemonSet */
        kind: string | number | boolean;
        /** text */
        namespace?: string | number | boolean;
        /** the object's name */
        name: string | number | boolean;
        /** a number of pods from 0 to 10000 */
        replicas: number;
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      partition: {
        isolate: (string | number | boolean)[];
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      chaos: {
        /** a number from 1 to 1000 */
        faults: number;
        of: ("link" | "agent" | "node" | "partition")[];
        /** a duration such as 10ms, 2s or 1m */
        over: string;
        lasting: {
          /** a duration such as 10ms, 2s or 1m */
          atLeast?: string;
          /** a duration such as 10ms, 2s or 1m */
          atMost?: string;
        };
        spare?: (string | number | boolean)[];
      };
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    }
  | {
      together: EventInput[];
      /** a duration such as 10ms, 2s or 1m */
      after?: string;
      /** a duration such as 10ms, 2s or 1m */
      undoAfter?: string;
      /** a number from 2 to 10000 */
      repeat?: number;
      /** a duration such as 10ms, 2s or 1m */
      every?: string;
    };

/** An item of `expect:`. */
export type CheckInput =
  | {
      session: {
        /** a node: tor0 */
        on: string | number | boolean;
        /** a node: tor0; an address: 10.0.0.1 */
        to: string | number | boolean;
        absent?: boolean;
        state?:
          | "Idle"
          | "Connect"
          | "Active"
          | "OpenSent"
          | "OpenConfirm"
          | "Established"
          | ("Idle" | "Connect" | "Active" | "OpenSent" | "OpenConfirm" | "Established")[];
        family?: "ipv4-unicast" | "ipv6-unicast";
        received?:
          | number
          | {
              /** a number from 0 to 4294967295 */
              atLeast?: number;
              /** a number from 0 to 4294967295 */
              atMost?: number;
            };
        sent?:
          | number
          | {
              /** a number from 0 to 4294967295 */
              atLeast?: number;
              /** a number from 0 to 4294967295 */
              atMost?: number;
            };
        uptime?: {
          /** a duration such as 10ms, 2s or 1m */
          atLeast?: string;
          /** a duration such as 10ms, 2s or 1m */
          atMost?: string;
        };
      };
      warn?: boolean;
    }
  | {
      route: {
        /** a node: tor0 */
        on: string | number | boolean;
        /** a prefix: 192.0.2.0/24; the podCIDR of a Kubernetes node: kind-worker.podCIDR; the address on a node's lo: tor0.loopback; a service: service/NAMESPACE/NAME; default: the default route */
        prefix: string | number | boolean;
        family?: "ipv4-unicast" | "ipv6-unicast";
        absent?: boolean;
        via?: string | number | boolean | (string | number | boolean)[];
        paths?:
          | number
          | {
              /** a number from 0 to 4294967295 */
              atLeast?: number;
              /** a number from 0 to 4294967295 */
              atMost?: number;
            };
        /** AS numbers separated by spaces */
        asPath?: string | number | boolean;
        communities?:
          | string
          | number
          | boolean
          | (string | number | boolean)[]
          | {
              exactly: (string | number | boolean)[];
            };
        largeCommunities?:
          | string
          | number
          | boolean
          | (string | number | boolean)[]
          | {
              exactly: (string | number | boolean)[];
            };
        /** a number from 0 to 4294967295 */
        localPreference?: number;
        /** a number from 0 to 4294967295 */
        med?: number;
        origin?: "IGP" | "EGP" | "incomplete";
        best?: boolean;
        why?:
          | string
          | number
          | boolean
          | {
              /** text */
              contains?: string | number | boolean;
              /** text */
              equals?: string | number | boolean;
              /** a regular expression */
              matches?: string | number | boolean;
            };
        stale?: boolean;
        installed?: boolean;
      };
      warn?: boolean;
    }
  | {
      routes: {
        /** a node: tor0 */
        on: string | number | boolean;
        family?: "ipv4-unicast" | "ipv6-unicast";
        count?:
          | number
          | {
              /** a number from 0 to 4294967295 */
              atLeast?: number;
              /** a number from 0 to 4294967295 */
              atMost?: number;
            };
        exactly?: (string | number | boolean)[];
        includes?: (string | number | boolean)[];
        excludes?: (string | number | boolean)[];
      };
      warn?: boolean;
    }
  | {
      fib: {
        /** a node: tor0; a pod: APP@NODE */
        on: string | number | boolean;
        /** a prefix: 192.0.2.0/24; the podCIDR of a Kubernetes node: kind-worker.podCIDR; the address on a node's lo: tor0.loopback; a service: service/NAMESPACE/NAME; default: the default route */
        prefix: string | number | boolean;
        family?: "ipv4" | "ipv6";
        absent?: boolean;
        via?: string | number | boolean | (string | number | boolean)[];
        /** the name of an interface */
        dev?: string | number | boolean;
        /** a number from 0 to 4294967295 */
        metric?: number;
        nextHops?:
          | number
          | {
              /** a number from 0 to 4294967295 */
              atLeast?: number;
              /** a number from 0 to 4294967295 */
              atMost?: number;
            };
        /** a protocol such as bgp, static or kernel */
        protocol?: string | number | boolean;
      };
      warn?: boolean;
    }
  | {
      ping: {
        /** a node: tor0; a pod: APP@NODE */
        from: string | number | boolean;
        /** a node: tor0; a pod: APP@NODE; an interface: tor0:net1; the address on a node's lo: tor0.loopback; a service: service/NAMESPACE/NAME; an address: 10.0.0.1 */
        to: string | number | boolean;
        family?: "ipv4" | "ipv6";
        /** a number of packets from 1 to 1000 */
        count?: number;
        loss?:
          | string
          | {
              /** a percentage from 0% to 100% */
              atLeast?: string;
              /** a percentage from 0% to 100% */
              atMost?: string;
            };
        rtt?: {
          /** a duration such as 10ms, 2s or 1m */
          atLeast?: string;
          /** a duration such as 10ms, 2s or 1m */
          atMost?: string;
        };
      };
      warn?: boolean;
    }
  | {
      path: {
        /** a node: tor0; a pod: APP@NODE */
        from: string | number | boolean;
        /** a node: tor0; a pod: APP@NODE; an interface: tor0:net1; the address on a node's lo: tor0.loopback; a service: service/NAMESPACE/NAME; an address: 10.0.0.1 */
        to: string | number | boolean;
        family?: "ipv4" | "ipv6";
        through?: (string | number | boolean)[];
        avoids?: (string | number | boolean)[];
      };
      warn?: boolean;
    }
  | {
      http: {
        /** a node: tor0; a pod: APP@NODE */
        from: string | number | boolean;
        /** a node: tor0; a pod: APP@NODE; an interface: tor0:net1; the address on a node's lo: tor0.loopback; a service: service/NAMESPACE/NAME; an address: 10.0.0.1 */
        to: string | number | boolean;
        /** a port from 1 to 65535 */
        port?: number;
        /** a path that begins with '/' */
        path?: string | number | boolean;
        /** an HTTP status from 100 to 599 */
        status?: number;
        body?:
          | string
          | number
          | boolean
          | {
              /** text */
              contains?: string | number | boolean;
              /** text */
              equals?: string | number | boolean;
              /** a regular expression */
              matches?: string | number | boolean;
            };
        fails?: "refused" | "unreachable" | "timeout";
      };
      warn?: boolean;
    }
  | {
      resource: {
        /** text */
        apiVersion?: string | number | boolean;
        /** a kind such as DaemonSet */
        kind: string | number | boolean;
        /** text */
        namespace?: string | number | boolean;
        /** the object's name */
        name: string | number | boolean;
        /** a field such as status.numberReady or status.conditions[0].reason */
        field?: string | number | boolean;
        absent?: boolean;
        equals?: unknown;
        /** a number from 0 to 4294967295 */
        atLeast?: number;
        /** a number from 0 to 4294967295 */
        atMost?: number;
        /** text */
        contains?: string | number | boolean;
        /** a regular expression */
        matches?: string | number | boolean;
      };
      warn?: boolean;
    }
  | {
      condition: {
        /** text */
        apiVersion?: string | number | boolean;
        /** a kind such as DaemonSet */
        kind: string | number | boolean;
        /** text */
        namespace?: string | number | boolean;
        /** the object's name */
        name: string | number | boolean;
        /** the type of a condition */
        type: string | number | boolean;
        /** one of True, False, Unknown */
        status?: string | number | boolean;
        /** text */
        reason?: string | number | boolean;
      };
      warn?: boolean;
    }
  | {
      metric: {
        /** a node: tor0 */
        on: string | number | boolean;
        /** the name of a metric */
        name: string | number | boolean;
        labels?: Record<string, string | number | boolean>;
        value:
          | number
          | {
              atLeast?: number;
              atMost?: number;
            };
      };
      warn?: boolean;
    }
  | {
      log: {
        /** a node: tor0; a pod: APP@NODE */
        on: string | number | boolean;
        /** agent, a daemon or a container */
        of?: string | number | boolean;
        absent?: boolean;
        /** text */
        contains?: string | number | boolean;
        /** text */
        equals?: string | number | boolean;
        /** a regular expression */
        matches?: string | number | boolean;
      };
      warn?: boolean;
    }
  | {
      exec: {
        /** a node: tor0; a pod: APP@NODE */
        on: string | number | boolean;
        /** a command: one text, split as a shell would without a shell, or a list of words */
        command: string | number | boolean | (string | number | boolean)[];
        /** an exit code from 0 to 255 */
        exitCode?: number;
        stdout?:
          | string
          | number
          | boolean
          | {
              /** text */
              contains?: string | number | boolean;
              /** text */
              equals?: string | number | boolean;
              /** a regular expression */
              matches?: string | number | boolean;
            };
      };
      warn?: boolean;
    }
  | {
      outage: {
        /** the name of a probe */
        probe: string | number | boolean;
        /** a duration such as 10ms, 2s or 1m */
        atLeast?: string;
        /** a duration such as 10ms, 2s or 1m */
        atMost?: string;
        lost?:
          | number
          | {
              /** a number from 0 to 4294967295 */
              atLeast?: number;
              /** a number from 0 to 4294967295 */
              atMost?: number;
            };
      };
      warn?: boolean;
    }
  | {
      converge:
        | string
        | {
            /** a duration such as 10ms, 2s or 1m */
            atLeast?: string;
            /** a duration such as 10ms, 2s or 1m */
            atMost?: string;
          };
      warn?: boolean;
    };

/** A step as a scenario file has it; its name may be left out. */
export type StepInput = { name?: string } & Omit<
  {
    /** what the step shows */
    name: string | number | boolean;
    /** a duration such as 10ms, 2s or 1m */
    within?: string;
    /** a duration such as 10ms, 2s or 1m */
    for?: string;
    /** a duration such as 10ms, 2s or 1m */
    converge?: string;
    beside?: boolean;
    /** a number from 1 to 1000 */
    repeat?: number;
    probe?:
      | {
          /** the probe's name */
          name: string | number | boolean;
          /** a node: tor0; a pod: APP@NODE */
          from: string | number | boolean;
          /** a node: tor0; a pod: APP@NODE; an interface: tor0:net1; the address on a node's lo: tor0.loopback; a service: service/NAMESPACE/NAME; an address: 10.0.0.1 */
          to: string | number | boolean;
          family?: "ipv4" | "ipv6";
          /** a duration such as 10ms, 2s or 1m */
          every?: string;
        }
      | {
          /** the probe's name */
          name: string | number | boolean;
          /** a node: tor0; a pod: APP@NODE */
          from: string | number | boolean;
          /** a node: tor0; a pod: APP@NODE; an interface: tor0:net1; the address on a node's lo: tor0.loopback; a service: service/NAMESPACE/NAME; an address: 10.0.0.1 */
          to: string | number | boolean;
          family?: "ipv4" | "ipv6";
          /** a duration such as 10ms, 2s or 1m */
          every?: string;
        }[];
    do?: EventInput | EventInput[];
    expect?: CheckInput | CheckInput[];
    never?: CheckInput | CheckInput[];
  },
  "name"
>;
